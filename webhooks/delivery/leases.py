"""Deliveries that are due come into a courier's hands, with all that is needed to send them.

A delivery in hand is nobody else's until its lease ends. A courier that is killed leaves its deliveries to the next one then.
What is of an account that was handed back, or of an agency that was closed, is not sent any more: it ends here.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.models import public_account_id
from accounts.tenancy import context
from api import identifiers
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.events import payload
from webhooks.models import Delivery

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=45)
MOST_OF_ONE = 64  # deliveries of one endpoint in hand

TAKE = "SELECT agency, delivery FROM lease_deliveries(%s, %s, %s, %s, %s)"
COLUMNS = (
    *("pk", "endpoint_id", "order_key", "tries"),
    *("endpoint__kind", "endpoint__url", "endpoint__disabled_at", "endpoint__failing_since"),
    *("event_id", "event__type", "event__occurred_at", "event__account_id", "event__data", "event__is_test"),
    *("event__account__name", "event__account__deleted_at", "agency__closed_at"),
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A delivery in hand: where it goes and what is in it."""

    agency_id: UUID
    delivery_id: UUID
    endpoint_id: UUID
    order_key: str
    tries: int
    leased_until: datetime
    kind: str
    url: str
    is_disabled: bool
    fails: bool  # the last thing known of the endpoint is a failure
    message: str  # evt_…
    account_name: str
    envelope: dict[str, Any]
    body: bytes
    secrets: tuple[bytes, ...]
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """How many series a courier can take in hand, and how many of them of endpoints that fail."""

    series: int
    failing: int


def lease(*, room: Room, now: datetime, length: timedelta = LEASE) -> list[list[Parcel]]:
    """What is due, in runs: the oldest deliveries of one series, to be sent one after the other until one fails."""
    until = now + length
    limits = (now, until, room.series, room.failing, MOST_OF_ONE)
    taken: dict[UUID, list[UUID]] = defaultdict(list)
    with transaction.atomic(), connection.cursor() as cursor:
        # A lease that is lost with the server's last moments only means that the delivery is taken again.
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(TAKE, limits)
        for agency_id, delivery_id in cursor.fetchall():
            taken[agency_id].append(delivery_id)
    try:
        return _load(taken, until, now)
    except Exception:
        log.exception("deliveries cannot be loaded together")
        return [run for agency_id, ids in taken.items() for each in ids for run in _load_alone(agency_id, each, until, now)]


def withdrawn() -> frozenset[UUID]:
    """The accounts that were handed back and the agencies that were closed, until they are erased: nothing is sent of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deleted_accounts_and_closed_agencies()")
        return frozenset(row[0] for row in cursor.fetchall())


def is_due(*, now: datetime) -> bool:
    """Whether anything is due at this moment, whoever's it is."""
    due_at = next_due_at()
    return due_at is not None and due_at <= now


def next_due_at() -> datetime | None:
    """The moment at which something is due, whoever's it is; what is in hand counts from the end of its lease."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT next_delivery_at()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


@transaction.atomic
def _load(taken: Mapping[UUID, list[UUID]], until: datetime, now: datetime) -> list[list[Parcel]]:
    runs: dict[tuple[UUID, str], list[Parcel]] = defaultdict(list)
    for agency_id, ids in taken.items():
        context.set_agency(agency_id)
        for parcel in _parcels(agency_id, ids, until, now):
            runs[parcel.endpoint_id, parcel.order_key].append(parcel)
    context.set_agency(None)
    return list(runs.values())


def _load_alone(agency_id: UUID, delivery_id: UUID, until: datetime, now: datetime) -> list[list[Parcel]]:
    """What cannot be read holds up nothing else; it is tried again when its lease is over."""
    try:
        return _load({agency_id: [delivery_id]}, until, now)
    except Exception:
        log.exception("delivery %s of agency %s cannot be loaded", delivery_id, agency_id)
        return []


def _parcels(agency_id: UUID, ids: list[UUID], until: datetime, now: datetime) -> Iterator[Parcel]:
    taken = Delivery.objects.filter(agency_id=agency_id, pk__in=ids).order_by("pk").values(*COLUMNS)
    rows = [row for row in taken if not _is_withdrawn(row)]
    if len(rows) < len(ids):
        _end(agency_id, set(ids) - {row["pk"] for row in rows}, until, now)
    signing = endpoint_secrets.signing_secrets(agency_id=agency_id, endpoint_ids={row["endpoint_id"] for row in rows}, now=now)
    told: dict[UUID, tuple[dict[str, Any], bytes]] = {}
    for row in rows:
        if row["event_id"] not in told:
            content = _envelope(row)
            told[row["event_id"]] = content, payload.body(content)
        yield _parcel(agency_id, row, until, told[row["event_id"]], signing.get(row["endpoint_id"], []))


def _is_withdrawn(row: dict[str, Any]) -> bool:
    return row["event__account__deleted_at"] is not None or row["agency__closed_at"] is not None


def _end(agency_id: UUID, ids: set[UUID], until: datetime, now: datetime) -> None:
    """Those of them that are still in our hands are not tried any more."""
    ours = Delivery.objects.filter(agency_id=agency_id, pk__in=ids, state=Delivery.State.PENDING, leased_until=until)
    ours.update(state=Delivery.State.FAILED, next_attempt_at=None, leased_until=None, finished_at=now)


def _envelope(row: dict[str, Any]) -> dict[str, Any]:
    account = row["event__account_id"]
    return payload.of(
        event=identifiers.public("evt", row["event_id"]),
        type_=row["event__type"],
        occurred_at=row["event__occurred_at"],
        account=public_account_id(account) if account else None,
        data=row["event__data"],
        is_test=row["event__is_test"],
    )


def _parcel(
    agency_id: UUID, row: dict[str, Any], until: datetime, told: tuple[dict[str, Any], bytes], signing: list[bytes]
) -> Parcel:
    content, body = told
    return Parcel(
        agency_id=agency_id,
        delivery_id=row["pk"],
        endpoint_id=row["endpoint_id"],
        order_key=row["order_key"],
        tries=row["tries"],
        leased_until=until,
        kind=row["endpoint__kind"],
        url=row["endpoint__url"],
        is_disabled=row["endpoint__disabled_at"] is not None,
        fails=row["endpoint__failing_since"] is not None,
        message=content["id"],
        account_name=row["event__account__name"] or "",
        envelope=content,
        body=body,
        secrets=tuple(signing),
        account_id=row["event__account_id"],
    )
