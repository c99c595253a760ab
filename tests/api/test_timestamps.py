"""Test timestamps in JSON."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from api import timestamps

NINE = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NINE, "2026-11-22T09:00:00Z"),
        (NINE + timedelta(microseconds=12), "2026-11-22T09:00:00.000012Z"),
        (NINE.astimezone(timezone(timedelta(hours=9))), "2026-11-22T09:00:00Z"),
    ],
)
def test_timestamp_is_in_utc(moment: datetime, text: str) -> None:
    assert timestamps.text(moment) == text
