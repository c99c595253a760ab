"""Ask the owner of a mailbox before events are sent to it, and end the mails when the owner says so.

1. `request` sends a mail with a token. The database stores its digest.
2. `confirm` accepts the token once: events are sent from then on.
3. `subscription` opens the endpoint of the token that every mail to the mailbox contains, to disable it
   (webhooks/delivery/unsubscription.py).

The caller of 2 and 3 is no principal of the agency. The tokens are signed and name the agency and the endpoint, so the tenant
context is entered only for a token of ours.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction

from accounts import audit
from accounts.mailboxes import addresses as mailboxes
from accounts.mailboxes import allowances
from accounts.models import Actor
from accounts.people import mail
from accounts.tenancy import context
from api import timestamps
from webhooks.endpoints import addresses
from webhooks.models import Endpoint

CONFIRM_HEAD, UNSUBSCRIBE_HEAD = "uo_box_", "uo_end_"
CONFIRM_SALT, UNSUBSCRIBE_SALT = "webhooks.endpoints.confirmation", "webhooks.endpoints.unsubscription"
LIFETIME = timedelta(days=7)
# The actor in the audit log: whoever reads the mailbox.
MAILBOX_OWNER = Actor("mailbox")
PAGES = "/mailboxes"


class UnknownToken(Exception):
    """Raise when a token is unknown, expired, replaced, or of an endpoint or address that is gone."""


class AskedTooOften(Exception):
    """Raise when the mailbox may be asked again at `free_at` at the earliest."""

    def __init__(self, free_at: datetime) -> None:
        super().__init__(free_at)
        self.free_at = free_at


@dataclass(frozen=True, slots=True)
class MailboxOfAgency:
    """Describe what a token is about, for the page that asks its reader."""

    agency_name: str
    mailbox: str


def request(*, endpoint: Endpoint, now: datetime) -> None:
    """Send a mail with a new token to the endpoint's mailbox, which replaces the former token. Saves the endpoint.

    Requires a transaction that holds the endpoint's lock. Raises AskedTooOften.
    """
    mailbox = addresses.mailbox_of(endpoint.url)
    allowance = allowances.of_confirmation(agency_id=endpoint.agency_id, mailbox=mailbox)
    if free_at := allowances.reserve(allowances=[allowance], now=now):
        raise AskedTooOften(free_at)
    names = {
        "agency": endpoint.agency_id.hex,
        "endpoint": endpoint.pk.hex,
        "secret": secrets.token_urlsafe(24),
    }
    token = CONFIRM_HEAD + signing.dumps(names, salt=CONFIRM_SALT)
    endpoint.confirmed_at, endpoint.confirmation_digest = None, _digest(token)
    endpoint.confirmation_sent_at, endpoint.confirmation_expires_at = now, now + LIFETIME
    endpoint.save(
        update_fields=[
            *("confirmed_at", "confirmation_digest", "confirmation_sent_at", "confirmation_expires_at")
        ]
    )
    values = {
        "agency": endpoint.agency.name,
        "until": timestamps.text(endpoint.confirmation_expires_at),
        "token": token,
        "link": _page("confirm", token),
        "unsubscribe": unsubscribe_url(
            agency_id=endpoint.agency_id, endpoint_id=endpoint.pk, url=endpoint.url
        ),
    }
    mail.queue(
        kind="mailbox_confirmation",
        to=mailbox,
        values=values,
        expires_in=int(LIFETIME.total_seconds()),
        language=endpoint.agency.language,
        agency_id=endpoint.agency_id,
    )


@transaction.atomic
def confirm(*, token: str, now: datetime) -> MailboxOfAgency:
    """Send events to the mailbox of the token from now on. Raises UnknownToken. Opens a transaction."""
    names = _read(token, head=CONFIRM_HEAD, salt=CONFIRM_SALT)
    with context.agency(UUID(hex=names["agency"])):
        endpoint = _locked(names)
        _check_digest(endpoint, token, now)
        endpoint.confirmed_at, endpoint.confirmation_digest = now, None
        endpoint.save(update_fields=["confirmed_at", "confirmation_digest"])
        _record(endpoint, "endpoint.confirmed", now)
        return describe(endpoint=endpoint)


@transaction.atomic
def find_by_token(*, token: str, now: datetime) -> MailboxOfAgency:
    """Return what a token that confirms is about. Changes nothing. Raises UnknownToken. Opens a transaction."""
    names = _read(token, head=CONFIRM_HEAD, salt=CONFIRM_SALT)
    with context.agency(UUID(hex=names["agency"])):
        endpoint = _locked(names)
        _check_digest(endpoint, token, now)
        return describe(endpoint=endpoint)


def unsubscribe_url(*, agency_id: UUID, endpoint_id: UUID, url: str) -> str:
    """Return the page that ends the mails to this address, or "" if the installation names no URL of its own.

    The token does not expire: a mail may be read years later. It is bound to the address of the endpoint.
    """
    names = {"agency": agency_id.hex, "endpoint": endpoint_id.hex, "mailbox": _address_digest(url)}
    return _page("unsubscribe", UNSUBSCRIBE_HEAD + signing.dumps(names, salt=UNSUBSCRIBE_SALT))


@contextmanager
def subscription(*, token: str) -> Iterator[Endpoint]:
    """Open a transaction in the tenant context of a token that unsubscribes, with its endpoint locked.

    Raises UnknownToken.
    """
    names = _read(token, head=UNSUBSCRIBE_HEAD, salt=UNSUBSCRIBE_SALT)
    with context.agency(UUID(hex=names["agency"])):
        endpoint = _locked(names)
        if _address_digest(endpoint.url) != names["mailbox"]:
            raise UnknownToken
        yield endpoint


def record_refusal(*, endpoint: Endpoint, now: datetime) -> None:
    """Let the mailbox be asked again only after a while. Saves the endpoint.

    Requires a transaction that holds the endpoint's lock.
    """
    endpoint.confirmation_digest = None
    endpoint.save(update_fields=["confirmation_digest"])
    mailbox = addresses.mailbox_of(endpoint.url)
    allowance = allowances.of_confirmation(agency_id=endpoint.agency_id, mailbox=mailbox)
    allowances.refuse(allowance=allowance, until=now + allowances.REFUSAL)
    _record(endpoint, "endpoint.unsubscribed", now)


def describe(*, endpoint: Endpoint) -> MailboxOfAgency:
    """Return what the page says about the endpoint of a token."""
    return MailboxOfAgency(endpoint.agency.name, addresses.mailbox_of(endpoint.url))


def _page(name: str, token: str) -> str:
    return f"{settings.PUBLIC_URL}{PAGES}/{name}?token={token}" if settings.PUBLIC_URL else ""


def _read(token: str, *, head: str, salt: str) -> dict[str, Any]:
    """Return the names that a token of ours contains. Raises UnknownToken."""
    if not token.startswith(head):
        raise UnknownToken
    try:
        return dict(signing.loads(token.removeprefix(head), salt=salt))
    except signing.BadSignature:
        raise UnknownToken from None


def _locked(names: dict[str, Any]) -> Endpoint:
    """Return the endpoint of a token, locked. Raises UnknownToken, also for a closed agency."""
    agency_id, endpoint_id = UUID(hex=names["agency"]), UUID(hex=names["endpoint"])
    try:
        endpoint = Endpoint.objects.locked(agency_id=agency_id, endpoint_id=endpoint_id)
    except Endpoint.DoesNotExist:
        raise UnknownToken from None
    if endpoint.kind != Endpoint.Kind.EMAIL or endpoint.agency.closed_at is not None:
        raise UnknownToken
    return endpoint


def _check_digest(endpoint: Endpoint, token: str, now: datetime) -> None:
    stored, until = endpoint.confirmation_digest, endpoint.confirmation_expires_at
    if stored is None or until is None or until <= now or bytes(stored) != _digest(token):
        raise UnknownToken


def _record(endpoint: Endpoint, what: str, now: datetime) -> None:
    audit.record(
        agency_id=endpoint.agency_id,
        actor=MAILBOX_OWNER,
        what=what,
        about=endpoint.public_id,
        detail={"host": addresses.host(kind=endpoint.kind, url=endpoint.url)},
        now=now,
    )


def _digest(token: str) -> bytes:
    # The token has 192 random bits, so a fast hash is enough.
    return hashlib.sha256(token.encode()).digest()


def _address_digest(url: str) -> str:
    # Without a key: the mailbox's own mails contain it, and it must outlast a change of SECRET_KEY.
    return hashlib.sha256(mailboxes.canonical(addresses.mailbox_of(url)).encode()).hexdigest()[:32]
