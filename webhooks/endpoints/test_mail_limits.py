"""How many test mails an agency has sent: to one mailbox, and to all. It is told by the events, which outlive their endpoints."""

from datetime import datetime, timedelta
from urllib.parse import unquote

from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from accounts.models import Agency
from api import identifiers
from webhooks.endpoints.addresses import MAILTO
from webhooks.models import Endpoint, Event

MOST = 5
A_WHILE = timedelta(minutes=1)
SERIES = "test:mail:"


class Enough(Exception):
    """No test mail is sent now, but after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


def take_turn(*, endpoint: Endpoint, now: datetime) -> str:
    """The series of a test event that mails this endpoint's mailbox. Until the transaction ends, others wait. Raises Enough.

    One a minute to a mailbox, whatever stands behind a plus in its name, and five a minute of the agency.
    """
    Agency.objects.locked(agency_id=endpoint.agency_id)
    to_mailbox = f"{SERIES}{mark(endpoint)}:"
    sent = Event.objects.filter(agency_id=endpoint.agency_id, is_test=True, occurred_at__gt=now - A_WHILE)
    _refuse_more(sent.filter(series__startswith=to_mailbox), 1, now)
    _refuse_more(sent.filter(series__startswith=SERIES), MOST, now)
    return to_mailbox + identifiers.uuid7().hex


def _refuse_more(sent: QuerySet[Event], most: int, now: datetime) -> None:
    moments = list(sent.order_by("-occurred_at").values_list("occurred_at", flat=True)[:most])
    if len(moments) == most:
        raise Enough(moments[-1] + A_WHILE - now)


def mark(endpoint: Endpoint) -> str:
    """What tells its mailbox from others, whatever stands behind a plus in the name, and nobody what it is called."""
    name, _, host = unquote(endpoint.url.removeprefix(MAILTO)).lower().rpartition("@")
    mailbox = f"{name.partition('+')[0]}@{host}"
    return salted_hmac(f"webhooks.endpoints.test_mail_limits {endpoint.agency_id}", mailbox, algorithm="sha256").hexdigest()[:32]
