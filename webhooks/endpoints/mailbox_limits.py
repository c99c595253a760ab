"""Limit how many test e-mails an agency sends: to one mailbox, and in total.

The test events are counted: they stay when their endpoint is deleted, so that a new endpoint has no new
limit.
"""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from accounts.mailboxes import addresses as mailboxes
from accounts.models import Agency
from api import identifiers
from webhooks.endpoints import addresses
from webhooks.models import Endpoint, Event

MAX_PER_MAILBOX = 1
MAX_PER_AGENCY = 5
PERIOD = timedelta(minutes=1)
SERIES_PREFIX = "test:mail:"


class LimitReached(Exception):
    """Raise when no test e-mail may be sent before `wait` has passed."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


def reserve(*, endpoint: Endpoint, now: datetime) -> str:
    """Return the series for a test event to this endpoint's mailbox. Raises LimitReached.

    One a minute to a mailbox, with all of its plus addresses, and five a minute from the agency. Requires a
    transaction.
    """

    # The lock before the counts: two tests at once are counted one after the other.
    Agency.objects.locked(agency_id=endpoint.agency_id)
    mailbox_prefix = f"{SERIES_PREFIX}{mailbox_key(endpoint)}:"
    tests = Event.objects.filter(agency_id=endpoint.agency_id, is_test=True, occurred_at__gt=now - PERIOD)
    _check(tests.filter(series__startswith=mailbox_prefix), MAX_PER_MAILBOX, now)
    _check(tests.filter(series__startswith=SERIES_PREFIX), MAX_PER_AGENCY, now)
    return mailbox_prefix + identifiers.uuid7().hex


def _check(tests: QuerySet[Event], maximum: int, now: datetime) -> None:
    moments = list(tests.order_by("-occurred_at").values_list("occurred_at", flat=True)[:maximum])
    if len(moments) == maximum:
        raise LimitReached(moments[-1] + PERIOD - now)


def mailbox_key(endpoint: Endpoint) -> str:
    """Return a digest of the endpoint's mailbox without its plus part.

    It is the same for a mailbox and does not reveal the address.
    """

    mailbox = mailboxes.canonical(addresses.mailbox_of(endpoint.url))
    return salted_hmac(
        f"webhooks.endpoints.mailbox_limits {endpoint.agency_id}", mailbox, algorithm="sha256"
    ).hexdigest()[:32]
