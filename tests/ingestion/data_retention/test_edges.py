"""Test the first day of which data is stored, with tables of cases."""

from datetime import date

import pytest

from ingestion.data_retention import edges
from ingestion.data_retention.edges import Edges


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 11, 30), 18, date(2025, 5, 30)),
        (date(2026, 8, 31), 18, date(2025, 2, 28)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2026, 1, 31), 2, date(2025, 11, 30)),
        (date(2026, 12, 1), 12, date(2025, 12, 1)),
    ],
)
def test_months_before_is_same_day_or_last_of_shorter_month(day: date, months: int, expected: date) -> None:
    assert edges.months_before(day, months) == expected


def test_sweep_deletes_ahead_of_amazons_limit_and_proof_allows_for_a_day_without_sweep() -> None:
    today = date(2026, 11, 30)

    assert edges.to_sweep(today=today, sp_api_months=18, own_months=24) == Edges(
        sp_api=date(2025, 6, 1), own=date(2024, 11, 30), receipt_days=1
    )
    assert edges.to_prove(today=today, sp_api_months=18, own_months=24) == Edges(
        sp_api=date(2025, 5, 30), own=date(2024, 11, 28)
    )
    assert edges.to_sweep(today=today, sp_api_months=12, own_months=None).own is None
