"""Parse origins of web pages (scheme, host and port) as browsers send them (RFC 6454). Pure."""

import re

ORIGIN = re.compile(r"(https?)://((?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?")
# A simpler pattern for the OpenAPI document: from its values, generated clients and tests build valid
# origins.
DOCUMENTED = (
    r"^https://([a-z0-9-]{1,40}\.){1,4}[a-z]{2,24}(:[1-9][0-9]{0,3})?$|^http://localhost(:[1-9][0-9]{0,3})?$"
)
DEFAULT_PORTS = {"https": 443, "http": 80}
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}


def parse(text: str) -> str | None:
    """Return the origin as browsers write it, or None if it is neither https on any host nor http on
    localhost."""
    # Browsers send scheme and host in lower case, and leave out the default port.
    match = ORIGIN.fullmatch(text.lower())
    if match is None:
        return None
    scheme, host, port = match[1], match[2], int(match[3] or DEFAULT_PORTS[match[1]])
    if port > 65_535 or (scheme == "http" and not (host in LOCAL_HOSTS or host.endswith(".localhost"))):
        return None
    return f"{scheme}://{host}" if port == DEFAULT_PORTS[scheme] else f"{scheme}://{host}:{port}"
