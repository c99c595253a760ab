"""Compute the next alert state and its transitions from a state and an observation. Pure.

A series has two limits. Amazon's target is always judged, without delay. A warning can wait for some days
(`for_days`), and can require a better rate to end (`clear_at`, `keep_days`). A series has at most one open
breach and one open warning, and while a breach is open, no warning opens. The state of a series does not
change while the figure that decides its status is stale, or it has no data or is undecided, so missing reports
neither open nor resolve anything. A breach that Amazon's figure still states when it becomes stale stays open.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from metrics.rules import verdicts
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.judgement import Status
from metrics.rules.series import Series, Value
from metrics.rules.verdicts import Basis


class Transition(StrEnum):
    """Name a change of alert state by the event that publishes it."""

    AT_RISK = "metric.at_risk"
    RECOVERED = "metric.recovered"
    OPENED = "breach.opened"
    ESCALATED = "breach.escalated"
    RESOLVED = "breach.resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """Store the state of a series after its last evaluation.

    `evaluated_until` is the last day evaluated. `missed_since`, `cleared_since` and `target_met_since` are
    the first days of the current streaks: warning limit missed, clear limit met, Amazon's target met.
    """

    evaluated_until: date | None = None
    is_warned: bool = False
    is_breached: bool = False
    missed_since: date | None = None
    cleared_since: date | None = None
    target_met_since: date | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """Store the values of one day as known at a moment, and the sources that were stale then."""

    values: list[Value]
    stale_sources: frozenset[str]


def last_evaluated_day(states: dict[Series, AlertState]) -> date | None:
    """Return the last day on which any of the series was evaluated."""
    return max((state.evaluated_until for state in states.values() if state.evaluated_until), default=None)


def evaluate(
    states: dict[Series, AlertState], observations: Iterable[Observation]
) -> Iterator[tuple[Value, Transition]]:
    """Evaluate the observations in their order.

    Update `states` in place and yield each transition with its value.
    """
    for observation in observations:
        for value in observation.values:
            is_frozen = is_stale(value, observation.stale_sources)
            state = states.get(value.series, AlertState())
            states[value.series], transitions = step(state, value, is_frozen=is_frozen)
            yield from ((value, transition) for transition in transitions)


def is_stale(value: Value, stale_sources: Container[str]) -> bool:
    """Return whether the figure that decides the status of the value is stale."""
    if value.amazon and value.verdict.decided_by is Basis.AMAZON_REPORT:
        return value.amazon.is_stale
    return CATALOGUE[value.metric].source in stale_sources


def step(state: AlertState, value: Value, *, is_frozen: bool) -> tuple[AlertState, list[Transition]]:
    """Return the state after this value, and the transitions to publish.

    1. ignore a day before the last evaluated one   2. end a warning whose threshold was deleted
    3. stop if it is stale, undecided or no data    4. update the streaks
    5. open or resolve the breach                   6. open or end the warning
    """
    if state.evaluated_until and value.as_of < state.evaluated_until:
        return state, []
    after, transitions = replace(state, evaluated_until=value.as_of), list[Transition]()
    # Before the check for staleness: deleting a threshold is the agency's decision and needs no fresh data.
    if value.warning is None:
        transitions += [Transition.RECOVERED] * state.is_warned
        after = replace(after, is_warned=False, missed_since=None, cleared_since=None)
    if is_frozen or value.status in {Status.NO_DATA, Status.UNDECIDED}:
        return after, transitions
    after = _update_streaks(after, value)
    # The breach before the warning: while a breach is open, no warning opens or ends.
    after, breach_transitions = _judge_breach(after, value)
    is_resolved = breach_transitions == [Transition.RESOLVED]
    after, warning_transitions = _judge_warning(after, value, is_resolved=is_resolved)
    return after, transitions + breach_transitions + warning_transitions


def _update_streaks(state: AlertState, value: Value) -> AlertState:
    is_missed = None if value.meets_warning_limit is None else not value.meets_warning_limit
    return replace(
        state,
        missed_since=_streak_start(state.missed_since, value.as_of, holds=is_missed),
        cleared_since=_streak_start(state.cleared_since, value.as_of, holds=value.meets_clear_limit),
        target_met_since=_streak_start(state.target_met_since, value.as_of, holds=value.has_met_target),
    )


def _streak_start(since: date | None, day: date, *, holds: bool | None) -> date | None:
    """Return the first day of the streak. None (not judged) leaves the streak unchanged."""
    if holds is None:
        return since
    return (since or day) if holds else None


def _has_lasted(since: date | None, days: int, today: date) -> bool:
    return since is not None and (today - since).days >= days


def _judge_breach(state: AlertState, value: Value) -> tuple[AlertState, list[Transition]]:
    """Open a breach if Amazon's target is missed; resolve it once the target was met for `keep_days`."""
    keep_days = value.warning.keep_days if value.warning else 0
    # `is False`: without a target or data, `has_met_target` is None, and nothing was missed.
    if value.has_met_target is False and not state.is_breached:
        transition = Transition.ESCALATED if state.is_warned else Transition.OPENED
        return replace(state, is_breached=True), [transition]
    has_lasted = _has_lasted(state.target_met_since, keep_days, value.as_of)
    if value.has_met_target and state.is_breached and has_lasted and not _is_stated_by_amazon(value):
        return replace(state, is_breached=False), [Transition.RESOLVED]
    return state, []


def _is_stated_by_amazon(value: Value) -> bool:
    """Return whether Amazon's newest figure still misses the target, although it is too old to decide."""
    return verdicts.judge_amazon(value.amazon, value.yardstick) is Status.BREACHED


def _judge_warning(
    state: AlertState, value: Value, *, is_resolved: bool
) -> tuple[AlertState, list[Transition]]:
    """Open or end a warning. A series whose breach was just resolved does not wait for `for_days` again."""
    warning = value.warning
    if warning is None or state.is_breached:
        return state, []
    if state.is_warned:
        is_over = value.meets_clear_limit and _has_lasted(state.cleared_since, warning.keep_days, value.as_of)
        return (replace(state, is_warned=False), [Transition.RECOVERED]) if is_over else (state, [])
    is_due = is_resolved or _has_lasted(state.missed_since, warning.for_days, value.as_of)
    if value.meets_warning_limit is False and is_due:
        return replace(state, is_warned=True), [Transition.AT_RISK]
    return state, []
