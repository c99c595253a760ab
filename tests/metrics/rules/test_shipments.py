"""Test which packages are late, on time and invoiced in time."""

from datetime import UTC, date, datetime, timedelta

import pytest

from metrics.rules import shipments
from metrics.rules.day_or_time import DayOrTime

DEADLINE = date(2025, 7, 4)
"""A Friday."""


def day(days: int) -> DayOrTime:
    """Return the day so many days after the deadline."""
    return DayOrTime(DEADLINE + timedelta(days=days), None)


def time(seconds: int) -> DayOrTime:
    """Return the time so many seconds after noon of the deadline."""
    moment = datetime(2025, 7, 4, 12, tzinfo=UTC) + timedelta(seconds=seconds)
    return DayOrTime(moment.date(), moment)


@pytest.mark.parametrize(
    ("shipped", "ship_by", "is_late"),
    [
        (day(-1), day(0), False),
        (day(0), day(0), False),
        (day(1), day(0), True),
        (time(0), time(0), False),
        (time(1), time(0), True),
        (time(1), day(0), False),
        (day(0), time(0), False),
        (day(1), time(0), True),
        (None, day(0), None),
        (day(0), None, None),
        (None, None, None),
    ],
)
def test_is_late_after_the_ship_by_date(
    shipped: DayOrTime | None, ship_by: DayOrTime | None, is_late: bool | None
) -> None:
    assert shipments.is_late(shipped=shipped, ship_by=ship_by) is is_late


@pytest.mark.parametrize(
    ("delivered", "deliver_by", "as_of", "is_on_time"),
    [
        (day(0), day(0), day(9), True),
        (day(1), day(0), day(9), False),
        (time(0), time(0), day(9), True),
        (time(1), time(0), day(9), False),
        (None, day(0), day(0), None),
        (None, day(0), day(1), False),
        (None, time(0), time(0), None),
        (None, time(0), time(1), False),
        (day(0), None, day(9), None),
        (None, None, day(9), None),
    ],
)
def test_is_on_time_by_the_promised_date(
    delivered: DayOrTime | None, deliver_by: DayOrTime | None, as_of: DayOrTime, is_on_time: bool | None
) -> None:
    assert shipments.is_on_time(delivered=delivered, deliver_by=deliver_by, as_of=as_of) is is_on_time


@pytest.mark.parametrize(
    ("shipped", "invoiced", "as_of", "is_in_time"),
    [
        (day(0), day(0), day(9), True),
        (day(0), day(3), day(9), True),
        (day(0), day(4), day(9), False),
        (day(-1), day(1), day(9), False),
        (day(0), None, day(3), None),
        (day(0), None, day(4), False),
        (None, day(0), day(9), None),
    ],
)
def test_invoice_is_in_time_until_the_next_business_day(
    shipped: DayOrTime | None, invoiced: DayOrTime | None, as_of: DayOrTime, is_in_time: bool | None
) -> None:
    assert shipments.is_invoiced_in_time(shipped=shipped, invoiced=invoiced, as_of=as_of) is is_in_time


@pytest.mark.parametrize("shipped", [date(2025, 7, 4) + timedelta(days=n) for n in range(14)])
def test_next_business_day_is_first_after_it_that_is_no_weekend(shipped: date) -> None:
    following = [shipped + timedelta(days=n) for n in range(1, 4)]

    assert shipments.next_business_day(shipped) == next(
        one for one in following if one.strftime("%a") not in {"Sat", "Sun"}
    )
