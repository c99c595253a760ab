"""Check that a request names its host (RFC 9112, section 3.2). Pure."""

from collections.abc import Sequence
from urllib.parse import urlsplit


def problem_with(*, headers: Sequence[tuple[str, str]], target: str) -> str | None:
    """Return what is wrong with the host of a request, or None.

    The names of the headers are in capitals. `target` is a path or, for a proxy, a whole URL. Without the
    check, an application would guess the host, and a proxy in front could have read another one.
    """
    # gunicorn refuses requests with two of them.
    host = next((value.strip() for name, value in headers if name == "HOST"), "")
    if not host:
        return "The request has no `Host` header. Send the name of the server, as HTTP/1.1 requires."
    if not target.startswith(("/", "*")) and _authority(target) != host.lower():
        return "The URL of the request names another host than its `Host` header."
    return None


def _authority(target: str) -> str:
    try:
        return urlsplit(target).netloc.lower()
    except ValueError:
        return ""
