"""How a value stands against a limit: integers in, never a float compared. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Comparator(StrEnum):
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    EQ = "eq"


class Status(StrEnum):
    """Of a series, worst first."""

    BREACHED = "breached"
    AT_RISK = "at_risk"
    HEALTHY = "healthy"
    NO_DATA = "no_data"


WORST_FIRST = tuple(Status)


@dataclass(frozen=True, slots=True)
class Limit:
    """`rate comparator numerator/denominator`, as integers: 1/100 is one percent."""

    comparator: Comparator
    numerator: int
    denominator: int

    @property
    def is_from_below(self) -> bool:
        """Whether the numerator is what went well, and the rest what went wrong."""
        return self.comparator in {Comparator.GT, Comparator.GTE}

    @property
    def value(self) -> float:
        return self.numerator / self.denominator

    @property
    def is_of_a_score(self) -> bool:
        """A lower limit above 1 is no share of anything: nothing goes wrong piece by piece."""
        return self.comparator in {Comparator.GT, Comparator.GTE} and self.numerator > self.denominator


def limit_of(comparator: str | None, numerator: int | None, denominator: int | None) -> Limit | None:
    """The limit as a row holds it; None where there is none."""
    if not comparator or numerator is None or denominator is None:
        return None
    return Limit(Comparator(comparator), numerator, denominator)


@dataclass(frozen=True, slots=True)
class Budget:
    """How many defective orders the limit allows in the window, and how many of them are left (below 0: over it)."""

    allowed: int
    left: int


def rate(numerator: int, denominator: int) -> float | None:
    """For people and charts; None where nothing was ordered."""
    return numerator / denominator if denominator else None


def meets(numerator: int, denominator: int, limit: Limit) -> bool | None:
    """Whether the rate keeps the limit, exactly as stated: `lt` 1/100 is missed by 1 in 100. None without data."""
    if not denominator:
        return None
    ours, theirs = numerator * limit.denominator, denominator * limit.numerator
    return {
        Comparator.LT: ours < theirs,
        Comparator.LTE: ours <= theirs,
        Comparator.GT: ours > theirs,
        Comparator.GTE: ours >= theirs,
        Comparator.EQ: ours == theirs,
    }[limit.comparator]


def bad(numerator: int, denominator: int, limit: Limit | None) -> int:
    """How many went wrong: of a lower limit those that are not in the numerator, else those that are."""
    return denominator - numerator if limit and limit.is_from_below else numerator


def budget(numerator: int, denominator: int, limit: Limit) -> Budget:
    """How many of the denominator may go wrong, and how many of them did not yet.

    Closed forms: the greatest bad count that keeps the limit is floor((N·p - 1) / q) where strict, floor(N·p / q) where not.
    """
    strict = 1 if limit.comparator in {Comparator.LT, Comparator.GT} else 0
    share = bad(limit.numerator, limit.denominator, limit)
    allowed = max(0, (denominator * share - strict) // limit.denominator)
    return Budget(allowed=allowed, left=allowed - bad(numerator, denominator, limit))


def warning_of(limit: Limit | None) -> Limit | None:
    """Three quarters of what a limit allows: the line that goes with a target which Amazon set for one account."""
    if limit is None:
        return None
    p, q = limit.numerator, limit.denominator
    if limit.comparator in {Comparator.LT, Comparator.LTE}:
        return Limit(limit.comparator, 3 * p, 4 * q)
    if limit.comparator in {Comparator.GT, Comparator.GTE} and p <= q:
        return Limit(limit.comparator, q + 3 * p, 4 * q)
    return None


def status(numerator: int, denominator: int, limit: Limit | None, warning: Limit | None) -> Status:
    """Where a series stands. A missed warning line is at risk, unless nothing at all went wrong yet."""
    if not denominator:
        return Status.NO_DATA
    if limit and not meets(numerator, denominator, limit):
        return Status.BREACHED
    if warning and not meets(numerator, denominator, warning):
        return Status.AT_RISK
    return Status.HEALTHY


def worst(statuses: list[Status]) -> Status:
    """The status of an account whose series have these."""
    return min(statuses, key=WORST_FIRST.index, default=Status.NO_DATA)
