"""Events are written where they happen, in the caller's transaction: with it they are there, without it they never were.

So are their deliveries: who is to be told is decided by the endpoints of that moment.
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

STILL_THERE = """
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
    """The event that this happened, on its way to every endpoint that asks for it.

    Events of one `series` (metric:marketplace:channel) of an account arrive in order at each endpoint, and so do those of none.
    `key` names what happens once: the database refuses a second event of it (IntegrityError). An event of no account names its
    agency. Raises KeyError for a type that the catalogue does not have,
    ValueError where neither is named.
    """
    owner = account.agency_id if account else agency_id
    if owner is None:
        raise ValueError("An event of no account names its agency.")
    event = Event.objects.create(
        agency_id=owner,
        account=account,
        type=TYPES[type_].type,
        data=data,
        occurred_at=now,
        key=key,
        series=series,
    )
    asking = Endpoint.objects.enabled().filter(agency_id=owner, event_types__overlap=patterns_of(type_))
    whole = Q(accounts=None)
    hand_over(event=event, endpoints=asking.filter(whole | Q(accounts__contains=[account.pk]) if account else whole), now=now)
    return event


def hand_over(*, event: Event, endpoints: EndpointQuerySet, now: datetime) -> list[Delivery]:
    """Deliveries of the event to these endpoints, due at once."""
    due = [
        Delivery(
            agency_id=event.agency_id,
            endpoint_id=endpoint_id,
            event=event,
            order_key=f"{event.account_id or ''}:{event.series}",
            next_attempt_at=now,
            created_at=now,
        )
        for endpoint_id in _still_there(event.agency_id, list(endpoints.values_list("pk", flat=True)))
    ]
    if due:
        Delivery.objects.bulk_create(due)
        wakeup.after_commit()
    return due


def _still_there(agency_id: UUID, ids: list[UUID]) -> list[UUID]:
    """Those that nobody deletes until the transaction ends: one that is being deleted is waited for, and is no more."""
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(STILL_THERE, {"agency": agency_id, "endpoints": ids})
        return [row[0] for row in cursor.fetchall()]
