"""Decide which threshold is in force for a series, and which thresholds are valid. Pure.

The most specific scope wins: account before marketplace before channel.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from metrics.rules.judgement import Comparator, Limit
from metrics.rules.yardstick import WarningThreshold

ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdVersion:
    """Store the settings of a threshold from a moment on.

    `account` is None for all accounts; `marketplace` and `channel` are '' for all. `warn` and `clear` are
    fractions.
    """

    threshold: UUID | None
    account: UUID | None
    metric: str
    marketplace: str
    channel: str
    warn: tuple[int, int]
    clear: tuple[int, int]
    for_days: int
    keep_days: int
    min_denominator: int
    is_removed: bool = False
    recorded_at: datetime = ALWAYS

    @property
    def scope(self) -> tuple[bool, str, str]:
        """Return a key that sorts the most specific scope last."""
        # False sorts before True, and an empty text before every other.
        return self.account is not None, self.marketplace, self.channel

    def build_warning(self, comparator: str) -> WarningThreshold:
        """Build the warning with the comparator of the metric's target; `lt` for a metric without a
        target."""
        side = Comparator(comparator or Comparator.LT)
        return WarningThreshold(
            limit=Limit(side, *self.warn),
            clear=Limit(side, *self.clear),
            source="custom",
            threshold=self.threshold,
            for_days=self.for_days,
            keep_days=self.keep_days,
            min_denominator=self.min_denominator,
        )


def version_in_force(
    versions: Iterable[ThresholdVersion], *, metric: str, marketplace: str, channel: str, day: date
) -> ThresholdVersion | None:
    """Return the version that applies to a series on a day, among those that apply to its account."""
    # The version at the end of the day applies to the whole day, so that a day has one verdict.
    day_end = datetime.combine(day + timedelta(days=1), time(), UTC)
    newest: dict[tuple[bool, str, str], ThresholdVersion] = {}
    for version in versions:
        is_in_scope = (
            version.metric == metric
            and version.marketplace in {"", marketplace}
            and version.channel in {"", channel}
        )
        if is_in_scope and version.recorded_at < day_end:
            other = newest.get(version.scope)
            newest[version.scope] = (
                version if other is None or version.recorded_at > other.recorded_at else other
            )
    # Only now: a removal must first replace the version before it.
    present = [version for version in newest.values() if not version.is_removed]
    return max(present, key=lambda version: version.scope, default=None)


def is_as_strict(limit: Limit, other: Limit) -> bool:
    """Return whether every rate that meets the limit meets the other one, which has the same comparator."""
    scaled, scaled_other = limit.numerator * other.denominator, other.numerator * limit.denominator
    if other.comparator == Comparator.EQ:
        return scaled == scaled_other
    return scaled >= scaled_other if other.is_minimum else scaled <= scaled_other


def can_be_met(limit: Limit, *, is_share: bool) -> bool:
    """Return whether any rate meets the limit: no rate is below 0, and no share is above 1."""
    if limit.comparator == Comparator.LT and limit.numerator == 0:
        return False
    is_within_one = limit.numerator < limit.denominator or (
        limit.numerator == limit.denominator and limit.comparator != Comparator.GT
    )
    return is_within_one or not is_share
