"""Test values: windows day by day, the rule of each day, and what was known when."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import SellerAccount
from accounts.tenancy import context
from metrics.models import DailyCounts
from metrics.pipeline import values
from metrics.rules.catalogue.definitions import CATALOGUE, COUNTED
from metrics.rules.facts import OrderStatus
from metrics.rules.judgement import Comparator, Limit, Status
from metrics.rules.series import Value, Window
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
    defect,
    order,
    orders,
)

ODR = "order_defect_rate"
ELSEWHERE = {"invoice_defect_rate", "business_on_time_delivery_rate"}
IN_AMERICA = [metric.code for metric in COUNTED if metric.code not in ELSEWHERE]
ONE_PERCENT = Limit(Comparator.LT, 1, 100)


def odr(recorder: FactRecorder, **at: Any) -> list[Value]:
    return recorder.values(metrics=[ODR], marketplaces=["US"], channel="mfn", **at)


@pytest.mark.parametrize(
    ("as_of", "first", "last"),
    [
        pytest.param(date(2026, 11, 22), date(2026, 9, 9), date(2026, 11, 7), id="usual"),
        pytest.param(date(2027, 1, 15), date(2026, 11, 2), date(2026, 12, 31), id="ends with the year"),
        pytest.param(
            date(2027, 3, 15), date(2026, 12, 31), date(2027, 2, 28), id="over the year and a February"
        ),
        pytest.param(
            date(2028, 3, 15), date(2028, 1, 1), date(2028, 2, 29), id="over a leap day, with the year"
        ),
        pytest.param(
            date(2028, 3, 14), date(2027, 12, 31), date(2028, 2, 28), id="up to the eve of a leap day"
        ),
        pytest.param(date(2028, 2, 29), date(2027, 12, 17), date(2028, 2, 14), id="on a leap day"),
    ],
)
def test_window_is_sixty_order_days_that_end_fifteen_days_ago(
    recorder: FactRecorder, as_of: date, first: date, last: date
) -> None:
    around = [first - timedelta(days=1), first, last, last + timedelta(days=1)]
    recorder.load(*[order(number, on=day) for number, day in enumerate(around)])

    (value,) = odr(recorder, since=as_of)

    assert value.window == Window(first=first, last=last, days=60, offset=15)
    assert (value.as_of, value.denominator) == (as_of, 2)


def test_query_of_a_span_equals_queries_of_its_days(recorder: FactRecorder) -> None:
    recorder.load(*[order(n, on=DAY + timedelta(days=n)) for n in range(90)])
    recorder.load(*[defect(n) for n in range(0, 90, 7)], at=TEN)
    since, until = DAY, DAY + timedelta(days=170)

    span = odr(recorder, since=since, until=until)

    alone = [value for n in range(0, 171, 10) for value in odr(recorder, since=since + timedelta(days=n))]
    assert [value.as_of for value in span] == [since + timedelta(days=n) for n in range(171)]
    assert span[::10] == alone


def test_value_has_parts_limit_and_budget(recorder: FactRecorder) -> None:
    recorder.load(*orders(200))
    recorder.load(defect(1), defect(1, kind="chargeback", state="service"), defect(2), at=TEN)

    (value,) = odr(recorder)

    assert (value.numerator, value.denominator, value.rate) == (2, 200, 0.01)
    assert value.parts == {"negative_feedback": 0, "a_to_z_claims": 2, "chargebacks": 1}
    assert (value.limit, value.warning_limit) == (ONE_PERCENT, Limit(Comparator.LT, 3, 400))
    assert (value.meets_target, value.status) == (False, Status.BREACHED)
    assert value.budget is not None
    assert (value.budget.allowed, value.budget.left) == (1, -1)


def test_part_has_the_numerator_of_its_own_rate_and_no_target(recorder: FactRecorder) -> None:
    recorder.load(*orders(10))
    recorder.load(
        defect(1),
        defect(2, kind="chargeback", state="service"),
        defect(3, kind="chargeback", state="service"),
        at=TEN,
    )

    by_metric = {value.metric: value for value in recorder.values(marketplaces=["US"], channel="mfn")}

    assert {metric: value.numerator for metric, value in by_metric.items()} == {
        "order_defect_rate": 3,
        "negative_feedback_rate": 0,
        "a_to_z_claim_rate": 1,
        "chargeback_rate": 2,
        "late_shipment_rate_10d": 0,
        "late_shipment_rate_30d": 0,
        "pre_fulfillment_cancel_rate": 0,
        "valid_tracking_rate": 0,
        "on_time_delivery_rate": 0,
        "return_dissatisfaction_rate": 0,
        "return_rate": 0,
    }
    part = by_metric["chargeback_rate"]
    assert (part.limit, part.warning_limit, part.parts, part.budget, part.meets_target) == (
        None,
        None,
        None,
        None,
        None,
    )
    assert part.status == Status.HEALTHY


@pytest.mark.parametrize(
    ("known_at", "figures"),
    [
        (NINE - A_MOMENT, (0, 0)),
        (NINE, (0, 3)),
        (TEN - A_MOMENT, (0, 3)),
        (TEN, (1, 3)),
        (ELEVEN - A_MOMENT, (1, 3)),
        (ELEVEN, (1, 2)),
        (TWELVE - A_MOMENT, (1, 2)),
        (TWELVE, (0, 2)),
        (TWELVE + timedelta(days=400), (0, 2)),
    ],
)
def test_value_is_that_of_the_newest_version_known_then(
    recorder: FactRecorder, known_at: datetime, figures: tuple[int, int]
) -> None:
    recorder.load(*orders(3), at=NINE)
    recorder.load(defect(1), at=TEN)
    recorder.load(order(2, status=OrderStatus.CANCELLED, last_updated_at=TWELVE), at=ELEVEN)
    recorder.load(defect(1, state="withdrawn"), at=TWELVE)

    assert recorder.odr(known_at=known_at) == [figures]


def test_value_is_judged_by_the_target_of_its_day(recorder: FactRecorder, rule: Callable[..., None]) -> None:
    recorder.load(*orders(150))
    recorder.load(defect(1), at=TEN)
    rule(effective_from=TODAY, limit_numerator=1, limit_denominator=200)

    before, on_the_day, after = odr(
        recorder, since=TODAY - timedelta(days=1), until=TODAY + timedelta(days=1)
    )

    assert (before.limit, before.meets_target) == (ONE_PERCENT, True)
    assert on_the_day.limit == after.limit == Limit(Comparator.LT, 1, 200)
    assert (on_the_day.meets_target, after.meets_target) == (False, False)


def test_window_changes_on_the_day_of_its_rule(recorder: FactRecorder, rule: Callable[..., None]) -> None:
    recorder.load(*[order(n, on=TODAY - timedelta(days=n)) for n in range(80)])
    rule(effective_from=TODAY, window_days=30, window_offset=0)

    before, on_the_day = odr(recorder, since=TODAY - timedelta(days=1), until=TODAY)

    assert before.window == Window(first=date(2026, 9, 8), last=date(2026, 11, 6), days=60, offset=15)
    assert on_the_day.window == Window(first=date(2026, 10, 24), last=TODAY, days=30, offset=0)
    assert (before.denominator, on_the_day.denominator) == (60, 30)


def test_rule_of_a_marketplace_beats_a_later_one_of_all_others(
    recorder: FactRecorder, rule: Callable[..., None]
) -> None:
    recorder.load(order(1), order(2, marketplace="DE"))
    rule(marketplace="DE", effective_from=TODAY - timedelta(days=2), limit_numerator=2)
    rule(effective_from=TODAY - timedelta(days=1), limit_numerator=3)

    selection = recorder.values(metrics=[ODR], channel="mfn", since=TODAY - timedelta(days=3), until=TODAY)

    limits = {
        place: [value.limit.numerator for value in selection if value.limit and value.marketplace == place]
        for place in ("DE", "US")
    }
    assert limits == {"DE": [1, 2, 2, 2], "US": [1, 1, 3, 3]}


def test_rule_of_one_metric_changes_no_other(recorder: FactRecorder, rule: Callable[..., None]) -> None:
    recorder.load(order(1))
    rule(effective_from=DAY, window_days=7, window_offset=1)

    windows = {value.metric: value.window.days for value in recorder.values(channel="mfn")}

    assert windows == {
        "order_defect_rate": 7,
        "negative_feedback_rate": 60,
        "a_to_z_claim_rate": 60,
        "chargeback_rate": 60,
        "late_shipment_rate_10d": 10,
        "late_shipment_rate_30d": 30,
        "pre_fulfillment_cancel_rate": 7,
        "valid_tracking_rate": 30,
        "on_time_delivery_rate": 14,
        "return_dissatisfaction_rate": 30,
        "return_rate": 60,
    }


def test_series_without_a_target_any_more_is_not_judged(
    recorder: FactRecorder, rule: Callable[..., None]
) -> None:
    recorder.load(order(1))
    recorder.load(defect(1), at=TEN)
    none = {
        "limit_numerator": None,
        "limit_denominator": None,
        "warning_numerator": None,
        "warning_denominator": None,
    }
    rule(effective_from=TODAY, comparator="", **none)

    before, today = odr(recorder, since=TODAY - timedelta(days=1), until=TODAY)

    assert (before.status, today.status, today.limit, today.meets_target) == (
        Status.BREACHED,
        Status.HEALTHY,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("known_at", "places"),
    [(NINE - A_MOMENT, ["US"]), (NINE, ["US"]), (TEN - A_MOMENT, ["US"]), (TEN, ["DE", "US"])],
)
def test_query_returns_the_home_marketplace_and_others_once_known(
    recorder: FactRecorder, known_at: datetime, places: list[str]
) -> None:
    recorder.load(order(1), at=NINE)
    recorder.load(order(2, marketplace="DE"), at=TEN)

    selection = recorder.values(metrics=[ODR], known_at=known_at)

    series = [(value.marketplace, value.channel) for value in selection]
    assert series == [(place, channel) for place in places for channel in ("mfn", "afn")]


def test_query_returns_a_marketplace_without_recent_orders(recorder: FactRecorder) -> None:
    recorder.load(order(1, marketplace="DE"))
    recorder.load(order(1, marketplace="FR", last_updated_at=TWELVE), at=TEN)

    figures = {
        value.marketplace: value.denominator for value in recorder.values(metrics=[ODR], channel="mfn")
    }

    assert figures == {"US": 0, "DE": 0, "FR": 1}


@pytest.mark.parametrize("selection", [list(CATALOGUE), list(reversed(CATALOGUE)), ["chargeback_rate", ODR]])
def test_query_returns_metrics_in_the_requested_order(recorder: FactRecorder, selection: list[str]) -> None:
    recorder.load(order(1), order(2, marketplace="CA"))

    answered = [value.series for value in recorder.values(metrics=selection)]

    assert answered == [
        (metric, place, channel)
        for metric in selection
        if metric in IN_AMERICA
        for place in ("CA", "US")
        for channel in CATALOGUE[metric].channels
    ]


@pytest.mark.parametrize(
    ("selection", "series"),
    [
        ({"marketplaces": ["CA"]}, {("CA", "mfn"), ("CA", "afn")}),
        ({"channel": "afn"}, {("CA", "afn"), ("US", "afn")}),
        ({"marketplaces": ["US"], "channel": "mfn"}, {("US", "mfn")}),
        ({"marketplaces": ["JP"]}, set()),
        ({"metrics": []}, set()),
    ],
)
def test_query_filters_by_marketplace_channel_and_metric(
    recorder: FactRecorder, selection: dict[str, Any], series: set[tuple[str, str]]
) -> None:
    recorder.load(order(1), order(2, marketplace="CA"))

    assert {
        (value.marketplace, value.channel) for value in recorder.values(**{"metrics": [ODR]} | selection)
    } == series


def test_query_leaves_out_orders_of_another_account(acme: Client, recorder: FactRecorder) -> None:
    acme.take_on(partner="A2OTHER")
    with context.agency(acme.agency.pk):
        other = SellerAccount.objects.exclude(pk=recorder.account_id).get()
    FactRecorder(acme.agency.pk, other.pk).load(*orders(5))
    recorder.load(*orders(3))

    assert recorder.odr() == [(0, 3)]


def test_query_of_three_years_and_five_marketplaces_takes_three_statements(
    recorder: FactRecorder, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    stores = ("US", "CA", "MX", "BR", "GB")
    span = [TODAY - timedelta(days=n) for n in range(3 * 365 + 75)]
    DailyCounts.objects.bulk_create(
        DailyCounts(
            agency_id=recorder.agency_id,
            account_id=recorder.account_id,
            marketplace=store,
            channel="mfn",
            day=day,
            recorded_at=NINE,
            orders=10,
            defective_orders=1,
            negative_feedback_orders=1,
            a_to_z_claim_orders=0,
            chargeback_orders=0,
        )
        for store in stores
        for day in span
    )
    SellerAccount.objects.filter(pk=recorder.account_id).update(marketplaces=list(stores))
    account = recorder.account

    with django_assert_num_queries(3):
        selection = values.query(
            account=account, days=(TODAY - timedelta(days=3 * 365 - 1), TODAY), known_at=NINE
        )

    series = sum(len(CATALOGUE[metric].channels) for metric in IN_AMERICA) * len(stores) + len(
        ["invoices in Britain"]
    )
    assert len(selection) == series * 3 * 365
    assert {(value.numerator, value.denominator) for value in selection if value.metric == ODR} == {
        (60, 600),
        (0, 0),
    }
