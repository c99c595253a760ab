"""Record the outcomes of attempts in batches: attempts, states of deliveries, and whether endpoints fail.

`record` locks the endpoints first and their deliveries second, as deleting an endpoint does, so that they
cannot deadlock.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts import audit
from accounts.models import Actor
from accounts.tenancy import context
from api import identifiers, timestamps
from webhooks.channels.http_client import SendResult
from webhooks.delivery import retries
from webhooks.delivery.jobs import DeliveryJob
from webhooks.endpoints import lifecycle as endpoints
from webhooks.events import publishing
from webhooks.models import Attempt, Delivery, Endpoint

GONE = 410
MAX_ERROR_LENGTH = 200
# A `Random` of its own is copied by a fork: all processes of the worker would draw the same jitter.
RANDOM = random.SystemRandom()

RECORD_ATTEMPTS = """
WITH outcome AS (
    SELECT * FROM unnest(
        %(delivery)s::uuid[], %(leased_until)s::timestamptz[], %(state)s::text[], %(next)s::timestamptz[], %(tried)s::boolean[],
        %(attempt)s::uuid[], %(at)s::timestamptz[], %(took)s::integer[], %(status)s::smallint[], %(error)s::text[],
        %(answer)s::text[]
    ) AS outcome (delivery, leased_until, state, next, tried, attempt, at, took, status, error, answer)
),
locked AS MATERIALIZED (  -- without the deliveries that were deleted meanwhile
    SELECT id, state, leased_until FROM webhooks_delivery WHERE agency_id = %(agency)s AND id = ANY (%(delivery)s::uuid[])
    ORDER BY id FOR NO KEY UPDATE
),
attempts AS (
    INSERT INTO webhooks_attempt (id, agency_id, delivery_id, attempted_at, duration_ms, status, error, answer)
    SELECT attempt, %(agency)s, delivery, at, took, status, error, answer
    FROM outcome JOIN locked ON locked.id = delivery WHERE tried
    ON CONFLICT DO NOTHING
)
UPDATE webhooks_delivery AS delivery
SET state = outcome.state, next_attempt_at = outcome.next, tries = delivery.tries + outcome.tried::integer,
    leased_until = NULL, finished_at = CASE WHEN outcome.state = 'pending' THEN NULL ELSE %(now)s END
FROM outcome
JOIN locked ON locked.id = outcome.delivery AND locked.state = 'pending' AND locked.leased_until = outcome.leased_until
WHERE delivery.agency_id = %(agency)s AND delivery.id = ANY (%(delivery)s::uuid[]) AND delivery.id = locked.id
"""
"""Insert the attempts, and update the deliveries that are still under the lease of the outcome."""

RELEASE_NEXT = """
WITH next AS MATERIALIZED (
    SELECT first.id, first.next_attempt_at > %(now)s AND first.leased_until IS NULL AND first.tries = 0 AS waits
    FROM unnest(%(endpoint)s::uuid[], %(order_key)s::text[]) AS done (endpoint, order_key)
    CROSS JOIN LATERAL (
        SELECT * FROM webhooks_delivery AS delivery
        WHERE delivery.agency_id = %(agency)s AND delivery.endpoint_id = done.endpoint AND delivery.state = 'pending'
            AND delivery.order_key BETWEEN done.order_key AND done.order_key
        ORDER BY delivery.order_key, delivery.id LIMIT 1
    ) AS first
)
UPDATE webhooks_delivery AS delivery SET next_attempt_at = %(now)s
WHERE delivery.agency_id = %(agency)s AND delivery.id = ANY (ARRAY(SELECT id FROM next WHERE waits))
"""
"""Make the next delivery of each order key due now, if it waited only for the one before it.

With `BETWEEN x AND x` and this order the planner reads `delivery_pending_in_order`, the only index that needs
no sort.
"""


# The number of pending deliveries changes faster than the planner's statistics. If it expects few, it reads
# and sorts all deliveries of an endpoint; these settings make it follow the indexes instead.
PLANNER_SETTINGS = (
    "SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Store a job and the result of its attempt.

    Without a result, no attempt was made and the delivery is due again: now, or at `due_at`.
    """

    job: DeliveryJob
    result: SendResult | None
    attempted_at: datetime
    duration_ms: int = 0
    due_at: datetime | None = None

    @property
    def is_success(self) -> bool:
        """Return whether an attempt was made and the receiver accepted the event."""
        return self.result is not None and self.result.is_success


@transaction.atomic
def record(*, outcomes: Iterable[Outcome], now: datetime) -> None:
    """Record the outcomes of several agencies in one transaction, which it opens.

    For each agency, in its tenant context:
    1. lock the endpoints   2. record attempts and states   3. make the next delivery of each order key due
    4. record which endpoints fail, and disable those that are gone or have failed too long
    """
    # SET LOCAL ends with the transaction: other statements of this connection are planned as usual.
    with connection.cursor() as cursor:
        cursor.execute(PLANNER_SETTINGS)
    by_agency: dict[UUID, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_agency[outcome.job.agency_id].append(outcome)
    for agency_id, agency_outcomes in by_agency.items():
        context.set_agency(agency_id)
        urls = _lock_endpoints(agency_id, agency_outcomes)
        # Before releasing: a delivery that is still pending would be found as the next of its own order key.
        _record_attempts(agency_id, agency_outcomes, now)
        _release_next(agency_id, agency_outcomes, now)
        # The response of a former address says nothing about the present one.
        current = [each for each in agency_outcomes if urls.get(each.job.endpoint_id) == each.job.url]
        _update_endpoints(agency_id, current, now)
    context.set_agency(None)


def _lock_endpoints(agency_id: UUID, outcomes: list[Outcome]) -> dict[UUID, str]:
    """Lock the endpoints in the order of their IDs, and return their present URLs."""
    # One order for all: two workers that record results of the same endpoints wait for
    # each other instead of deadlocking.
    endpoint_ids = {outcome.job.endpoint_id for outcome in outcomes}
    endpoints = Endpoint.objects.select_for_update(no_key=True).filter(
        agency_id=agency_id, pk__in=endpoint_ids
    )
    return dict(endpoints.order_by("pk").values_list("pk", "url"))


def _record_attempts(agency_id: UUID, outcomes: list[Outcome], now: datetime) -> None:
    rows = [_build_row(outcome, now) for outcome in outcomes]
    columns = map(list, zip(*rows, strict=True))
    names = (
        "delivery",
        "leased_until",
        "state",
        "next",
        "tried",
        "attempt",
        "at",
        "took",
        "status",
        "error",
        "answer",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD_ATTEMPTS, {"agency": agency_id, "now": now, **dict(zip(names, columns, strict=True))}
        )


def _build_row(outcome: Outcome, now: datetime) -> tuple[object, ...]:
    result = outcome.result or SendResult()
    state, next_attempt_at = _next_state(outcome, now)
    return (
        outcome.job.delivery_id,
        outcome.job.leased_until,
        state,
        next_attempt_at,
        outcome.result is not None,
        identifiers.uuid7(),
        outcome.attempted_at,
        outcome.duration_ms,
        result.status,
        result.error[:MAX_ERROR_LENGTH],
        to_text(result.body),
    )


def _next_state(outcome: Outcome, now: datetime) -> tuple[Delivery.State, datetime | None]:
    """Return the delivery's state after the outcome, and when it is due if it is pending."""
    result = outcome.result
    # A job that was not sent does not count as a try, and another worker may lease it when it is due.
    if result is None:
        return Delivery.State.PENDING, outcome.due_at or now
    if result.is_success:
        return Delivery.State.DELIVERED, None
    if result.is_permanent or result.status == GONE:
        return Delivery.State.FAILED, None
    wait = retries.parse_retry_after(status=result.status, retry_after=result.retry_after, now=now)
    retry_at = retries.next_attempt_at(tries=outcome.job.tries + 1, now=now, random=RANDOM, retry_after=wait)
    return (Delivery.State.PENDING, retry_at) if retry_at else (Delivery.State.FAILED, None)


def _release_next(agency_id: UUID, outcomes: list[Outcome], now: datetime) -> None:
    # A delivery that waits for the digest would be found as the next of its own order key.
    done = {
        (outcome.job.endpoint_id, outcome.job.order_key) for outcome in outcomes if outcome.due_at is None
    }
    if not done:
        return
    endpoint_ids, order_keys = zip(*done, strict=True)
    params: dict[str, Any] = {
        "agency": agency_id,
        "endpoint": list(endpoint_ids),
        "order_key": list(order_keys),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(RELEASE_NEXT, params)


def _update_endpoints(agency_id: UUID, outcomes: list[Outcome], now: datetime) -> None:
    """Set or clear `failing_since` by the last attempt at each endpoint, and disable endpoints where due."""
    # Results arrive in any order; the attempt that began last says whether the endpoint works now.
    attempts = sorted(
        (each for each in outcomes if each.result is not None), key=lambda each: each.attempted_at
    )
    last = {outcome.job.endpoint_id: outcome for outcome in attempts}
    working = {endpoint_id for endpoint_id, outcome in last.items() if outcome.is_success}
    endpoints = Endpoint.objects.filter(agency_id=agency_id)
    if working:
        # The filter spares an UPDATE, and a dead row, for every success of a healthy endpoint.
        endpoints.filter(pk__in=working, failing_since__isnull=False).update(failing_since=None)
    if failing := last.keys() - working:
        endpoints.filter(pk__in=failing, failing_since=None).update(failing_since=now)
    for outcome in attempts:
        if outcome.result and outcome.result.status == GONE:
            disable(
                agency_id=agency_id, endpoint_id=outcome.job.endpoint_id, reason=Endpoint.Reason.GONE, now=now
            )
    for endpoint in endpoints.enabled().filter(pk__in=failing):
        if not retries.has_failed_too_long(failing_since=endpoint.failing_since, now=now):
            continue
        if _has_recent_attempt(endpoint, before=last[endpoint.pk].attempted_at):
            disable(agency_id=agency_id, endpoint_id=endpoint.pk, reason=Endpoint.Reason.FAILING, now=now)
        else:
            # Nothing was sent for long, so it is not known that the endpoint failed all the time: start
            # again.
            endpoints.filter(pk=endpoint.pk).update(failing_since=now)


def _has_recent_attempt(endpoint: Endpoint, *, before: datetime) -> bool:
    attempts = Attempt.objects.filter(
        agency_id=endpoint.agency_id, delivery__endpoint=endpoint, attempted_at__lt=before
    )
    return attempts.filter(attempted_at__gte=before - retries.MAX_ATTEMPT_GAP).exists()


def disable(
    *,
    agency_id: UUID,
    endpoint_id: UUID,
    reason: Endpoint.Reason,
    now: datetime,
    actor: Actor = audit.UNDERONE,
) -> None:
    """Disable the endpoint and publish `endpoint.disabled`, unless it is already disabled.

    Requires a transaction.
    """

    endpoint = (
        Endpoint.objects.enabled()
        .select_for_update(no_key=True)
        .filter(agency_id=agency_id, pk=endpoint_id)
        .first()
    )
    if endpoint is None:
        return
    # Before publishing, which creates deliveries to enabled endpoints: the
    # disabled one must not be among them.
    endpoints.disable(endpoint=endpoint, reason=reason, actor=actor, now=now)
    publishing.publish(
        account=None,
        agency_id=agency_id,
        type_="endpoint.disabled",
        data={
            "endpoint": endpoint.public_id,
            "reason": reason.value,
            "disabled_at": timestamps.text(now),
            "failing_since": timestamps.text(endpoint.failing_since) if endpoint.failing_since else None,
        },
        now=now,
        # The time is part of the key: an endpoint can be enabled and disabled again.
        key=f"{endpoint.public_id}:disabled:{timestamps.text(now)}",
    )


def to_text(body: Sequence[int] | bytes) -> str:
    """Return arbitrary bytes as text that PostgreSQL accepts: valid UTF-8 without null characters."""
    return bytes(body).decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
