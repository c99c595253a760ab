"""Which URLs may be posted to."""

from urllib.parse import urlsplit

NO_URL = "This is no URL that can be posted to."
NO_HTTPS = "Only https is spoken."
NO_USER = "A URL that names a user is not taken."


class Forbidden(Exception):
    """Nothing is ever posted there; the text says why."""


def require(url: str) -> None:
    """Raises Forbidden for a URL that is not https, names no host, or carries a user."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise Forbidden(NO_URL) from None
    if parts.scheme != "https" or not parts.hostname:
        raise Forbidden(NO_HTTPS)
    if parts.username is not None:
        raise Forbidden(NO_USER)
