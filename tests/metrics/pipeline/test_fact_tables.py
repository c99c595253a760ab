"""Test recording of shipments, returns, messages and Amazon's reports.

The newest statement wins, past states are stored, and every day whose counts can change is touched.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from metrics.models import (
    Message,
    PastMessage,
    PastReturn,
    PastShipment,
    ReportedFigure,
    Return,
    Shipment,
    Snapshot,
    SourceLoad,
)
from metrics.pipeline.recording import Recorded
from metrics.pipeline.staging import STAGED
from metrics.rules.facts import Fact, OrderStatus
from tests.metrics.fact_recorder import (
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    TWELVE,
    FactRecorder,
    cancelled,
    counter,
    defect,
    message,
    order,
    reported,
    returned,
    shipment,
    snapshot,
)

NEXT_DAY = DAY + timedelta(days=1)
PROMISE = DAY + timedelta(days=5)
NOTHING = Recorded(new=0, changed=0, touched=frozenset())
KINDS = [
    pytest.param(shipment(), Shipment, PastShipment, {DAY, PROMISE}, id="shipment"),
    pytest.param(returned(), Return, PastReturn, {DAY}, id="return"),
    pytest.param(message(), Message, PastMessage, {DAY}, id="message"),
]
# What stands in the table, without the item, which has its own.
STATES: dict[Any, tuple[str, ...]] = {
    table: tuple(name for name in fact._fields if name != "stated_at" and hasattr(table, name))
    for fact, table in ((shipment(), Shipment), (returned(), Return), (message(), Message))
}
ANOTHER_WORD: dict[Any, dict[str, Any]] = {
    Shipment: {"is_late": True},
    Return: {"is_dissatisfied": True, "reason": "late_answer"},
    Message: {"is_answered_in_time": False},
}


def stands(table: Any, fact: Any) -> bool:
    """Return whether the table has the values of this fact."""
    states = STATES[table]
    return tuple(table.objects.values_list(*states).get()) == tuple(getattr(fact, name) for name in states)


def changed(fact: Any, table: Any, **more: Any) -> Any:
    return fact._replace(**ANOTHER_WORD[table] | more)


@pytest.mark.parametrize("fact_type", STAGED)
def test_fact_is_staged_in_the_order_of_its_fields(fact_type: type[Fact]) -> None:
    assert list(STAGED[fact_type].columns) == list(fact_type._fields)


@pytest.mark.parametrize(("fact", "table", "past", "days"), KINDS)
def test_fact_that_is_new_touches_its_days(
    recorder: FactRecorder, fact: Any, table: Any, past: Any, days: set[date]
) -> None:
    recorded = recorder.record(fact, report_id=UUID(int=7))

    row = table.objects.values("stated_at", "received_at", "line", "recorded_at", "report_id").get()
    assert recorded == Recorded(new=1, changed=0, touched=frozenset(days))
    assert stands(table, fact)
    assert list(row.values()) == [NINE, NINE, 1, NINE, UUID(int=7)]
    assert not past.objects.exists()


@pytest.mark.parametrize(("fact", "table", "past", "days"), KINDS)
def test_fact_recorded_again_is_unchanged(
    recorder: FactRecorder, fact: Any, table: Any, past: Any, days: set[date]
) -> None:
    recorder.record(fact, report_id=UUID(int=7))
    before = table.objects.values().get()

    again = recorder.record(fact, at=TEN, received_at=NINE, report_id=UUID(int=7))
    past_rows = table.objects.values().get()
    restated = recorder.record(fact, at=ELEVEN)

    assert again == restated == NOTHING
    assert past_rows == before
    assert table.objects.values_list("recorded_at", "stated_at", "received_at").get() == (
        NINE,
        ELEVEN,
        ELEVEN,
    )
    assert not past.objects.exists()


@pytest.mark.parametrize(("fact", "table", "past", "days"), KINDS)
def test_fact_change_keeps_the_replaced_row(
    recorder: FactRecorder, fact: Any, table: Any, past: Any, days: set[date]
) -> None:
    other = changed(fact, table)
    recorder.record(fact, report_id=UUID(int=1))

    recorded = recorder.record(other, at=TEN, report_id=UUID(int=2))
    recorder.record(fact, at=ELEVEN, report_id=UUID(int=3))

    spans = past.objects.order_by("recorded_at").values_list(
        "recorded_at", "superseded_at", "report_id", "line"
    )
    assert recorded == Recorded(new=0, changed=1, touched=frozenset(days))
    assert list(spans) == [(NINE, TEN, UUID(int=1), 1), (TEN, ELEVEN, UUID(int=2), 1)]
    states = STATES[table]
    past_rows = past.objects.order_by("recorded_at").values_list(*states)
    assert list(past_rows) == [tuple(getattr(each, name) for name in states) for each in (fact, other)]
    assert stands(table, fact)


@pytest.mark.parametrize(
    ("statements", "right"),
    [
        pytest.param([(None, NINE, 1), (None, TEN, 1)], 1, id="the later received"),
        pytest.param([(None, TEN, 1), (None, NINE, 1)], 0, id="though it was loaded first"),
        pytest.param([(TEN, NINE, 1), (NINE, TEN, 1)], 0, id="the later stated"),
        pytest.param([(NINE, TEN, 1), (TEN, NINE, 1)], 1, id="though it was received first"),
        pytest.param([(TEN, NINE, 1), (TEN, ELEVEN, 1)], 1, id="of one moment the later received"),
        pytest.param([(None, TEN, 1), (ELEVEN, NINE, 1)], 1, id="stated after the received moment"),
        pytest.param([(ELEVEN, NINE, 1), (None, TEN, 1)], 0, id="though it was received before"),
        pytest.param([(NINE, TEN, 2), (NINE, TEN, 1)], 0, id="of one report the later line"),
        pytest.param([(NINE, TEN, 1), (NINE, TEN, 2)], 1, id="as it comes"),
    ],
)
@pytest.mark.parametrize(("fact", "table", "past", "days"), KINDS)
def test_fact_of_the_latest_moment_then_receipt_then_line_wins(
    recorder: FactRecorder,
    fact: Any,
    table: Any,
    past: Any,
    days: set[date],
    statements: list[tuple[datetime | None, datetime, int]],
    right: int,
) -> None:
    states = [fact, changed(fact, table)]
    elsewhere = fact._replace(**{fact._fields[0]: "101-0000009-0000009"})

    for each, (stated_at, received_at, line) in zip(states, statements, strict=True):
        lines = [elsewhere] * (line - 1) + [each._replace(stated_at=stated_at)]
        recorder.record(*lines, at=TWELVE, received_at=received_at, report_id=UUID(int=7))

    table.objects.filter(**{fact._fields[0]: elsewhere[0]}).delete()
    assert stands(table, states[right])


@pytest.mark.parametrize("lines", [*permutations([(NINE, 1), (TEN, 2), (None, 3)])])
@pytest.mark.parametrize(("fact", "table", "past", "days"), KINDS)
def test_fact_of_the_latest_moment_wins_within_a_report(
    recorder: FactRecorder,
    fact: Any,
    table: Any,
    past: Any,
    days: set[date],
    lines: list[tuple[datetime | None, int]],
) -> None:
    states = {1: fact, 2: fact, 3: changed(fact, table)}

    recorded = recorder.record(
        *[states[which]._replace(stated_at=stated_at) for stated_at, which in lines], at=ELEVEN
    )

    assert recorded == Recorded(new=1, changed=0, touched=frozenset(days))
    assert stands(table, states[3])


@pytest.mark.parametrize(
    "change",
    [
        {"units": 2},
        {"is_late": None},
        {"is_scanned": False},
        {"is_scanned": None},
        {"delivered_on": None},
        {"is_on_time": False},
        {"is_invoiced_in_time": True},
        {"cancelled_by": "seller"},
    ],
)
def test_package_change_of_any_column_is_a_change(recorder: FactRecorder, change: dict[str, Any]) -> None:
    recorder.record(shipment())

    recorded = recorder.record(shipment(**change), at=TEN)

    assert (recorded.new, recorded.changed) == (0, 1)
    assert PastShipment.objects.count() == 1


@pytest.mark.parametrize(
    ("days", "touched"),
    [
        ({"ship_by_on": date(2026, 10, 3)}, {DAY, PROMISE, date(2026, 10, 3)}),
        ({"shipped_on": date(2026, 10, 4)}, {DAY, PROMISE, date(2026, 10, 4)}),
        ({"deliver_by_on": date(2026, 10, 7)}, {DAY, PROMISE, date(2026, 10, 7)}),
        ({"ship_by_on": None, "shipped_on": None, "deliver_by_on": None}, {DAY, PROMISE}),
        ({"delivered_on": date(2026, 10, 9)}, {DAY, PROMISE}),
    ],
)
def test_package_moved_touches_its_days_before_and_after(
    recorder: FactRecorder, days: dict[str, Any], touched: set[date]
) -> None:
    recorder.record(shipment())

    recorded = recorder.record(shipment(**days), at=TEN)

    assert recorded.touched == touched


def test_package_touches_the_days_of_its_order_and_all_its_packages(recorder: FactRecorder) -> None:
    recorder.record(order(on=date(2026, 9, 20)))
    recorder.record(shipment(1, "P1", on=date(2026, 9, 22)), at=TEN)

    recorded = recorder.record(shipment(1, "P2", on=date(2026, 9, 24)), at=ELEVEN)

    assert {day.day for day in recorded.touched} == {20, 22, 27, 24, 29}


def test_cancellation_touches_the_day_of_the_order(recorder: FactRecorder) -> None:
    recorder.record(order(status=OrderStatus.CANCELLED))

    recorded = recorder.record(cancelled(), at=TEN)

    assert recorded == Recorded(new=1, changed=0, touched=frozenset({DAY}))


def test_return_request_moved_touches_both_days_and_its_order_day(recorder: FactRecorder) -> None:
    recorder.record(order(on=date(2026, 9, 20)))
    recorder.record(returned(on=date(2026, 9, 25)), at=TEN)

    recorded = recorder.record(returned(on=date(2026, 9, 27)), at=ELEVEN)

    assert {day.day for day in recorded.touched} == {20, 25, 27}


def test_message_moved_touches_both_days_and_not_its_order_day(recorder: FactRecorder) -> None:
    recorder.record(order(on=date(2026, 9, 20)))
    recorder.record(message(on=date(2026, 9, 25)), at=TEN)

    recorded = recorder.record(message(on=date(2026, 9, 27)), at=ELEVEN)

    assert {day.day for day in recorded.touched} == {25, 27}


@pytest.mark.parametrize(
    "change",
    [{"marketplace": "DE"}, {"channel": "afn"}, {"on": date(2026, 10, 2)}, {"marketplace": "non_amazon"}],
)
def test_order_moved_touches_the_days_of_its_shipments_and_returns(
    recorder: FactRecorder, change: dict[str, Any]
) -> None:
    recorder.record(order())
    recorder.record(shipment(on=date(2026, 10, 3)), at=TEN)
    recorder.record(returned(on=date(2026, 10, 20)), message(on=date(2026, 10, 21)), at=ELEVEN)

    recorded = recorder.record(order(last_updated_at=TWELVE, **change), at=TWELVE)

    assert recorded.touched == {DAY, date(2026, 10, 3), date(2026, 10, 8), date(2026, 10, 20)} | {
        change.get("on", DAY)
    }


def test_facts_without_their_order_touch_their_days_when_it_arrives(recorder: FactRecorder) -> None:
    recorder.record(shipment(on=date(2026, 10, 3)))
    recorder.record(returned(on=date(2026, 10, 20)), at=TEN)

    recorded = recorder.record(order(), at=ELEVEN)

    assert {day.day for day in recorded.touched} == {1, 3, 8, 20}


def test_late_shipment_from_amazons_list_touches_the_days_of_the_packages(recorder: FactRecorder) -> None:
    recorder.record(order())
    recorder.record(shipment(on=date(2026, 10, 3)), at=TEN)

    recorded = recorder.record(defect(kind="late_shipment", state="listed"), at=ELEVEN)

    assert {day.day for day in recorded.touched} == {1, 3, 8}


def test_line_with_several_facts_is_counted_once(recorder: FactRecorder) -> None:
    first = recorder.record(shipment(1), shipment(2), shipment(3), with_lines=True)
    second = recorder.record(shipment(1), shipment(2, is_late=True), shipment(4), at=TEN, with_lines=True)
    third = recorder.record(shipment(5), at=ELEVEN)

    assert (first.new_lines, first.changed_lines) == (frozenset({1, 2, 3}), frozenset())
    assert (second.new_lines, second.changed_lines) == (frozenset({3}), frozenset({2}))
    assert (third.new_lines, third.changed_lines) == (frozenset(), frozenset())


def test_line_that_repeats_a_fact_in_a_report_is_one_new_line(recorder: FactRecorder) -> None:
    recorded = recorder.record(shipment(), shipment(is_late=True), with_lines=True)

    assert (recorded.new, recorded.changed, recorded.new_lines) == (1, 0, frozenset({2}))


@pytest.mark.parametrize(
    ("fact", "source"),
    [
        (shipment(), "shipments"),
        (returned(), "returns"),
        (message(), "messages"),
        (snapshot(), "reported"),
        (defect(), "defects"),
    ],
)
def test_record_updates_the_source_of_each_type_of_fact(
    recorder: FactRecorder, fact: Fact, source: str
) -> None:
    recorder.record(fact)

    assert list(SourceLoad.objects.values_list("source", "recorded_at")) == [(source, NINE)]


def test_amazon_report_is_recorded_with_its_figures(recorder: FactRecorder) -> None:
    recorded = recorder.record(
        snapshot(status="AT_RISK", orderDefectRate={"mfn": {"orderCount": 100}}),
        snapshot(marketplace="CA", status=""),
        reported(rate=None, flags='["The rate is not its counts."]'),
        counter(count=3, marketplace="CA"),
        report_id=UUID(int=7),
    )

    snapshots = {row.marketplace: row for row in Snapshot.objects.all()}
    assert (recorded.new, recorded.changed, recorded.touched) == (4, 0, frozenset())
    assert {
        name: (row.account_status, row.reported_at, row.recorded_at) for name, row in snapshots.items()
    } == {
        "US": ("AT_RISK", NINE, NINE),
        "CA": ("", NINE, NINE),
    }
    assert snapshots["US"].document == {"orderDefectRate": {"mfn": {"orderCount": 100}}}
    figures = {figure.metric: figure for figure in ReportedFigure.objects.all()}
    assert figures["order_defect_rate"].snapshot_id == snapshots["US"].pk
    assert figures["order_defect_rate"].flags == ["The rate is not its counts."]
    assert (
        figures["listing_policy_violations"].snapshot_id,
        figures["listing_policy_violations"].numerator,
    ) == (
        snapshots["CA"].pk,
        3,
    )


def test_amazon_report_recorded_again_changes_nothing(recorder: FactRecorder) -> None:
    amazon_facts = (snapshot(), reported(), counter())
    recorder.record(*amazon_facts, report_id=UUID(int=7))

    again = recorder.record(*amazon_facts, at=TEN, report_id=UUID(int=7))
    next_one = recorder.record(*amazon_facts, at=ELEVEN, report_id=UUID(int=8))

    assert (again.new, next_one.new) == (0, 3)
    assert (Snapshot.objects.count(), ReportedFigure.objects.count()) == (2, 4)


def test_amazon_figures_of_several_windows_are_all_kept(recorder: FactRecorder) -> None:
    short = reported(first_on=TODAY - timedelta(days=30), last_on=TODAY)

    recorder.record(snapshot(), reported(), short)

    assert list(ReportedFigure.objects.order_by("line").values_list("first_on", flat=True)) == [
        reported().first_on,
        short.first_on,
    ]


@pytest.mark.parametrize(
    "table", ["pastshipment", "pastreturn", "pastmessage", "snapshot", "reportedfigure", "feedbackcoverage"]
)
def test_fact_past_rows_cannot_be_changed(recorder: FactRecorder, table: str) -> None:
    recorder.record(shipment(), returned(), message(), snapshot(), reported())
    recorder.record(shipment(is_late=True), returned(is_return=False), message(needs_answer=False), at=TEN)
    recorder.record(defect(kind="feedback", state="posted", rating=1), covers=("US", DAY, TODAY), at=ELEVEN)

    with (
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match="keeps versions"),
        transaction.atomic(),
    ):
        cursor.execute(f"UPDATE metrics_{table} SET recorded_at = recorded_at")


def test_fact_moments_are_stored_in_utc(recorder: FactRecorder) -> None:
    recorder.record(shipment(stated_at=datetime(2026, 10, 2, 8, tzinfo=UTC)))

    assert Shipment.objects.get().stated_at == datetime(2026, 10, 2, 8, tzinfo=UTC)
