"""Lease deliveries that are due, and load them as jobs.

A leased delivery belongs to one worker until the lease ends. If the worker is killed, another one leases the
delivery again then. Deliveries of a deleted account or a closed agency are not sent: leasing marks them as
failed.
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
from webhooks.delivery import results
from webhooks.delivery.jobs import DeliveryJob
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.events import payload as event_payload
from webhooks.models import Delivery, Endpoint

log = logging.getLogger(__name__)

# A job may wait in a worker for the lease less the deadline of its attempt and a margin (15 and 5 seconds).
LEASE = timedelta(seconds=45)
MAX_JOBS_PER_ENDPOINT = 64

LEASE_DELIVERIES = "SELECT agency, delivery FROM lease_deliveries(%s, %s, %s, %s, %s)"
# Every row is found by its key, one after the other. Of a table that it takes for small, the planner would read
# and hash all rows of the agency.
LOAD_BY_KEYS = (
    f"{results.PLANNER_SETTINGS}; "
    "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off"
)
COLUMNS = (
    "pk",
    "endpoint_id",
    "order_key",
    "tries",
    "endpoint__kind",
    "endpoint__url",
    "endpoint__disabled_at",
    "endpoint__confirmed_at",
    "endpoint__failing_since",
    "event_id",
    "event__type",
    "event__occurred_at",
    "event__account_id",
    "event__data",
    "event__is_test",
    "event__account__name",
    "event__account__deleted_at",
    "agency__closed_at",
    "agency__language",
)


@dataclass(frozen=True, slots=True)
class Capacity:
    """Store the number of runs that a worker can take, and the number of them for endpoints that fail."""

    runs: int
    failing: int


def lease(*, capacity: Capacity, now: datetime, length: timedelta = LEASE) -> list[list[DeliveryJob]]:
    """Lease due deliveries and return them as runs: jobs with one order key, oldest first, sent one after the
    other.

    Opens a transaction for the lease and another to load the jobs. If they cannot be loaded together, each is
    loaded alone.
    """
    until = now + length
    limits = (now, until, capacity.runs, capacity.failing, MAX_JOBS_PER_ENDPOINT)
    leased_ids: dict[UUID, list[UUID]] = defaultdict(list)
    with transaction.atomic(), connection.cursor() as cursor:
        # A lease lost in a crash of the server only means that the delivery is leased again.
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(LEASE_DELIVERIES, limits)
        for agency_id, delivery_id in cursor.fetchall():
            leased_ids[agency_id].append(delivery_id)
    # The lease is committed before anything is loaded: a delivery that cannot be read would otherwise roll
    # back the lease of all others, at every poll.
    try:
        return _load(leased_ids, until, now)
    except Exception:
        log.exception("deliveries cannot be loaded together")
        return [
            run
            for agency_id, delivery_ids in leased_ids.items()
            for delivery_id in delivery_ids
            for run in _load_one(agency_id, delivery_id, until, now)
        ]


def deleted_or_closed_ids() -> frozenset[UUID]:
    """Return the IDs of deleted accounts and closed agencies that are not erased yet.

    Their jobs are not sent.
    """

    with connection.cursor() as cursor:
        cursor.execute("SELECT deleted_accounts_and_closed_agencies()")
        return frozenset(row[0] for row in cursor.fetchall())


def is_due(*, now: datetime) -> bool:
    """Return whether a delivery of any agency is due."""
    due_at = next_due_at()
    return due_at is not None and due_at <= now


def next_due_at() -> datetime | None:
    """Return when the next delivery of any agency is due. A leased delivery is due when its lease ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT next_delivery_at()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


@transaction.atomic
def _load(leased_ids: Mapping[UUID, list[UUID]], until: datetime, now: datetime) -> list[list[DeliveryJob]]:
    runs: dict[tuple[UUID, str], list[DeliveryJob]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(LOAD_BY_KEYS)
    for agency_id, delivery_ids in leased_ids.items():
        context.set_agency(agency_id)
        for job in load_jobs(agency_id=agency_id, delivery_ids=delivery_ids, until=until, now=now):
            runs[job.endpoint_id, job.order_key].append(job)
    context.set_agency(None)
    return list(runs.values())


def _load_one(agency_id: UUID, delivery_id: UUID, until: datetime, now: datetime) -> list[list[DeliveryJob]]:
    """Return the run of one delivery.

    If it cannot be loaded, return no run; the delivery is due again after its lease.
    """

    try:
        return _load({agency_id: [delivery_id]}, until, now)
    except Exception:
        log.exception("delivery %s of agency %s cannot be loaded", delivery_id, agency_id)
        return []


def load_jobs(
    *, agency_id: UUID, delivery_ids: list[UUID], until: datetime, now: datetime
) -> Iterator[DeliveryJob]:
    """Load leased deliveries of an agency in the order of their events. Requires its tenant context.

    Deliveries of a deleted account or a closed agency are marked as failed instead.
    """
    # IDs of deliveries sort in the order of their events, so a run is in the order in which it is sent.
    deliveries = (
        Delivery.objects.filter(agency_id=agency_id, pk__in=delivery_ids).order_by("pk").values(*COLUMNS)
    )
    rows = [row for row in deliveries if not _is_deleted_or_closed(row)]
    if len(rows) < len(delivery_ids):
        _fail(agency_id, set(delivery_ids) - {row["pk"] for row in rows}, until, now)
    endpoint_ids = {row["endpoint_id"] for row in rows}
    signing = endpoint_secrets.signing_secrets(agency_id=agency_id, endpoint_ids=endpoint_ids, now=now)
    # An event goes to many endpoints: its payload is built and encoded once.
    payloads: dict[UUID, tuple[dict[str, Any], bytes]] = {}
    for row in rows:
        if row["event_id"] not in payloads:
            payload = _build_payload(row)
            payloads[row["event_id"]] = payload, event_payload.encode(payload)
        yield _build_job(
            agency_id, row, until, payloads[row["event_id"]], signing.get(row["endpoint_id"], [])
        )


def _is_deleted_or_closed(row: dict[str, Any]) -> bool:
    return row["event__account__deleted_at"] is not None or row["agency__closed_at"] is not None


def _fail(agency_id: UUID, delivery_ids: set[UUID], until: datetime, now: datetime) -> None:
    """Mark these deliveries as failed, as far as they are still under this lease."""
    # `until` identifies the lease: after it ends, another worker may have leased the delivery again.
    leased = Delivery.objects.filter(
        agency_id=agency_id, pk__in=delivery_ids, state=Delivery.State.PENDING, leased_until=until
    )
    leased.update(state=Delivery.State.FAILED, next_attempt_at=None, leased_until=None, finished_at=now)


def _build_payload(row: dict[str, Any]) -> dict[str, Any]:
    account_id = row["event__account_id"]
    return event_payload.build(
        event=identifiers.public("evt", row["event_id"]),
        type_=row["event__type"],
        occurred_at=row["event__occurred_at"],
        account=public_account_id(account_id) if account_id else None,
        data=row["event__data"],
        is_test=row["event__is_test"],
    )


def _build_job(
    agency_id: UUID,
    row: dict[str, Any],
    until: datetime,
    content: tuple[dict[str, Any], bytes],
    secrets: list[bytes],
) -> DeliveryJob:
    payload, body = content
    return DeliveryJob(
        agency_id=agency_id,
        delivery_id=row["pk"],
        endpoint_id=row["endpoint_id"],
        order_key=row["order_key"],
        tries=row["tries"],
        leased_until=until,
        kind=row["endpoint__kind"],
        url=row["endpoint__url"],
        is_disabled=row["endpoint__disabled_at"] is not None,
        is_unconfirmed=row["endpoint__kind"] == Endpoint.Kind.EMAIL and row["endpoint__confirmed_at"] is None,
        is_failing=row["endpoint__failing_since"] is not None,
        message_id=payload["id"],
        account_name=row["event__account__name"] or "",
        language=row["agency__language"],
        payload=payload,
        body=body,
        secrets=tuple(secrets),
        account_id=row["event__account_id"],
    )
