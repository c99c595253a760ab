"""Publish events in the transaction of the change that they report, so that both are stored or neither is.

Publishing also creates the deliveries to the endpoints that are enabled, confirmed and subscribed at that moment.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accounts.models import SellerAccount
from webhooks.events import wakeup
from webhooks.events.catalogue import TYPES, patterns_of
from webhooks.models import Delivery, Endpoint, EndpointQuerySet, Event

# ORDER BY id: the order in which the delivery worker locks endpoints as well.
LOCK_EXISTING = """
SELECT id FROM webhooks_endpoint WHERE agency_id = %(agency)s AND id = ANY (%(endpoints)s) ORDER BY id FOR KEY SHARE
"""


def publish(
    *,
    account: SellerAccount | None,
    type_: str,
    data: dict[str, Any],
    now: datetime,
    agency_id: UUID | None = None,
    series: str = "",
    key: str | None = None,
) -> Event:
    """Store the event and a delivery to every endpoint that is subscribed to it. Requires a transaction.

    Events with one `account` and `series` (metric:marketplace:channel, or "") reach each endpoint in order.
    `key` marks what can happen only once: a second event with it is an IntegrityError. An event without an
    account needs `agency_id`, or ValueError is raised. Raises KeyError for a type that the catalogue does not
    have.
    """

    owner_id = account.agency_id if account else agency_id
    if owner_id is None:
        raise ValueError("An event without an account needs agency_id.")
    event = Event.objects.create(
        agency_id=owner_id,
        account=account,
        type=TYPES[type_].type,
        data=data,
        occurred_at=now,
        key=key,
        series=series,
    )
    subscribed = Endpoint.objects.receiving().filter(
        agency_id=owner_id, event_types__overlap=patterns_of(type_)
    )
    all_accounts = Q(accounts=None)
    subscribed = subscribed.filter(
        all_accounts | Q(accounts__contains=[account.pk]) if account else all_accounts
    )
    create_deliveries(event=event, endpoints=subscribed, now=now)
    return event


def create_deliveries(*, event: Event, endpoints: EndpointQuerySet, now: datetime) -> list[Delivery]:
    """Create deliveries of the event to these endpoints, and return them. Requires a transaction.

    They are due now, or with the digest of a mailbox that collects events.
    """
    digests = dict(endpoints.values_list("pk", "digest_at"))
    deliveries = [
        Delivery(
            agency_id=event.agency_id,
            endpoint_id=endpoint_id,
            event=event,
            order_key=f"{event.account_id or ''}:{event.series}",
            next_attempt_at=max(now, digests[endpoint_id] or now),
            created_at=now,
        )
        # A delivery to an endpoint deleted meanwhile would violate its foreign
        # key and undo the caller's change.
        for endpoint_id in _lock_existing(event.agency_id, list(digests))
    ]
    if deliveries:
        Delivery.objects.bulk_create(deliveries)
        wakeup.wake_worker_on_commit()
    return deliveries


def _lock_existing(agency_id: UUID, endpoint_ids: list[UUID]) -> list[UUID]:
    """Lock these endpoints against deletion until the transaction ends, and return those that still exist.

    KEY SHARE waits for a deletion that has begun, but does not block updates and other publishers.
    """
    if not endpoint_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(LOCK_EXISTING, {"agency": agency_id, "endpoints": endpoint_ids})
        return [row[0] for row in cursor.fetchall()]
