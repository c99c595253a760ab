"""Test the state machine with tables of a series day by day and its transitions.

A day is one letter: g good, w misses the threshold, b misses Amazon's target, - better than the threshold but not
clear of it, n no data, s stale (and bad), f too few orders for the agency's threshold (and would miss it), x the
threshold is deleted (and the series good), X the same, and stale.
"""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.alerts.state_machine import (
    AlertState,
    Observation,
    Transition,
    evaluate,
    last_evaluated_day,
    step,
)
from metrics.rules.judgement import Comparator, Limit
from metrics.rules.series import Value, Window
from metrics.rules.yardstick import WarningThreshold

FIRST = date(2026, 11, 1)
TARGET, WARN, CLEAR = (Limit(Comparator.LT, percent, 100) for percent in (10, 5, 2))
NUMERATORS = {"g": 0, "w": 7, "b": 20, "-": 3, "n": 0, "s": 20, "f": 1, "x": 0, "X": 0}
DENOMINATORS = {"n": 0, "f": 15}
SHORT = {
    Transition.AT_RISK: "warned",
    Transition.RECOVERED: "recovered",
    Transition.OPENED: "breached",
    Transition.ESCALATED: "escalated",
    Transition.RESOLVED: "resolved",
}


def value(kind: str, day: int = 1, **line: Any) -> Value:
    threshold = WarningThreshold(limit=WARN, clear=CLEAR, source="custom", **{"min_denominator": 20} | line)
    on = FIRST + timedelta(days=day - 1)
    return Value(
        metric="order_defect_rate",
        marketplace="US",
        channel="mfn",
        as_of=on,
        window=Window(on, on, 1, 0),
        numerator=NUMERATORS[kind],
        denominator=DENOMINATORS.get(kind, 100),
        limit=TARGET,
        limit_source="default",
        warning=None if kind in "xX" else threshold,
        name="",
        enforced=True,
    )


def transitions_by_day(days: str, **line: Any) -> list[tuple[int, str]]:
    """Return the transitions of each day; a space is a day without an evaluation."""
    state, published = AlertState(), list[tuple[int, str]]()
    for day, kind in enumerate(days, start=1):
        if kind != " ":
            state, transitions = step(state, value(kind, day, **line), is_frozen=kind in "sX")
            published += [(day, SHORT[transition]) for transition in transitions]
    return published


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("ggg", []),
        ("gbb", [(2, "breached")]),
        ("gbg", [(2, "breached"), (3, "resolved")]),
        ("gwbg", [(2, "warned"), (3, "escalated"), (4, "resolved"), (4, "recovered")]),
        ("gbw", [(2, "breached"), (3, "resolved"), (3, "warned")]),
        ("gwbw", [(2, "warned"), (3, "escalated"), (4, "resolved")]),
        ("bgb", [(1, "breached"), (2, "resolved"), (3, "breached")]),
        ("wgw", [(1, "warned"), (2, "recovered"), (3, "warned")]),
        ("b-g", [(1, "breached"), (2, "resolved")]),
        ("wb-g", [(1, "warned"), (2, "escalated"), (3, "resolved"), (4, "recovered")]),
    ],
)
def test_step_keeps_at_most_one_episode_of_each_limit(days: str, expected: list[tuple[int, str]]) -> None:
    assert transitions_by_day(days) == expected


@pytest.mark.parametrize(
    ("days", "for_days", "expected"),
    [
        ("www", 0, [(1, "warned")]),
        ("wwww", 2, [(3, "warned")]),
        ("wwgwww", 2, [(6, "warned")]),
        ("ww-www", 2, [(6, "warned")]),
        ("wnw", 2, [(3, "warned")]),
        ("wss", 2, []),
        ("wssw", 2, [(4, "warned")]),
        ("wffw", 3, [(4, "warned")]),
        ("w  w", 3, [(4, "warned")]),
        ("wbw", 9, [(2, "breached"), (3, "resolved"), (3, "warned")]),
        ("b", 9, [(1, "breached")]),
    ],
)
def test_step_lets_a_threshold_wait_and_the_target_never(
    days: str, for_days: int, expected: list[tuple[int, str]]
) -> None:
    assert transitions_by_day(days, for_days=for_days) == expected


@pytest.mark.parametrize(
    ("days", "keep_days", "expected"),
    [
        ("w---g", 0, [(1, "warned"), (5, "recovered")]),
        ("wggg", 2, [(1, "warned"), (4, "recovered")]),
        ("wg-ggg", 2, [(1, "warned"), (6, "recovered")]),
        ("wgwggg", 2, [(1, "warned"), (6, "recovered")]),
        ("wgng", 2, [(1, "warned"), (4, "recovered")]),
        ("wgnn", 2, [(1, "warned")]),
        ("bggg", 2, [(1, "breached"), (4, "resolved")]),
        ("b---", 2, [(1, "breached"), (4, "resolved")]),
        ("bwww", 2, [(1, "breached"), (4, "resolved"), (4, "warned")]),
        ("wbg-g", 1, [(1, "warned"), (2, "escalated"), (4, "resolved")]),
        ("wbggg", 1, [(1, "warned"), (2, "escalated"), (4, "resolved"), (4, "recovered")]),
    ],
)
def test_step_ends_an_episode_after_the_clear_limit_was_met_long_enough(
    days: str, keep_days: int, expected: list[tuple[int, str]]
) -> None:
    assert transitions_by_day(days, keep_days=keep_days) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("ss", []),
        ("bss", [(1, "breached")]),
        ("wnnn", [(1, "warned")]),
        ("bnnng", [(1, "breached"), (5, "resolved")]),
        ("f", []),
        ("wf", [(1, "warned")]),
        ("x", []),
        ("wxg", [(1, "warned"), (2, "recovered")]),
        ("wX", [(1, "warned"), (2, "recovered")]),
        ("bX", [(1, "breached")]),
        ("wbx", [(1, "warned"), (2, "escalated"), (3, "recovered"), (3, "resolved")]),
    ],
)
def test_step_ignores_stale_sources_and_ends_warnings_of_deleted_thresholds(
    days: str, expected: list[tuple[int, str]]
) -> None:
    assert transitions_by_day(days) == expected


def test_step_judges_small_denominators_by_the_target_only() -> None:
    few = value("b", 1, min_denominator=1000)

    _, transitions = step(AlertState(), few, is_frozen=False)

    assert transitions == [Transition.OPENED]


def test_step_counts_several_observations_of_one_day() -> None:
    state, days = AlertState(), list[list[Transition]]()
    for kind, day in (("w", 1), ("g", 1), ("w", 1), ("w", 2), ("w", 2), ("w", 3)):
        state, transitions = step(state, value(kind, day, for_days=2), is_frozen=False)
        days.append(transitions)

    assert days == [[], [], [], [], [], [Transition.AT_RISK]]


def test_step_ignores_days_before_the_last_evaluated_one() -> None:
    state, _ = step(AlertState(), value("w", 5), is_frozen=False)

    assert step(state, value("b", 4), is_frozen=False) == (state, [])


def test_evaluate_keeps_the_order_and_separates_series() -> None:
    states: dict[tuple[str, str, str], AlertState] = {}
    observations = [
        Observation([value("b", 1)], frozenset()),
        Observation([value("g", 2)], frozenset({"orders"})),
        Observation([value("g", 3)], frozenset()),
    ]

    published = [(each.as_of.day, transition) for each, transition in evaluate(states, observations)]

    assert published == [(1, Transition.OPENED), (3, Transition.RESOLVED)]
    assert last_evaluated_day(states) == FIRST + timedelta(days=2)
    assert last_evaluated_day({}) is None


@given(
    days=st.text(alphabet="gwb-nsfxX", max_size=60),
    for_days=st.integers(0, 4),
    keep_days=st.integers(0, 4),
)
def test_step_alternates_transitions_for_any_sequence(days: str, for_days: int, keep_days: int) -> None:
    state, warned, breached = AlertState(), False, False

    for day, kind in enumerate(days, start=1):
        now = value(kind, day, for_days=for_days, keep_days=keep_days)
        state, transitions = step(state, now, is_frozen=kind in "sX")
        for transition in transitions:
            assert warned == (transition is Transition.RECOVERED) or transition not in {
                Transition.RECOVERED,
                Transition.AT_RISK,
            }
            assert breached == (transition is Transition.RESOLVED) or transition not in {
                Transition.RESOLVED,
                Transition.OPENED,
                Transition.ESCALATED,
            }
            assert (transition is Transition.ESCALATED) <= warned <= (transition is not Transition.OPENED)
            warned = {Transition.AT_RISK: True, Transition.RECOVERED: False}.get(transition, warned)
            breached = {Transition.OPENED: True, Transition.ESCALATED: True, Transition.RESOLVED: False}.get(
                transition, breached
            )
        assert (state.is_warned, state.is_breached) == (warned, breached)
        assert kind != "b" or breached
        assert kind not in "ns" or not transitions
        assert Transition.AT_RISK not in transitions or not breached
        assert step(state, now, is_frozen=kind in "sX") == (state, [])
