"""Deliveries made again on purpose: a test, one that failed or arrived, all that an endpoint missed since a moment."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts import audit
from accounts.models import Actor
from api import identifiers
from webhooks.endpoints import test_mail_limits
from webhooks.events import publishing, wakeup
from webhooks.events.catalogue import TYPES
from webhooks.models import Delivery, Endpoint, Event

TEST = "endpoint.test"
A_TEST_EVERY = timedelta(seconds=1)
RECOVERABLE = timedelta(days=30)

ASKED_FOR = """
    event.occurred_at >= %(since)s AND NOT event.is_test
    AND %(event_types)s::varchar[] && ARRAY['*', split_part(event.type, '.', 1) || '.*', event.type]::varchar[]
    AND (%(accounts)s::uuid[] IS NULL OR event.account_id = ANY (%(accounts)s::uuid[]))
    AND (event.account_id IS NULL OR EXISTS (
        SELECT FROM accounts_selleraccount AS account
        WHERE account.agency_id = event.agency_id AND account.id = event.account_id AND account.deleted_at IS NULL))
"""
BEGIN_ANEW = f"""
UPDATE webhooks_delivery
SET state = 'pending', tries = 0, next_attempt_at = %(now)s, leased_until = NULL, finished_at = NULL
WHERE agency_id = %(agency)s AND id IN (
    SELECT delivery.id FROM webhooks_delivery AS delivery
    JOIN webhooks_event AS event ON event.agency_id = delivery.agency_id AND event.id = delivery.event_id
    WHERE delivery.agency_id = %(agency)s AND delivery.endpoint_id = %(endpoint)s AND delivery.state <> 'delivered'
        AND (delivery.leased_until IS NULL OR delivery.leased_until <= %(now)s)
        AND {ASKED_FOR}
    FOR NO KEY UPDATE OF delivery SKIP LOCKED)
"""
"""What a worker has in hand is left there: it is not waited for while the endpoint is held, which the worker may wait for."""

MAKE_MISSING = f"""
INSERT INTO webhooks_delivery (id, agency_id, endpoint_id, event_id, order_key, state, tries, next_attempt_at, created_at)
SELECT
    -- The moment of the event and a random rest: deliveries are in the order of their events.
    (left(event.id::text, 18) || substr(gen_random_uuid()::text, 19))::uuid,
    event.agency_id, %(endpoint)s, event.id, coalesce(event.account_id::text, '') || ':' || event.series,
    'pending', 0, %(now)s, %(now)s
FROM webhooks_event AS event
WHERE event.agency_id = %(agency)s AND {ASKED_FOR}
    AND NOT EXISTS (
        SELECT FROM webhooks_delivery AS delivery
        WHERE delivery.agency_id = event.agency_id AND delivery.endpoint_id = %(endpoint)s AND delivery.event_id = event.id)
ORDER BY event.id
ON CONFLICT (agency_id, endpoint_id, event_id) DO NOTHING
"""


class Disabled(Exception):
    """Nothing is sent to the endpoint."""


class StillPending(Exception):
    """The delivery is on its way already."""


class TooSoon(Exception):
    """The endpoint was tested a moment ago, or its mailbox, or many were; it can be tested again after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


@transaction.atomic
def send_test(*, endpoint: Endpoint, type_: str, who: Actor, now: datetime) -> Delivery:
    """The delivery of an example event to this endpoint and no other. Raises Disabled, TooSoon, Endpoint.DoesNotExist.

    It waits for no other delivery, and no other one waits for it.
    """
    series = _turn(endpoint, now)
    held = _receiving(endpoint.agency_id, endpoint.pk)
    tests = Event.objects.filter(agency_id=held.agency_id, is_test=True, deliveries__endpoint=held)
    if tests.filter(occurred_at__gt=now - A_TEST_EVERY).exists():
        raise TooSoon(A_TEST_EVERY)
    event = Event.objects.create(
        agency_id=held.agency_id,
        type=TYPES[type_].type,
        data={"endpoint": held.public_id} if type_ == TEST else TYPES[type_].example,
        occurred_at=now,
        series=series,
        is_test=True,
    )
    (delivery,) = publishing.hand_over(
        event=event, endpoints=Endpoint.objects.filter(agency_id=held.agency_id, pk=held.pk), now=now
    )
    _note(held, "endpoint.tested", who, now, type=type_, delivery=delivery.public_id)
    return delivery


@transaction.atomic
def redeliver(*, delivery: Delivery, who: Actor, now: datetime) -> Delivery:
    """The delivery, due at once and with all its tries before it, of the same event.

    Raises Disabled, StillPending, Endpoint.DoesNotExist, Delivery.DoesNotExist.
    """
    endpoint = _receiving(delivery.agency_id, delivery.endpoint_id)
    mine = Delivery.objects.select_for_update(no_key=True, of=("self",)).select_related("event")
    held = mine.filter(agency_id=delivery.agency_id, pk=delivery.pk).first()
    if held is None:
        raise Delivery.DoesNotExist
    if held.state == Delivery.State.PENDING:
        raise StillPending
    held.state, held.tries, held.next_attempt_at = Delivery.State.PENDING, 0, now
    held.leased_until = held.finished_at = None
    held.save(update_fields=["state", "tries", "next_attempt_at", "leased_until", "finished_at"])
    audit.record(
        agency_id=held.agency_id,
        who=who,
        what="delivery.redelivered",
        about=held.public_id,
        detail={"endpoint": endpoint.public_id, "event": held.event.public_id},
        now=now,
    )
    wakeup.after_commit()
    return held


@transaction.atomic
def recover(*, endpoint: Endpoint, since: datetime, who: Actor, now: datetime) -> int:
    """Make due what happened since then and did not reach the endpoint; returns how many deliveries.

    Asked for twice, nothing is delivered twice: what is due already only becomes due at once.
    Raises Disabled, Endpoint.DoesNotExist.
    """
    held = _receiving(endpoint.agency_id, endpoint.pk)
    asked: dict[str, Any] = {"agency": held.agency_id, "endpoint": held.pk, "since": since, "now": now}
    asked |= {"event_types": held.event_types, "accounts": held.accounts}
    due = 0
    with connection.cursor() as cursor:
        for statement in (BEGIN_ANEW, MAKE_MISSING):
            cursor.execute(statement, asked)
            due += cursor.rowcount
    _note(held, "endpoint.recovered", who, now, since=since.isoformat(), deliveries=due)
    wakeup.after_commit()
    return due


def _turn(endpoint: Endpoint, now: datetime) -> str:
    """The series of the test, which no other delivery shares. Raises TooSoon where mails were tested a moment ago."""
    if endpoint.kind != Endpoint.Kind.EMAIL:
        return f"test:{identifiers.uuid7().hex}"
    try:
        return test_mail_limits.take_turn(endpoint=endpoint, now=now)
    except test_mail_limits.Enough as error:
        raise TooSoon(error.wait) from None


def _receiving(agency_id: UUID, endpoint_id: UUID) -> Endpoint:
    """The endpoint, held as it is. Raises Disabled, Endpoint.DoesNotExist."""
    held = Endpoint.objects.locked(agency_id=agency_id, endpoint_id=endpoint_id)
    if held.disabled_at:
        raise Disabled
    return held


def _note(endpoint: Endpoint, what: str, who: Actor, now: datetime, **detail: object) -> None:
    audit.record(agency_id=endpoint.agency_id, who=who, what=what, about=endpoint.public_id, detail=detail, now=now)
