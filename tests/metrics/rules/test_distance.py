"""Test the distance of a value from its limit, with tables and for every small count."""

from datetime import date
from fractions import Fraction
from itertools import product

import pytest

from metrics.rules import distance, judgement
from metrics.rules.judgement import Comparator, Limit
from metrics.rules.series import Value, Window
from metrics.rules.yardstick import default_warning

ODR = Limit(Comparator.LT, 1, 100)
TRACKING = Limit(Comparator.GTE, 95, 100)
NOTHING = Limit(Comparator.EQ, 0, 1)
SCORE = Limit(Comparator.GTE, 200, 1)
DAY = date(2026, 11, 22)


def value(
    numerator: int, denominator: int, limit: Limit | None = ODR, *, metric: str = "a", **more: object
) -> Value:
    """Build a value that Amazon enforces and that is at risk from three quarters of its limit."""
    usual = {
        "enforced": True,
        "warning": default_warning(judgement.default_warning_limit(limit), "default"),
    } | more
    return Value(
        metric=metric,
        marketplace="DE",
        channel="mfn",
        as_of=DAY,
        window=Window(DAY, DAY, 1, 0),
        numerator=numerator,
        denominator=denominator,
        limit=limit,
        limit_source="default",
        name=metric,
        **usual,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("numerator", "denominator", "limit", "far"),
    [
        # an upper limit: what is left of what it allows
        (0, 400, ODR, 1.0),
        (1, 400, ODR, 0.75),
        (3, 400, ODR, 0.25),
        (4, 400, ODR, 0.0),
        (6, 400, ODR, -0.5),
        (400, 400, ODR, -99.0),
        (4, 400, Limit(Comparator.LTE, 1, 100), 0.0),
        # a lower limit: the same, of what did not go well
        (400, 400, TRACKING, 1.0),
        (390, 400, TRACKING, 0.5),
        (380, 400, TRACKING, 0.0),
        (0, 400, TRACKING, -19.0),
        (97, 100, Limit(Comparator.GT, 97, 100), 0.0),
        (5, 10, Limit(Comparator.GTE, 0, 1), 0.5),
        # nothing at all may go wrong
        (0, 1, NOTHING, 1.0),
        (1, 1, NOTHING, -1.0),
        (3, 1, NOTHING, -3.0),
        (0, 50, Limit(Comparator.LTE, 0, 100), 1.0),
        (2, 50, Limit(Comparator.LTE, 0, 100), -2.0),
        (50, 50, Limit(Comparator.GTE, 1, 1), 1.0),
        (48, 50, Limit(Comparator.GTE, 1, 1), -2.0),
        (60, 50, Limit(Comparator.GTE, 1, 1), 1.0),
        # a limit that nothing can keep
        (0, 50, Limit(Comparator.LT, 0, 100), 0.0),
        (50, 50, Limit(Comparator.GT, 1, 1), 0.0),
        # a score
        (200, 1, SCORE, 0.0),
        (150, 1, SCORE, -0.25),
        (0, 1, SCORE, -1.0),
        (300, 1, SCORE, 0.5),
        (1000, 1, SCORE, 1.0),
        # exactly so many
        (5, 1, Limit(Comparator.EQ, 5, 1), 1.0),
        (4, 1, Limit(Comparator.EQ, 5, 1), -0.2),
        (6, 1, Limit(Comparator.EQ, 5, 1), -0.2),
    ],
)
def test_distance_is_the_unused_part_of_the_limit(
    numerator: int, denominator: int, limit: Limit, far: float
) -> None:
    assert distance.measure_counts(numerator, denominator, limit) == far


@pytest.mark.parametrize("limit", [ODR, TRACKING, NOTHING, SCORE])
def test_distance_is_none_without_data(limit: Limit) -> None:
    assert distance.measure_counts(0, 0, limit) is None


def test_distance_is_none_without_a_limit() -> None:
    assert distance.measure(value(1, 100, None)) is None


@pytest.mark.parametrize("comparator", list(Comparator))
@pytest.mark.parametrize(("p", "q"), [(0, 1), (1, 100), (3, 7), (1, 2), (19, 20), (1, 1), (5, 1), (200, 1)])
def test_distance_sign_agrees_with_the_verdict(comparator: Comparator, p: int, q: int) -> None:
    limit = Limit(comparator, p, q)

    for numerator, denominator in product(range(25), range(1, 22)):
        far = distance.measure_counts(numerator, denominator, limit)
        assert far is not None
        assert far >= 0 if judgement.meets(numerator, denominator, limit) else far <= 0
        assert far <= 1


@pytest.mark.parametrize("comparator", [Comparator.LT, Comparator.LTE, Comparator.GT, Comparator.GTE])
@pytest.mark.parametrize(("p", "q"), [(1, 100), (4, 100), (1, 2), (95, 100), (97, 100)])
def test_distance_is_the_quotient_of_bad_shares(comparator: Comparator, p: int, q: int) -> None:
    limit = Limit(comparator, p, q)
    allowed = 1 - Fraction(p, q) if limit.is_minimum else Fraction(p, q)

    for denominator in range(1, 60):
        for numerator in range(denominator + 1):
            rate = Fraction(numerator, denominator)
            wrong = 1 - rate if limit.is_minimum else rate
            assert distance.measure_counts(numerator, denominator, limit) == float(1 - wrong / allowed)


def test_distance_of_huge_counts_is_exact_in_sign() -> None:
    just_over = distance.measure_counts(10**7 + 1, 10**9, ODR)

    assert just_over is not None
    assert -1e-6 < just_over < 0


@pytest.mark.parametrize(
    ("values", "which"),
    [
        ([], None),
        ([value(0, 0)], None),
        ([value(5, 10, None)], None),
        ([value(0, 0, metric="empty"), value(0, 10, metric="full")], "full"),
        ([value(1, 400, metric="better"), value(2, 400, metric="worse")], "worse"),
        ([value(2, 400, metric="first"), value(2, 400, metric="second")], "first"),
        # by status first: breached before at risk, whoever enforces it
        ([value(3, 400, metric="at risk"), value(6, 400, metric="breached", enforced=False)], "breached"),
        # of one status what is enforced, however far the rest is beyond
        ([value(90, 400, metric="asked for", enforced=False), value(5, 400, metric="enforced")], "enforced"),
        ([value(1, 400, metric="asked for", enforced=False), value(0, 400, metric="enforced")], "enforced"),
        # a line of the agency's own can put at risk what is far from its limit
        (
            [
                value(
                    1, 400, metric="early", warning=default_warning(Limit(Comparator.LT, 1, 1000), "default")
                ),
                value(2, 400, metric="near"),
            ],
            "early",
        ),
        # over kinds of limits
        (
            [
                value(4, 400, metric="at it"),
                value(1, 1, NOTHING, metric="violation"),
                value(199, 1, SCORE, metric="score"),
            ],
            "violation",
        ),
    ],
)
def test_worst_value_of_an_account(values: list[Value], which: str | None) -> None:
    worst = distance.worst_value(values)

    assert (worst.metric if worst else None) == which
