"""Decide which e-mail addresses the product sends to, and which addresses are one mailbox."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.crypto import salted_hmac

MAX_LENGTH = 254
# Names that lead into the network of the installation or nowhere: RFC 6761, 6762, 7686, 8375, 9476, ICANN's
# `internal`, and what routers and companies use. `example` is not listed: nothing can be sent to it.
LOCAL_DOMAINS = frozenset(
    """
    alt arpa corp domain home host internal intranet invalid lan local localdomain localhost mail onion private test
    """.split()  # noqa: SIM905  many words read better as text
)
# Old mail servers pass `a%b@c` and `b!a@c` on to b.
ROUTING = frozenset('%!"')


class InvalidMailbox(Exception):
    """Raise for an address that gets no mail. The text gives the customer the reason."""


def check(address: str) -> None:
    """Raise InvalidMailbox if this is not one public e-mail address."""
    try:
        EmailValidator(allowlist=["localhost", *settings.MAIL_LOCAL_DOMAINS])(address)
    except ValidationError:
        raise InvalidMailbox("Expected exactly one valid e-mail address.") from None
    name, _, domain = address.rpartition("@")
    if len(address) > MAX_LENGTH or not ROUTING.isdisjoint(name):
        raise InvalidMailbox("Expected exactly one valid e-mail address.")
    if domain.startswith("["):
        raise InvalidMailbox("The e-mail address must have a domain name, not an IP address.")
    if not _ascii(domain).isascii():
        raise InvalidMailbox("Expected exactly one valid e-mail address.")
    if _is_local(_ascii(domain)):
        raise InvalidMailbox("The domain of the e-mail address must be a public one.")


def canonical(address: str) -> str:
    """Return the form that all spellings of a mailbox share: lower case, without the part after `+`.

    A new plus part would otherwise be a new mailbox, and a new limit, in front of the same person.
    """
    name, _, domain = address.rpartition("@")
    return f"{name.partition('+')[0].lower()}@{_ascii(domain)}"


def key(address: str) -> str:
    """Return a digest that is the same for all spellings of a mailbox and does not reveal it."""
    return salted_hmac("accounts.mailboxes", canonical(address), algorithm="sha256").hexdigest()[:32]


def _ascii(domain: str) -> str:
    """Return the domain in the form of the DNS. One that the DNS cannot have stays as it is."""
    try:
        return domain.encode("idna").decode().lower().rstrip(".")
    except UnicodeError:
        return domain.lower()


def _is_local(domain: str) -> bool:
    labels = domain.split(".")
    # `corp.internal` of MAIL_LOCAL_DOMAINS allows `shop.corp.internal` too.
    suffixes = {".".join(labels[n:]) for n in range(len(labels))}
    if not suffixes.isdisjoint(settings.MAIL_LOCAL_DOMAINS):
        return False
    # The last label of a public domain has a letter; `192.0.2.10` is an address and `0x7f.1` is read as one.
    is_name = labels[-1].isalpha() or labels[-1].startswith("xn--")
    return len(labels) < 2 or not is_name or labels[-1] in LOCAL_DOMAINS
