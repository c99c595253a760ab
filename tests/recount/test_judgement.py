"""Test what statements mean, worked out by hand. 2026-10-02 was a Friday."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.recount import judgement
from tests.recount.cells import Cell, day_of, exceeds, is_later, next_business_day
from tests.recount.statements import MessageRow, ReturnRow, ShipmentRow

ALL_COLUMNS = frozenset(
    {"first_scan_at", "delivered_at", "invoiced_at", "answered_at", "negative_feedback", "wrongly_rejected"}
)
LONG_AFTER = "2026-11-20T00:00:00+00:00"


def cell(text: str) -> Cell:
    """Parse a day, or a time with its offset."""
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def shipment(**cells: Any) -> ShipmentRow:
    fields: dict[str, Any] = {
        name: cell(text) if str(text).startswith("2026") else text for name, text in cells.items()
    }
    return ShipmentRow("O-1", **fields)


def judged(
    row: ShipmentRow, *, columns: frozenset[str] = ALL_COLUMNS, at: str = LONG_AFTER
) -> judgement.Package:
    return judgement.package(row, columns=columns, at=moment(at))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("2026-10-02T12:00:01+00:00", "2026-10-02T12:00:00+00:00", True),
        ("2026-10-02T12:00:00+00:00", "2026-10-02T12:00:00+00:00", False),
        ("2026-10-02T21:00:00+09:00", "2026-10-02T12:00:00+00:00", False),
        ("2026-10-02T12:00:00-08:00", "2026-10-02T12:00:00+00:00", True),
        ("2026-10-02", "2026-10-02T00:00:00+00:00", False),
        ("2026-10-02T23:59:59+00:00", "2026-10-02", False),
        ("2026-10-02T20:00:00-08:00", "2026-10-02", True),
        ("2026-10-03T08:00:00+09:00", "2026-10-02", False),
        ("2026-11-01", "2026-10-31", True),
    ],
)
def test_cells_compare_as_moments_or_as_utc_days(one: str, other: str, expected: bool) -> None:
    assert is_later(cell(one), cell(other)) is expected


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2026-10-02T12:00:00+00:00", "2026-10-04T12:00:00+00:00", False),
        ("2026-10-02T12:00:00+00:00", "2026-10-04T12:00:01+00:00", True),
        ("2026-10-02T12:00:00+00:00", "2026-10-04", False),
        ("2026-10-02", "2026-10-04T23:59:59+00:00", False),
        ("2026-10-02", "2026-10-05", True),
    ],
)
def test_limit_of_two_days_is_48_hours_or_two_dates(since: str, until: str, expected: bool) -> None:
    assert exceeds(timedelta(days=2), since=cell(since), until=cell(until)) is expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-10-01", "2026-10-02"),
        ("2026-10-02", "2026-10-05"),
        ("2026-10-03", "2026-10-05"),
        ("2026-10-04", "2026-10-05"),
        ("2026-10-05", "2026-10-06"),
        ("2026-10-30", "2026-11-02"),
    ],
)
def test_next_business_day_is_monday_to_friday(day: str, expected: str) -> None:
    assert next_business_day(day_of(cell(day))) == cell(expected)


@pytest.mark.parametrize(
    ("ship_by", "shipped_at", "expected"),
    [
        (None, "2026-10-02", None),
        ("2026-10-02", None, None),
        ("2026-10-02", "2026-10-02", False),
        ("2026-10-02", "2026-10-03", True),
        ("2026-10-02T18:00:00+00:00", "2026-10-02T18:00:00+00:00", False),
        ("2026-10-02T18:00:00+00:00", "2026-10-02T18:00:01+00:00", True),
        ("2026-10-02T18:00:00+00:00", "2026-10-02", False),
        ("2026-10-02", "2026-10-02T23:30:00+00:00", False),
        ("2026-10-02", "2026-10-02T23:30:00-08:00", True),
    ],
)
def test_package_is_late_if_shipped_after_its_ship_by(
    ship_by: str | None, shipped_at: str | None, expected: bool | None
) -> None:
    assert judged(shipment(ship_by=ship_by, shipped_at=shipped_at)).is_late is expected


@pytest.mark.parametrize(
    ("cells", "columns", "expected"),
    [
        ({}, {"first_scan_at"}, None),
        ({"shipped_at": "2026-10-02"}, set(), None),
        ({"shipped_at": "2026-10-02"}, {"first_scan_at"}, False),
        ({"shipped_at": "2026-10-02"}, {"delivered_at"}, False),
        ({"shipped_at": "2026-10-02", "first_scan_at": "2026-10-03"}, {"first_scan_at"}, True),
        ({"shipped_at": "2026-10-02", "delivered_at": "2026-10-03"}, {"first_scan_at", "delivered_at"}, True),
        ({"delivered_at": "2026-10-03"}, {"delivered_at"}, None),
    ],
)
def test_package_is_scanned_or_not_if_a_column_states_it(
    cells: dict[str, str], columns: set[str], expected: bool | None
) -> None:
    assert judged(shipment(**cells), columns=frozenset(columns)).is_scanned is expected


@pytest.mark.parametrize(
    ("deliver_by", "delivered_at", "at", "expected"),
    [
        (None, "2026-10-02", LONG_AFTER, None),
        ("2026-10-02", "2026-10-02T23:59:00+00:00", LONG_AFTER, True),
        ("2026-10-02", "2026-10-03", LONG_AFTER, False),
        ("2026-10-02T20:00:00+00:00", "2026-10-02T20:00:00+00:00", LONG_AFTER, True),
        ("2026-10-02T20:00:00+00:00", "2026-10-02T20:00:01+00:00", LONG_AFTER, False),
        ("2026-10-02", None, "2026-10-02T23:59:59+00:00", None),
        ("2026-10-02", None, "2026-10-03T00:00:00+00:00", False),
        ("2026-10-02T20:00:00+00:00", None, "2026-10-02T20:00:00+00:00", None),
        ("2026-10-02T20:00:00+00:00", None, "2026-10-02T20:00:01+00:00", False),
    ],
)
def test_package_is_on_time_by_its_promise_and_late_after_it(
    deliver_by: str | None, delivered_at: str | None, at: str, expected: bool | None
) -> None:
    assert judged(shipment(deliver_by=deliver_by, delivered_at=delivered_at), at=at).is_on_time is expected


@pytest.mark.parametrize(
    ("cells", "columns", "at", "expected"),
    [
        ({"business_order": None}, ALL_COLUMNS, LONG_AFTER, None),
        ({"business_order": False, "invoiced_at": "2026-10-02"}, ALL_COLUMNS, LONG_AFTER, None),
        ({"business_order": True}, frozenset(), LONG_AFTER, None),
        ({"business_order": True, "shipped_at": None}, ALL_COLUMNS, LONG_AFTER, None),
        (
            {"business_order": True, "invoiced_at": "2026-10-05T23:59:59+00:00"},
            ALL_COLUMNS,
            LONG_AFTER,
            True,
        ),
        ({"business_order": True, "invoiced_at": "2026-10-06"}, ALL_COLUMNS, LONG_AFTER, False),
        ({"business_order": True}, ALL_COLUMNS, "2026-10-05T23:59:59+00:00", None),
        ({"business_order": True}, ALL_COLUMNS, "2026-10-06T00:00:00+00:00", False),
    ],
)
def test_invoice_of_a_friday_shipment_is_due_on_monday(
    cells: dict[str, Any], columns: frozenset[str], at: str, expected: bool | None
) -> None:
    row = shipment(**{"shipped_at": "2026-10-02T10:00:00+00:00"} | cells)

    assert judged(row, columns=columns, at=at).is_invoiced_in_time is expected


@pytest.mark.parametrize(
    ("package", "tracking_number", "expected"),
    [("P1", "T1", "P1"), ("P1", "", "P1"), ("", "T1", "T1"), ("", "", "")],
)
def test_package_is_identified_by_name_or_tracking_number(
    package: str, tracking_number: str, expected: str
) -> None:
    assert judged(shipment(package=package, tracking_number=tracking_number)).package == expected


@pytest.mark.parametrize(("stated", "expected"), [(None, 1), (1, 1), (5, 5)])
def test_package_has_one_unit_by_default(stated: int | None, expected: int) -> None:
    assert judged(shipment(units=stated)).units == expected


def test_package_days_are_utc_days_of_its_moments() -> None:
    row = shipment(
        ship_by="2026-10-02T01:00:00+09:00", shipped_at="2026-10-31T20:00:00-08:00", deliver_by="2026-11-05"
    )

    package = judged(row)

    assert (package.ship_by_on, package.shipped_on, package.deliver_by_on) == (
        date(2026, 10, 1),
        date(2026, 11, 1),
        date(2026, 11, 5),
    )


ASKED = "2026-10-02T12:00:00+00:00"


@pytest.mark.parametrize(
    ("cells", "columns", "at", "expected"),
    [
        ({"answered_at": "2026-10-04T12:00:00+00:00"}, {"answered_at"}, LONG_AFTER, False),
        ({"answered_at": "2026-10-04T12:00:01+00:00"}, {"answered_at"}, LONG_AFTER, True),
        ({"answered_at": "2026-10-04"}, {"answered_at"}, LONG_AFTER, False),
        ({"answered_at": "2026-10-05"}, {"answered_at"}, LONG_AFTER, True),
        ({}, {"answered_at"}, "2026-10-04T12:00:00+00:00", None),
        ({}, {"answered_at"}, "2026-10-04T12:00:01+00:00", True),
        ({}, {"reference", "state"}, LONG_AFTER, None),
        ({"negative_feedback": True}, {"negative_feedback"}, ASKED, True),
        ({"negative_feedback": False}, {"negative_feedback"}, ASKED, False),
        ({"negative_feedback": False}, {"negative_feedback"}, LONG_AFTER, False),
        (
            {"wrongly_rejected": True, "answered_at": "2026-10-02"},
            {"wrongly_rejected", "answered_at"},
            LONG_AFTER,
            True,
        ),
    ],
)
def test_return_is_dissatisfied_after_a_late_answer_wrong_rejection_or_complaint(
    cells: dict[str, Any], columns: set[str], at: str, expected: bool | None
) -> None:
    fields: dict[str, Any] = {
        name: cell(text) if isinstance(text, str) else text for name, text in cells.items()
    }
    row = ReturnRow("O-1", moment(ASKED), **fields)

    assert judgement.returned(row, columns=frozenset(columns), at=moment(at)).is_dissatisfied is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("", True),
        ("approved", True),
        *((word, False) for word in ("cancelled", "canceled", "declined", "denied", "rejected")),
    ],
)
def test_return_request_that_was_cancelled_is_no_return(state: str, expected: bool) -> None:
    row = ReturnRow("O-1", date(2026, 10, 2), state=state)

    assert judgement.returned(row, columns=frozenset(), at=moment(LONG_AFTER)).is_return is expected


@pytest.mark.parametrize(
    ("answered_at", "at", "expected"),
    [
        ("2026-10-03T12:00:00+00:00", LONG_AFTER, True),
        ("2026-10-03T12:00:01+00:00", LONG_AFTER, False),
        ("2026-10-03T21:00:00+09:00", LONG_AFTER, True),
        (None, "2026-10-03T12:00:00+00:00", None),
        (None, "2026-10-03T12:00:01+00:00", False),
    ],
)
def test_message_is_answered_in_time_within_24_hours(
    answered_at: str | None, at: str, expected: bool | None
) -> None:
    row = MessageRow("M-1", moment(ASKED), "GB", moment(answered_at) if answered_at else None)

    assert judgement.message(row, at=moment(at)).is_answered_in_time is expected


@pytest.mark.parametrize(("no_response_needed", "expected"), [(None, True), (False, True), (True, False)])
def test_message_needs_an_answer_by_default(no_response_needed: bool | None, expected: bool) -> None:
    row = MessageRow("M-1", moment(ASKED), "GB", None, no_response_needed)

    assert judgement.message(row, at=moment(LONG_AFTER)).needs_answer is expected
