"""Passwords and keys that nobody has to think of: made once, kept in the home's state file."""

import base64
import secrets

from config.launcher.embedded.home import Home


def secret_of(*, home: Home, name: str) -> str:
    """The secret called `name`; safe in a URL as it is."""
    if (kept := home.recall(name)) is None:
        kept = secrets.token_urlsafe(36)
        home.remember(name, kept)
    return str(kept)


def key_ring_of(*, home: Home, name: str) -> str:
    """The ring called `name`, of one key of 32 bytes, as SECRETS_KEYS reads it."""
    if (kept := home.recall(name)) is None:
        kept = f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        home.remember(name, kept)
    return str(kept)
