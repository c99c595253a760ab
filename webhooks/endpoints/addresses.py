"""Where endpoints of each kind are: what is taken as an address, and how much of it is shown again."""

import re
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from webhooks.channels import http_client, url_policy
from webhooks.models import Endpoint

MAILTO = "mailto:"
PRINTABLE = re.compile(r"[!-~]+")
HIDDEN = "…"
NAME = r"([A-Za-z0-9]([A-Za-z0-9-]{0,40}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,24}"
PLAIN = re.compile(
    rf"https://{NAME}(:(443|8443))?([/?][A-Za-z0-9!$%&'()*+,./:;=?@_~-]*)?|mailto:[A-Za-z0-9_+-]{{1,20}}(\.[A-Za-z0-9_+-]{{1,20}}){{0,2}}@{NAME}"
)
"""What the document tells of addresses. An installation that names networks of its own takes more."""


class NotAnAddress(Exception):
    """Nothing can be sent there; the text says why."""


def check(*, kind: str, url: str) -> None:
    """Raises NotAnAddress for what no endpoint of this kind can have."""
    if kind == Endpoint.Kind.EMAIL:
        _check_mailbox(url)
    else:
        _check_url(url)


def shown(*, kind: str, url: str) -> str:
    """The address as it is answered: the path of a chat's incoming webhook is its secret."""
    return f"https://{urlsplit(url).netloc}/{HIDDEN}" if kind == Endpoint.Kind.SLACK else url


def host(*, kind: str, url: str) -> str:
    """The part of the address that holds no secret and no person."""
    return url.rpartition("@")[2] if kind == Endpoint.Kind.EMAIL else urlsplit(url).netloc


def _check_mailbox(url: str) -> None:
    if not url.startswith(MAILTO):
        raise NotAnAddress("An endpoint of this kind reads mailto:name@example.com.")
    try:
        validate_email(unquote(url.removeprefix(MAILTO)))
    except ValidationError:
        raise NotAnAddress("This is no mail address; there is one to an endpoint, and nothing after it.") from None


def _check_url(url: str) -> None:
    if HIDDEN in url:
        raise NotAnAddress("This is the address as it is shown, without its secret; send the whole one, or none to keep it.")
    if not PRINTABLE.fullmatch(url):
        raise NotAnAddress("Write what is not ASCII percent-encoded, and a host's name as xn--….")
    try:
        http_client.check(url)
    except url_policy.Forbidden as forbidden:
        raise NotAnAddress(str(forbidden)) from None
