"""Compare counts with limits in integers, and derive statuses and budgets. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Comparator(StrEnum):
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    EQ = "eq"


class Status(StrEnum):
    """Name the status of a series, worst first."""

    BREACHED = "breached"
    AT_RISK = "at_risk"
    UNDECIDED = "undecided"
    HEALTHY = "healthy"
    NO_DATA = "no_data"


WORST_FIRST = tuple(Status)


@dataclass(frozen=True, slots=True)
class Limit:
    """Store the condition `rate comparator numerator/denominator` in integers: `lt` 1/100 is below 1 %."""

    comparator: Comparator
    numerator: int
    denominator: int

    @property
    def is_minimum(self) -> bool:
        """Return whether the rate must be high, because the numerator counts good items."""
        return self.comparator in {Comparator.GT, Comparator.GTE}

    @property
    def value(self) -> float:
        return self.numerator / self.denominator

    @property
    def is_score(self) -> bool:
        """Return whether the limit is a minimum above 1.

        Then the figure is a score, which has no count of defects.
        """
        return self.is_minimum and self.numerator > self.denominator


@dataclass(frozen=True, slots=True)
class Budget:
    """Count the defects that a limit allows in the window, and how many are left.

    A negative number means that the limit is missed.
    """

    allowed: int
    left: int


# A year of values has thousands of rows and few limits.
@lru_cache(maxsize=1024)
def build_limit(comparator: str | None, numerator: int | None, denominator: int | None) -> Limit | None:
    """Build the limit from the columns of a row, or None if one of them is empty."""
    if not comparator or numerator is None or denominator is None:
        return None
    return Limit(Comparator(comparator), numerator, denominator)


def rate(numerator: int, denominator: int) -> float | None:
    """Return the rate for display, or None without data. Comparisons use the counts."""
    return numerator / denominator if denominator else None


def meets(numerator: int, denominator: int, limit: Limit) -> bool | None:
    """Return whether the rate meets the limit, or None without data. 1 in 100 does not meet `lt` 1/100."""
    if not denominator:
        return None
    # Cross-multiplied: a rate as a float can be on the wrong side of a limit that it meets exactly.
    scaled, scaled_limit = numerator * limit.denominator, denominator * limit.numerator
    return {
        Comparator.LT: scaled < scaled_limit,
        Comparator.LTE: scaled <= scaled_limit,
        Comparator.GT: scaled > scaled_limit,
        Comparator.GTE: scaled >= scaled_limit,
        Comparator.EQ: scaled == scaled_limit,
    }[limit.comparator]


def count_bad(numerator: int, denominator: int, limit: Limit | None) -> int:
    """Return the number of bad items: the numerator, or if the limit is a minimum, the denominator minus the
    numerator."""
    return denominator - numerator if limit and limit.is_minimum else numerator


def budget(numerator: int, denominator: int, limit: Limit) -> Budget:
    """Return how many items of the denominator may be bad, and how many of them are left.

    With limit p/q and N = denominator, the greatest bad count that meets the limit is floor((N·p - 1) / q) if
    the comparator is strict and floor(N·p / q) if it is not.
    """
    strict = 1 if limit.comparator in {Comparator.LT, Comparator.GT} else 0
    # For a minimum, what is missing from the limit may go wrong: 95 % leaves 5 %.
    share = count_bad(limit.numerator, limit.denominator, limit)
    allowed = max(0, (denominator * share - strict) // limit.denominator)
    return Budget(allowed=allowed, left=allowed - count_bad(numerator, denominator, limit))


def bad_allowed(good: int, total: int, limit: Limit) -> int | None:
    """Return how many more bad items a rate of good ones can take before it misses a limit. 0 if it misses it.

    Unlike those of a budget, these items are added to the total. None if the limit is not a minimum rate.
    """
    if not limit.is_minimum or limit.is_score or not limit.numerator:
        return None
    strict = 1 if limit.comparator is Comparator.GT else 0
    return max(0, (good * limit.denominator - strict) // limit.numerator - total)


def good_needed(good: int, total: int, limit: Limit) -> int | None:
    """Return how many more good items a rate needs to meet a limit. 0 if it meets it.

    None if the limit is not a minimum rate, or if no number suffices.
    """
    if not limit.is_minimum or limit.is_score:
        return None
    # With n more: (good + n) / (total + n) >= p / q, thus n (q - p) >= total p - good q.
    missing = total * limit.numerator - good * limit.denominator + (limit.comparator is Comparator.GT)
    per_item = limit.denominator - limit.numerator
    if missing <= 0:
        return 0
    return -(-missing // per_item) if per_item else None


# A year of values has thousands of rows and few limits.
@lru_cache(maxsize=1024)
def default_warning_limit(limit: Limit | None) -> Limit | None:
    """Return the limit that allows three quarters of what a target allows, or None if there is no such limit.

    It warns before a target that Amazon states for one account, for which no rule has a warning limit.
    """
    if limit is None:
        return None
    p, q = limit.numerator, limit.denominator
    if limit.comparator in {Comparator.LT, Comparator.LTE}:
        return Limit(limit.comparator, 3 * p, 4 * q)
    if limit.is_minimum and p <= q:
        return Limit(limit.comparator, q + 3 * p, 4 * q)
    return None


def status(numerator: int, denominator: int, limit: Limit | None, warning_limit: Limit | None) -> Status:
    """Return the status: breached if the limit is missed, at risk if only the warning limit is."""
    if not denominator:
        return Status.NO_DATA
    # Amazon's target first: a threshold is at least as strict, so it is missed as well.
    if limit and not meets(numerator, denominator, limit):
        return Status.BREACHED
    if warning_limit and not meets(numerator, denominator, warning_limit):
        return Status.AT_RISK
    return Status.HEALTHY


def worst_status(statuses: Sequence[Status]) -> Status:
    """Return the status of an account from those of its series."""
    return min(statuses, key=WORST_FIRST.index, default=Status.NO_DATA)
