"""Test the statistics of groups against enumeration in exact fractions."""

from fractions import Fraction
from itertools import product
from math import comb

import pytest

from metrics.rules.association import Share, fisher_p, lift, wilson_interval

TABLES = [
    (Share(defects, orders), Share(all_defects, all_orders))
    for all_orders in (1, 2, 5, 8, 13)
    for all_defects, orders in product(range(all_orders + 1), range(all_orders + 1))
    for defects in range(max(0, orders + all_defects - all_orders), min(orders, all_defects) + 1)
]


def enumerated_p(group: Share, total: Share) -> float:
    """Return the p-value by the probability of every outcome."""
    ways = {
        n: comb(group.orders, n) * comb(total.orders - group.orders, total.defects - n)
        for n in range(min(group.orders, total.defects) + 1)
        if total.defects - n <= total.orders - group.orders
    }
    as_unlikely = sum(way for way in ways.values() if way <= ways[group.defects])
    return float(Fraction(as_unlikely, comb(total.orders, total.defects)))


def test_p_value_equals_enumeration() -> None:
    assert len(TABLES) > 700
    for group, total in TABLES:
        assert fisher_p(group, total) == pytest.approx(enumerated_p(group, total), rel=1e-9), (group, total)


@pytest.mark.parametrize(
    ("group", "total"),
    [
        (Share(3, 40), Share(9, 300)),
        (Share(0, 200), Share(12, 260)),
        (Share(30, 400), Share(60, 5000)),
        (Share(150, 10_000), Share(400, 30_000)),
    ],
)
def test_p_value_of_larger_tables_equals_enumeration(group: Share, total: Share) -> None:
    assert fisher_p(group, total) == pytest.approx(enumerated_p(group, total), rel=1e-7)


def test_p_value_of_a_million_orders_is_fast_and_small() -> None:
    assert fisher_p(Share(9_000, 400_000), Share(10_000, 1_000_000)) < 1e-300
    assert fisher_p(Share(4_000, 400_000), Share(10_000, 1_000_000)) == 1.0


def test_lift_compares_with_all_orders() -> None:
    assert lift(Share(2, 10), Share(4, 100)) == 5.0
    assert lift(Share(0, 10), Share(4, 100)) == 0.0
    assert lift(Share(0, 0), Share(4, 100)) is None
    assert lift(Share(0, 10), Share(0, 100)) is None


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        # By hand: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n).
        (Share(1, 10), (0.017876, 0.404150)),
        (Share(0, 10), (0.0, 0.277533)),
        (Share(10, 10), (0.722467, 1.0)),
    ],
)
def test_interval_equals_worked_example(share: Share, expected: tuple[float, float]) -> None:
    assert wilson_interval(share) == pytest.approx(expected, abs=1e-6)
    assert wilson_interval(Share(0, 0)) is None
