"""Define what the counts of a series are judged by: a target, a warning and a minimum. Pure."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from metrics.rules import judgement
from metrics.rules.judgement import Limit, Status


class Counts(NamedTuple):
    """Store a numerator and its denominator."""

    numerator: int
    denominator: int


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

    def meets(self, counts: Counts, limit: Limit) -> bool | None:
        """Return whether counts meet `limit` or `clear`.

        None without data, or if the denominator is below the minimum.
        """
        is_enough = counts.denominator >= self.min_denominator
        return judgement.meets(*counts, limit) if is_enough else None


# A year of values has thousands of rows and few limits.
@lru_cache(maxsize=1024)
def default_warning(limit: Limit | None, source: str) -> WarningThreshold | None:
    """Return the warning of a series without a threshold of the agency's."""
    return WarningThreshold(limit=limit, clear=limit, source=source) if limit else None


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Store what counts are judged by: target, warning, and the smallest denominator that Amazon judges."""

    limit: Limit | None
    warning: WarningThreshold | None
    minimum_denominator: int = 0

    def judge(self, counts: Counts) -> Status:
        """Return the status of counts. Below Amazon's minimum they are at most at risk."""
        # With too few orders the threshold is not judged, so it cannot put the series at risk either.
        is_warned = self.warning is not None and self.warning.meets(counts, self.warning.limit) is not None
        warning_limit = self.warning.limit if self.warning and is_warned else None
        status = judgement.status(*counts, self.limit, warning_limit)
        is_below = counts.denominator < self.minimum_denominator
        return Status.AT_RISK if status is Status.BREACHED and is_below else status
