"""The warning line in force: the agency's own where it has one, the most specific of them; else the usual one. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from metrics.rules.judgement import Comparator, Limit
from metrics.rules.series import Line

ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a threshold asks for from a moment on. `account` is null for all accounts, the others are '' for all."""

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
        """Sorts the most specific scope last: account before marketplace before channel."""
        return self.account is not None, self.marketplace, self.channel

    def line(self, comparator: str) -> Line:
        """The line, of the direction of the metric's target; a metric without one should be low."""
        side = Comparator(comparator or Comparator.LT)
        return Line(
            limit=Limit(side, *self.warn),
            clear=Limit(side, *self.clear),
            source="custom",
            threshold=self.threshold,
            for_days=self.for_days,
            keep_days=self.keep_days,
            min_denominator=self.min_denominator,
        )


def in_force(versions: Iterable[Version], *, metric: str, marketplace: str, channel: str, day: date) -> Version | None:
    """Of these versions, which are of one account, the one that a series of it is judged by on a day."""
    ends = datetime.combine(day + timedelta(days=1), time(), UTC)
    newest: dict[tuple[bool, str, str], Version] = {}
    for version in versions:
        is_of_series = version.metric == metric and version.marketplace in {"", marketplace} and version.channel in {"", channel}
        if is_of_series and version.recorded_at < ends:
            other = newest.get(version.scope)
            newest[version.scope] = version if other is None or version.recorded_at > other.recorded_at else other
    standing = [version for version in newest.values() if not version.is_removed]
    return max(standing, key=lambda version: version.scope, default=None)


def is_as_strict(line: Limit, target: Limit) -> bool:
    """Whether everything that keeps the line keeps the target."""
    ours, theirs = line.numerator * target.denominator, target.numerator * line.denominator
    if target.comparator == Comparator.EQ:
        return ours == theirs
    return ours >= theirs if target.is_from_below else ours <= theirs


def can_be_kept(line: Limit, *, is_share: bool) -> bool:
    """Whether any rate keeps the line: none is below 0, and no share above 1."""
    if line.comparator == Comparator.LT and line.numerator == 0:
        return False
    reaches = line.numerator < line.denominator or (line.numerator == line.denominator and line.comparator != Comparator.GT)
    return reaches or not is_share
