"""Deliver on request: send a test event, redeliver one delivery, recover the events that an endpoint missed
since a moment."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts import audit
from accounts.models import Actor
from api import identifiers
from webhooks.endpoints import mailbox_limits
from webhooks.events import publishing, wakeup
from webhooks.events.catalogue import TYPES
from webhooks.models import Delivery, Endpoint, Event

TEST_TYPE = "endpoint.test"
TEST_INTERVAL = timedelta(seconds=1)
MAX_RECOVERY_AGE = timedelta(days=30)

# The events since a moment to which the endpoint is subscribed, without those of deleted accounts.
SUBSCRIBED = """
    event.occurred_at >= %(since)s AND NOT event.is_test
    AND %(event_types)s::varchar[] && ARRAY['*', split_part(event.type, '.', 1) || '.*', event.type]::varchar[]
    AND (%(accounts)s::uuid[] IS NULL OR event.account_id = ANY (%(accounts)s::uuid[]))
    AND (event.account_id IS NULL OR EXISTS (
        SELECT FROM accounts_selleraccount AS account
        WHERE account.agency_id = event.agency_id AND account.id = event.account_id AND account.deleted_at IS NULL))
"""
RESET_UNDELIVERED = f"""
UPDATE webhooks_delivery
SET state = 'pending', tries = 0, next_attempt_at = %(now)s, leased_until = NULL, finished_at = NULL
WHERE agency_id = %(agency)s AND id IN (
    SELECT delivery.id FROM webhooks_delivery AS delivery
    JOIN webhooks_event AS event ON event.agency_id = delivery.agency_id AND event.id = delivery.event_id
    WHERE delivery.agency_id = %(agency)s AND delivery.endpoint_id = %(endpoint)s AND delivery.state <> 'delivered'
        AND (delivery.leased_until IS NULL OR delivery.leased_until <= %(now)s)
        AND {SUBSCRIBED}
    FOR NO KEY UPDATE OF delivery SKIP LOCKED)
"""
"""Make undelivered deliveries due, with all their attempts available again.

SKIP LOCKED, and no leased deliveries: a worker that has locked one may be waiting for the endpoint, which is
locked here.
"""


CREATE_MISSING = f"""
INSERT INTO webhooks_delivery (id, agency_id, endpoint_id, event_id, order_key, state, tries, next_attempt_at, created_at)
SELECT
    -- The time of the event (the first 48 bits of a UUIDv7) and random bits: deliveries sort in the order of their events.
    (left(event.id::text, 18) || substr(gen_random_uuid()::text, 19))::uuid,
    event.agency_id, %(endpoint)s, event.id, coalesce(event.account_id::text, '') || ':' || event.series,
    'pending', 0, %(now)s, %(now)s
FROM webhooks_event AS event
WHERE event.agency_id = %(agency)s AND {SUBSCRIBED}
    AND NOT EXISTS (
        SELECT FROM webhooks_delivery AS delivery
        WHERE delivery.agency_id = event.agency_id AND delivery.endpoint_id = %(endpoint)s AND delivery.event_id = event.id)
ORDER BY event.id
ON CONFLICT (agency_id, endpoint_id, event_id) DO NOTHING
"""


class EndpointIsDisabled(Exception):
    """Raise when nothing can be delivered because the endpoint is disabled."""


class EndpointIsUnconfirmed(Exception):
    """Raise when nothing can be delivered because the mailbox's owner has not confirmed the endpoint."""


class DeliveryIsPending(Exception):
    """Raise when a delivery cannot be redelivered because it is still pending."""


class TooManyTests(Exception):
    """Raise when a test must wait for `wait`, because the endpoint, its mailbox or the agency sent one a
    moment ago."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


@transaction.atomic
def send_test(*, endpoint: Endpoint, type_: str, actor: Actor, now: datetime) -> Delivery:
    """Publish an example event to this endpoint only, and return its delivery.

    The event has an order key of its own, so that it waits for no other delivery and delays none.
    Raises EndpointIsDisabled, EndpointIsUnconfirmed, TooManyTests, Endpoint.DoesNotExist. Opens a transaction.
    """
    # Reserving locks the agency, which is locked before its endpoints everywhere.
    series = _reserve_test(endpoint, now)
    locked = _lock_enabled(endpoint.agency_id, endpoint.pk)
    tests = Event.objects.filter(agency_id=locked.agency_id, is_test=True, deliveries__endpoint=locked)
    if tests.filter(occurred_at__gt=now - TEST_INTERVAL).exists():
        raise TooManyTests(TEST_INTERVAL)
    event = Event.objects.create(
        agency_id=locked.agency_id,
        type=TYPES[type_].type,
        data={"endpoint": locked.public_id} if type_ == TEST_TYPE else TYPES[type_].example,
        occurred_at=now,
        series=series,
        is_test=True,
    )
    only_this = Endpoint.objects.filter(agency_id=locked.agency_id, pk=locked.pk)
    (delivery,) = publishing.create_deliveries(event=event, endpoints=only_this, now=now)
    _record_audit(locked, "endpoint.tested", actor, now, type=type_, delivery=delivery.public_id)
    return delivery


@transaction.atomic
def redeliver(*, delivery: Delivery, actor: Actor, now: datetime) -> Delivery:
    """Make a finished delivery due now, with all its attempts available again, and return it.

    Raises EndpointIsDisabled, EndpointIsUnconfirmed, DeliveryIsPending, Endpoint.DoesNotExist,
    Delivery.DoesNotExist. Opens a transaction.
    """

    # The endpoint before the delivery: workers lock in this order.
    endpoint = _lock_enabled(delivery.agency_id, delivery.endpoint_id)
    # Only the delivery: without `of` the joined event would be locked as well.
    deliveries = Delivery.objects.select_for_update(no_key=True, of=("self",)).select_related("event")
    locked = deliveries.filter(agency_id=delivery.agency_id, pk=delivery.pk).first()
    if locked is None:
        raise Delivery.DoesNotExist
    if locked.state == Delivery.State.PENDING:
        raise DeliveryIsPending
    locked.state, locked.tries, locked.next_attempt_at = Delivery.State.PENDING, 0, now
    locked.leased_until = locked.finished_at = None
    locked.save(update_fields=["state", "tries", "next_attempt_at", "leased_until", "finished_at"])
    audit.record(
        agency_id=locked.agency_id,
        actor=actor,
        what="delivery.redelivered",
        about=locked.public_id,
        detail={"endpoint": endpoint.public_id, "event": locked.event.public_id},
        now=now,
    )
    wakeup.wake_worker_on_commit()
    return locked


@transaction.atomic
def recover(*, endpoint: Endpoint, since: datetime, actor: Actor, now: datetime) -> int:
    """Make every event since then due that the endpoint subscribes to and has not received. Return their
    number.

    Calling it again does not send an event again, because pending deliveries only become due now. Raises
    EndpointIsDisabled, EndpointIsUnconfirmed, Endpoint.DoesNotExist. Opens a transaction.
    """

    # With the endpoint locked, nothing can disable or delete it before its deliveries exist.
    locked = _lock_enabled(endpoint.agency_id, endpoint.pk)
    params: dict[str, Any] = {"agency": locked.agency_id, "endpoint": locked.pk, "since": since, "now": now}
    params |= {"event_types": locked.event_types, "accounts": locked.accounts}
    count = 0
    with connection.cursor() as cursor:
        # In this order: deliveries that the second statement creates would be counted by the first as well.
        for statement in (RESET_UNDELIVERED, CREATE_MISSING):
            cursor.execute(statement, params)
            count += cursor.rowcount
    _record_audit(locked, "endpoint.recovered", actor, now, since=since.isoformat(), deliveries=count)
    wakeup.wake_worker_on_commit()
    return count


def _reserve_test(endpoint: Endpoint, now: datetime) -> str:
    """Return a series for the test event that no other event has. Raises TooManyTests for a mailbox."""
    if endpoint.kind != Endpoint.Kind.EMAIL:
        return f"test:{identifiers.uuid7().hex}"
    try:
        return mailbox_limits.reserve(endpoint=endpoint, now=now)
    except mailbox_limits.LimitReached as error:
        raise TooManyTests(error.wait) from None


def _lock_enabled(agency_id: UUID, endpoint_id: UUID) -> Endpoint:
    """Lock the endpoint and return it.

    Raises EndpointIsDisabled, EndpointIsUnconfirmed, Endpoint.DoesNotExist.
    """
    endpoint = Endpoint.objects.locked(agency_id=agency_id, endpoint_id=endpoint_id)
    if endpoint.disabled_at:
        raise EndpointIsDisabled
    if endpoint.is_unconfirmed:
        raise EndpointIsUnconfirmed
    return endpoint


def _record_audit(endpoint: Endpoint, what: str, actor: Actor, now: datetime, **detail: object) -> None:
    audit.record(
        agency_id=endpoint.agency_id, actor=actor, what=what, about=endpoint.public_id, detail=detail, now=now
    )
