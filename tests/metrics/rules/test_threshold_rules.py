"""Test which threshold applies: the most specific, in its newest version known; and which are valid."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from metrics.rules.judgement import Comparator, Limit
from metrics.rules.threshold_rules import ThresholdVersion, can_be_met, is_as_strict, version_in_force

DAY = date(2026, 11, 22)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
ACCOUNT = UUID(int=1)


def version(
    percent: int, account: UUID | None = None, marketplace: str = "", channel: str = "", **more: Any
) -> ThresholdVersion:
    usual: dict[str, Any] = {
        "metric": "order_defect_rate",
        "for_days": 1,
        "keep_days": 2,
        "min_denominator": 3,
    }
    line = {"warn": (percent, 100), "clear": (percent, 200), "threshold": UUID(int=percent)}
    scope = {"account": account, "marketplace": marketplace, "channel": channel}
    return ThresholdVersion(**usual | line | scope | {"recorded_at": MIDNIGHT - timedelta(hours=1)} | more)


def percent(*versions: ThresholdVersion, day: date = DAY) -> int | None:
    """Return which of these applies to merchant orders in the US."""
    version_found = version_in_force(
        versions, metric="order_defect_rate", marketplace="US", channel="mfn", day=day
    )
    return version_found.warn[0] if version_found else None


@pytest.mark.parametrize(
    "scopes",
    [
        [(ACCOUNT, "US", "mfn"), (ACCOUNT, "US", ""), (ACCOUNT, "", "mfn"), (ACCOUNT, "", "")],
        [(ACCOUNT, "", ""), (None, "US", "mfn"), (None, "US", ""), (None, "", "mfn"), (None, "", "")],
    ],
)
def test_threshold_of_account_beats_marketplace_beats_channel(
    scopes: list[tuple[UUID | None, str, str]],
) -> None:
    versions = [version(number, *scope) for number, scope in enumerate(scopes, start=1)]

    assert percent(*versions) == percent(*reversed(versions)) == 1


@pytest.mark.parametrize(
    "elsewhere", [{"marketplace": "CA"}, {"channel": "afn"}, {"metric": "a_to_z_claim_rate"}]
)
def test_threshold_of_another_series_is_not_in_force(elsewhere: dict[str, Any]) -> None:
    assert percent(version(1, **elsewhere)) is None
    assert percent(version(1, **elsewhere), version(2)) == 2


def test_threshold_newest_version_is_in_force_in_any_order() -> None:
    older, newer = version(1, recorded_at=MIDNIGHT - timedelta(hours=2)), version(2)

    assert percent(older, newer) == percent(newer, older) == 2


def test_threshold_deleted_leaves_the_less_specific_one() -> None:
    assert percent(version(1), version(2, ACCOUNT, is_removed=True)) == 1
    assert percent(version(1, is_removed=True)) is None


def test_threshold_set_until_the_end_of_the_day_applies_to_it() -> None:
    versions_set = [version(1, recorded_at=MIDNIGHT - timedelta(days=1)), version(2, recorded_at=MIDNIGHT)]

    assert [percent(*versions_set, day=DAY + timedelta(days=n)) for n in (-1, 0, 1)] == [None, 1, 2]


def test_threshold_has_the_comparator_of_its_metric_and_its_source() -> None:
    line = version(1).build_warning("gte")

    assert (line.limit, line.clear) == (Limit(Comparator.GTE, 1, 100), Limit(Comparator.GTE, 1, 200))
    assert (line.source, line.threshold, line.for_days, line.keep_days, line.min_denominator) == (
        "custom",
        UUID(int=1),
        1,
        2,
        3,
    )
    assert version(1).build_warning("").limit.comparator == Comparator.LT


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
def test_threshold_strictness_follows_the_comparator(comparator: str, line: int, strict: bool) -> None:
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
def test_threshold_that_no_rate_can_meet(
    comparator: str, line: tuple[int, int], of_share: bool, of_score: bool
) -> None:
    limit = Limit(Comparator(comparator), *line)

    assert (can_be_met(limit, is_share=True), can_be_met(limit, is_share=False)) == (of_share, of_score)
