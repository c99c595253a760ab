"""Query Amazon's rules for metrics: which one applies where, and from which day to which."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest

from metrics.models import MetricRule
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.dated_rules import EVERYWHERE


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """Store a rule with the marketplace and the days to which it applies. `effective_to` is None if it has no
    last day."""

    rule: MetricRule
    marketplace: str
    effective_to: date | None


def query(
    *, metric: str | None = None, marketplace: str | None = None, on: date | None = None
) -> list[RuleInForce]:
    """Return the rules in the order of the catalogue, then by marketplace and first day.

    With a marketplace: the rules that apply there, of which those of all marketplaces end when it gets a rule of
    its own. With a day: only the rules in force on it.
    """
    rows = MetricRule.objects.all().order_by("marketplace", "effective_from")
    by_metric: defaultdict[str, list[MetricRule]] = defaultdict(list)
    for row in rows.filter(metric=metric) if metric else rows:
        by_metric[row.metric].append(row)
    in_force = [
        each for code in CATALOGUE for each in _chains(by_metric.get(code, []), marketplace=marketplace)
    ]
    return [each for each in in_force if on is None or _is_in_force(each, on)]


def _is_in_force(each: RuleInForce, day: date) -> bool:
    return each.rule.effective_from <= day and (each.effective_to is None or day <= each.effective_to)


def _chains(rows: Sequence[MetricRule], *, marketplace: str | None) -> Iterator[RuleInForce]:
    """Yield the rules of one metric, each with the day before the next one of its marketplace."""
    if marketplace is None:
        for place in dict.fromkeys(row.marketplace for row in rows):
            yield from _chain([row for row in rows if row.marketplace == place], place)
        return
    own = [row for row in rows if row.marketplace == marketplace]
    # A marketplace's own rule beats a later one of all marketplaces, as in pipeline/values.py.
    first = min((row.effective_from for row in own), default=date.max)
    shared = [row for row in rows if row.marketplace == EVERYWHERE and row.effective_from < first]
    yield from _chain([*shared, *own], marketplace)


def _chain(rows: Sequence[MetricRule], marketplace: str) -> Iterator[RuleInForce]:
    for row, following in zip_longest(rows, rows[1:]):
        last = following.effective_from - timedelta(days=1) if following else None
        yield RuleInForce(row, marketplace, last)
