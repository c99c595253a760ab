"""Validate the address of an endpoint, and hide the secret part of it where it is shown."""

import re
from urllib.parse import unquote, urlsplit

from accounts.mailboxes import addresses as mailboxes
from webhooks.channels import http_client, url_policy
from webhooks.models import Endpoint

MAILTO = "mailto:"
PRINTABLE = re.compile(r"[!-~]+")
HIDDEN = "…"
NAME = r"([A-Za-z0-9]([A-Za-z0-9-]{0,40}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,24}"
# The pattern in the OpenAPI document. An installation with WEBHOOK_ALLOWED_NETWORKS accepts more than it.
PUBLIC_ADDRESS = re.compile(
    rf"https://{NAME}(:(443|8443))?([/?][A-Za-z0-9!$%&'()*+,./:;=?@_~-]*)?|mailto:[A-Za-z0-9_+-]{{1,20}}(\.[A-Za-z0-9_+-]{{1,20}}){{0,2}}@{NAME}"
)


class InvalidAddress(Exception):
    """Raise when nothing can be sent to an address. The text gives the customer the reason."""


def check(*, kind: str, url: str) -> None:
    """Raise InvalidAddress for an address that an endpoint of this kind cannot have."""
    if kind == Endpoint.Kind.EMAIL:
        _check_mailbox(url)
    else:
        _check_url(url)


def redact(*, kind: str, url: str) -> str:
    """Return the address for a response. The path of a chat's incoming webhook is a secret and is left
    out."""
    return f"https://{urlsplit(url).netloc}/{HIDDEN}" if kind == Endpoint.Kind.SLACK else url


def host(*, kind: str, url: str) -> str:
    """Return the host of the address, which contains no secret and no personal data."""
    return url.rpartition("@")[2] if kind == Endpoint.Kind.EMAIL else urlsplit(url).netloc


def mailbox_of(url: str) -> str:
    """Return the e-mail address of a `mailto:` URL."""
    return unquote(url.removeprefix(MAILTO))


def _check_mailbox(url: str) -> None:
    if not url.startswith(MAILTO):
        raise InvalidAddress("The URL of an e-mail endpoint must read mailto:name@example.com.")
    try:
        mailboxes.check(mailbox_of(url))
    except mailboxes.InvalidMailbox as error:
        raise InvalidAddress(str(error)) from None


def _check_url(url: str) -> None:
    # A client that sends back what it read would replace the secret by the placeholder.
    if HIDDEN in url:
        raise InvalidAddress(
            "This is the URL as responses show it, without its secret. Send the complete URL, or omit `url` "
            "to keep it."
        )
    if not PRINTABLE.fullmatch(url):
        raise InvalidAddress(
            "The URL must be ASCII: write other characters percent-encoded, and host names as xn--…."
        )
    try:
        http_client.check(url)
    except url_policy.UrlNotAllowed as error:
        raise InvalidAddress(str(error)) from None
