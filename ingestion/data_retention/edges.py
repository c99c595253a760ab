"""Compute the first day of which data is stored, by the source of the data. Pure."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

# Amazon's limit holds on days without a sweep too, and in marketplaces whose day begins before the UTC day.
AHEAD = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Store the first day of data that came from Amazon's API, and of data of uploaded and posted reports.

    None: such data does not end.
    """

    sp_api: date | None
    own: date | None
    # An order may be of the day after the UTC day on which its report was received. What is deleted by its receipt
    # is a day older, so that it is of a day before the edge.
    receipt_days: int = 0

    def params(self) -> dict[str, Any]:
        """Return the parameters of the statements in tables.py."""
        return {"sp_api": self.sp_api, "own": self.own, "receipt_days": self.receipt_days}


def months_before(day: date, months: int) -> date:
    """Return the same day so many months earlier, or the last day of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def to_sweep(*, today: date, sp_api_months: int, own_months: int | None) -> Edges:
    """Return the edges to which a sweep of today deletes."""
    own = months_before(today, own_months) if own_months else None
    return Edges(sp_api=months_before(today, sp_api_months) + AHEAD, own=own, receipt_days=1)


def to_prove(*, today: date, sp_api_months: int, own_months: int | None) -> Edges:
    """Return the edges before which nothing may be left today, if a sweep ran within two days."""
    own = months_before(today, own_months) - AHEAD if own_months else None
    return Edges(sp_api=months_before(today, sp_api_months), own=own)
