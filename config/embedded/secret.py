"""Passwords that nobody has to think of: made once, kept in the home's state file."""

import secrets

from config.embedded.home import Home


def secret_of(*, home: Home, name: str) -> str:
    """The secret called `name`; safe in a URL as it is."""
    if (kept := home.recall(name)) is None:
        kept = secrets.token_urlsafe(36)
        home.remember(name, kept)
    return str(kept)
