"""Limit how many mails the product sends to a mailbox and for an agency, over all processes and machines.

Counts are kept in the database by one function of the owner role (accounts/migrations). It returns only when a mail may be
sent, and the application's role cannot read the table: who else sends to a mailbox is not revealed. Mailboxes are named
by their digest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.mailboxes import addresses

# All agencies together may send this many times MAIL_LIMIT_MAILBOX to a mailbox, so that one of them cannot keep
# the others from it.
SHARES = 3
# Invitations, confirmations and sign-ups reach people who did not ask for them.
UNREQUESTED = (10, timedelta(days=1))
CONFIRMATIONS = (3, timedelta(days=1))
# For this long an agency cannot ask a mailbox again that refused its mails.
REFUSAL = timedelta(days=7)


@dataclass(frozen=True)
class Allowance:
    """Describe one limit: at most `most` mails in a `period` that begins with the first of them."""

    key: str
    most: int
    period: timedelta


def of_notification(*, agency_id: UUID, mailbox: str) -> list[Allowance]:
    """Return the limits of a mail with events: of the agency, of the mailbox, and of the agency to the mailbox."""
    limit, digest = settings.MAIL_LIMIT_MAILBOX, addresses.key(mailbox)
    allowances = _of_agency(agency_id)
    if limit:
        period = timedelta(seconds=limit.get_expiry())
        allowances += [
            Allowance(f"mailbox:{agency_id.hex}:{digest}", limit.amount, period),
            Allowance(f"mailbox:{digest}", SHARES * limit.amount, period),
        ]
    return allowances


def of_unrequested(*, agency_id: UUID | None, mailbox: str) -> list[Allowance]:
    """Return the limits of a mail that its reader did not ask for. A sign-up has no agency yet."""
    unrequested = Allowance(f"unrequested:{addresses.key(mailbox)}", *UNREQUESTED)
    return [unrequested, *(_of_agency(agency_id) if agency_id else ())]


def of_confirmation(*, agency_id: UUID, mailbox: str) -> Allowance:
    """Return the limit of how often an agency may ask a mailbox to confirm."""
    return Allowance(f"confirmation:{agency_id.hex}:{addresses.key(mailbox)}", *CONFIRMATIONS)


def reserve(*, allowances: Sequence[Allowance], now: datetime) -> datetime | None:
    """Count one mail by all of these limits and return None, or count it by none and return when to try again.

    Needs no tenant context. Locks the counts until the transaction ends, so keep it short.
    """
    if not allowances:
        return None
    keys, mosts, periods = zip(*((each.key, each.most, each.period) for each in allowances), strict=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reserve_mail(%s, %s, %s, %s)", [list(keys), list(mosts), list(periods), now])
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def refuse(*, allowance: Allowance, until: datetime) -> None:
    """Reserve nothing more by this limit until then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT refuse_mail(%s, %s)", [allowance.key, until - allowance.period])


def _of_agency(agency_id: UUID) -> list[Allowance]:
    limit = settings.MAIL_LIMIT_AGENCY
    period = timedelta(seconds=limit.get_expiry()) if limit else timedelta()
    return [Allowance(f"agency:{agency_id.hex}", limit.amount, period)] if limit else []
