"""Test which of several statements applies, worked out by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.recount.knowledge import Knowledge
from tests.recount.small_accounts import DAY, NOON, RECEIVED, build_knowledge, placed, upload
from tests.recount.statements import (
    DefectRow,
    MessageRow,
    RemovalRow,
    ReturnRow,
    Row,
    ShipmentRow,
    UnconfirmedRow,
    Upload,
    feedback,
)

A_WEEK = timedelta(days=7)
CLAIM = DefectRow("O-1", "a_to_z_claim", "C-1", "granted", None, DAY, None)
BAD = feedback(order_id="O-1", rating=1, on=DAY)
PERIOD = (date(2026, 10, 1), date(2026, 10, 31))
SOMEBODY_ELSES = feedback(order_id="O-2", rating=2, on=date(2026, 10, 20))


def states(known: Knowledge, order_id: str = "O-1") -> list[str]:
    return [row.state for row in known.defects.get(order_id, [])]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (NOON + A_WEEK, NOON, ["granted"]),
        (NOON, NOON + A_WEEK, ["denied"]),
        (None, NOON, ["granted"]),
        (NOON, None, ["denied"]),
        (None, None, ["denied"]),
        (NOON, NOON, ["denied"]),
        (RECEIVED + A_WEEK, None, ["granted"]),
    ],
)
def test_defect_later_moment_wins_then_the_report_received_later(
    first: datetime | None, second: datetime | None, expected: list[str]
) -> None:
    granted, denied = replace(CLAIM, updated_at=first), replace(CLAIM, state="denied", updated_at=second)

    known = build_knowledge(upload(denied, minutes=1), upload(granted))

    assert states(known) == expected


def test_defect_later_row_of_a_report_wins_at_the_same_moment() -> None:
    known = build_knowledge(upload(CLAIM, replace(CLAIM, state="denied"), replace(CLAIM, state="pending")))

    assert states(known) == ["pending"]


@pytest.mark.parametrize(
    ("rows", "unlike"),
    [
        ((ShipmentRow("O-1", package="P", units=2), ShipmentRow("O-1", tracking_number="P", units=3)), 1),
        (
            (
                ShipmentRow("O-1", package="P"),
                ShipmentRow("O-1", package="Q"),
                ShipmentRow("O-2", package="P"),
            ),
            3,
        ),
    ],
)
def test_package_is_identified_by_order_and_name(rows: tuple[ShipmentRow, ...], unlike: int) -> None:
    assert len(build_knowledge(upload(*rows)).packages) == unlike


def test_package_return_and_message_newest_statement_wins() -> None:
    shipped = [ShipmentRow("O-1", units=units, updated_at=NOON + units * A_WEEK) for units in (1, 3, 2)]
    returned = [
        ReturnRow("O-1", DAY, "R", state, updated_at=moment)
        for state, moment in (("denied", NOON), ("approved", None))
    ]
    messages_stated = [
        MessageRow("M-1", NOON, store, updated_at=NOON + n * A_WEEK) for n, store in ((2, "DE"), (1, "GB"))
    ]
    statements: list[Row] = [*shipped, *returned, *messages_stated]

    for rows in permutations(statements, 7):
        known = build_knowledge(upload(*rows[:3]), upload(*rows[3:], minutes=1))
        assert [each.units for each in known.packages] == [3]
        assert [each.is_return for each in known.returns] == [True]
        assert [each.marketplace for each in known.messages] == ["DE"]


def test_package_undelivered_is_judged_at_the_moment_of_its_statement() -> None:
    row = ShipmentRow("O-1", shipped_at=DAY, deliver_by=DAY + A_WEEK, updated_at=NOON)

    early, late = build_knowledge(upload(row)), build_knowledge(upload(replace(row, updated_at=None)))

    assert (early.packages[0].is_on_time, late.packages[0].is_on_time) == (None, False)


def test_knowledge_excludes_later_uploads() -> None:
    first, second = upload(CLAIM), upload(replace(CLAIM, state="denied"), minutes=5)

    known = Knowledge([first, second], known_at=RECEIVED + timedelta(minutes=4))

    assert states(known) == ["granted"]


@pytest.mark.parametrize(
    ("removed_on", "expected"),
    [
        (DAY, "removed"),
        (DAY - timedelta(days=1), "posted"),
        (NOON, "removed"),
        (datetime(2026, 10, 1, 23, 59, 59, tzinfo=UTC), "posted"),
        (RECEIVED.date(), "removed"),
    ],
)
def test_removal_counts_from_its_moment_or_the_end_of_its_day(removed_on: date, expected: str) -> None:
    known = build_knowledge(upload(RemovalRow("O-1", removed_on)), upload(BAD, minutes=1))

    assert states(known) == [expected]


def test_removal_on_the_day_of_receipt_is_not_later_than_the_receipt() -> None:
    posted = replace(BAD, updated_at=RECEIVED + timedelta(minutes=1))

    known = build_knowledge(upload(RemovalRow("O-1", RECEIVED.date())), upload(posted, minutes=2))

    assert states(known) == ["posted"]


@pytest.mark.parametrize(
    ("details", "kinds", "expected"),
    [
        ([], {"a_to_z_claim"}, True),
        ([], {"chargeback"}, False),
        ([CLAIM], {"a_to_z_claim"}, True),
        ([replace(CLAIM, state="denied")], {"a_to_z_claim"}, False),
        ([replace(CLAIM, state="denied"), replace(CLAIM, reference="C-2")], set(), True),
        ([replace(CLAIM, state="denied", reference="")], {"a_to_z_claim"}, False),
    ],
)
def test_unconfirmed_defect_counts_only_without_details(
    details: list[DefectRow], kinds: set[str], expected: bool
) -> None:
    known = build_knowledge(
        upload(*details), upload(UnconfirmedRow("O-1", DAY, "mfn", frozenset(kinds)), minutes=1)
    )

    assert known.has_defect("O-1", {"a_to_z_claim"}) is expected


def test_defect_of_an_unknown_order_is_unmatched_once() -> None:
    unconfirmed = UnconfirmedRow("O-1", DAY, "mfn", frozenset({"feedback", "late_shipment"}))
    rows: list[Row] = [
        CLAIM,
        replace(CLAIM, state="denied"),
        BAD,
        unconfirmed,
        replace(CLAIM, order_id="O-2"),
    ]

    assert build_knowledge(upload(*rows)).unmatched() == 4
    assert build_knowledge(upload(*rows, placed())).unmatched() == 1


def covering(*rows: DefectRow, minutes: int = 10, **more: Any) -> Upload:
    return upload(*(rows or (SOMEBODY_ELSES,)), minutes=minutes, **{"period": PERIOD} | more)


BEFORE = upload(placed(), BAD, period=(DAY, DAY))  # told of up to the end of the day


@pytest.mark.parametrize(
    ("coverage", "expected"),
    [
        (covering(), "removed"),
        (covering(store="DE"), "posted"),
        (covering(period=None), "posted"),
        (covering(rejected=1), "posted"),
        (covering(period=(date(2026, 10, 3), PERIOD[1])), "posted"),
        (covering(period=(PERIOD[0], date(2026, 10, 19))), "posted"),
        (covering(period=(date(2026, 10, 2), date(2026, 10, 20))), "removed"),
        (covering(SOMEBODY_ELSES, BAD), "posted"),
        (covering(feedback(order_id="O-2", rating=5, on=DAY), period=(DAY, DAY)), "removed"),
        (covering(SOMEBODY_ELSES, feedback(order_id="O-1", rating=1, on=DAY - timedelta(days=1))), "removed"),
    ],
)
def test_feedback_missing_from_a_covering_report_is_removed(coverage: Upload, expected: str) -> None:
    for uploads in permutations([BEFORE, coverage]):
        assert states(build_knowledge(*uploads)) == [expected]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (replace(BAD, rating=3), "removed"),
        (replace(BAD, rating=4), "posted"),
        (replace(BAD, reference="F-1"), "posted"),
        (replace(BAD, occurred_on=date(2026, 9, 30)), "posted"),
        (replace(BAD, order_id="O-9"), "posted"),
    ],
)
def test_feedback_removal_needs_low_stars_the_period_and_a_known_order(row: DefectRow, expected: str) -> None:
    until_today = (PERIOD[0], RECEIVED.date())

    known = build_knowledge(upload(placed(), row), covering(period=until_today))

    assert states(known, row.order_id) == [expected]


def test_feedback_removal_by_a_report_of_the_past_covers_earlier_statements() -> None:
    assert states(build_knowledge(upload(placed(), BAD), covering())) == ["removed"]
    assert states(build_knowledge(upload(placed(), BAD, minutes=20), covering())) == ["posted"]


def test_feedback_removal_by_a_report_of_today_covers_earlier_statements() -> None:
    until_today = (PERIOD[0], RECEIVED.date())

    assert states(build_knowledge(upload(placed(), BAD), covering(period=until_today))) == ["removed"]
    assert states(build_knowledge(upload(placed(), BAD, minutes=20), covering(period=until_today))) == [
        "posted"
    ]


def test_feedback_stated_later_is_restored() -> None:
    again = feedback(order_id="O-1", rating=2, on=DAY + timedelta(days=2))

    known = build_knowledge(BEFORE, covering(), upload(again, minutes=20))

    assert states(known) == ["posted"]


def test_feedback_removal_of_two_reports_uses_the_later_receipt() -> None:
    with_it, without_it = covering(SOMEBODY_ELSES, BAD, minutes=20), covering()

    for uploads in permutations([upload(placed()), with_it, without_it]):
        assert states(build_knowledge(*uploads)) == ["posted"]
