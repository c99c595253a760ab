"""Test how a value is judged against a limit, with tables and with exact fractions."""

from fractions import Fraction

import pytest

from metrics.rules import judgement
from metrics.rules.judgement import Budget, Comparator, Limit, Status

ONE_PERCENT = Limit(Comparator.LT, 1, 100)
WARNING = Limit(Comparator.LT, 3, 400)


@pytest.mark.parametrize(
    ("comparator", "below", "exact", "above"),
    [
        (Comparator.LT, True, False, False),
        (Comparator.LTE, True, True, False),
        (Comparator.GT, False, False, True),
        (Comparator.GTE, False, True, True),
        (Comparator.EQ, False, True, False),
    ],
)
def test_meets_by_comparator_below_at_and_above_the_limit(
    comparator: Comparator, below: bool, exact: bool, above: bool
) -> None:
    limit = Limit(comparator, 1, 100)

    assert [judgement.meets(n, 200, limit) for n in (1, 2, 3)] == [below, exact, above]


def test_meets_is_none_without_data() -> None:
    assert judgement.rate(0, 0) is None
    assert judgement.meets(0, 0, ONE_PERCENT) is None
    assert judgement.status(0, 0, ONE_PERCENT, WARNING) is Status.NO_DATA


@pytest.mark.parametrize(("p", "q"), [(1, 100), (4, 100), (1, 40), (1, 20)])
@pytest.mark.parametrize("comparator", [Comparator.LT, Comparator.LTE])
def test_budget_is_the_greatest_numerator_that_meets_the_limit(
    comparator: Comparator, p: int, q: int
) -> None:
    limit = Limit(comparator, p, q)

    for orders in range(1, 500):
        keeps = [
            defects
            for defects in range(orders + 1)
            if (Fraction(defects, orders) < Fraction(p, q))
            or (comparator is Comparator.LTE and Fraction(defects, orders) == Fraction(p, q))
        ]
        assert judgement.budget(0, orders, limit).allowed == max(keeps, default=0)


@pytest.mark.parametrize(("p", "q"), [(95, 100), (97, 100), (9, 10), (1, 1), (0, 1)])
@pytest.mark.parametrize("comparator", [Comparator.GT, Comparator.GTE])
def test_budget_of_a_minimum_is_the_greatest_bad_count(comparator: Comparator, p: int, q: int) -> None:
    limit = Limit(comparator, p, q)

    for packages in range(1, 300):
        keeps = [
            bad
            for bad in range(packages + 1)
            if (Fraction(packages - bad, packages) > Fraction(p, q))
            or (comparator is Comparator.GTE and Fraction(packages - bad, packages) == Fraction(p, q))
        ]
        assert judgement.budget(packages, packages, limit).allowed == max(keeps, default=0)


@pytest.mark.parametrize(
    "limit", [Limit(Comparator.GTE, 95, 100), Limit(Comparator.GT, 97, 100), Limit(Comparator.LT, 4, 100)]
)
def test_budget_is_used_up_exactly_when_one_more_would_miss(limit: Limit) -> None:
    from_below = limit.comparator in {Comparator.GT, Comparator.GTE}

    for whole in (40, 99, 100, 101, 250):
        for bad in range(whole):
            numerator, one_worse = (whole - bad, whole - bad - 1) if from_below else (bad, bad + 1)
            meets, still = (judgement.meets(each, whole, limit) for each in (numerator, one_worse))
            left = judgement.budget(numerator, whole, limit).left
            assert (left >= 0) is (meets or bad == 0)
            assert (left >= 1) is still


def test_budget_of_a_limit_of_zero_is_zero() -> None:
    none = Limit(Comparator.EQ, 0, 1)

    assert [judgement.budget(count, 1, none) for count in (0, 1, 3)] == [
        Budget(0, 0),
        Budget(0, -1),
        Budget(0, -3),
    ]
    assert [judgement.meets(count, 1, none) for count in (0, 1, 3)] == [True, False, False]


@pytest.mark.parametrize(
    ("limit", "warning"),
    [
        (None, None),
        (Limit(Comparator.LT, 1, 100), Limit(Comparator.LT, 3, 400)),
        (Limit(Comparator.LTE, 2, 100), Limit(Comparator.LTE, 6, 400)),
        (Limit(Comparator.GTE, 95, 100), Limit(Comparator.GTE, 385, 400)),
        (Limit(Comparator.GT, 97, 100), Limit(Comparator.GT, 391, 400)),
        (Limit(Comparator.GTE, 1, 1), Limit(Comparator.GTE, 4, 4)),
        (Limit(Comparator.GTE, 200, 1), None),
        (Limit(Comparator.EQ, 0, 1), None),
    ],
)
def test_default_warning_limit_is_three_quarters_of_the_target(
    limit: Limit | None, warning: Limit | None
) -> None:
    assert judgement.default_warning_limit(limit) == warning


@pytest.mark.parametrize(("p", "q"), [(1, 100), (4, 100), (25, 1000), (1, 20)])
@pytest.mark.parametrize("comparator", [Comparator.LT, Comparator.LTE, Comparator.GT, Comparator.GTE])
def test_default_warning_limit_met_means_target_met(comparator: Comparator, p: int, q: int) -> None:
    limit = Limit(comparator, p if comparator in {Comparator.LT, Comparator.LTE} else q - p, q)
    line = judgement.default_warning_limit(limit)
    assert line is not None

    met = [n for n in range(2001) if judgement.meets(n, 2000, line)]

    assert met
    assert all(judgement.meets(n, 2000, limit) for n in met)


@pytest.mark.parametrize(
    ("limit", "is_score"),
    [
        (Limit(Comparator.GTE, 200, 1), True),
        (Limit(Comparator.GT, 101, 100), True),
        (Limit(Comparator.GTE, 1, 1), False),
        (Limit(Comparator.GTE, 95, 100), False),
        (Limit(Comparator.LTE, 2, 1), False),
        (Limit(Comparator.EQ, 5, 1), False),
    ],
)
def test_limit_above_one_is_a_score(limit: Limit, is_score: bool) -> None:
    assert limit.is_score is is_score


@pytest.mark.parametrize("missing", [("", 1, 100), (None, 1, 100), ("lt", None, 100), ("lt", 1, None)])
def test_limit_with_an_empty_column_is_none(missing: tuple[str | None, int | None, int | None]) -> None:
    assert judgement.build_limit(*missing) is None
    assert judgement.build_limit("lt", 1, 100) == ONE_PERCENT


def test_budget_falls_by_one_for_each_defect() -> None:
    left = [judgement.budget(defects, 1000, ONE_PERCENT).left for defects in range(12)]

    assert left == list(range(9, -3, -1))


def test_budget_without_orders_is_zero() -> None:
    assert judgement.budget(0, 0, ONE_PERCENT) == judgement.Budget(allowed=0, left=0)


@pytest.mark.parametrize(
    ("defects", "orders", "status"),
    [
        (0, 1, Status.HEALTHY),
        (0, 100, Status.HEALTHY),
        (1, 100, Status.BREACHED),
        (1, 101, Status.AT_RISK),
        (1, 133, Status.AT_RISK),
        (3, 400, Status.AT_RISK),
        (1, 134, Status.HEALTHY),
        (29, 4000, Status.HEALTHY),
        (40, 4000, Status.BREACHED),
    ],
)
def test_status_of_an_order_defect_rate(defects: int, orders: int, status: Status) -> None:
    assert judgement.status(defects, orders, ONE_PERCENT, WARNING) is status


def test_status_without_a_limit_is_healthy_with_data() -> None:
    assert judgement.status(5, 10, None, None) is Status.HEALTHY


def test_worst_status_of_an_account() -> None:
    assert judgement.worst_status([Status.NO_DATA, Status.HEALTHY, Status.AT_RISK]) is Status.AT_RISK
    assert judgement.worst_status([Status.HEALTHY, Status.BREACHED]) is Status.BREACHED
    assert judgement.worst_status([]) is Status.NO_DATA


@pytest.mark.parametrize(("p", "q"), [(90, 100), (97, 100), (2, 3), (1, 1)])
@pytest.mark.parametrize("comparator", [Comparator.GT, Comparator.GTE])
def test_rate_misses_a_minimum_after_the_bad_items_allowed_and_meets_it_after_the_good_ones_needed(
    comparator: Comparator, p: int, q: int
) -> None:
    limit = Limit(comparator, p, q)

    for total in range(1, 60):
        for good in range(total + 1):
            meets = judgement.meets(good, total, limit)
            allowed = judgement.bad_allowed(good, total, limit)
            needed = judgement.good_needed(good, total, limit)
            assert allowed is not None
            if meets:
                assert needed == 0
                assert judgement.meets(good, total + allowed, limit)
                assert not judgement.meets(good, total + allowed + 1, limit)
            elif p == q:
                assert (allowed, needed) == (0, None)
            else:
                assert allowed == 0
                assert needed is not None
                assert judgement.meets(good + needed, total + needed, limit)
                assert not judgement.meets(good + needed - 1, total + needed - 1, limit)


@pytest.mark.parametrize("limit", [ONE_PERCENT, Limit(Comparator.EQ, 0, 1), Limit(Comparator.GTE, 200, 1)])
def test_items_allowed_and_needed_are_unknown_without_a_minimum_rate(limit: Limit) -> None:
    assert (judgement.bad_allowed(1, 2, limit), judgement.good_needed(1, 2, limit)) == (None, None)
