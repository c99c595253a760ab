"""Represent a series on a day: its counts over a window, and the limits that apply. Pure."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Self

from metrics.rules import judgement, verdicts
from metrics.rules.judgement import Budget, Limit, Status
from metrics.rules.verdicts import AmazonStanding, Basis, Bounds, Verdict
from metrics.rules.yardstick import Counts, WarningThreshold, Yardstick

LIMIT_SOURCES = ("default", "amazon_report", "custom")
"""The sources of a target or warning: Amazon's rules, Amazon's report about the series, or the agency's
threshold."""
Series = tuple[str, str, str]
"""Metric, marketplace and channel of one account."""


@dataclass(frozen=True, slots=True)
class Window:
    """Store the days that a value covers, both included.

    `offset` is the number of days from `last` to the value's day.
    """

    first: date
    last: date
    days: int
    offset: int

    def replaced_by(self, first: date | None, last: date | None, *, as_of: date) -> "Window":
        """Return the window of a report. What the report does not state follows from this window."""
        last = last or as_of - timedelta(days=self.offset)
        first = first or last - timedelta(days=self.days - 1)
        return Window(first, last, (last - first).days + 1, (as_of - last).days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Store the numerator and denominator of one series over one window, with the rule in force on its
    day."""

    metric: str
    marketplace: str
    channel: str
    as_of: date
    window: Window
    numerator: int
    denominator: int
    limit: Limit | None
    limit_source: str
    warning: WarningThreshold | None
    name: str
    enforced: bool
    counts_units: bool = False
    minimum_denominator: int = 0
    parts: dict[str, int] | None = None
    unexplained: int | None = None
    basis: Basis = Basis.OWN
    bounds: Bounds | None = None
    amazon: AmazonStanding | None = None

    @property
    def counts(self) -> Counts:
        return Counts(self.numerator, self.denominator)

    @property
    def yardstick(self) -> Yardstick:
        return Yardstick(self.limit, self.warning, self.minimum_denominator)

    def settle(self) -> Self:
        """Return the value on its basis, once its warning is known.

        On Amazon's figure, its counts and days are Amazon's.
        """
        if self.basis is Basis.AMAZON_REPORT:
            return self
        basis = verdicts.choose_basis(self.counts, self.bounds, self.amazon, self.yardstick)
        if self.amazon is None or basis is not Basis.AMAZON_REPORT:
            return self if basis is self.basis else replace(self, basis=basis)
        numerator, denominator = self.amazon.counts
        return replace(
            self,
            basis=basis,
            numerator=numerator,
            denominator=denominator,
            window=self.window.replaced_by(self.amazon.first_on, self.amazon.last_on, as_of=self.as_of),
            parts=None,
        )

    @property
    def verdict(self) -> Verdict:
        return verdicts.judge(self.basis, self.counts, self.bounds, self.amazon, self.yardstick)

    @property
    def status(self) -> Status:
        return self.verdict.status

    @property
    def is_undecided(self) -> bool:
        """Return whether our counts are the basis, and what they leave open decides the status."""
        is_open = self.basis is Basis.OWN and self.bounds is not None
        return is_open and not verdicts.is_decided(self.bounds, self.yardstick)  # type: ignore[arg-type]

    @property
    def differs_from_amazon(self) -> bool | None:
        """Return whether Amazon's figure has another status than ours. None if one of them has none."""
        if self.basis is not Basis.OWN:
            return None
        own = verdicts.judge_own(self.counts, self.bounds, self.yardstick)
        theirs = verdicts.judge_amazon(self.amazon, self.yardstick)
        return None if theirs is Status.NO_DATA else own is not theirs

    @property
    def is_below_minimum(self) -> bool:
        """Return whether the denominator is too small for Amazon to judge."""
        return 0 < self.denominator < self.minimum_denominator

    @property
    def rate(self) -> float | None:
        """Return the rate for display, or None without data and if it is undecided."""
        return None if self.is_undecided else judgement.rate(self.numerator, self.denominator)

    @property
    def meets_target(self) -> bool | None:
        """Return whether the counts meet the target. None without a target or data, and if it is undecided."""
        if self.limit is None:
            return None
        if self.bounds is None or self.basis is not Basis.OWN:
            return judgement.meets(self.numerator, self.denominator, self.limit)
        best, worst = (judgement.meets(*end, self.limit) for end in (self.bounds.best, self.bounds.worst))
        return best if best is worst else None

    @property
    def has_met_target(self) -> bool | None:
        """Return whether alerts take the target for met. None without a target or data, and if undecided."""
        status = self.status
        is_judged = self.limit is not None and status not in {Status.NO_DATA, Status.UNDECIDED}
        return status is not Status.BREACHED if is_judged else None

    @property
    def warning_limit(self) -> Limit | None:
        return self.warning.limit if self.warning else None

    @property
    def meets_warning_limit(self) -> bool | None:
        """Return whether the verdict meets the warning limit.

        None without a warning or data, if the denominator is below the warning's minimum, and if undecided.
        """
        return self._meets(self.warning.limit) if self.warning else None

    @property
    def meets_clear_limit(self) -> bool | None:
        """Return the same for the limit that ends a warning."""
        return self._meets(self.warning.clear) if self.warning else None

    def _meets(self, limit: Limit) -> bool | None:
        assert self.warning is not None  # noqa: S101  for mypy: the callers check it
        verdict = self.verdict
        # Amazon's word needs no counts, and an agency's minimum does not soften it.
        if verdict.decided_by is Basis.AMAZON_REPORT and verdict.status in {Status.AT_RISK, Status.BREACHED}:
            return False
        ends = self.bounds[:2] if self.bounds and self.basis is Basis.OWN else (self.counts,)
        answers = {self.warning.meets(end, limit) for end in ends}
        return answers.pop() if len(answers) == 1 else None

    @property
    def budget(self) -> Budget | None:
        return self.budget_of(self.counts)

    def budget_of(self, counts: Counts) -> Budget | None:
        """Return the budget of counts by the target. None without a target."""
        # A score counts no defects, so none of them can be left.
        if self.limit is None or self.limit.is_score:
            return None
        return judgement.budget(*counts, self.limit)

    @property
    def deciding_window(self) -> Window:
        """Return the days of the figure that decides the status."""
        if self.amazon is None or self.verdict.decided_by is not Basis.AMAZON_REPORT:
            return self.window
        return self.window.replaced_by(self.amazon.first_on, self.amazon.last_on, as_of=self.as_of)

    @property
    def series(self) -> Series:
        return (self.metric, self.marketplace, self.channel)
