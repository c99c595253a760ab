"""Compare days and times as reports state them. Pure."""

from datetime import date, datetime, timedelta
from typing import NamedTuple


class DayOrTime(NamedTuple):
    """Represent a day in the marketplace's time zone, with the exact moment if it is known."""

    day: date
    moment: datetime | None

    def is_after(self, other: "DayOrTime", *, by: timedelta = timedelta(0)) -> bool:
        """Return whether this is more than `by` later. If either is a whole day, days are compared."""
        return self.minus(other) > by

    def minus(self, other: "DayOrTime") -> timedelta:
        """Return the difference: between moments if both are known, otherwise between days."""
        if self.moment is not None and other.moment is not None:
            return self.moment - other.moment
        return self.day - other.day
