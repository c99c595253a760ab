"""The targets that Amazon's own reports state: from which day on, of which series, and what follows from them."""

from datetime import timedelta
from typing import Any

import pytest

from metrics.models import Breach
from metrics.rules.judgement import Comparator, Limit, Status
from tests.metrics.books import (
    A_MOMENT,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    Books,
    defect,
    order,
    orders,
    reported,
)

ODR = "order_defect_rate"
YESTERDAY = TODAY - timedelta(days=1)
TWO_PERCENT: dict[str, Any] = {"comparator": "lt", "limit_numerator": 2, "limit_denominator": 100}


def limits(books: Books, *, metric: str = ODR, channel: str = "mfn", **at: Any) -> list[tuple[Any, str]]:
    asked = {"since": YESTERDAY, "until": TODAY + timedelta(days=1)} | at
    return [
        (value.limit and value.limit.value, value.limit_source)
        for value in books.values(metrics=[metric], marketplace="US", channel=channel, **asked)
    ]


def test_a_told_target_goes_before_the_default_from_the_day_of_its_report_on(books: Books) -> None:
    books.tell(reported(**TWO_PERCENT))

    assert limits(books) == [(0.01, "default"), (0.02, "amazon_report"), (0.02, "amazon_report")]


def test_a_told_target_that_comes_late_judges_its_days_back_in_time(books: Books) -> None:
    books.tell(reported(**TWO_PERCENT, reported_at=NINE - timedelta(days=30)), at=NINE)

    assert limits(books) == [(0.02, "amazon_report")] * 3
    assert limits(books, known_at=NINE - A_MOMENT) == [(0.01, "default")] * 3


def test_the_newest_report_s_target_is_in_force_whatever_arrives_first(books: Books) -> None:
    newer = reported(**TWO_PERCENT | {"limit_numerator": 3}, reported_at=NINE)
    older = reported(**TWO_PERCENT, reported_at=NINE - timedelta(days=1))
    books.tell(newer, at=NINE)
    books.tell(older, at=TEN)

    assert limits(books) == [(0.02, "amazon_report"), (0.03, "amazon_report"), (0.03, "amazon_report")]


def test_a_later_report_that_states_no_target_takes_none_away(books: Books) -> None:
    books.tell(reported(**TWO_PERCENT))
    books.tell(reported(reported_at=TEN), at=TEN)

    assert limits(books)[1:] == [(0.02, "amazon_report")] * 2


@pytest.mark.parametrize(
    ("elsewhere", "metric"),
    [
        ({"marketplace": "CA"}, ODR),
        ({"channel": "afn"}, ODR),
        ({}, "late_shipment_rate_30d"),
    ],
)
def test_a_told_target_is_of_its_own_series_only(books: Books, elsewhere: dict[str, Any], metric: str) -> None:
    books.tell(reported(**TWO_PERCENT, **elsewhere))

    assert {source for _, source in limits(books, metric=metric)} == {"default"}


@pytest.mark.parametrize(
    ("told", "line", "status"),
    [
        (TWO_PERCENT, Limit(Comparator.LT, 6, 400), Status.HEALTHY),
        ({"comparator": "lt", "limit_numerator": 1, "limit_denominator": 100}, Limit(Comparator.LT, 3, 400), Status.BREACHED),
        ({"comparator": "lte", "limit_numerator": 1, "limit_denominator": 100}, Limit(Comparator.LTE, 3, 400), Status.AT_RISK),
    ],
)
def test_the_line_before_a_told_target_is_derived_from_it(
    books: Books, told: dict[str, Any], line: Limit, status: Status
) -> None:
    books.load(*orders(100))
    books.load(defect(1), at=TEN)

    books.tell(reported(**told), at=ELEVEN)

    value = books.value(ODR)
    assert (value.warning, value.status) == (line, status)


def test_a_told_target_opens_and_resolves_breaches(books: Books) -> None:
    books.load(*orders(60))
    books.load(defect(1), at=TEN)
    assert Breach.objects.values_list("level", "status").get() == ("breach", "open")

    books.tell(reported(**TWO_PERCENT), at=ELEVEN)

    told = Breach.objects.order_by("level").values_list("level", "status", "limit_source")
    assert list(told) == [("breach", "resolved", "default"), ("warning", "open", "amazon_report")]


def test_a_part_with_a_told_target_is_judged(books: Books) -> None:
    books.load(order())
    books.load(defect(1), at=TEN)

    books.tell(reported("a_to_z_claim_rate", **TWO_PERCENT), at=ELEVEN)

    value = books.value("a_to_z_claim_rate")
    assert (value.meets_target, value.limit_source, value.warning) == (False, "amazon_report", Limit(Comparator.LT, 6, 400))
