"""Test leases: the oldest delivery of each series, fair over endpoints, and fast with a large backlog."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from tests.client import Client
from tests.conftest import NOON
from tests.webhooks.conftest import Sender, sender_of
from webhooks.delivery import leases
from webhooks.delivery.jobs import DeliveryJob
from webhooks.delivery.leases import Capacity
from webhooks.models import Delivery, Endpoint

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PLENTY = Capacity(runs=512, failing=64)
NOWHERE = "https://nowhere.example/"
FILL = """
WITH happened AS (
    INSERT INTO webhooks_event (id, agency_id, account_id, type, data, occurred_at, series)
    SELECT gen_random_uuid(), %(agency)s, %(account)s, 'account.status_changed', '{}', %(now)s, 's' || (n %% %(series)s)
    FROM generate_series(1, %(count)s) AS n
    RETURNING id, series
)
INSERT INTO webhooks_delivery (id, agency_id, endpoint_id, event_id, order_key, state, tries, next_attempt_at, created_at)
SELECT gen_random_uuid(), %(agency)s, endpoint, happened.id, happened.series, 'pending', 0, %(now)s, %(now)s
FROM happened, unnest(%(endpoints)s::uuid[]) AS endpoint
"""


def lease(now: datetime = NOW, *, capacity: Capacity = PLENTY) -> list[list[DeliveryJob]]:
    return leases.lease(capacity=capacity, now=now)


def events(runs: list[list[DeliveryJob]]) -> list[list[str]]:
    """Return the IDs of the leased events, run by run, oldest first."""
    return sorted([job.message_id for job in run] for run in runs)


def change(sender: Sender, delivery: Delivery | None = None, **fields: Any) -> None:
    """Change one delivery, or all, as what happens to them does."""
    with context.agency(sender.client.agency.pk):
        deliveries = Delivery.objects.filter(pk=delivery.pk) if delivery else Delivery.objects.all()
        deliveries.update(**fields)


def failing(sender: Sender, endpoint: Endpoint) -> None:
    with context.agency(sender.client.agency.pk):
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=NOW - HOUR)


def publish_events(sender: Sender, endpoints: list[Endpoint], *, count: int, series: int) -> None:
    """Create deliveries of this many events in this many series to each endpoint."""
    values: dict[str, Any] = {
        "agency": sender.client.agency.pk,
        "account": sender.account.pk,
        "endpoints": [endpoint.pk for endpoint in endpoints],
        "now": NOW,
        "count": count,
        "series": series,
    }
    with context.agency(sender.client.agency.pk), connection.cursor() as cursor:
        cursor.execute(FILL, values)


def settled(sender: Sender, runs: list[list[DeliveryJob]]) -> None:
    """Mark these deliveries as delivered."""
    ids = [job.delivery_id for run in runs for job in run]
    over = {"state": "delivered", "next_attempt_at": None, "leased_until": None, "finished_at": NOW}
    with context.agency(sender.client.agency.pk):
        Delivery.objects.filter(pk__in=ids).update(**over)


def test_job_has_everything_needed_to_send(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    (event,) = sender.publish(now=NOW, current="NORMAL")

    ((job,),) = lease()

    assert (job.agency_id, job.endpoint_id) == (sender.client.agency.pk, endpoint.pk)
    assert (job.url, job.kind, job.tries, job.message_id) == (NOWHERE, "webhook", 0, event)
    assert job.payload["data"] == {"current": "NORMAL", "n": 0}
    assert job.payload["account"] == sender.account.public_id
    assert [len(secret) for secret in job.secrets] == [32]
    assert job.leased_until == NOW + leases.LEASE


def test_leased_delivery_is_not_leased_again_until_lease_ends(sender: Sender) -> None:
    sender.endpoint(NOWHERE)
    sender.publish(now=NOW, count=3)

    first = lease()

    assert events(lease(NOW + leases.LEASE - SECOND)) == []
    assert events(lease(NOW + leases.LEASE)) == events(first)


def test_delivery_that_is_not_due_is_not_leased(sender: Sender) -> None:
    sender.endpoint(NOWHERE)
    sender.publish(now=NOW + MINUTE)

    assert (events(lease()), leases.next_due_at()) == ([], NOW + MINUTE)
    assert len(lease(NOW + MINUTE)) == 1


def test_series_is_leased_as_one_run(sender: Sender) -> None:
    sender.endpoint(NOWHERE)
    odr, lsr = (
        sender.publish(now=NOW, count=3, series="odr:DE:mfn"),
        sender.publish(now=NOW, count=2, series="lsr:DE:mfn"),
    )

    assert events(lease()) == sorted([odr, lsr])


def test_delivery_waits_while_its_series_is_leased(sender: Sender) -> None:
    sender.endpoint(NOWHERE)
    sender.publish(now=NOW, series="odr:DE:mfn")
    first = lease()
    (later,) = sender.publish(now=NOW, series="odr:DE:mfn")

    assert events(lease(NOW + SECOND)) == []
    settled(sender, first)
    assert events(lease(NOW + MINUTE)) == [[later]]


def test_series_waits_for_its_oldest_failed_delivery(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    ids = sender.publish(now=NOW, count=3, series="odr:DE:mfn")
    oldest, *_ = sender.deliveries(endpoint)
    change(sender, oldest, next_attempt_at=NOW + HOUR, tries=3)

    assert [events(lease(NOW + n * MINUTE)) for n in range(59)] == [[]] * 59
    assert events(lease(NOW + HOUR)) == [ids]


def test_waiting_series_is_skipped_as_a_whole(sender: Sender) -> None:
    """A series waits until its oldest delivery is due, so that leases do not read it again and again."""
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW, count=40, series="odr:DE:mfn")
    change(sender, sender.deliveries(endpoint)[0], next_attempt_at=NOW + 30 * MINUTE, tries=2)

    lease()

    assert {delivery.next_attempt_at for delivery in sender.deliveries(endpoint)} == {NOW + 30 * MINUTE}


def test_redelivery_waits_for_leased_delivery_of_its_series(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    (early,) = sender.publish(now=NOW, series="odr:DE:mfn")
    settled(sender, lease())
    sender.publish(now=NOW, series="odr:DE:mfn")
    second = lease()
    change(sender, sender.deliveries(endpoint)[0], state="pending", next_attempt_at=NOW, finished_at=None)

    assert events(lease(NOW + SECOND)) == []
    settled(sender, second)
    assert events(lease(NOW + 2 * SECOND)) == [[early]]


def test_leases_per_endpoint_are_limited(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    publish_events(sender, [endpoint], count=200, series=200)

    first = lease()

    assert [len(run) for run in first] == [1] * 16
    assert lease(NOW + SECOND) == []
    settled(sender, first[:10])
    assert len(lease(NOW + 2 * SECOND)) == 10


def test_leases_of_few_series_reach_the_limit(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    publish_events(sender, [endpoint], count=200, series=4)

    assert sum(len(run) for run in lease()) == leases.MAX_JOBS_PER_ENDPOINT
    assert lease(NOW + SECOND) == []


def test_failing_endpoint_gets_one_lease(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    publish_events(sender, [endpoint], count=30, series=30)
    failing(sender, endpoint)

    runs = lease()

    assert [len(run) for run in runs] == [1]
    assert runs[0][0].is_failing
    assert lease(NOW + SECOND) == []


def test_failing_endpoints_do_not_take_all_capacity(sender: Sender) -> None:
    bad = [sender.endpoint(NOWHERE)[0] for _ in range(6)]
    good = [sender.endpoint(NOWHERE)[0] for _ in range(2)]
    publish_events(sender, bad + good, count=20, series=20)
    for endpoint in bad:
        failing(sender, endpoint)

    counted = Counter(run[0].endpoint_id for run in lease(capacity=Capacity(runs=16, failing=3)))

    assert sum(counted[endpoint.pk] for endpoint in bad) == 3
    assert sum(counted[endpoint.pk] for endpoint in good) == 13


def test_endpoints_take_turns(sender: Sender) -> None:
    big, *small = [sender.endpoint(NOWHERE)[0] for _ in range(9)]
    publish_events(sender, [big], count=500, series=500)
    publish_events(sender, small, count=1, series=1)

    counted = Counter(run[0].endpoint_id for run in lease(capacity=Capacity(runs=12, failing=0)))

    assert [counted[endpoint.pk] for endpoint in small] == [1] * 8
    assert counted[big.pk] == 4


def test_endpoint_without_leases_comes_first(sender: Sender) -> None:
    endpoints = [sender.endpoint(NOWHERE)[0] for _ in range(3)]
    publish_events(sender, endpoints[:2], count=50, series=50)
    lease(capacity=Capacity(runs=4, failing=0))
    publish_events(sender, endpoints[2:], count=1, series=1)

    ((job,),) = lease(NOW, capacity=Capacity(runs=1, failing=0))

    assert job.endpoint_id == endpoints[2].pk


def test_delivery_to_disabled_endpoint_is_leased_to_end_it(sender: Sender) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    sender.publish(now=NOW)
    with context.agency(sender.client.agency.pk):
        Endpoint.objects.filter(pk=endpoint.pk).update(disabled_at=NOW, disabled_reason="by_hand")

    ((job,),) = lease()

    assert job.is_disabled


def test_jobs_of_several_agencies_belong_to_their_agency(sender: Sender) -> None:
    rival = Client(*agencies.create_agency(name="Rival", now=NOON))
    other = sender_of(rival)
    for each in (sender, other):
        each.endpoint(f"https://{each.client.agency.name}.example/")
        each.publish(now=NOW, count=2)

    leased = {(job.agency_id, job.url, len(job.secrets)) for run in lease() for job in run}

    assert leased == {
        (each.client.agency.pk, f"https://{each.client.agency.name}.example/", 1) for each in (sender, other)
    }
    assert context.current_agency_id() is None


def test_undecryptable_secret_delays_no_other_agency(
    sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    rival = Client(*agencies.create_agency(name="Rival", now=NOON))
    other = sender_of(rival)
    for each in (sender, other):
        each.endpoint(NOWHERE)
        each.publish(now=NOW)
    with context.agency(rival.agency.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpointsecret SET encrypted = 'broken'")

    ((job,),) = lease()

    assert job.agency_id == sender.client.agency.pk
    assert f"of agency {rival.agency.pk} cannot be loaded" in caplog.text


def test_workers_lease_different_deliveries(sender: Sender, at_once: Callable[..., list[Any]]) -> None:
    endpoints = [sender.endpoint(NOWHERE)[0] for _ in range(10)]
    publish_events(sender, endpoints, count=20, series=5)

    def take() -> list[list[DeliveryJob]]:
        runs = []
        for _ in range(10):
            runs += lease(capacity=Capacity(runs=6, failing=0))
        connection.close()
        return runs

    hands = at_once(take, take, take)
    ids = [job.delivery_id for runs in hands for run in runs for job in run]

    assert len(set(ids)) == len(ids) == 200
    assert all(hands)


def test_locked_delivery_is_skipped_with_its_series(
    sender: Sender, at_once: Callable[..., list[Any]]
) -> None:
    endpoint, _ = sender.endpoint(NOWHERE)
    first, _second, _third = sender.publish(now=NOW, count=3, series="odr:DE:mfn")

    def elsewhere() -> list[list[str]]:
        with transaction.atomic():
            leased = events(lease())
            transaction.set_rollback(True)
        connection.close()
        return leased

    with context.agency(sender.client.agency.pk):
        locked = Delivery.objects.select_for_update().get(pk=sender.deliveries(endpoint)[1].pk)
        (leased,) = at_once(elsewhere)

    assert locked.state == "pending"
    assert leased == [[first]]


@pytest.mark.parametrize(("count", "series"), [(20_000, 1), (20_000, 20_000), (20_000, 100)])
def test_lease_cost_does_not_depend_on_backlog(sender: Sender, count: int, series: int) -> None:
    endpoints = [sender.endpoint(NOWHERE)[0] for _ in range(20)]
    publish_events(sender, endpoints, count=50, series=50)
    few = count_rows_read(sender)
    publish_events(sender, endpoints[:1], count=count, series=series)
    many = count_rows_read(sender)

    assert many < 4 * few, f"{many} blocks where {few} were enough"


def count_rows_read(sender: Sender) -> int:
    """Return how many blocks of tables and indexes one lease reads, and roll it back."""
    params: list[Any] = [NOW, NOW + leases.LEASE, 40, 0, leases.MAX_JOBS_PER_ENDPOINT]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {leases.LEASE_DELIVERIES}", params)
        ((plan,),) = cursor.fetchall()
        transaction.set_rollback(True)
    (explained,) = plan if isinstance(plan, list) else json.loads(plan)
    return int(explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"])


def test_leased_rows_are_found_by_their_key_although_plans_are_older_than_the_rows(sender: Sender) -> None:
    endpoints = [sender.endpoint(NOWHERE)[0] for _ in range(20)]
    publish_events(sender, endpoints, count=1, series=1)
    # PostgreSQL keeps the plans of a function after some calls.
    for n in range(10):
        lease(NOW + n * HOUR)
    publish_events(sender, endpoints, count=200, series=100)

    with transaction.atomic():
        runs = [*lease(NOW + 20 * HOUR), *lease(NOW + 20 * HOUR + MINUTE / 2)]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, pg_stat_get_xact_tuples_returned(oid) FROM pg_class WHERE relkind IN ('i', 'r')"
            )
            rows_read = dict(cursor.fetchall())

    assert len(runs) > 300
    # Of the table of events, what was read without an index.
    others = ("delivery_by_event", "event_by_account", "webhooks_event")
    assert [rows_read[name] for name in others] == [0, 0, 0]
    assert rows_read["webhooks_delivery_unique_event"] <= 2 * len(runs)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM webhooks_delivery",
        "SELECT id FROM webhooks_endpoint",
        "UPDATE webhooks_delivery SET tries = 1 RETURNING id",
    ],
)
def test_delivery_worker_setting_shows_nothing_to_others(sender: Sender, statement: str) -> None:
    sender.endpoint(NOWHERE)
    sender.publish(now=NOW)

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL underone.all_agencies = 'delivery_worker'")
        cursor.execute(statement)
        assert cursor.fetchall() == []


def test_delivery_worker_functions_cannot_be_replaced_by_application(sender: Sender) -> None:
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="must be owner"),
    ):
        cursor.execute("ALTER FUNCTION next_delivery_at() RESET ALL")
