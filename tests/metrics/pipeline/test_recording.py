"""Test recording of facts: the newest statement wins in any order of arrival, and past states are stored."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from pytest_django.fixtures import Settings

from accounts.tenancy import context
from metrics.models import Defect, Order, PastDefect, PastOrder, SourceLoad
from metrics.pipeline import recording
from metrics.pipeline.recording import Recorded
from metrics.rules.facts import DefectFact, Fact, OrderFact, OrderStatus
from tests.client import Client
from tests.metrics.fact_recorder import (
    A_MOMENT,
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TWELVE,
    FactRecorder,
    defect,
    order,
    orders,
)

NEXT_DAY = DAY + timedelta(days=1)
NOTHING = Recorded(new=0, changed=0, touched=frozenset())
PLACED = order(status=OrderStatus.UNSHIPPED, last_updated_at=NINE)
SHIPPED = order(status=OrderStatus.SHIPPED, last_updated_at=TEN)
CANCELLED = order(status=OrderStatus.CANCELLED, last_updated_at=ELEVEN)


def known_order() -> OrderFact:
    return OrderFact(*Order.objects.values_list(*OrderFact._fields[:6]).get())


@pytest.mark.parametrize("arrived", [*permutations((PLACED, SHIPPED, CANCELLED))])
def test_order_newest_fact_wins_in_any_order_of_arrival(
    recorder: FactRecorder, arrived: tuple[OrderFact, ...]
) -> None:
    for statement, at in zip(arrived, (NINE, TEN, ELEVEN), strict=True):
        recorder.record(statement, at=at)

    assert known_order() == CANCELLED


@pytest.mark.parametrize("lines", [*permutations((PLACED, SHIPPED, CANCELLED))])
def test_order_line_of_the_report_does_not_decide(
    recorder: FactRecorder, lines: tuple[OrderFact, ...]
) -> None:
    recorded = recorder.record(*lines)

    assert recorded == Recorded(new=1, changed=0, touched=frozenset({DAY}))
    assert known_order() == CANCELLED
    assert not PastOrder.objects.exists()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (order(status=OrderStatus.PENDING), order(status=OrderStatus.UNSHIPPED)),
        (order(status=OrderStatus.UNSHIPPED), order(status=OrderStatus.PARTIALLY_SHIPPED)),
        (order(status=OrderStatus.PARTIALLY_SHIPPED), order(status=OrderStatus.SHIPPED)),
        (order(status=OrderStatus.SHIPPED), order(status=OrderStatus.CANCELLED)),
        (order(), order(ordered_at=order().ordered_at + timedelta(hours=1))),
        (order(marketplace="DE"), order(marketplace="US")),
        (order(channel="afn"), order(channel="mfn")),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_order_later_state_wins_at_the_same_moment(
    recorder: FactRecorder, one: OrderFact, other: OrderFact, together: bool
) -> None:
    for statements in permutations((one, other)):
        Order.objects.all().delete()
        for report in [statements] if together else [(each,) for each in statements]:
            recorder.record(*report)

        assert known_order() == other


def test_order_with_several_rows_is_one_order(recorder: FactRecorder) -> None:
    recorded = recorder.record(*[order(1)] * 3, *[order(2)] * 2)

    assert recorded == Recorded(new=2, changed=0, touched=frozenset({DAY}))


def test_order_recorded_again_is_unchanged(recorder: FactRecorder) -> None:
    report_id = UUID(int=7)
    recorder.record(*orders(3), report_id=report_id)
    before = list(Order.objects.order_by("order_id").values())

    again = recorder.record(*orders(3), at=TEN, report_id=report_id)
    elsewhere = recorder.record(*orders(3), at=ELEVEN)

    assert again == elsewhere == NOTHING
    assert list(Order.objects.order_by("order_id").values()) == before
    assert not PastOrder.objects.exists()


def test_order_later_fact_with_the_same_content_keeps_the_row(recorder: FactRecorder) -> None:
    recorder.record(SHIPPED, at=NINE)

    restated = recorder.record(SHIPPED._replace(last_updated_at=TWELVE), at=TEN)
    late = recorder.record(CANCELLED, at=ELEVEN)

    assert restated == late == NOTHING
    assert Order.objects.values_list("status", "recorded_at", "last_updated_at").get() == (
        OrderStatus.SHIPPED,
        NINE,
        TWELVE,
    )
    assert not PastOrder.objects.exists()


def test_order_change_keeps_the_replaced_state_with_its_moments(recorder: FactRecorder) -> None:
    recorder.record(PLACED, at=NINE, report_id=UUID(int=1))

    changed = recorder.record(SHIPPED, at=TEN, report_id=UUID(int=2))

    past = PastOrder.objects.get()
    assert changed == Recorded(new=0, changed=1, touched=frozenset({DAY}))
    assert (past.recorded_at, past.superseded_at, past.status) == (NINE, TEN, OrderStatus.UNSHIPPED)
    assert (past.last_updated_at, past.report_id) == (PLACED.last_updated_at, UUID(int=1))
    assert Order.objects.values_list("recorded_at", "report_id").get() == (TEN, UUID(int=2))


def test_order_changes_keep_states_without_gaps(recorder: FactRecorder) -> None:
    for statement, at in zip((PLACED, SHIPPED, CANCELLED), (NINE, TEN, ELEVEN), strict=True):
        recorder.record(statement, at=at)

    spans = PastOrder.objects.order_by("recorded_at").values_list("recorded_at", "superseded_at", "status")
    assert list(spans) == [(NINE, TEN, OrderStatus.UNSHIPPED), (TEN, ELEVEN, OrderStatus.SHIPPED)]
    assert Order.objects.get().recorded_at == ELEVEN


@pytest.mark.parametrize(
    "change",
    [
        {"status": OrderStatus.CANCELLED},
        {"marketplace": "DE"},
        {"channel": "afn"},
        {"ordered_at": datetime(2026, 10, 1, 13, tzinfo=UTC)},
    ],
)
def test_order_change_of_any_column_touches_its_day(recorder: FactRecorder, change: dict[str, Any]) -> None:
    recorder.record(SHIPPED)

    changed = recorder.record(SHIPPED._replace(last_updated_at=TWELVE, **change), at=TEN)

    assert changed == Recorded(new=0, changed=1, touched=frozenset({DAY}))
    assert PastOrder.objects.count() == 1


def test_order_moved_to_another_day_touches_both_days(recorder: FactRecorder) -> None:
    recorder.record(SHIPPED)

    moved = recorder.record(order(on=NEXT_DAY, last_updated_at=TWELVE), at=TEN)

    assert moved.touched == {DAY, NEXT_DAY}
    assert PastOrder.objects.get().ordered_on == DAY
    assert Order.objects.get().ordered_on == NEXT_DAY


def test_order_unchanged_touches_no_day(recorder: FactRecorder) -> None:
    recorder.record(*orders(2), order(3, on=NEXT_DAY))

    recorded = recorder.record(
        order(1),
        order(3, on=NEXT_DAY, status=OrderStatus.CANCELLED, last_updated_at=TWELVE),
        order(4, on=DAY),
        at=TEN,
    )

    assert recorded == Recorded(new=1, changed=1, touched=frozenset({DAY, NEXT_DAY}))


@pytest.mark.parametrize(
    ("marketplace", "ordered_at", "day"),
    [
        ("US", datetime(2026, 10, 1, 6, 59, tzinfo=UTC), "2026-09-30"),
        ("US", datetime(2026, 10, 1, 7, 0, tzinfo=UTC), "2026-10-01"),
        ("US", datetime(2026, 12, 1, 7, 59, tzinfo=UTC), "2026-11-30"),
        ("JP", datetime(2026, 10, 1, 14, 59, tzinfo=UTC), "2026-10-01"),
        ("JP", datetime(2026, 10, 1, 15, 0, tzinfo=UTC), "2026-10-02"),
        ("DE", datetime(2026, 10, 1, 23, 59, tzinfo=UTC), "2026-10-01"),
    ],
)
def test_order_day_is_utc_unless_the_marketplace_has_a_zone(
    recorder: FactRecorder, settings: Settings, marketplace: str, ordered_at: datetime, day: str
) -> None:
    settings.MARKETPLACE_ZONES = {"US": "America/Los_Angeles", "JP": "Asia/Tokyo"}

    recorded = recorder.record(order(marketplace=marketplace, ordered_at=ordered_at))

    assert {each.isoformat() for each in recorded.touched} == {day}


def test_order_day_follows_a_zone_configured_later(recorder: FactRecorder, settings: Settings) -> None:
    at_night = order(ordered_at=datetime(2026, 10, 2, 3, tzinfo=UTC), last_updated_at=NINE)
    recorder.record(at_night)
    settings.MARKETPLACE_ZONES = {"US": "America/Los_Angeles"}

    moved = recorder.record(at_night._replace(last_updated_at=TEN), at=TEN)

    assert moved == Recorded(new=0, changed=1, touched=frozenset({DAY, NEXT_DAY}))


def test_defect_touches_the_day_of_its_order(recorder: FactRecorder) -> None:
    recorder.record(order(1), order(2, on=NEXT_DAY))

    recorded = recorder.record(defect(2), at=TEN)

    assert recorded == Recorded(new=1, changed=0, touched=frozenset({NEXT_DAY}))


def test_defect_without_its_order_touches_no_day_until_the_order_arrives(recorder: FactRecorder) -> None:
    waiting = recorder.record(defect(1))

    arrived = recorder.record(order(1), at=TEN)

    assert waiting == Recorded(new=1, changed=0, touched=frozenset())
    assert arrived.touched == {DAY}


@pytest.mark.parametrize(
    "change",
    [
        {"state": "denied", "counts": False},
        {"occurred_on": NEXT_DAY},
        {"funded_by": "amazon"},
        {"rating": 2},
        {"reason_code": "NEVER_ARRIVED"},
    ],
)
def test_defect_change_keeps_the_replaced_state(recorder: FactRecorder, change: dict[str, Any]) -> None:
    recorder.record(order(1))
    recorder.record(defect(1), at=TEN)

    changed = recorder.record(defect(1, **change), at=ELEVEN)

    past = PastDefect.objects.get()
    assert changed == Recorded(new=0, changed=1, touched=frozenset({DAY}))
    assert (past.recorded_at, past.superseded_at, past.state) == (TEN, ELEVEN, "granted")
    assert Defect.objects.get().recorded_at == ELEVEN


def test_defect_report_recorded_again_changes_nothing(recorder: FactRecorder) -> None:
    recorder.record(order(1))
    recorder.record(defect(1), defect(1, state="denied"), at=TEN, report_id=UUID(int=7))
    before = Defect.objects.values().get()

    again = recorder.record(
        defect(1), defect(1, state="denied"), at=ELEVEN, received_at=TEN, report_id=UUID(int=7)
    )

    assert again == NOTHING
    assert Defect.objects.values().get() == before


def test_defect_restated_replaces_nothing(recorder: FactRecorder) -> None:
    recorder.record(defect(1))

    assert recorder.record(defect(1), at=TEN) == NOTHING
    assert Defect.objects.values_list("recorded_at", "stated_at").get() == (NINE, TEN)
    assert not PastDefect.objects.exists()


def test_defect_is_identified_by_order_kind_and_reference(recorder: FactRecorder) -> None:
    several = [
        defect(1),
        defect(1, reference="C2"),
        defect(1, kind="chargeback", state="service"),
        defect(1, kind="feedback", state="posted", rating=1),
        defect(2),
    ]

    recorded = recorder.record(*several, *several)

    assert (recorded.new, Defect.objects.count()) == (5, 5)


@pytest.mark.parametrize(
    ("reports", "right"),
    [
        pytest.param([("pending", None, NINE), ("granted", None, TEN)], "granted", id="the later received"),
        pytest.param(
            [("granted", None, TEN), ("pending", None, NINE)], "granted", id="though it was loaded first"
        ),
        pytest.param([("granted", TEN, NINE), ("pending", NINE, TEN)], "granted", id="the later stated"),
        pytest.param(
            [("pending", NINE, TEN), ("granted", TEN, NINE)], "granted", id="though it was received first"
        ),
        pytest.param(
            [("pending", TEN, NINE), ("granted", TEN, ELEVEN)],
            "granted",
            id="of one moment the later received",
        ),
        pytest.param(
            [("granted", None, TEN), ("pending", NINE, ELEVEN)],
            "granted",
            id="received after the stated moment",
        ),
        pytest.param(
            [("pending", None, TEN), ("granted", ELEVEN, NINE)],
            "granted",
            id="stated after the received moment",
        ),
    ],
)
def test_defect_of_the_latest_moment_wins(
    recorder: FactRecorder, reports: list[tuple[str, datetime | None, datetime]], right: str
) -> None:
    for state, stated_at, received_at in reports:
        recorder.record(defect(1, state=state, stated_at=stated_at), at=TWELVE, received_at=received_at)

    assert Defect.objects.get().state == right


@pytest.mark.parametrize(
    ("statements", "right"),
    [
        ([("pending", None), ("granted", None)], "granted"),
        ([("granted", None), ("pending", None)], "pending"),
        ([("granted", TEN), ("pending", NINE)], "granted"),
        ([("pending", NINE), ("granted", None), ("denied", NINE)], "granted"),
    ],
)
def test_defect_within_a_report_later_moment_then_later_line_wins(
    recorder: FactRecorder, statements: list[tuple[str, datetime | None]], right: str
) -> None:
    facts = [defect(1, state=state, stated_at=stated_at) for state, stated_at in statements]

    recorder.record(*facts, at=ELEVEN)

    assert Defect.objects.get().state == right


@pytest.mark.parametrize(
    ("clock", "moment"),
    [
        pytest.param(ELEVEN, ELEVEN, id="goes on"),
        pytest.param(TEN, TEN + A_MOMENT, id="stands still"),
        pytest.param(NINE, TEN + A_MOMENT, id="goes back"),
    ],
)
def test_next_moment_is_later_than_every_earlier_one(
    recorder: FactRecorder, clock: datetime, moment: datetime
) -> None:
    locked = recorder.locked()
    first = recording.next_moment(account=locked, now=TEN)

    second = recording.next_moment(account=locked, now=clock)

    assert (first, second, recorder.account.last_recorded_at) == (TEN, moment, moment)


def test_record_updates_the_load_of_the_source(recorder: FactRecorder) -> None:
    recorder.record(order(1), at=NINE, report_id=UUID(int=1))
    recorder.record(order(1), at=TEN, report_id=UUID(int=2))
    recorder.record(defect(1), at=ELEVEN, report_id=UUID(int=3))

    loads = SourceLoad.objects.order_by("recorded_at").values_list("source", "recorded_at", "report_id")
    assert list(loads) == [
        ("orders", NINE, UUID(int=1)),
        ("orders", TEN, UUID(int=2)),
        ("defects", ELEVEN, UUID(int=3)),
    ]


@pytest.mark.parametrize(
    ("fact_type", "facts"),
    [(OrderFact, orders(3)), (DefectFact, [defect(1), defect(2), defect(3)]), (OrderFact, [])],
)
def test_stage_returns_the_number_of_facts(
    recorder: FactRecorder, fact_type: type[Fact], facts: list[Fact]
) -> None:
    assert recording.stage(fact_type=fact_type, facts=enumerate(facts, start=2)) == len(facts)


def test_staged_facts_that_are_abandoned_are_never_recorded(recorder: FactRecorder) -> None:
    with transaction.atomic():
        recording.stage(fact_type=OrderFact, facts=enumerate(orders(5), start=1))
        transaction.set_rollback(True)

    recorded = recorder.record(order(9))

    assert recorded.new == Order.objects.count() == 1


def test_staging_table_is_dropped_after_recording(recorder: FactRecorder) -> None:
    recorder.record(order(1))

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.staged_orders')")
        assert cursor.fetchone() == (None,)


@pytest.mark.parametrize("table", ["metrics_pastorder", "metrics_pastdefect"])
def test_past_rows_cannot_be_changed(recorder: FactRecorder, table: str) -> None:
    recorder.record(order(1))
    recorder.record(order(1, status=OrderStatus.CANCELLED, last_updated_at=TWELVE), at=TEN)
    recorder.record(defect(1), at=ELEVEN)
    recorder.record(defect(1, state="denied"), at=TWELVE)

    with (
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match="keeps versions"),
        transaction.atomic(),
    ):
        cursor.execute(f"UPDATE {table} SET superseded_at = superseded_at")


def test_orders_of_two_accounts_are_separate(acme: Client, recorder: FactRecorder) -> None:
    other = acme.take_on(partner="A2OTHER")
    second = FactRecorder(acme.agency.pk, UUID(other.removeprefix("acct_")))
    recorder.record(order(1))
    recorder.record(defect(1), at=TEN)

    recorded = second.record(order(1, on=NEXT_DAY))
    denied = second.record(defect(1, state="denied"), at=TEN)

    with context.agency(acme.agency.pk):
        assert Order.objects.count() == Defect.objects.count() == 2
    assert recorded == denied == Recorded(new=1, changed=0, touched=frozenset({NEXT_DAY}))
