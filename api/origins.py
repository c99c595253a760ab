"""Origins of web pages, as browsers send them (RFC 6454): scheme, host and port. Pure."""

import re

ORIGIN = re.compile(r"(https?)://((?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?")
PLAIN = r"^https://([a-z0-9-]{1,40}\.){1,4}[a-z]{2,24}(:[1-9][0-9]{0,3})?$|^http://localhost(:[1-9][0-9]{0,3})?$"
USUAL = {"https": 443, "http": 80}
THIS_MACHINE = {"localhost", "127.0.0.1", "[::1]"}


def parse(text: str) -> str | None:
    """The origin as a browser writes it, or None for what no web page of ours can have: https anywhere, http on this machine."""
    found = ORIGIN.fullmatch(text.lower())
    if found is None:
        return None
    scheme, host, port = found[1], found[2], int(found[3] or USUAL[found[1]])
    if port > 65_535 or (scheme == "http" and not (host in THIS_MACHINE or host.endswith(".localhost"))):
        return None
    return f"{scheme}://{host}" if port == USUAL[scheme] else f"{scheme}://{host}:{port}"
