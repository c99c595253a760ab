"""Define dated rules of Amazon's with their sources, and find those that nobody checked for too long. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

from metrics.rules.judgement import Comparator, Limit, default_warning_limit

ALWAYS = date(2000, 1, 1)
EVERYWHERE = "*"
MAX_AGE_DAYS = 90


class Source(NamedTuple):
    """Name the page that states a rule."""

    title: str
    url: str


class Tier(NamedTuple):
    """State what Amazon does with rates from `from_rate` up to, and without, `to_rate`."""

    from_rate: float
    to_rate: float
    consequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AmazonRule:
    """Store one dated rule. `marketplace` is '*' for all that have no rule of their own.

    `consequence` is what Amazon does if the target is missed, `limitation` what of the rule the product cannot
    compute yet.
    """

    metric: str
    name: str
    window: tuple[int, int]
    source: Source
    checked_on: date
    marketplace: str = EVERYWHERE
    effective_from: date = ALWAYS
    comparator: Literal["lt", "lte", "gt", "gte", "eq", ""] = ""
    target: tuple[int, int] | None = None
    enforced: bool = False
    counts_units: bool = False
    minimum_denominator: int = 0
    tiers: tuple[Tier, ...] = ()
    consequence: str = ""
    limitation: str = ""
    verified: bool = True
    warns: bool = True

    @property
    def limit(self) -> Limit | None:
        return Limit(Comparator(self.comparator), *self.target) if self.comparator and self.target else None

    @property
    def warning_limit(self) -> Limit | None:
        """Return the default warning: three quarters of what the target allows."""
        return default_warning_limit(self.limit) if self.warns else None

    def to_row(self) -> dict[str, Any]:
        """Return the columns of the table."""
        limit, warning = self.limit, self.warning_limit
        return {
            "metric": self.metric,
            "marketplace": self.marketplace,
            "effective_from": self.effective_from,
            "window_days": self.window[0],
            "window_offset": self.window[1],
            "counts_units": self.counts_units,
            "name": self.name,
            "enforced": self.enforced,
            "comparator": self.comparator,
            "limit_numerator": limit and limit.numerator,
            "limit_denominator": limit and limit.denominator,
            "warning_numerator": warning and warning.numerator,
            "warning_denominator": warning and warning.denominator,
            "minimum_denominator": self.minimum_denominator,
            "tiers": [tier._asdict() for tier in self.tiers],
            "consequence": self.consequence,
            "limitation": self.limitation,
            "source_title": self.source.title,
            "source_url": self.source.url,
            "checked_on": self.checked_on,
            "verified": self.verified,
        }


def find_outdated(rules: Iterable[AmazonRule], *, today: date) -> list[AmazonRule]:
    """Return the rules that were last compared with their source more than MAX_AGE_DAYS ago."""
    return [rule for rule in rules if (today - rule.checked_on).days > MAX_AGE_DAYS]
