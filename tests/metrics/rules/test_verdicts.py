"""Test verdicts: our counts, what they leave open, and Amazon's own figure."""

from datetime import UTC, date, datetime
from itertools import product

import pytest

from metrics.rules import judgement, verdicts
from metrics.rules.judgement import WORST_FIRST, Comparator, Limit, Status
from metrics.rules.verdicts import AmazonStanding, Basis, Bounds
from metrics.rules.yardstick import Counts, Yardstick, default_warning

ODR = Limit(Comparator.LT, 1, 100)
YARDSTICK = Yardstick(ODR, default_warning(judgement.default_warning_limit(ODR), "default"))
NOTHING, GOOD, NEAR, BAD = Counts(0, 0), Counts(0, 1000), Counts(8, 1000), Counts(20, 1000)


def amazon(counts: Counts = NOTHING, word: str = "NONE", *, is_stale: bool = False) -> AmazonStanding:
    return AmazonStanding(
        counts=counts,
        word=word,
        first_on=None,
        last_on=date(2026, 11, 1),
        reported_at=datetime(2026, 11, 20, tzinfo=UTC),
        is_stale=is_stale,
    )


def verdict(
    counts: Counts, standing: AmazonStanding | None, bounds: Bounds | None = None
) -> tuple[Basis, Status, Basis]:
    """Return the basis, the status, and what decided it."""
    basis = verdicts.choose_basis(counts, bounds, standing, YARDSTICK)
    status, _, decided_by = verdicts.judge(basis, counts, bounds, standing, YARDSTICK)
    return basis, status, decided_by


@pytest.mark.parametrize(
    ("own", "standing", "expected"),
    [
        # nothing known
        (NOTHING, None, (Basis.NONE, Status.NO_DATA, Basis.NONE)),
        (NOTHING, amazon(), (Basis.NONE, Status.NO_DATA, Basis.NONE)),
        # only ours
        (GOOD, None, (Basis.OWN, Status.HEALTHY, Basis.OWN)),
        (BAD, amazon(), (Basis.OWN, Status.BREACHED, Basis.OWN)),
        # only Amazon's, fresh or not: by counts, by word, by the worse of both
        (NOTHING, amazon(BAD, "BAD"), (Basis.AMAZON_REPORT, Status.BREACHED, Basis.AMAZON_REPORT)),
        (NOTHING, amazon(GOOD, "BAD"), (Basis.AMAZON_REPORT, Status.BREACHED, Basis.AMAZON_REPORT)),
        (NOTHING, amazon(BAD, "GOOD"), (Basis.AMAZON_REPORT, Status.BREACHED, Basis.AMAZON_REPORT)),
        (NOTHING, amazon(GOOD, "GOOD"), (Basis.AMAZON_REPORT, Status.HEALTHY, Basis.AMAZON_REPORT)),
        (NOTHING, amazon(word="AT_RISK"), (Basis.AMAZON_REPORT, Status.AT_RISK, Basis.AMAZON_REPORT)),
        (NOTHING, amazon(word="POOR"), (Basis.AMAZON_REPORT, Status.BREACHED, Basis.AMAZON_REPORT)),
        (
            NOTHING,
            amazon(BAD, "BAD", is_stale=True),
            (Basis.AMAZON_REPORT, Status.BREACHED, Basis.AMAZON_REPORT),
        ),
        # both: the worse decides while Amazon's is fresh
        (GOOD, amazon(BAD, "BAD"), (Basis.OWN, Status.BREACHED, Basis.AMAZON_REPORT)),
        (GOOD, amazon(NEAR, "GOOD"), (Basis.OWN, Status.AT_RISK, Basis.AMAZON_REPORT)),
        (GOOD, amazon(GOOD, "AT_RISK"), (Basis.OWN, Status.AT_RISK, Basis.AMAZON_REPORT)),
        (GOOD, amazon(BAD, "BAD", is_stale=True), (Basis.OWN, Status.HEALTHY, Basis.OWN)),
        (BAD, amazon(GOOD, "GOOD"), (Basis.OWN, Status.BREACHED, Basis.OWN)),
        (NEAR, amazon(NEAR, "GOOD"), (Basis.OWN, Status.AT_RISK, Basis.OWN)),
        # an unknown word says nothing
        (GOOD, amazon(GOOD, "PURPLE"), (Basis.OWN, Status.HEALTHY, Basis.OWN)),
    ],
)
def test_verdict_is_the_worse_of_ours_and_amazons(
    own: Counts, standing: AmazonStanding | None, expected: tuple[Basis, Status, Basis]
) -> None:
    assert verdict(own, standing) == expected


@pytest.mark.parametrize(
    ("best", "worst", "standing", "expected"),
    [
        (GOOD, BAD, None, (Basis.OWN, Status.UNDECIDED, Basis.OWN)),
        (GOOD, NEAR, None, (Basis.OWN, Status.UNDECIDED, Basis.OWN)),
        (NOTHING, BAD, None, (Basis.OWN, Status.UNDECIDED, Basis.OWN)),
        (GOOD, GOOD, None, (Basis.OWN, Status.HEALTHY, Basis.OWN)),
        (BAD, BAD, None, (Basis.OWN, Status.BREACHED, Basis.OWN)),
        # even the best end is at risk
        (NEAR, BAD, None, (Basis.OWN, Status.AT_RISK, Basis.OWN)),
        # Amazon's fresh figure settles it
        (GOOD, BAD, amazon(GOOD, "GOOD"), (Basis.AMAZON_REPORT, Status.HEALTHY, Basis.AMAZON_REPORT)),
        (GOOD, BAD, amazon(BAD, "BAD"), (Basis.AMAZON_REPORT, Status.BREACHED, Basis.AMAZON_REPORT)),
        (NEAR, BAD, amazon(GOOD, "GOOD"), (Basis.OWN, Status.AT_RISK, Basis.OWN)),
        # a stale or empty one does not
        (GOOD, BAD, amazon(GOOD, "GOOD", is_stale=True), (Basis.OWN, Status.UNDECIDED, Basis.OWN)),
        (GOOD, BAD, amazon(), (Basis.OWN, Status.UNDECIDED, Basis.OWN)),
    ],
)
def test_verdict_of_open_counts_is_judged_at_both_ends(
    best: Counts, worst: Counts, standing: AmazonStanding | None, expected: tuple[Basis, Status, Basis]
) -> None:
    assert verdict(best, standing, Bounds(best, worst, 5)) == expected


def test_verdict_is_never_better_than_a_fresh_figure_of_amazon() -> None:
    words = [*verdicts.AMAZON_WORDS, "NONE", ""]
    ends = [NOTHING, GOOD, NEAR, BAD]
    for own, end, counts, word in product(ends, ends, ends, words):
        bounds = Bounds(own, end, 1) if end != own and end.denominator else None
        standing = amazon(counts, word)
        theirs = verdicts.judge_amazon(standing, YARDSTICK)
        _, status, _ = verdict(own, standing, bounds)
        assert WORST_FIRST.index(status) <= WORST_FIRST.index(theirs), (own, end, counts, word)


@pytest.mark.parametrize(
    ("counts", "number", "uncounted", "counts_good", "bounds"),
    [
        ((0, 70), 30, 30, False, ((0, 70), (30, 100), 30)),
        ((0, 100), 30, 0, False, ((0, 100), (30, 100), 30)),
        ((90, 95), 5, 5, True, ((95, 100), (90, 100), 5)),
        ((90, 95), 0, 0, True, None),
    ],
)
def test_bounds_add_what_is_open_at_one_end(
    counts: tuple[int, int],
    number: int,
    uncounted: int,
    counts_good: bool,
    bounds: tuple[tuple[int, int], tuple[int, int], int] | None,
) -> None:
    assert verdicts.build_bounds(Counts(*counts), number, uncounted, counts_good=counts_good) == bounds


def test_yardstick_below_the_minimum_is_at_most_at_risk() -> None:
    few = Yardstick(Limit(Comparator.GTE, 90, 100), None, minimum_denominator=20)

    assert [few.judge(Counts(10, whole)) for whole in (19, 20)] == [Status.AT_RISK, Status.BREACHED]
    assert few.judge(Counts(19, 19)) is Status.HEALTHY
    assert few.judge(NOTHING) is Status.NO_DATA
