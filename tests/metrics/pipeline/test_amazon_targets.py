"""Test the targets in Amazon's reports: their days, their series, and their effects."""

from datetime import timedelta
from typing import Any

import pytest

from metrics.models import Breach
from metrics.rules.judgement import Comparator, Limit, Status
from tests.metrics.fact_recorder import (
    A_MOMENT,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    FactRecorder,
    defect,
    order,
    orders,
    reported,
)

ODR = "order_defect_rate"
YESTERDAY = TODAY - timedelta(days=1)
TWO_PERCENT: dict[str, Any] = {"comparator": "lt", "limit_numerator": 2, "limit_denominator": 100}


def limits(
    recorder: FactRecorder, *, metric: str = ODR, channel: str = "mfn", **at: Any
) -> list[tuple[Any, str]]:
    params = {"since": YESTERDAY, "until": TODAY + timedelta(days=1)} | at
    return [
        (value.limit and value.limit.value, value.limit_source)
        for value in recorder.values(metrics=[metric], marketplaces=["US"], channel=channel, **params)
    ]


def test_reported_target_replaces_the_default_from_the_day_of_its_report(recorder: FactRecorder) -> None:
    recorder.load_amazon_report(reported(**TWO_PERCENT))

    assert limits(recorder) == [(0.01, "default"), (0.02, "amazon_report"), (0.02, "amazon_report")]


def test_reported_target_that_comes_late_applies_to_past_days(recorder: FactRecorder) -> None:
    recorder.load_amazon_report(reported(**TWO_PERCENT, reported_at=NINE - timedelta(days=30)), at=NINE)

    assert limits(recorder) == [(0.02, "amazon_report")] * 3
    assert limits(recorder, known_at=NINE - A_MOMENT) == [(0.01, "default")] * 3


def test_reported_target_of_the_newest_report_applies_in_any_order_of_arrival(recorder: FactRecorder) -> None:
    newer = reported(**TWO_PERCENT | {"limit_numerator": 3}, reported_at=NINE)
    older = reported(**TWO_PERCENT, reported_at=NINE - timedelta(days=1))
    recorder.load_amazon_report(newer, at=NINE)
    recorder.load_amazon_report(older, at=TEN)

    assert limits(recorder) == [(0.02, "amazon_report"), (0.03, "amazon_report"), (0.03, "amazon_report")]


def test_reported_target_is_kept_if_a_later_report_states_none(recorder: FactRecorder) -> None:
    recorder.load_amazon_report(reported(**TWO_PERCENT))
    recorder.load_amazon_report(reported(reported_at=TEN), at=TEN)

    assert limits(recorder)[1:] == [(0.02, "amazon_report")] * 2


@pytest.mark.parametrize(
    ("elsewhere", "metric"),
    [
        ({"marketplace": "CA"}, ODR),
        ({"channel": "afn"}, ODR),
        ({}, "late_shipment_rate_30d"),
    ],
)
def test_reported_target_applies_to_its_own_series(
    recorder: FactRecorder, elsewhere: dict[str, Any], metric: str
) -> None:
    recorder.load_amazon_report(reported(**TWO_PERCENT, **elsewhere))

    assert {source for _, source in limits(recorder, metric=metric)} == {"default"}


@pytest.mark.parametrize(
    ("stated", "line", "status"),
    [
        (TWO_PERCENT, Limit(Comparator.LT, 6, 400), Status.HEALTHY),
        (
            {"comparator": "lt", "limit_numerator": 1, "limit_denominator": 100},
            Limit(Comparator.LT, 3, 400),
            Status.BREACHED,
        ),
        (
            {"comparator": "lte", "limit_numerator": 1, "limit_denominator": 100},
            Limit(Comparator.LTE, 3, 400),
            Status.AT_RISK,
        ),
    ],
)
def test_reported_target_has_a_derived_warning(
    recorder: FactRecorder, stated: dict[str, Any], line: Limit, status: Status
) -> None:
    recorder.load(*orders(100))
    recorder.load(defect(1), at=TEN)

    recorder.load_amazon_report(reported(**stated), at=ELEVEN)

    value = recorder.value(ODR)
    assert (value.warning_limit, value.status) == (line, status)


def test_reported_target_opens_and_resolves_breaches(recorder: FactRecorder) -> None:
    recorder.load(*orders(60))
    recorder.load(defect(1), at=TEN)
    assert Breach.objects.values_list("level", "status").get() == ("breach", "open")

    recorder.load_amazon_report(reported(**TWO_PERCENT), at=ELEVEN)

    stated = Breach.objects.order_by("level").values_list("level", "status", "limit_source")
    assert list(stated) == [("breach", "resolved", "default"), ("warning", "open", "amazon_report")]


def test_reported_target_of_a_part_is_judged(recorder: FactRecorder) -> None:
    recorder.load(order())
    recorder.load(defect(1), at=TEN)

    recorder.load_amazon_report(reported("a_to_z_claim_rate", **TWO_PERCENT), at=ELEVEN)

    value = recorder.value("a_to_z_claim_rate")
    assert (value.meets_target, value.limit_source, value.warning_limit) == (
        False,
        "amazon_report",
        Limit(Comparator.LT, 6, 400),
    )
