"""How a value stands against a limit, by tables and by brute force in exact fractions."""

from fractions import Fraction

import pytest

from metrics import judgement
from metrics.judgement import Comparator, Limit, Status

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
def test_each_comparator_below_on_and_above_the_limit(comparator: Comparator, below: bool, exact: bool, above: bool) -> None:
    limit = Limit(comparator, 1, 100)

    assert [judgement.meets(n, 200, limit) for n in (1, 2, 3)] == [below, exact, above]


def test_nothing_ordered_neither_meets_nor_misses() -> None:
    assert judgement.rate(0, 0) is None
    assert judgement.meets(0, 0, ONE_PERCENT) is None
    assert judgement.status(0, 0, ONE_PERCENT, WARNING) is Status.NO_DATA


@pytest.mark.parametrize(("p", "q"), [(1, 100), (4, 100), (1, 40), (1, 20)])
@pytest.mark.parametrize("comparator", [Comparator.LT, Comparator.LTE])
def test_the_budget_is_the_greatest_numerator_that_still_meets(comparator: Comparator, p: int, q: int) -> None:
    limit = Limit(comparator, p, q)

    for orders in range(1, 500):
        keeps = [
            defects
            for defects in range(orders + 1)
            if (Fraction(defects, orders) < Fraction(p, q))
            or (comparator is Comparator.LTE and Fraction(defects, orders) == Fraction(p, q))
        ]
        assert judgement.budget(0, orders, limit).allowed == max(keeps, default=0)


def test_one_more_defect_leaves_exactly_one_less() -> None:
    left = [judgement.budget(defects, 1000, ONE_PERCENT).left for defects in range(12)]

    assert left == list(range(9, -3, -1))


def test_without_orders_nothing_is_allowed_and_nothing_is_left() -> None:
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


def test_a_series_without_a_limit_is_healthy_when_it_has_data() -> None:
    assert judgement.status(5, 10, None, None) is Status.HEALTHY


def test_the_worst_status_of_an_account() -> None:
    assert judgement.worst([Status.NO_DATA, Status.HEALTHY, Status.AT_RISK]) is Status.AT_RISK
    assert judgement.worst([Status.HEALTHY, Status.BREACHED]) is Status.BREACHED
    assert judgement.worst([]) is Status.NO_DATA
