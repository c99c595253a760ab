"""A series on a day: its counts over a window, and how they stand against the limit in force. Pure."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from metrics.rules import judgement
from metrics.rules.judgement import Budget, Limit, Status

LINE_SOURCES = ("default", "amazon_report", "custom")
"""Where a target or a warning line is from: Amazon's rules, Amazon's own report of the series, or the agency."""
Series = tuple[str, str, str]
"""Metric, marketplace and channel, of one account."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days that a value covers, both included."""

    first: date
    last: date
    days: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The warning line before a target. Of an agency's own: its threshold, and what it asks for before it fires and clears.

    It fires when it was missed for `for_days`, and is over when `clear` was kept for `keep_days`; of fewer than `min_denominator`
    nothing is judged by it.
    """

    limit: Limit
    clear: Limit
    source: str
    threshold: UUID | None = None
    for_days: int = 0
    keep_days: int = 0
    min_denominator: int = 0


def usual_line(limit: Limit | None, source: str) -> Line | None:
    """The line that goes with a target."""
    return Line(limit=limit, clear=limit, source=source) if limit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Numerator and denominator of one series over one window, with the rule in force on its day."""

    metric: str
    marketplace: str
    channel: str
    as_of: date
    window: Window
    numerator: int
    denominator: int
    limit: Limit | None
    limit_source: str
    line: Line | None
    name: str
    enforced: bool
    counts_units: bool = False
    parts: dict[str, int] | None = None
    unexplained: int | None = None

    @property
    def rate(self) -> float | None:
        return judgement.rate(self.numerator, self.denominator)

    @property
    def meets_target(self) -> bool | None:
        return judgement.meets(self.numerator, self.denominator, self.limit) if self.limit else None

    @property
    def warning(self) -> Limit | None:
        return self.line.limit if self.line else None

    @property
    def meets_line(self) -> bool | None:
        """None also of too few to be judged by it."""
        return self._meets(self.line.limit) if self.line else None

    @property
    def is_clear(self) -> bool | None:
        return self._meets(self.line.clear) if self.line else None

    def _meets(self, limit: Limit) -> bool | None:
        is_enough = self.line is None or self.denominator >= self.line.min_denominator
        return judgement.meets(self.numerator, self.denominator, limit) if is_enough else None

    @property
    def status(self) -> Status:
        warning = None if self.meets_line is None else self.warning
        return judgement.status(self.numerator, self.denominator, self.limit, warning)

    @property
    def budget(self) -> Budget | None:
        if self.limit is None or self.limit.is_of_a_score:
            return None
        return judgement.budget(self.numerator, self.denominator, self.limit)

    @property
    def series(self) -> Series:
        return (self.metric, self.marketplace, self.channel)
