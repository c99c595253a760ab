"""What may be posted to."""

from urllib.parse import urlsplit


class Forbidden(Exception):
    """Nothing is sent there; the text says why."""


def check(url: str) -> None:
    """Raises Forbidden for a URL that is not https, names no host, or carries a user."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise Forbidden("This is no URL that can be posted to.") from None
    if parts.scheme != "https" or not parts.hostname:
        raise Forbidden("An https URL is needed.")
    if parts.username is not None:
        raise Forbidden("A URL that names a user is not taken.")
