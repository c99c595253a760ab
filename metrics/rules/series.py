"""Represent a series on a day: its counts over a window, and the limits that apply. Pure."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from uuid import UUID

from metrics.rules import judgement
from metrics.rules.judgement import Budget, Limit, Status

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


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningThreshold:
    """Store the limit that warns before Amazon's target, and when a warning opens and ends.

    It opens after `limit` was missed for `for_days` days and ends after `clear` was met for `keep_days` days.
    Values with a denominator below `min_denominator` are not judged by it. `threshold` is set if it is the
    agency's own.
    """

    limit: Limit
    clear: Limit
    source: str
    threshold: UUID | None = None
    for_days: int = 0
    keep_days: int = 0
    min_denominator: int = 0


# A year of values has thousands of rows and few limits.
@lru_cache(maxsize=1024)
def default_warning(limit: Limit | None, source: str) -> WarningThreshold | None:
    """Return the warning of a series without a threshold of the agency's."""
    return WarningThreshold(limit=limit, clear=limit, source=source) if limit else None


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
    parts: dict[str, int] | None = None
    unexplained: int | None = None

    @property
    def rate(self) -> float | None:
        return judgement.rate(self.numerator, self.denominator)

    @property
    def meets_target(self) -> bool | None:
        return judgement.meets(self.numerator, self.denominator, self.limit) if self.limit else None

    @property
    def warning_limit(self) -> Limit | None:
        return self.warning.limit if self.warning else None

    @property
    def meets_warning_limit(self) -> bool | None:
        """Return whether the rate meets the warning limit.

        None without data, or if the denominator is below the warning's minimum.
        """
        return self._meets(self.warning.limit) if self.warning else None

    @property
    def meets_clear_limit(self) -> bool | None:
        return self._meets(self.warning.clear) if self.warning else None

    def _meets(self, limit: Limit) -> bool | None:
        is_enough = self.warning is None or self.denominator >= self.warning.min_denominator
        return judgement.meets(self.numerator, self.denominator, limit) if is_enough else None

    @property
    def status(self) -> Status:
        # With too few orders the threshold is not judged, so it cannot put the series at risk either.
        warning_limit = None if self.meets_warning_limit is None else self.warning_limit
        return judgement.status(self.numerator, self.denominator, self.limit, warning_limit)

    @property
    def budget(self) -> Budget | None:
        # A score counts no defects, so none of them can be left.
        if self.limit is None or self.limit.is_score:
            return None
        return judgement.budget(self.numerator, self.denominator, self.limit)

    @property
    def series(self) -> Series:
        return (self.metric, self.marketplace, self.channel)
