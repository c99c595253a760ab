"""How far a value is from its limit, on one scale for every metric, and which series of an account is the worst. Pure.

1 is spotless, 0 is exactly at the limit, below 0 is beyond it: 1 minus the part that is used up of what the limit allows. A rate
of 0.5 % under a limit of 1 % has 0.5 left, as has a tracking rate of 97.5 % over a limit of 95 %; 1.4 % under 1 % stands at -0.4.

Two kinds of limits allow no share of anything:
- Where nothing at all may go wrong (`eq` 0 of a counter, `lte` 0 %, `gte` 100 %), nothing is 1 and each that did go wrong takes 1
  below 0: one violation is -1, three are -3.
- A score stands at the part of its limit by which it is above it: 300 over 200 is 0.5, 150 is -0.25; from twice the limit on it
  is spotless.
"""

from collections.abc import Iterable

from metrics.rules import judgement
from metrics.rules.judgement import WORST_FIRST, Comparator, Limit, Status
from metrics.rules.series import Value


def between(numerator: int, denominator: int, limit: Limit) -> float | None:
    """The distance, exact in its sign; None without data. What misses its limit is never above 0, what meets it never below."""
    if not denominator:
        return None
    ours, theirs = numerator * limit.denominator, denominator * limit.numerator
    if limit.is_of_a_score:
        return min(1.0, (ours - theirs) / theirs)
    if limit.comparator is Comparator.EQ and limit.numerator:
        return 1.0 if ours == theirs else -abs(ours - theirs) / theirs
    wrong = judgement.bad(numerator, denominator, limit)
    allowed = denominator * judgement.bad(limit.numerator, limit.denominator, limit)
    if allowed:
        return min(1.0, (allowed - wrong * limit.denominator) / allowed)
    return float(-wrong) if wrong > 0 else float(judgement.meets(numerator, denominator, limit) or 0)


def of(value: Value) -> float | None:
    """How far a value is from the limit in force, or from the agency's own line where Amazon asks for nothing.

    None without either, and without data.
    """
    limit = value.limit or value.warning
    return between(value.numerator, value.denominator, limit) if limit else None


def worst(values: Iterable[Value]) -> Value | None:
    """The series that stands worst of those that have a limit and data; None where there is none.

    By status first, so that it is as bad as its account. Of one status, those that Amazon enforces go before the rest, however
    far the rest is beyond; then the distance decides, then the order of the catalogue.
    """
    limited = [(value, distance) for value in values if (distance := of(value)) is not None]
    ranked = min(limited, key=lambda each: (_rank(each[0].status), not each[0].enforced, each[1]), default=None)
    return ranked[0] if ranked else None


def _rank(status: Status) -> int:
    return WORST_FIRST.index(status)
