from datetime import UTC, date, datetime

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import feedback_removals_csv
from tests import build
from tests.ingestion.parsed_documents import TODAY, parse_document

ORDER = build.order_id(1)


def removal(on: str, *, order: str = ORDER) -> bytes:
    return build.table({"order_id": order, "removed_on": on})


def test_removal_is_feedback_that_no_longer_counts() -> None:
    (fact,) = parse_document(removal("2025-07-14")).defects

    assert fact[:9] == (
        *(ORDER, "feedback", "", "removed", None, date(2025, 7, 14)),
        *(datetime(2025, 7, 14, 23, 59, 59, tzinfo=UTC), "", False),
    )


@pytest.mark.parametrize(
    ("text", "zone", "day", "stated_at"),
    [
        ("2025-07-14", "Europe/Berlin", date(2025, 7, 14), datetime(2025, 7, 14, 21, 59, 59, tzinfo=UTC)),
        (
            "2025-07-14",
            "America/Los_Angeles",
            date(2025, 7, 14),
            datetime(2025, 7, 15, 6, 59, 59, tzinfo=UTC),
        ),
        ("2025-07-14T10:30:00+02:00", "UTC", date(2025, 7, 14), datetime(2025, 7, 14, 8, 30, tzinfo=UTC)),
        (
            "2025-07-14T01:00:00Z",
            "America/Los_Angeles",
            date(2025, 7, 13),
            datetime(2025, 7, 14, 1, tzinfo=UTC),
        ),
        ("2026-11-22", "UTC", TODAY, datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("2026-11-24", "UTC", date(2026, 11, 24), datetime(2026, 11, 22, 12, tzinfo=UTC)),
    ],
)
def test_removal_time_is_its_moment_or_end_of_day_until_receipt(
    text: str, zone: str, day: date, stated_at: datetime
) -> None:
    (fact,) = parse_document(removal(text), zone=zone, today=TODAY).defects

    assert (fact.occurred_on, fact.stated_at) == (day, stated_at)
    assert fact.stated_at is not None
    assert fact.stated_at.tzinfo is UTC


def test_removal_on_day_of_feedback_is_newer_statement() -> None:
    posted = build.feedback_file([build.feedback_row(order=ORDER, on="7/14/25")])

    (feedback,), (removed,) = parse_document(posted).defects, parse_document(removal("2025-07-14")).defects

    assert feedback.stated_at is not None
    assert removed.stated_at is not None
    assert feedback.stated_at < removed.stated_at
    assert feedback[:3] == removed[:3]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_are_in_any_order_and_others_are_ignored(delimiter: str) -> None:
    document = build.table(
        {"comments": "Jane", "Removed On": "2025-07-14", "Order-Id": ORDER}, delimiter=delimiter
    )

    parsed = parse_document(document)

    assert [fact.order_id for fact in parsed.defects] == [ORDER]
    assert "Jane" not in str(parsed.lines)


@pytest.mark.parametrize(
    ("order", "on", "reason_part"),
    [
        (ORDER, "", "`removed_on`: the cell is empty; expected a day"),
        (ORDER, "14.07.2025", "`removed_on`: '14.07.2025' is not valid; expected a day (YYYY-MM-DD)"),
        (ORDER, "2025-07-14T10:00:00", "is not valid; expected a day"),
        (ORDER, "2026-11-25", "not in the future"),
        ("1234", "2025-07-14", "'1234' is not a valid Amazon order ID"),
    ],
)
def test_invalid_rows_are_rejected_with_reason(order: str, on: str, reason_part: str) -> None:
    rows = [
        {"order_id": build.order_id(2), "removed_on": "2025-07-14"},
        {"order_id": order, "removed_on": on},
    ]

    parsed = parse_document(build.table(*rows), today=TODAY)

    assert [fact.order_id for fact in parsed.defects] == [build.order_id(2)]
    assert reason_part in parsed.rejected[3]


@pytest.mark.parametrize("column", ["order_id", "removed_on"])
def test_header_without_required_column_is_rejected(column: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(
            removal("2025-07-14").replace(column.encode(), b"other"), announced=feedback_removals_csv.NAME
        )

    assert rejection.value.slug == "columns-missing"
    assert column.replace("_", "-") in rejection.value.detail
