"""What Amazon itself reports: its targets, the series that only it knows, and its figures beside ours."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from metrics.models import Breach
from metrics.pipeline import amazon_reported as product
from metrics.pipeline.amazon_reported import Figure
from metrics.rules.judgement import Comparator, Limit, Status
from metrics.rules.series import Window
from tests.client import Client
from tests.metrics.books import (
    A_MOMENT,
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    TWELVE,
    Books,
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


def standing(books: Books, metric: str, *, since: date, until: date, **at: Any) -> list[tuple[int, int]]:
    series = books.values(metrics=[metric], since=since, until=until, **at)
    return [(value.numerator, value.denominator) for value in series]


def test_what_only_amazon_reports_stands_as_the_newest_report_says(books: Books) -> None:
    books.tell(counter(count=2, reported_at=NINE - timedelta(days=3)), at=NINE)
    books.tell(counter(count=0, reported_at=NINE - timedelta(days=1)), at=TEN)

    days = standing(books, "listing_policy_violations", since=TODAY - timedelta(days=4), until=TODAY + timedelta(days=1))

    assert days == [(2, 1), (2, 1), (0, 1), (0, 1), (0, 1)]


def test_a_series_of_amazon_s_is_answered_as_it_was_known(books: Books) -> None:
    books.tell(counter(count=2, reported_at=NINE - timedelta(days=1)), at=NINE)
    books.tell(counter(count=5, reported_at=NINE - timedelta(hours=2)), at=TEN)

    seen = [
        standing(books, "listing_policy_violations", since=TODAY, until=TODAY, known_at=at)
        for at in (NINE - A_MOMENT, NINE, TEN - A_MOMENT, TEN)
    ]

    assert seen == [[], [(2, 1)], [(2, 1)], [(5, 1)]]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ({}, ["CA", "US"]),
        ({"channel": "all"}, ["CA", "US"]),
        ({"channel": "mfn"}, []),
        ({"channel": "afn"}, []),
        ({"marketplace": "CA"}, ["CA"]),
        ({"marketplace": "DE"}, []),
    ],
)
def test_a_series_of_amazon_s_has_no_channel(books: Books, asked: dict[str, Any], answered: list[str]) -> None:
    books.tell(counter(count=1), counter(count=0, marketplace="CA"))

    found = books.values(metrics=["listing_policy_violations"], **asked)

    assert [value.marketplace for value in found] == answered
    assert {value.channel for value in found} <= {"all"}


@pytest.mark.parametrize(
    ("count", "meets", "status", "left"),
    [(0, True, Status.HEALTHY, 0), (1, False, Status.BREACHED, -1), (7, False, Status.BREACHED, -7)],
)
def test_no_violation_may_stand(books: Books, count: int, meets: bool, status: Status, left: int) -> None:
    books.tell(counter(count=count))

    value = books.value("listing_policy_violations", channel="all")

    assert (value.meets_target, value.status, value.limit) == (meets, status, Limit(Comparator.EQ, 0, 1))
    assert value.budget is not None
    assert (value.budget.allowed, value.budget.left) == (0, left)
    assert value.window == Window(TODAY - timedelta(days=179), TODAY, 180, 0)


@pytest.mark.parametrize(
    ("score", "status"),
    [(1000, Status.HEALTHY), (200, Status.HEALTHY), (199, Status.BREACHED), (None, Status.NO_DATA)],
)
def test_the_rating_is_healthy_from_two_hundred_on_and_unknown_without_a_score(
    books: Books, score: int | None, status: Status
) -> None:
    books.tell(counter("account_health_rating", score, first_on=None, last_on=None))

    value = books.value("account_health_rating", channel="all")

    assert value.status is status
    assert (value.rate, value.denominator) == ((float(score), 1) if score else (None, 0))
    assert value.window == Window(TODAY - timedelta(days=180), TODAY, 181, 0)
    assert value.budget is None


def test_a_told_limit_of_a_counter_goes_before_the_default(books: Books) -> None:
    books.tell(counter(count=1, comparator="lte", limit_numerator=2, limit_denominator=1))

    value = books.value("listing_policy_violations", channel="all")

    assert (value.limit, value.limit_source, value.meets_target) == (Limit(Comparator.LTE, 2, 1), "amazon_report", True)


def test_a_counter_that_stands_against_the_account_is_a_breach_until_it_is_gone(books: Books) -> None:
    books.tell(counter(count=1))
    opened = Breach.objects.get()

    books.tell(counter(count=0, reported_at=TEN), at=TEN)

    assert (opened.metric, opened.channel, opened.status) == ("listing_policy_violations", "all", "open")
    assert Breach.objects.get().status == "resolved"
    assert books.account.status == Status.HEALTHY


def test_a_store_that_only_amazon_speaks_of_is_answered_whole(books: Books) -> None:
    books.tell(counter(marketplace="DE"))

    found = books.values(marketplace="DE")

    assert books.account.marketplaces == ["DE", "US"]
    assert ("order_defect_rate", "DE", "mfn") in {value.series for value in found}
    assert books.values(marketplace="DE", known_at=NINE - A_MOMENT) == []


def beside(books: Books, metric: str = ODR, *, as_of: date = TODAY, known_at: datetime = TWELVE, **series: str) -> Figure | None:
    value = books.value(metric, since=as_of, known_at=known_at, **series)
    found = product.beside(account=books.account, values=[value], as_of=as_of, known_at=known_at)
    return found.get(value.series)


def test_amazon_s_figure_stands_beside_ours_over_its_own_days(books: Books) -> None:
    books.load(*orders(3, on=date(2026, 9, 30)), *orders(4, first=11, on=DAY), *orders(5, first=21, on=date(2026, 10, 2)))
    books.load(defect(1), defect(11), defect(21), at=TEN)

    told = reported(ODR, 2, 9, first_on=DAY, last_on=date(2026, 10, 2), rate=Decimal("0.2222"), flags='["odd"]', **TWO_PERCENT)
    books.tell(told, at=ELEVEN)

    figure = beside(books)
    assert figure == Figure(
        first_on=DAY,
        last_on=date(2026, 10, 2),
        numerator=2,
        denominator=9,
        rate=Decimal("0.2222"),
        status="GOOD",
        target=Limit(Comparator.LT, 2, 100),
        flags=["odd"],
        reported_at=NINE,
        ours=(2, 9),
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
def test_the_figure_is_the_newest_up_to_the_day(books: Books, as_of: date, numerator: int | None) -> None:
    books.tell(reported(ODR, 7), at=NINE)
    books.tell(reported(ODR, 5, reported_at=datetime(2026, 11, 20, 23, 59, tzinfo=UTC)), at=TEN)

    figure = beside(books, as_of=as_of)

    assert (figure and figure.numerator) == numerator


@pytest.mark.parametrize(
    ("known_at", "numerator"), [(NINE - A_MOMENT, None), (NINE, 5), (TEN - A_MOMENT, 5), (TEN, 7), (TWELVE, 7)]
)
def test_the_figure_is_the_newest_that_was_known(books: Books, known_at: datetime, numerator: int | None) -> None:
    books.tell(reported(ODR, 5, reported_at=NINE - timedelta(days=1)), at=NINE)
    books.tell(reported(ODR, 7, reported_at=NINE), at=TEN)

    figure = beside(books, known_at=known_at)

    assert (figure and figure.numerator) == numerator


@pytest.mark.parametrize(("days", "numerator"), [((7, 30, 60, 90), 60), ((7, 90), 90), ((30, 45), 45), ((None, 1), 1)])
def test_of_several_windows_the_one_most_like_ours_is_beside_it(
    books: Books, days: tuple[int | None, ...], numerator: int
) -> None:
    windows = [
        reported(ODR, length, first_on=length and (LAST or TODAY) - timedelta(days=length - 1), last_on=length and LAST)
        for length in days
    ]

    books.tell(*windows)

    figure = beside(books)
    assert figure is not None
    assert figure.numerator == numerator


def test_without_days_ours_cannot_be_said(books: Books) -> None:
    books.load(order())

    books.tell(reported(first_on=None, last_on=None), at=TEN)

    figure = beside(books)
    assert figure is not None
    assert (figure.numerator, figure.ours) == (1, None)


def test_of_days_without_anything_of_ours_our_counts_are_none(books: Books) -> None:
    books.tell(reported(), reported("message_response_rate_24h", channel="all"))

    figures = [beside(books), beside(books, "message_response_rate_24h", channel="all")]

    assert [figure and figure.ours for figure in figures] == [(0, 0), (0, 0)]


def test_ours_are_as_they_were_known(books: Books) -> None:
    books.tell(reported())
    books.load(*orders(2), at=TEN)
    books.load(defect(1), at=ELEVEN)

    seen = [beside(books, known_at=at) for at in (NINE, TEN, ELEVEN)]

    assert [figure and figure.ours for figure in seen] == [(0, 0), (0, 2), (1, 2)]


@pytest.mark.parametrize(("marketplace", "ours"), [("US", (4, 6)), ("DE", (1, 2))])
def test_ours_are_units_where_units_are_counted(books: Books, marketplace: str, ours: tuple[int, int]) -> None:
    books.load(order(marketplace=marketplace))
    books.load(
        shipment(1, "P1", units=4, deliver_by_on=LAST),
        shipment(1, "P2", units=2, deliver_by_on=LAST, is_on_time=False),
        at=TEN,
    )

    books.tell(reported("on_time_delivery_rate", marketplace=marketplace), at=ELEVEN)

    figure = beside(books, "on_time_delivery_rate", marketplace=marketplace)
    assert figure is not None
    assert figure.ours == ours


def test_each_series_has_its_own_figure_and_its_own_counts(books: Books) -> None:
    books.load(*orders(3), *orders(2, first=11, channel="afn"), order(21, marketplace="CA"))
    books.load(message(on=LAST or TODAY), at=TEN)
    books.tell(
        reported(ODR, 1),
        reported(ODR, 2, channel="afn"),
        reported(ODR, 3, marketplace="CA"),
        reported("message_response_rate_24h", 4, channel="all"),
        counter(count=5),
        at=ELEVEN,
    )

    found = product.beside(account=books.account, values=books.values(), as_of=TODAY, known_at=TWELVE)

    assert {series: (figure.numerator, figure.ours) for series, figure in found.items()} == {
        (ODR, "US", "mfn"): (1, (0, 3)),
        (ODR, "US", "afn"): (2, (0, 2)),
        (ODR, "CA", "mfn"): (3, (0, 1)),
        ("message_response_rate_24h", "US", "all"): (4, (1, 1)),
        ("listing_policy_violations", "US", "all"): (5, None),
    }


def asked(acme: Client, shop: str, metric: str = ODR, channel: str = "mfn") -> dict[str, Any]:
    path = f"/v1/accounts/{shop}/metrics"
    (value,) = acme.read(path, metric=metric, marketplace="US", channel=channel, as_of=TODAY.isoformat())["metrics"]
    return dict(value)


def test_the_answer_shows_amazon_s_figure_beside_ours(acme: Client, shop: str, books: Books) -> None:
    books.load(*orders(100))
    books.load(defect(1), at=TEN)

    books.tell(reported(ODR, 1, 110, rate=Decimal("0.009"), status="GOOD", flags='["odd"]', **TWO_PERCENT), at=ELEVEN)

    value = asked(acme, shop)
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


def test_what_the_report_does_not_tell_is_null_and_never_zero(acme: Client, shop: str, books: Books) -> None:
    books.tell(reported(ODR, None, None, status="", first_on=None, last_on=None))

    amazon = asked(acme, shop)["amazon"]

    assert amazon == dict.fromkeys(("rate", "from", "to", "numerator", "denominator", "target", "ours")) | {
        "status": "",
        "flags": [],
        "reported_at": "2026-11-22T09:00:00Z",
    }


def test_zero_orders_of_amazon_s_and_of_ours_are_no_rate(acme: Client, shop: str, books: Books) -> None:
    books.tell(reported(ODR, 0, 0, **TWO_PERCENT))

    value = asked(acme, shop)

    assert value["amazon"]["rate"] is None
    assert value["amazon"]["ours"] == {"numerator": 0, "denominator": 0, "rate": None, "meets_target": None}
    assert (value["rate"], value["status"]) == (None, "no_data")


def test_without_a_report_amazon_says_nothing(acme: Client, shop: str, books: Books) -> None:
    books.load(order())

    assert asked(acme, shop)["amazon"] is None
