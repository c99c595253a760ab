"""Compare cells that are a day or a time: two times as times, anything else as days."""

from datetime import UTC, date, datetime, timedelta
from typing import TypeGuard

SATURDAY = 5

Cell = date | datetime


def is_moment(cell: Cell) -> TypeGuard[datetime]:
    """Return whether the cell has a time of day."""
    return isinstance(cell, datetime)


def day_of(cell: Cell) -> date:
    """Return the day, or the UTC day of a time."""
    return cell.astimezone(UTC).date() if is_moment(cell) else cell


def is_later(cell: Cell, other: Cell) -> bool:
    """Return whether the cell is after the other one, not at the same time or on the same day."""
    if is_moment(cell) and is_moment(other):
        return cell > other
    return day_of(cell) > day_of(other)


def exceeds(span: timedelta, *, since: Cell, until: Cell) -> bool:
    """Return whether more than `span` passed, in real time between two times, else in calendar days."""
    if is_moment(since) and is_moment(until):
        return until - since > span
    return day_of(until) - day_of(since) > span


def next_business_day(day: date) -> date:
    """Return the next Monday to Friday after the day."""
    day += timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day
