"""The machine of breaches, on its own: tables of what a series is day by day, and what is told.

A day is written as one letter: g good, w misses the warning line, b misses Amazon's target, - below the warning line but not
clear of it, n no data, s stale (and would be bad), f too few to be judged by the agency's own line (and would miss it),
x the line is gone (and the series good), X the same, and stale.
"""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.alerts.state_machine import Edge, Look, Standing, follow, last_day, step
from metrics.rules.judgement import Comparator, Limit
from metrics.rules.series import Line, Value, Window

FIRST = date(2026, 11, 1)
TARGET, WARN, CLEAR = (Limit(Comparator.LT, percent, 100) for percent in (10, 5, 2))
NUMERATORS = {"g": 0, "w": 7, "b": 20, "-": 3, "n": 0, "s": 20, "f": 1, "x": 0, "X": 0}
DENOMINATORS = {"n": 0, "f": 15}
SHORT = {
    Edge.AT_RISK: "warned",
    Edge.RECOVERED: "recovered",
    Edge.OPENED: "breached",
    Edge.ESCALATED: "escalated",
    Edge.RESOLVED: "resolved",
}


def value(kind: str, day: int = 1, **line: Any) -> Value:
    asks = Line(limit=WARN, clear=CLEAR, source="custom", **{"min_denominator": 20} | line)
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
        line=None if kind in "xX" else asks,
        name="",
        enforced=True,
    )


def told(days: str, **line: Any) -> list[tuple[int, str]]:
    """What is told on which day; a space is a day on which nobody looked."""
    standing, found = Standing(), list[tuple[int, str]]()
    for day, kind in enumerate(days, start=1):
        if kind != " ":
            standing, edges = step(standing, value(kind, day, **line), is_frozen=kind in "sX")
            found += [(day, SHORT[edge]) for edge in edges]
    return found


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
def test_two_lines_and_at_most_one_episode_of_each(days: str, expected: list[tuple[int, str]]) -> None:
    assert told(days) == expected


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
def test_the_agency_s_own_line_may_wait_and_amazon_s_never_does(
    days: str, for_days: int, expected: list[tuple[int, str]]
) -> None:
    assert told(days, for_days=for_days) == expected


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
def test_an_episode_ends_when_the_clear_line_was_kept_long_enough(
    days: str, keep_days: int, expected: list[tuple[int, str]]
) -> None:
    assert told(days, keep_days=keep_days) == expected


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
def test_silence_changes_nothing_and_a_line_that_is_gone_ends_its_warning(days: str, expected: list[tuple[int, str]]) -> None:
    assert told(days) == expected


def test_too_few_for_the_agency_s_own_line_are_judged_by_amazon_s() -> None:
    few = value("b", 1, min_denominator=1000)

    _, edges = step(Standing(), few, is_frozen=False)

    assert edges == [Edge.OPENED]


def test_several_looks_on_one_day_count_as_they_come() -> None:
    standing, days = Standing(), list[list[Edge]]()
    for kind, day in (("w", 1), ("g", 1), ("w", 1), ("w", 2), ("w", 2), ("w", 3)):
        standing, edges = step(standing, value(kind, day, for_days=2), is_frozen=False)
        days.append(edges)

    assert days == [[], [], [], [], [], [Edge.AT_RISK]]


def test_a_day_before_the_last_judged_one_changes_nothing() -> None:
    standing, _ = step(Standing(), value("w", 5), is_frozen=False)

    assert step(standing, value("b", 4), is_frozen=False) == (standing, [])


def test_looks_are_followed_in_their_order_and_each_series_apart() -> None:
    standings: dict[tuple[str, str, str], Standing] = {}
    looks = [Look([value("b", 1)], frozenset()), Look([value("g", 2)], frozenset({"orders"})), Look([value("g", 3)], frozenset())]

    found = [(each.as_of.day, edge) for each, edge in follow(standings, looks)]

    assert found == [(1, Edge.OPENED), (3, Edge.RESOLVED)]
    assert last_day(standings) == FIRST + timedelta(days=2)
    assert last_day({}) is None


@given(
    days=st.text(alphabet="gwb-nsfxX", max_size=60),
    for_days=st.integers(0, 4),
    keep_days=st.integers(0, 4),
)
def test_whatever_happens_edges_alternate_and_one_episode_of_a_level_is_open(days: str, for_days: int, keep_days: int) -> None:
    standing, warned, breached = Standing(), False, False

    for day, kind in enumerate(days, start=1):
        now = value(kind, day, for_days=for_days, keep_days=keep_days)
        standing, edges = step(standing, now, is_frozen=kind in "sX")
        for edge in edges:
            assert warned == (edge is Edge.RECOVERED) or edge not in {Edge.RECOVERED, Edge.AT_RISK}
            assert breached == (edge is Edge.RESOLVED) or edge not in {Edge.RESOLVED, Edge.OPENED, Edge.ESCALATED}
            assert (edge is Edge.ESCALATED) <= warned <= (edge is not Edge.OPENED)
            warned = {Edge.AT_RISK: True, Edge.RECOVERED: False}.get(edge, warned)
            breached = {Edge.OPENED: True, Edge.ESCALATED: True, Edge.RESOLVED: False}.get(edge, breached)
        assert (standing.is_warned, standing.is_breached) == (warned, breached)
        assert kind != "b" or breached
        assert kind not in "ns" or not edges
        assert Edge.AT_RISK not in edges or not breached
        assert step(standing, now, is_frozen=kind in "sX") == (standing, [])
