"""Generate passwords and keys once, and store them in the home's state file."""

import base64
import secrets

from config.launcher.embedded.home import Home


def get_or_create_secret(*, home: Home, name: str) -> str:
    """Return the secret called `name`; it needs no quoting in a URL."""
    if (stored := home.read_value(name)) is None:
        stored = secrets.token_urlsafe(36)
        home.store_value(name, stored)
    return str(stored)


def get_or_create_key_ring(*, home: Home, name: str) -> str:
    """Return a key ring of one key of 32 bytes, in the format of SECRETS_KEYS."""
    if (stored := home.read_value(name)) is None:
        stored = f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        home.store_value(name, stored)
    return str(stored)
