"""Which warning line is in force: the most specific, of the newest version known and begun; and what a line may be."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from metrics.rules.judgement import Comparator, Limit
from metrics.rules.threshold_rules import Version, can_be_kept, in_force, is_as_strict

DAY = date(2026, 11, 22)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
ACCOUNT = UUID(int=1)


def version(percent: int, account: UUID | None = None, marketplace: str = "", channel: str = "", **more: Any) -> Version:
    usual: dict[str, Any] = {"metric": "order_defect_rate", "for_days": 1, "keep_days": 2, "min_denominator": 3}
    line = {"warn": (percent, 100), "clear": (percent, 200), "threshold": UUID(int=percent)}
    scope = {"account": account, "marketplace": marketplace, "channel": channel}
    return Version(**usual | line | scope | {"recorded_at": MIDNIGHT - timedelta(hours=1)} | more)


def percent(*versions: Version, day: date = DAY) -> int | None:
    """Which of these is in force for the merchant's orders in the US."""
    found = in_force(versions, metric="order_defect_rate", marketplace="US", channel="mfn", day=day)
    return found.warn[0] if found else None


@pytest.mark.parametrize(
    "scopes",
    [
        [(ACCOUNT, "US", "mfn"), (ACCOUNT, "US", ""), (ACCOUNT, "", "mfn"), (ACCOUNT, "", "")],
        [(ACCOUNT, "", ""), (None, "US", "mfn"), (None, "US", ""), (None, "", "mfn"), (None, "", "")],
    ],
)
def test_account_goes_before_marketplace_before_channel(scopes: list[tuple[UUID | None, str, str]]) -> None:
    versions = [version(number, *scope) for number, scope in enumerate(scopes, start=1)]

    assert percent(*versions) == percent(*reversed(versions)) == 1


@pytest.mark.parametrize("elsewhere", [{"marketplace": "CA"}, {"channel": "afn"}, {"metric": "a_to_z_claim_rate"}])
def test_a_line_of_another_series_is_not_in_force(elsewhere: dict[str, Any]) -> None:
    assert percent(version(1, **elsewhere)) is None
    assert percent(version(1, **elsewhere), version(2)) == 2


def test_of_one_scope_the_newest_version_is_in_force_whatever_their_order() -> None:
    older, newer = version(1, recorded_at=MIDNIGHT - timedelta(hours=2)), version(2)

    assert percent(older, newer) == percent(newer, older) == 2


def test_a_removed_line_leaves_the_less_specific_one() -> None:
    assert percent(version(1), version(2, ACCOUNT, is_removed=True)) == 1
    assert percent(version(1, is_removed=True)) is None


def test_a_day_is_judged_by_what_was_drawn_until_its_end() -> None:
    drawn = [version(1, recorded_at=MIDNIGHT - timedelta(days=1)), version(2, recorded_at=MIDNIGHT)]

    assert [percent(*drawn, day=DAY + timedelta(days=n)) for n in (-1, 0, 1)] == [None, 1, 2]


def test_a_line_has_the_direction_of_its_metric_and_says_where_it_is_from() -> None:
    line = version(1).line("gte")

    assert (line.limit, line.clear) == (Limit(Comparator.GTE, 1, 100), Limit(Comparator.GTE, 1, 200))
    assert (line.source, line.threshold, line.for_days, line.keep_days, line.min_denominator) == ("custom", UUID(int=1), 1, 2, 3)
    assert version(1).line("").limit.comparator == Comparator.LT


@pytest.mark.parametrize(
    ("comparator", "line", "strict"),
    [
        *(("lt", line, line <= 10) for line in (9, 10, 11)),
        *(("lte", line, line <= 10) for line in (9, 10, 11)),
        *(("gt", line, line >= 10) for line in (9, 10, 11)),
        *(("gte", line, line >= 10) for line in (9, 10, 11)),
        *(("eq", line, line == 10) for line in (9, 10, 11)),
    ],
)
def test_a_line_is_stricter_on_the_good_side(comparator: str, line: int, strict: bool) -> None:
    side = Comparator(comparator)

    assert is_as_strict(Limit(side, line, 1000), Limit(side, 1, 100)) is strict


@pytest.mark.parametrize(
    ("comparator", "line", "of_share", "of_score"),
    [
        ("lt", (0, 1), False, False),
        ("lt", (1, 1000), True, True),
        ("lte", (0, 1), True, True),
        ("gt", (1, 1), False, True),
        ("gte", (1, 1), True, True),
        ("gte", (3, 2), False, True),
        ("eq", (0, 1), True, True),
    ],
)
def test_some_lines_can_never_be_kept(comparator: str, line: tuple[int, int], of_share: bool, of_score: bool) -> None:
    limit = Limit(Comparator(comparator), *line)

    assert (can_be_kept(limit, is_share=True), can_be_kept(limit, is_share=False)) == (of_share, of_score)
