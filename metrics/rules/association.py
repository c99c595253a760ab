"""Compare a group of orders with the rest: Fisher's exact test, lift, and the interval of a rate. Pure."""

from collections.abc import Callable, Iterable, Sequence
from math import exp, fsum, lgamma, sqrt
from typing import NamedTuple

from metrics.rules.judgement import rate

Z95 = 1.959963984540054
"""The two-sided 95 % point of the normal distribution."""
TOLERANCE = 1e-7
"""Outcomes whose probabilities differ by less, relatively, are equally probable."""


class Share(NamedTuple):
    """Count the defects of some orders."""

    defects: int
    orders: int

    @property
    def rate(self) -> float | None:
        """Return the rate as a fraction of 1. None without orders."""
        return rate(self.defects, self.orders)


def lift(group: Share, total: Share) -> float | None:
    """Return how many times the total's rate the group's rate is. None without orders or defects in the total."""
    if not group.orders or not total.defects:
        return None
    return (group.defects * total.orders) / (group.orders * total.defects)


def wilson_interval(share: Share, *, z: float = Z95) -> tuple[float, float] | None:
    """Return the Wilson interval of a rate, as fractions of 1. None without orders.

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927).
    """
    if not share.orders:
        return None
    part, orders = share.defects / share.orders, share.orders
    centre = part + z * z / (2 * orders)
    margin = z * sqrt(part * (1 - part) / orders + z * z / (4 * orders * orders))
    divisor = 1 + z * z / orders
    # Of no defect, and of defects only, the end of the interval is exact.
    low = 0.0 if share.defects == 0 else (centre - margin) / divisor
    high = 1.0 if share.defects == orders else (centre + margin) / divisor
    return low, high


def fisher_p(group: Share, total: Share) -> float:
    """Return the two-sided p-value of Fisher's exact test: group against the rest of the total.

    It is the probability that the defects of the total fall on its orders at random as unevenly as observed, or more.
    `group` is part of `total`. Takes time in proportion to the likely outcomes, not to the orders.
    """
    least = max(0, group.orders + total.defects - total.orders)
    most = min(group.orders, total.defects)
    limit = _log_p(group.defects, group, total) + TOLERANCE
    mode = (group.orders + 1) * (total.defects + 1) // (total.orders + 2)
    mode = min(max(mode, least), most)
    if _log_p(mode, group, total) <= limit:
        return 1.0
    below = _search(least, mode, lambda n: _log_p(n, group, total) > limit) - 1
    above = _search(mode, most + 1, lambda n: n > most or _log_p(n, group, total) <= limit)
    tails = _sum(range(below, least - 1, -1), group, total) + _sum(range(above, most + 1), group, total)
    return min(1.0, tails)


def _search(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the smallest number of a range for which a condition holds that holds for all larger ones."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _sum(outcomes: range, group: Share, total: Share) -> float:
    """Return the probability of outcomes that become less and less probable."""
    summed = 0.0
    for outcome in outcomes:
        probability = exp(_log_p(outcome, group, total))
        summed += probability
        if probability < summed * 1e-17:
            break
    return summed


def _log_p(defects: int, group: Share, total: Share) -> float:
    """Return the logarithm of the hypergeometric probability of this number of defects in the group."""
    rest = total.orders - group.orders
    return (
        _log_choose(group.orders, defects)
        + _log_choose(rest, total.defects - defects)
        - _log_choose(total.orders, total.defects)
    )


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def stratified_p(strata: Iterable[tuple[Share, Share]]) -> float:
    """Return the one-sided p-value of groups of several totals, such as one carrier's orders in several accounts.

    It is the probability that the groups have together as many defects as observed, or more, if the defects of each
    total fall on its orders at random: the exact conditional test of stratified tables. Takes time in proportion to the
    observed defects times those of the totals.

    Source: C. R. Mehta, N. R. Patel, R. Gray, Journal of the American Statistical Association 80 (1985).
    """
    tables = list(strata)
    observed = sum(group.defects for group, _ in tables)
    # The probability of each number of defects below the observed one.
    fewer = [1.0] + [0.0] * (observed - 1) if observed else []
    for group, total in tables:
        most = min(group.orders, total.defects)
        least = max(0, group.orders + total.defects - total.orders)
        outcomes = [(n, exp(_log_p(n, group, total))) for n in range(least, min(most, observed) + 1)]
        fewer = [
            sum(p * fewer[place - n] for n, p in outcomes if place - n >= 0) for place in range(len(fewer))
        ]
    return min(1.0, max(0.0, 1.0 - fsum(fewer)))


def expected_defects(strata: Iterable[tuple[Share, Share]]) -> float:
    """Return how many defects groups would have if they had the rates of their totals."""
    return fsum(group.orders * total.defects / total.orders for group, total in strata if total.orders)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return the q-value of each p-value: the rate of false finds if all with this p-value or less are taken.

    Source: Y. Benjamini, Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995).
    """
    ascending = sorted(range(len(p_values)), key=p_values.__getitem__)
    q_values, lowest = [0.0] * len(p_values), 1.0
    for rank in range(len(ascending), 0, -1):
        place = ascending[rank - 1]
        lowest = min(lowest, p_values[place] * len(p_values) / rank)
        q_values[place] = lowest
    return q_values
