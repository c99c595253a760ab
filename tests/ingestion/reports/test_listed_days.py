"""Test the days of Seller Central's downloads: read only if they read in one way."""

from datetime import UTC, date, datetime

import pytest

from ingestion.reports import listed_days
from ingestion.reports.report_type import ParseContext

CONTEXT = ParseContext(marketplace="US", received_at=datetime(2026, 11, 27, 12, tzinfo=UTC))
TENTH = date(2026, 9, 10)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-09-10", "2026-09-10T08:04:21+00:00", "Sep 10, 2026", "September 10, 2026", "Sep. 10 2026"),
        *("10 Sep 2026", "10-Sep-2026", "10. Sep 2026", "Sep 10, 2026 11:03:22 PM PDT", "10.09.2026"),
        "9/11/26 06:59:59 GMT (9/10/26 23:59:59 PDT)",
    ],
)
def test_day_that_reads_in_one_way(text: str) -> None:
    assert listed_days.parse(text, parse_context=CONTEXT) == TENTH


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("9/10/2026", None),
        ("9/20/2026", date(2026, 9, 20)),
        ("20/9/2026", date(2026, 9, 20)),
        ("9/9/26", date(2026, 9, 9)),
        ("2/30/2026", None),
        ("Dec 24, 2026", None),
        ("Foo 10, 2026", None),
        ("yesterday", None),
        ("", None),
        ("1" * 5000, None),
    ],
)
def test_other_day_is_left_out(text: str, day: date | None) -> None:
    assert listed_days.parse(text, parse_context=CONTEXT) == day
