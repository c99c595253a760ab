"""Measure how far a value is from its limit, on one scale for all metrics, and find the worst. Pure.

The distance is the unused share of the allowed defects. It is 1 without defects, 0 exactly at the limit, and
negative beyond the limit. With a limit of 1 %, a rate of 0.5 % has the distance 0.5, and 1.4 % has -0.4. With
a limit of at least 95 %, a tracking rate of 97.5 % has the distance 0.5.

Three kinds of limits are not shares:
- A policy counter has no share of allowed violations: 1 without violations, 0 with any. So it is never farther
  from its limit than a rate that misses its own.
- If no defects are allowed (`lte` 0 %, `gte` 100 %), the distance is 1 without defects, and otherwise the
  negative number of defects: one is -1, three are -3.
- For a score, the distance is the difference from the limit as a share of the limit, at most 1. With a limit
  of 200, a score of 300 has the distance 0.5, 150 has -0.25, and 400 or more has 1.
"""

from collections.abc import Iterable

from metrics.rules.judgement import WORST_FIRST, Comparator, Limit, Status, count_bad, meets
from metrics.rules.series import Value


def measure_counts(numerator: int, denominator: int, limit: Limit) -> float | None:
    """Return the distance, or None without data.

    It is at most 0 if the limit is missed, and at least 0 if it is met.
    """
    if not denominator:
        return None
    scaled, scaled_limit = numerator * limit.denominator, denominator * limit.numerator
    if limit.is_score:
        return min(1.0, (scaled - scaled_limit) / scaled_limit)
    # Of an exact number, too few are as far away as too many.
    if limit.comparator is Comparator.EQ and limit.numerator:
        return 1.0 if scaled == scaled_limit else -abs(scaled - scaled_limit) / scaled_limit
    bad = count_bad(numerator, denominator, limit)
    allowed = denominator * count_bad(limit.numerator, limit.denominator, limit)
    if allowed:
        return min(1.0, (allowed - bad * limit.denominator) / allowed)
    return float(-bad) if bad > 0 else float(meets(numerator, denominator, limit) or 0)


def measure(value: Value) -> float | None:
    """Return the distance of the counts that decide the status from the target, or from the agency's
    threshold if Amazon sets no target.

    At most 0 for a breached value: Amazon's word may be worse than its counts. For an undecided value it is
    that of the worst end, for the account must not seem better than it may be. None without either limit, and
    without data.
    """
    limit = value.limit or value.warning_limit
    status, counts, _ = value.verdict
    if limit is None or status is Status.NO_DATA:
        return None
    if _is_counter(value):
        return 0.0 if counts.numerator or status is Status.BREACHED else 1.0
    if value.bounds and value.is_undecided:
        counts = value.bounds.worst
    distance = measure_counts(*counts, limit)
    if status is not Status.BREACHED:
        return distance
    return min(0.0, distance) if distance is not None else 0.0


def worst_value(values: Iterable[Value]) -> Value | None:
    """Return the worst of the values that have a limit and data, or None if none has.

    Ordered by status, then metrics that Amazon enforces before the rest, then rates before policy counters,
    then distance, then the order of the catalogue.
    """
    measured = [(value, distance) for value in values if (distance := measure(value)) is not None]
    # Of equal ones min returns the first, so the order of the catalogue decides.
    worst = min(measured, key=lambda each: (*_severity(each[0]), each[1]), default=None)
    return worst[0] if worst else None


def _severity(value: Value) -> tuple[int, bool, bool]:
    return _rank(value.status), not value.enforced, _is_counter(value)


def _is_counter(value: Value) -> bool:
    return value.amazon is not None and value.amazon.is_counter


def _rank(status: Status) -> int:
    return WORST_FIRST.index(status)
