"""Decide whether a package was shipped late, delivered on time and invoiced in time. Pure.

Two times are compared exactly. If either is a whole day, days are compared. None is no verdict: something is
unknown, or the deadline had not passed at the time `as_of` that the statement describes.

These rules judge one package. metrics/pipeline/daily_counts.py combines the packages of an order.
"""

from datetime import date, timedelta

from metrics.rules.day_or_time import DayOrTime

FRIDAY = 4


def is_late(*, shipped: DayOrTime | None, ship_by: DayOrTime | None) -> bool | None:
    """Return whether the shipment was confirmed after the ship-by date.

    The confirmation decides, not the carrier's first scan (Seller Central help 200285190). None without a
    confirmation or a ship-by date: a package that is not confirmed yet is not late.
    """
    return shipped.is_after(ship_by) if shipped and ship_by else None


def is_on_time(*, delivered: DayOrTime | None, deliver_by: DayOrTime | None, as_of: DayOrTime) -> bool | None:
    """Return whether the package was delivered by the promised date (Seller Central help 200847280).

    A package that is not delivered is not on time once the promised date has passed.
    """
    if deliver_by is None:
        return None
    if delivered is not None:
        return not delivered.is_after(deliver_by)
    return False if as_of.is_after(deliver_by) else None


def is_invoiced_in_time(
    *, shipped: DayOrTime | None, invoiced: DayOrTime | None, as_of: DayOrTime
) -> bool | None:
    """Return whether the invoice of a business order was uploaded within one business day of the shipment.

    Business days are Monday to Friday (Seller Central help 44QSYRCU27EW4UK).
    """
    if shipped is None:
        return None
    last = next_business_day(shipped.day)
    if invoiced is not None:
        return invoiced.day <= last
    return False if as_of.day > last else None


def next_business_day(day: date) -> date:
    """Return the next day from Monday to Friday."""
    following = day + timedelta(days=1)
    return following if following.weekday() <= FRIDAY else following + timedelta(days=7 - following.weekday())
