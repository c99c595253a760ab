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
    def value(self) -> float:
        return self.numerator / self.denominator


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


def budget(numerator: int, denominator: int, limit: Limit) -> Budget:
    """For an upper limit: the greatest numerator that still keeps it, closed form floor((N·p - 1) / q) where strict."""
    slack = 1 if limit.comparator is Comparator.LT else 0
    allowed = max(0, (denominator * limit.numerator - slack) // limit.denominator)
    return Budget(allowed=allowed, left=allowed - numerator)


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
