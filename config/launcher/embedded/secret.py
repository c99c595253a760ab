"""Generate passwords and keys once, and store them in the home's state file."""

import base64
import secrets

from config.launcher.embedded.home import Home


def secret_of(*, home: Home, name: str) -> str:
    """Return the secret called `name`; it needs no quoting in a URL."""
    if (kept := home.recall(name)) is None:
        kept = secrets.token_urlsafe(36)
        home.remember(name, kept)
    return str(kept)


def key_ring_of(*, home: Home, name: str) -> str:
    """Return a key ring of one key of 32 bytes, in the format of SECRETS_KEYS."""
    if (kept := home.recall(name)) is None:
        kept = f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        home.remember(name, kept)
    return str(kept)
