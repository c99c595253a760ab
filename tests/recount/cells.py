"""Compare cells that are a day or a time: two times as times, anything else as days."""

from datetime import UTC, date, datetime, timedelta
from typing import TypeGuard

SATURDAY = 5

Cell = date | datetime


def is_moment(cell: Cell) -> TypeGuard[datetime]:
    """Whether the cell tells the time of the day as well."""
    return isinstance(cell, datetime)


def day_of(cell: Cell) -> date:
    """The day itself, or the UTC day of the moment."""
    return cell.astimezone(UTC).date() if is_moment(cell) else cell


def is_later(cell: Cell, other: Cell) -> bool:
    """Whether the cell is after the other one; at the same moment, or on the same day, it is not."""
    if is_moment(cell) and is_moment(other):
        return cell > other
    return day_of(cell) > day_of(other)


def exceeds(span: timedelta, *, since: Cell, until: Cell) -> bool:
    """Whether more than these whole days passed, in real time between two moments, else by the calendar."""
    if is_moment(since) and is_moment(until):
        return until - since > span
    return day_of(until) - day_of(since) > span


def next_business_day(day: date) -> date:
    """The Monday to Friday after the day."""
    day += timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day
