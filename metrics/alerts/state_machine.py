"""The machine of breaches: how a series stood, and what it is on a day, give how it stands and what is to be told. Pure.

Two lines a series: Amazon's target, which is judged always and at once, and the warning line before it (series.Line), which may
wait (`for_days`) and may want to see the rate well below it again (`clear`, `keep_days`). At most one episode of each is open;
while a breach is, no warning opens. What is frozen or has no data is left as it is: silence opens and resolves nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from metrics.rules.definitions import CATALOGUE
from metrics.rules.series import Series, Value


class Edge(StrEnum):
    """What is told, once each, in the words of the events."""

    AT_RISK = "metric.at_risk"
    RECOVERED = "metric.recovered"
    OPENED = "breach.opened"
    ESCALATED = "breach.escalated"
    RESOLVED = "breach.resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the machine remembers of a series: the last day it judged, what is open, and since which judged day, without a break,
    the warning line is missed, its clear line kept, and Amazon's target kept."""

    judged_on: date | None = None
    is_warned: bool = False
    is_breached: bool = False
    missed_since: date | None = None
    cleared_since: date | None = None
    kept_since: date | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """The values of one day as known at a moment, and the sources that had been silent for too long then."""

    values: list[Value]
    stale_sources: frozenset[str]


def last_day(standings: dict[Series, Standing]) -> date | None:
    """The last day on which any of these was judged."""
    return max((each.judged_on for each in standings.values() if each.judged_on), default=None)


def follow(standings: dict[Series, Standing], looks: Iterable[Look]) -> Iterator[tuple[Value, Edge]]:
    """Judge look after look. `standings` is brought up to date; what is to be told comes in its order."""
    for look in looks:
        for value in look.values:
            is_frozen = CATALOGUE[value.metric].source in look.stale_sources
            before = standings.get(value.series, Standing())
            standings[value.series], edges = step(before, value, is_frozen=is_frozen)
            yield from ((value, edge) for edge in edges)


def step(standing: Standing, value: Value, *, is_frozen: bool) -> tuple[Standing, list[Edge]]:
    """How the series stands after this value, and what to tell. A value of a day before the last judged one changes nothing.

    A warning whose line is gone ends at once, frozen or not: that is the agency's word, not silence.
    """
    if standing.judged_on and value.as_of < standing.judged_on:
        return standing, []
    after, edges = replace(standing, judged_on=value.as_of), list[Edge]()
    if value.line is None:
        edges += [Edge.RECOVERED] * standing.is_warned
        after = replace(after, is_warned=False, missed_since=None, cleared_since=None)
    if is_frozen or not value.denominator:
        return after, edges
    after = _counted(after, value)
    after, of_target = _by_target(after, value)
    after, of_line = _by_line(after, value, is_resolved=of_target == [Edge.RESOLVED])
    return after, edges + of_target + of_line


def _counted(standing: Standing, value: Value) -> Standing:
    """The days without a break, this one included."""
    missed = None if value.meets_line is None else not value.meets_line
    return replace(
        standing,
        missed_since=_since(standing.missed_since, value.as_of, holds=missed),
        cleared_since=_since(standing.cleared_since, value.as_of, holds=value.is_clear),
        kept_since=_since(standing.kept_since, value.as_of, holds=value.meets_target),
    )


def _since(since: date | None, day: date, *, holds: bool | None) -> date | None:
    """What is not judged breaks nothing."""
    if holds is None:
        return since
    return (since or day) if holds else None


def _lasts(since: date | None, days: int, today: date) -> bool:
    return since is not None and (today - since).days >= days


def _by_target(standing: Standing, value: Value) -> tuple[Standing, list[Edge]]:
    keep_days = value.line.keep_days if value.line else 0
    if value.meets_target is False and not standing.is_breached:
        return replace(standing, is_breached=True), [Edge.ESCALATED if standing.is_warned else Edge.OPENED]
    if value.meets_target and standing.is_breached and _lasts(standing.kept_since, keep_days, value.as_of):
        return replace(standing, is_breached=False), [Edge.RESOLVED]
    return standing, []


def _by_line(standing: Standing, value: Value, *, is_resolved: bool) -> tuple[Standing, list[Edge]]:
    """What was a breach a moment ago and still misses the warning line is a warning at once: it has lasted long enough."""
    line = value.line
    if line is None or standing.is_breached:
        return standing, []
    if standing.is_warned:
        is_over = value.is_clear and _lasts(standing.cleared_since, line.keep_days, value.as_of)
        return (replace(standing, is_warned=False), [Edge.RECOVERED]) if is_over else (standing, [])
    is_due = is_resolved or _lasts(standing.missed_since, line.for_days, value.as_of)
    if value.meets_line is False and is_due:
        return replace(standing, is_warned=True), [Edge.AT_RISK]
    return standing, []
