"""Test the statistics of groups against enumeration in exact fractions."""

from fractions import Fraction
from itertools import product
from math import comb, prod
from random import Random

import pytest

from metrics.rules.association import (
    Share,
    benjamini_hochberg,
    expected_defects,
    fisher_p,
    lift,
    stratified_p,
    wilson_interval,
)

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


def enumerated_stratified_p(strata: list[tuple[Share, Share]]) -> float:
    """Return the one-sided p-value by the probability of every combination of outcomes."""
    observed = sum(group.defects for group, _ in strata)
    each = [
        [
            (
                n,
                Fraction(
                    comb(group.orders, n) * comb(total.orders - group.orders, total.defects - n),
                    comb(total.orders, total.defects),
                ),
            )
            for n in range(min(group.orders, total.defects) + 1)
            if total.defects - n <= total.orders - group.orders
        ]
        for group, total in strata
    ]
    combined = product(*each)
    return float(sum(prod(p for _, p in one) for one in combined if sum(n for n, _ in one) >= observed))


def test_p_value_of_several_accounts_equals_enumeration() -> None:
    chance = Random(3)
    for _ in range(200):
        strata = [chance.choice(TABLES) for _ in range(chance.randint(1, 3))]

        assert stratified_p(strata) == pytest.approx(enumerated_stratified_p(strata), abs=1e-12), strata


def test_expected_defects_follow_the_rate_of_each_account() -> None:
    strata = [(Share(3, 10), Share(5, 100)), (Share(0, 50), Share(2, 100)), (Share(0, 0), Share(0, 0))]

    assert expected_defects(strata) == pytest.approx(0.5 + 1.0)


def test_q_values_are_those_of_the_source() -> None:
    # The p-values of the example of Benjamini and Hochberg, section 3.2: with q < 0.05, the first four are found.
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p_values += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    q_values = benjamini_hochberg(p_values)

    assert [q < 0.05 for q in q_values] == [True] * 4 + [False] * 11
    assert q_values[:3] == pytest.approx([0.0015, 0.003, 0.0095])
    assert q_values == sorted(q_values)
    assert benjamini_hochberg([]) == []
