"""What became of deliveries is written down, many at once: tries, states, and how their endpoints do."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from accounts import audit
from accounts.tenancy import context
from api import identifiers, timestamps
from webhooks.channels.http_client import Answer
from webhooks.delivery import retries
from webhooks.delivery.leases import Parcel
from webhooks.endpoints import lifecycle as endpoints
from webhooks.events import publishing
from webhooks.models import Attempt, Delivery, Endpoint

GONE = 410
LONGEST_ERROR = 200
CHANCE = random.SystemRandom()

WRITE_DOWN = """
WITH told AS (
    SELECT * FROM unnest(
        %(delivery)s::uuid[], %(leased_until)s::timestamptz[], %(state)s::text[], %(next)s::timestamptz[], %(tried)s::boolean[],
        %(attempt)s::uuid[], %(at)s::timestamptz[], %(took)s::integer[], %(status)s::smallint[], %(error)s::text[],
        %(answer)s::text[]
    ) AS told (delivery, leased_until, state, next, tried, attempt, at, took, status, error, answer)
),
held AS MATERIALIZED (  -- what was deleted meanwhile is gone
    SELECT id, state, leased_until FROM webhooks_delivery WHERE agency_id = %(agency)s AND id = ANY (%(delivery)s::uuid[])
    ORDER BY id FOR NO KEY UPDATE
),
tries AS (
    INSERT INTO webhooks_attempt (id, agency_id, delivery_id, attempted_at, duration_ms, status, error, answer)
    SELECT attempt, %(agency)s, delivery, at, took, status, error, answer FROM told JOIN held ON held.id = delivery WHERE tried
    ON CONFLICT DO NOTHING
)
UPDATE webhooks_delivery AS one
SET state = told.state, next_attempt_at = told.next, tries = one.tries + told.tried::integer, leased_until = NULL,
    finished_at = CASE WHEN told.state = 'pending' THEN NULL ELSE %(now)s END
FROM told JOIN held ON held.id = told.delivery AND held.state = 'pending' AND held.leased_until = told.leased_until
WHERE one.agency_id = %(agency)s AND one.id = ANY (%(delivery)s::uuid[]) AND one.id = held.id
"""

LET_FOLLOW = """
WITH next AS MATERIALIZED (
    SELECT first.id, first.next_attempt_at > %(now)s AND first.leased_until IS NULL AND first.tries = 0 AS waits
    FROM unnest(%(endpoint)s::uuid[], %(series)s::text[]) AS over (endpoint, series)
    CROSS JOIN LATERAL (
        SELECT * FROM webhooks_delivery AS one
        WHERE one.agency_id = %(agency)s AND one.endpoint_id = over.endpoint AND one.state = 'pending'
            AND one.order_key BETWEEN over.series AND over.series
        ORDER BY one.order_key, one.id LIMIT 1
    ) AS first
)
UPDATE webhooks_delivery AS one SET next_attempt_at = %(now)s
WHERE one.agency_id = %(agency)s AND one.id = ANY (ARRAY(SELECT id FROM next WHERE waits))
"""
"""The next of a series need not wait any longer than the one before it.

`BETWEEN x AND x` and this order: of all indexes `delivery_pending_in_order` alone gives that without sorting.
"""

STRAIGHT = "SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
"""How many are pending changes faster than the server counts them. Taken for few, all of an endpoint would be read and sorted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One try and what came of it; without an answer the parcel was not tried, and goes back as it was."""

    parcel: Parcel
    answer: Answer | None
    attempted_at: datetime
    took_ms: int = 0

    @property
    def is_success(self) -> bool:
        return self.answer is not None and self.answer.is_success


@transaction.atomic
def settle(*, outcomes: Iterable[Outcome], now: datetime) -> None:
    """Write these down, each in its agency's scope and all at once."""
    with connection.cursor() as cursor:
        cursor.execute(STRAIGHT)
    by_agency: dict[UUID, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_agency[outcome.parcel.agency_id].append(outcome)
    for agency_id, theirs in by_agency.items():
        context.set_agency(agency_id)
        urls = _hold_endpoints(agency_id, theirs)
        _write_down(agency_id, theirs, now)
        _let_follow(agency_id, theirs, now)
        _judge_endpoints(agency_id, [each for each in theirs if urls.get(each.parcel.endpoint_id) == each.parcel.url], now)
    context.set_agency(None)


def _hold_endpoints(agency_id: UUID, outcomes: list[Outcome]) -> dict[UUID, str]:
    """Where they are now; what another address answered says nothing of it.

    Endpoints are held before their deliveries: who deletes an endpoint goes the same way, and neither waits for ever.
    """
    receivers = {outcome.parcel.endpoint_id for outcome in outcomes}
    mine = Endpoint.objects.select_for_update(no_key=True).filter(agency_id=agency_id, pk__in=receivers)
    return dict(mine.order_by("pk").values_list("pk", "url"))


def _write_down(agency_id: UUID, outcomes: list[Outcome], now: datetime) -> None:
    rows = [_row(outcome, now) for outcome in outcomes]
    columns = map(list, zip(*rows, strict=True))
    names = ("delivery", "leased_until", "state", "next", "tried", "attempt", "at", "took", "status", "error", "answer")
    with connection.cursor() as cursor:
        cursor.execute(WRITE_DOWN, {"agency": agency_id, "now": now, **dict(zip(names, columns, strict=True))})


def _row(outcome: Outcome, now: datetime) -> tuple[object, ...]:
    answer = outcome.answer or Answer()
    state, next_attempt_at = _what_follows(outcome, now)
    return (
        outcome.parcel.delivery_id,
        outcome.parcel.leased_until,
        state,
        next_attempt_at,
        outcome.answer is not None,
        identifiers.uuid7(),
        outcome.attempted_at,
        outcome.took_ms,
        answer.status,
        answer.error[:LONGEST_ERROR],
        text_of(answer.body),
    )


def _what_follows(outcome: Outcome, now: datetime) -> tuple[Delivery.State, datetime | None]:
    answer = outcome.answer
    if answer is None:
        return Delivery.State.PENDING, now
    if answer.is_success:
        return Delivery.State.DELIVERED, None
    if answer.forbidden or answer.status == GONE:
        return Delivery.State.FAILED, None
    asked = retries.asked_to_wait(status=answer.status, retry_after=answer.retry_after, now=now)
    again = retries.next_attempt(tries=outcome.parcel.tries + 1, now=now, chance=CHANCE, asked=asked)
    return (Delivery.State.PENDING, again) if again else (Delivery.State.FAILED, None)


def _let_follow(agency_id: UUID, outcomes: list[Outcome], now: datetime) -> None:
    over = {(outcome.parcel.endpoint_id, outcome.parcel.order_key) for outcome in outcomes}
    receivers, series = zip(*over, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(LET_FOLLOW, {"agency": agency_id, "endpoint": list(receivers), "series": list(series), "now": now})


def _judge_endpoints(agency_id: UUID, outcomes: list[Outcome], now: datetime) -> None:
    """The last try decides whether an endpoint fails; the first failure since a success is when that began."""
    tried = sorted((each for each in outcomes if each.answer is not None), key=lambda each: each.attempted_at)
    last = {outcome.parcel.endpoint_id: outcome for outcome in tried}
    well = {endpoint_id for endpoint_id, outcome in last.items() if outcome.is_success}
    mine = Endpoint.objects.filter(agency_id=agency_id)
    if well:
        mine.filter(pk__in=well, failing_since__isnull=False).update(failing_since=None)
    if failing := last.keys() - well:
        mine.filter(pk__in=failing, failing_since=None).update(failing_since=now)
    for outcome in tried:
        if outcome.answer and outcome.answer.status == GONE:
            disable(agency_id=agency_id, endpoint_id=outcome.parcel.endpoint_id, reason=Endpoint.Reason.GONE, now=now)
    for endpoint in mine.enabled().filter(pk__in=failing):
        if not retries.has_failed_too_long(failing_since=endpoint.failing_since, now=now):
            continue
        if _failed_lately(endpoint, before=last[endpoint.pk].attempted_at):
            disable(agency_id=agency_id, endpoint_id=endpoint.pk, reason=Endpoint.Reason.FAILING, now=now)
        else:  # nothing was sent to it for long: that it failed then says nothing of the days since
            mine.filter(pk=endpoint.pk).update(failing_since=now)


def _failed_lately(endpoint: Endpoint, *, before: datetime) -> bool:
    tries = Attempt.objects.filter(agency_id=endpoint.agency_id, delivery__endpoint=endpoint, attempted_at__lt=before)
    return tries.filter(attempted_at__gte=before - retries.LONGEST_SILENCE).exists()


def disable(*, agency_id: UUID, endpoint_id: UUID, reason: Endpoint.Reason, now: datetime) -> None:
    """Nothing is sent to the endpoint any more, and its agency is told. Of one that is disabled already, nothing."""
    endpoint = Endpoint.objects.enabled().select_for_update(no_key=True).filter(agency_id=agency_id, pk=endpoint_id).first()
    if endpoint is None:
        return
    endpoints.disable(endpoint=endpoint, reason=reason, who=audit.UNDERONE, now=now)
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
        key=f"{endpoint.public_id}:disabled:{timestamps.text(now)}",
    )


def text_of(body: Sequence[int] | bytes) -> str:
    """What a text column takes of bytes that may be anything."""
    return bytes(body).decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
