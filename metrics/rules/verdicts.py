"""Combine our counts with Amazon's own figure of a series into one verdict. Pure.

Never healthy by silence: what only Amazon counts is judged by Amazon, what our rows leave open is judged at
both ends, and of two verdicts the worse one decides. `metrics.rules.series.Value` applies these rules.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from metrics.rules.judgement import Status, worst_status
from metrics.rules.yardstick import Counts, Yardstick

AMAZON_WORDS = {
    "BAD": Status.BREACHED,
    "POOR": Status.BREACHED,
    "UNHEALTHY": Status.BREACHED,
    "CRITICAL": Status.BREACHED,
    "DEACTIVATED": Status.BREACHED,
    "SUSPENDED": Status.BREACHED,
    "RED": Status.BREACHED,
    "AT_RISK": Status.AT_RISK,
    "FAIR": Status.AT_RISK,
    "WARNING": Status.AT_RISK,
    "YELLOW": Status.AT_RISK,
    "GOOD": Status.HEALTHY,
    "GREAT": Status.HEALTHY,
    "HEALTHY": Status.HEALTHY,
    "NORMAL": Status.HEALTHY,
    "GREEN": Status.HEALTHY,
}
"""Amazon's words for the status of a figure, a rating or an account, in the V2 report
(https://github.com/amzn/selling-partner-api-models/blob/main/schemas/reports/accountHealthReport-2020-11-18.json)
and in the checklist of the V1 report. NONE and any other word say nothing."""


class Basis(StrEnum):
    """Name the figure on which a value stands, or which decides its status."""

    OWN = "own"
    AMAZON_REPORT = "amazon_report"
    NONE = "none"


class Bounds(NamedTuple):
    """Store the counts if everything that our rows leave open turned out well, and if it turned out badly.

    `undecided` is the number of orders or packages left open.
    """

    best: Counts
    worst: Counts
    undecided: int


def build_bounds(counts: Counts, number: int, uncounted: int, *, counts_good: bool) -> Bounds | None:
    """Return the bounds if a number of items is left open, of which `uncounted` are not in the denominator.

    A good end adds them to the numerator if it counts what went well, a bad end if it counts defects. Ruled out
    as defects, they are in no count.
    """
    if not number:
        return None
    numerator, denominator = counts
    with_all = Counts(numerator + number, denominator + uncounted)
    if counts_good:
        return Bounds(with_all, Counts(numerator, denominator + uncounted), number)
    return Bounds(counts, with_all, number)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmazonStanding:
    """Store where Amazon's newest figure of a series stands. The denominator is 0 if it states no counts.

    `word` is Amazon's status. `is_stale` says whether the report was too old on the value's day. For a policy
    counter, `rating` is the status of the account health rating in the same marketplace.
    """

    counts: Counts
    word: str
    first_on: date | None
    last_on: date | None
    reported_at: datetime
    is_stale: bool
    is_counter: bool = False
    rating: Status = Status.NO_DATA


class Verdict(NamedTuple):
    """Store a status, the counts that it judges, and the figure that decided it."""

    status: Status
    counts: Counts
    decided_by: Basis


def judge_own(counts: Counts, bounds: Bounds | None, yardstick: Yardstick) -> Status:
    """Return the status of our counts. Undecided if the two ends differ, unless even the best end is worse."""
    if bounds is None:
        return yardstick.judge(counts)
    best = yardstick.judge(bounds.best)
    return best if is_decided(bounds, yardstick) else worst_status([best, Status.UNDECIDED])


def is_decided(bounds: Bounds, yardstick: Yardstick) -> bool:
    """Return whether both ends have the same status."""
    return yardstick.judge(bounds.best) is yardstick.judge(bounds.worst)


def judge_amazon(amazon: AmazonStanding | None, yardstick: Yardstick) -> Status:
    """Return the status of Amazon's figure: by its word and by its counts, the worse of both.

    A policy counter is judged by Amazon's word alone, and without one by the account health rating: an open
    violation puts the account at risk, or breaches if the rating does.
    """
    if amazon is None:
        return Status.NO_DATA
    word = AMAZON_WORDS.get(amazon.word)
    if not amazon.is_counter:
        return worst_status([yardstick.judge(amazon.counts), word or Status.NO_DATA])
    if word is not None or not amazon.counts.denominator:
        return word or Status.NO_DATA
    violated = Status.BREACHED if amazon.rating is Status.BREACHED else Status.AT_RISK
    return violated if amazon.counts.numerator else Status.HEALTHY


def choose_basis(
    counts: Counts, bounds: Bounds | None, amazon: AmazonStanding | None, yardstick: Yardstick
) -> Basis:
    """Return the figure on which a value stands.

    Amazon's newest figure if there are no counts of our own, whatever its age; also if our counts are
    undecided, Amazon's figure is not stale, and our best end is not worse.
    """
    own, theirs = judge_own(counts, bounds, yardstick), judge_amazon(amazon, yardstick)
    if own is Status.NO_DATA:
        return Basis.NONE if theirs is Status.NO_DATA else Basis.AMAZON_REPORT
    is_open = bounds is not None and not is_decided(bounds, yardstick)
    is_settled = own is Status.UNDECIDED or worst_status([own, theirs]) is theirs
    if is_open and is_settled and theirs is not Status.NO_DATA and amazon and not amazon.is_stale:
        return Basis.AMAZON_REPORT
    return Basis.OWN


def judge(
    basis: Basis,
    counts: Counts,
    bounds: Bounds | None,
    amazon: AmazonStanding | None,
    yardstick: Yardstick,
) -> Verdict:
    """Return the verdict on a value with this basis: Amazon's if it is worse than ours and not stale."""
    if amazon and basis is Basis.AMAZON_REPORT:
        return Verdict(judge_amazon(amazon, yardstick), amazon.counts, basis)
    if basis is not Basis.OWN:
        return Verdict(Status.NO_DATA, counts, Basis.NONE)
    own, theirs = judge_own(counts, bounds, yardstick), judge_amazon(amazon, yardstick)
    if amazon and not amazon.is_stale and worst_status([own, theirs]) is not own:
        return Verdict(theirs, amazon.counts, Basis.AMAZON_REPORT)
    return Verdict(own, counts, basis)
