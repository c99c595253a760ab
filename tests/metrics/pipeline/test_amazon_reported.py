"""Test Amazon's reports: targets, series that Amazon alone counts, and figures beside those of the product."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from metrics.models import Breach
from metrics.pipeline import amazon_reported as product
from metrics.pipeline.amazon_reported import AmazonFigure
from metrics.rules.judgement import Comparator, Limit, Status
from metrics.rules.series import Window
from tests.client import Client
from tests.metrics.fact_recorder import (
    A_MOMENT,
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    TWELVE,
    FactRecorder,
    counter,
    defect,
    message,
    order,
    orders,
    reported,
    shipment,
)

ODR = "order_defect_rate"
YESTERDAY = TODAY - timedelta(days=1)
TWO_PERCENT: dict[str, Any] = {"comparator": "lt", "limit_numerator": 2, "limit_denominator": 100}
LAST = reported().last_on


def read_status(
    recorder: FactRecorder, metric: str, *, since: date, until: date, **at: Any
) -> list[tuple[int, int]]:
    series = recorder.values(metrics=[metric], since=since, until=until, **at)
    return [(value.numerator, value.denominator) for value in series]


def test_reported_only_series_has_the_value_of_the_newest_report(recorder: FactRecorder) -> None:
    recorder.load_amazon_report(counter(count=2, reported_at=NINE - timedelta(days=3)), at=NINE)
    recorder.load_amazon_report(counter(count=0, reported_at=NINE - timedelta(days=1)), at=TEN)

    days = read_status(
        recorder,
        "listing_policy_violations",
        since=TODAY - timedelta(days=4),
        until=TODAY + timedelta(days=1),
    )

    assert days == [(2, 1), (2, 1), (0, 1), (0, 1), (0, 1)]


def test_reported_only_series_has_the_value_known_then(recorder: FactRecorder) -> None:
    recorder.load_amazon_report(counter(count=2, reported_at=NINE - timedelta(days=1)), at=NINE)
    recorder.load_amazon_report(counter(count=5, reported_at=NINE - timedelta(hours=2)), at=TEN)

    seen = [
        read_status(recorder, "listing_policy_violations", since=TODAY, until=TODAY, known_at=at)
        for at in (NINE - A_MOMENT, NINE, TEN - A_MOMENT, TEN)
    ]

    assert seen == [[], [(2, 1)], [(2, 1)], [(5, 1)]]


@pytest.mark.parametrize(
    ("params", "answered"),
    [
        ({}, ["CA", "US"]),
        ({"channel": "all"}, ["CA", "US"]),
        ({"channel": "mfn"}, []),
        ({"channel": "afn"}, []),
        ({"marketplaces": ["CA"]}, ["CA"]),
        ({"marketplaces": ["DE"]}, []),
    ],
)
def test_reported_only_series_has_no_channel(
    recorder: FactRecorder, params: dict[str, Any], answered: list[str]
) -> None:
    recorder.load_amazon_report(counter(count=1), counter(count=0, marketplace="CA"))

    answer = recorder.values(metrics=["listing_policy_violations"], **params)

    assert [value.marketplace for value in answer] == answered
    assert {value.channel for value in answer} <= {"all"}


@pytest.mark.parametrize(
    ("count", "word", "rating", "status"),
    [
        # Amazon's word decides
        (0, "GOOD", None, Status.HEALTHY),
        (1, "GOOD", 150, Status.HEALTHY),
        (1, "BAD", 900, Status.BREACHED),
        (0, "AT_RISK", None, Status.AT_RISK),
        # without a word, the account health rating
        (0, "NONE", 150, Status.HEALTHY),
        (1, "NONE", None, Status.AT_RISK),
        (7, "", 900, Status.AT_RISK),
        (1, "NONE", 199, Status.BREACHED),
    ],
)
def test_violation_counter_is_judged_by_amazons_word_and_rating(
    recorder: FactRecorder, count: int, word: str, rating: int | None, status: Status
) -> None:
    figures = [counter("account_health_rating", rating)] if rating else []
    recorder.load_amazon_report(counter(count=count, status=word), *figures)

    value = recorder.value("listing_policy_violations", channel="all")

    assert (value.numerator, value.status, value.basis) == (count, status, "amazon_report")
    assert value.status == recorder.value("listing_policy_violations", channel="all", since=TODAY).status


@pytest.mark.parametrize(("count", "meets", "left"), [(0, True, 0), (1, False, -1), (7, False, -7)])
def test_violation_counter_has_the_target_of_zero(
    recorder: FactRecorder, count: int, meets: bool, left: int
) -> None:
    recorder.load_amazon_report(counter(count=count))

    value = recorder.value("listing_policy_violations", channel="all")

    assert (value.meets_target, value.limit) == (meets, Limit(Comparator.EQ, 0, 1))
    assert value.budget is not None
    assert (value.budget.allowed, value.budget.left) == (0, left)
    assert value.window == Window(TODAY - timedelta(days=179), TODAY, 180, 0)


@pytest.mark.parametrize(
    ("score", "status"),
    [(1000, Status.HEALTHY), (200, Status.HEALTHY), (199, Status.BREACHED), (None, Status.NO_DATA)],
)
def test_account_health_rating_is_healthy_from_200_and_unknown_without_score_and_word(
    recorder: FactRecorder, score: int | None, status: Status
) -> None:
    recorder.load_amazon_report(
        counter("account_health_rating", score, status="NONE", first_on=None, last_on=None)
    )

    value = recorder.value("account_health_rating", channel="all")

    assert value.status is status
    assert (value.rate, value.denominator) == ((float(score), 1) if score else (None, 0))
    assert value.window == Window(TODAY - timedelta(days=180), TODAY, 181, 0)
    assert value.budget is None


def test_counter_limit_from_the_report_replaces_the_default(recorder: FactRecorder) -> None:
    recorder.load_amazon_report(counter(count=1, comparator="lte", limit_numerator=2, limit_denominator=1))

    value = recorder.value("listing_policy_violations", channel="all")

    assert (value.limit, value.limit_source, value.meets_target) == (
        Limit(Comparator.LTE, 2, 1),
        "amazon_report",
        True,
    )


def test_counter_above_its_limit_is_a_breach_until_it_is_zero(recorder: FactRecorder) -> None:
    recorder.load_amazon_report(counter(count=1, status="BAD"))
    opened = Breach.objects.get()

    recorder.load_amazon_report(counter(count=0, reported_at=TEN), at=TEN)

    assert (opened.metric, opened.channel, opened.status) == ("listing_policy_violations", "all", "open")
    assert Breach.objects.get().status == "resolved"
    assert recorder.account.status == Status.HEALTHY


def test_marketplace_known_only_from_amazon_has_every_series(recorder: FactRecorder) -> None:
    recorder.load_amazon_report(counter(marketplace="DE"))

    answer = recorder.values(marketplaces=["DE"])

    assert recorder.account.marketplaces == ["DE", "US"]
    assert ("order_defect_rate", "DE", "mfn") in {value.series for value in answer}
    assert recorder.values(marketplaces=["DE"], known_at=NINE - A_MOMENT) == []


def read_with_amazon(
    recorder: FactRecorder,
    metric: str = ODR,
    *,
    as_of: date = TODAY,
    known_at: datetime = TWELVE,
    **series: str,
) -> AmazonFigure | None:
    value = recorder.value(metric, since=as_of, known_at=known_at, **series)
    answer = product.query_figures(account=recorder.account, values=[value], as_of=as_of, known_at=known_at)
    return answer.get(value.series)


def test_amazon_figure_has_our_counts_over_its_own_days(recorder: FactRecorder) -> None:
    recorder.load(
        *orders(3, on=date(2026, 9, 30)),
        *orders(4, first=11, on=DAY),
        *orders(5, first=21, on=date(2026, 10, 2)),
    )
    recorder.load(defect(1), defect(11), defect(21), at=TEN)

    with_figure = reported(
        ODR,
        2,
        9,
        first_on=DAY,
        last_on=date(2026, 10, 2),
        rate=Decimal("0.2222"),
        flags='["odd"]',
        **TWO_PERCENT,
    )
    recorder.load_amazon_report(with_figure, at=ELEVEN)

    figure = read_with_amazon(recorder)
    assert figure == AmazonFigure(
        first_on=DAY,
        last_on=date(2026, 10, 2),
        numerator=2,
        denominator=9,
        rate=Decimal("0.2222"),
        status="GOOD",
        target=Limit(Comparator.LT, 2, 100),
        flags=["odd"],
        reported_at=NINE,
        own_counts=(2, 9),
    )


@pytest.mark.parametrize(
    ("as_of", "numerator"),
    [
        (TODAY - timedelta(days=3), None),
        (TODAY - timedelta(days=2), 5),
        (YESTERDAY, 5),
        (TODAY, 7),
        (TODAY + timedelta(days=9), 7),
    ],
)
def test_amazon_figure_is_the_newest_up_to_the_day(
    recorder: FactRecorder, as_of: date, numerator: int | None
) -> None:
    recorder.load_amazon_report(reported(ODR, 7), at=NINE)
    recorder.load_amazon_report(
        reported(ODR, 5, reported_at=datetime(2026, 11, 20, 23, 59, tzinfo=UTC)), at=TEN
    )

    figure = read_with_amazon(recorder, as_of=as_of)

    assert (figure and figure.numerator) == numerator


@pytest.mark.parametrize(
    ("known_at", "numerator"),
    [(NINE - A_MOMENT, None), (NINE, 5), (TEN - A_MOMENT, 5), (TEN, 7), (TWELVE, 7)],
)
def test_amazon_figure_is_the_newest_known_then(
    recorder: FactRecorder, known_at: datetime, numerator: int | None
) -> None:
    recorder.load_amazon_report(reported(ODR, 5, reported_at=NINE - timedelta(days=1)), at=NINE)
    recorder.load_amazon_report(reported(ODR, 7, reported_at=NINE), at=TEN)

    figure = read_with_amazon(recorder, known_at=known_at)

    assert (figure and figure.numerator) == numerator


@pytest.mark.parametrize(
    ("days", "numerator"), [((7, 30, 60, 90), 60), ((7, 90), 90), ((30, 45), 45), ((None, 1), 1)]
)
def test_amazon_figure_has_the_window_nearest_to_ours(
    recorder: FactRecorder, days: tuple[int | None, ...], numerator: int
) -> None:
    windows = [
        reported(
            ODR,
            length,
            first_on=length and (LAST or TODAY) - timedelta(days=length - 1),
            last_on=length and LAST,
        )
        for length in days
    ]

    recorder.load_amazon_report(*windows)

    figure = read_with_amazon(recorder)
    assert figure is not None
    assert figure.numerator == numerator


def test_amazon_figure_without_days_has_no_own_counts(recorder: FactRecorder) -> None:
    recorder.load(order())

    recorder.load_amazon_report(reported(first_on=None, last_on=None), at=TEN)

    figure = read_with_amazon(recorder)
    assert figure is not None
    assert (figure.numerator, figure.own_counts) == (1, None)


def test_amazon_figure_of_days_without_orders_has_own_counts_of_zero(recorder: FactRecorder) -> None:
    recorder.load_amazon_report(reported(), reported("message_response_rate_24h", channel="all"))

    figures = [
        read_with_amazon(recorder),
        read_with_amazon(recorder, "message_response_rate_24h", channel="all"),
    ]

    assert [figure and figure.own_counts for figure in figures] == [(0, 0), (0, 0)]


def test_amazon_figure_has_own_counts_as_known_then(recorder: FactRecorder) -> None:
    recorder.load_amazon_report(reported())
    recorder.load(*orders(2), at=TEN)
    recorder.load(defect(1), at=ELEVEN)

    seen = [read_with_amazon(recorder, known_at=at) for at in (NINE, TEN, ELEVEN)]

    assert [figure and figure.own_counts for figure in seen] == [(0, 0), (0, 2), (1, 2)]


@pytest.mark.parametrize(("marketplace", "own_counts"), [("US", (4, 6)), ("DE", (4, 6)), ("CA", (1, 2))])
def test_amazon_figure_has_own_counts_in_units_where_units_count(
    recorder: FactRecorder, marketplace: str, own_counts: tuple[int, int]
) -> None:
    recorder.load(order(marketplace=marketplace))
    recorder.load(
        shipment(1, "P1", units=4, deliver_by_on=LAST),
        shipment(1, "P2", units=2, deliver_by_on=LAST, is_on_time=False),
        at=TEN,
    )

    recorder.load_amazon_report(reported("on_time_delivery_rate", marketplace=marketplace), at=ELEVEN)

    figure = read_with_amazon(recorder, "on_time_delivery_rate", marketplace=marketplace)
    assert figure is not None
    assert figure.own_counts == own_counts


def test_amazon_figure_and_own_counts_belong_to_one_series(recorder: FactRecorder) -> None:
    recorder.load(*orders(3), *orders(2, first=11, channel="afn"), order(21, marketplace="CA"))
    recorder.load(message(on=LAST or TODAY), at=TEN)
    recorder.load_amazon_report(
        reported(ODR, 1),
        reported(ODR, 2, channel="afn"),
        reported(ODR, 3, marketplace="CA"),
        reported("message_response_rate_24h", 4, channel="all"),
        counter(count=5),
        at=ELEVEN,
    )

    answer = product.query_figures(
        account=recorder.account, values=recorder.values(), as_of=TODAY, known_at=TWELVE
    )

    assert {series: (figure.numerator, figure.own_counts) for series, figure in answer.items()} == {
        (ODR, "US", "mfn"): (1, (0, 3)),
        (ODR, "US", "afn"): (2, (0, 2)),
        (ODR, "CA", "mfn"): (3, (0, 1)),
        ("message_response_rate_24h", "US", "all"): (4, (1, 1)),
        ("listing_policy_violations", "US", "all"): (5, None),
    }


def amazon_of(acme: Client, shop: str, metric: str = ODR, channel: str = "mfn") -> dict[str, Any]:
    path = f"/v1/accounts/{shop}/metrics"
    (value,) = acme.read(path, metric=metric, marketplace="US", channel=channel, as_of=TODAY.isoformat())[
        "metrics"
    ]
    return dict(value)


def test_amazon_figure_is_in_the_api(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(*orders(100))
    recorder.load(defect(1), at=TEN)

    recorder.load_amazon_report(
        reported(ODR, 1, 110, rate=Decimal("0.009"), status="GOOD", flags='["odd"]', **TWO_PERCENT), at=ELEVEN
    )

    value = amazon_of(acme, shop)
    assert value["target"] == {"comparator": "lt", "value": 0.02, "source": "amazon_report"}
    assert value["amazon"] == {
        "rate": 0.009,
        "status": "GOOD",
        "from": (TODAY - timedelta(days=74)).isoformat(),
        "to": (TODAY - timedelta(days=15)).isoformat(),
        "reported_at": "2026-11-22T09:00:00Z",
        "numerator": 1,
        "denominator": 110,
        "target": {"comparator": "lt", "value": 0.02},
        "flags": ["odd"],
        "ours": {"numerator": 1, "denominator": 100, "rate": 0.01, "meets_target": True},
    }


def test_amazon_figure_fields_not_reported_are_null(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load_amazon_report(reported(ODR, None, None, status="", first_on=None, last_on=None))

    amazon = amazon_of(acme, shop)["amazon"]

    assert amazon == dict.fromkeys(("rate", "from", "to", "numerator", "denominator", "target", "ours")) | {
        "status": "",
        "flags": [],
        "reported_at": "2026-11-22T09:00:00Z",
    }


def test_amazon_figure_of_zero_orders_has_no_rate(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load_amazon_report(reported(ODR, 0, 0, **TWO_PERCENT))

    value = amazon_of(acme, shop)

    assert value["amazon"]["rate"] is None
    assert value["amazon"]["ours"] == {"numerator": 0, "denominator": 0, "rate": None, "meets_target": None}
    assert (value["rate"], value["status"]) == (None, "no_data")


def test_amazon_figure_without_a_report_is_null(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(order())

    assert amazon_of(acme, shop)["amazon"] is None
