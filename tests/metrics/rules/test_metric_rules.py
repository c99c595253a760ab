"""Test Amazon's rules of every metric as migrations wrote them: windows, targets, dates and names."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Agency
from metrics.models import MetricRule
from metrics.rules.catalogue.definitions import CANCEL_RATE, CATALOGUE, METRICS
from metrics.rules.facts import Fact, OrderStatus
from metrics.rules.judgement import Comparator, Limit, Status, default_warning_limit
from metrics.rules.series import Value
from tests.metrics.fact_recorder import (
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    FactRecorder,
    cancelled,
    message,
    order,
    orders,
    returned,
    shipment,
)

BUSINESS = ("DE", "ES", "FR", "GB", "IT")


@pytest.mark.parametrize(
    ("metric", "marketplace", "day", "window", "limit", "enforced"),
    [
        ("order_defect_rate", "US", TODAY, (60, 15), ("lt", 1, 100), True),
        ("negative_feedback_rate", "US", TODAY, (60, 15), None, False),
        ("a_to_z_claim_rate", "US", TODAY, (60, 15), None, False),
        ("chargeback_rate", "US", TODAY, (60, 15), None, False),
        ("late_shipment_rate_10d", "US", TODAY, (10, 0), ("lt", 4, 100), True),
        ("late_shipment_rate_30d", "JP", TODAY, (30, 0), ("lt", 4, 100), True),
        ("pre_fulfillment_cancel_rate", "US", TODAY, (7, 1), ("lt", 25, 1000), True),
        ("valid_tracking_rate", "US", TODAY, (30, 10), ("gte", 95, 100), True),
        ("on_time_delivery_rate", "US", TODAY, (14, 7), ("gte", 90, 100), True),
        ("on_time_delivery_rate", "US", date(2024, 9, 25), (14, 7), ("gte", 90, 100), True),
        ("on_time_delivery_rate", "US", date(2024, 9, 24), (30, 10), ("gt", 97, 100), False),
        ("on_time_delivery_rate", "CA", TODAY, (30, 10), ("gt", 97, 100), False),
        *[("invoice_defect_rate", place, TODAY, (7, 7), ("lt", 5, 100), True) for place in BUSINESS],
        ("message_response_rate_24h", "US", TODAY, (30, 0), ("gte", 90, 100), False),
        ("return_dissatisfaction_rate", "US", TODAY, (30, 0), ("lt", 10, 100), False),
        ("return_rate", "US", TODAY, (60, 15), None, False),
    ],
)
def test_metric_rule_decides_the_status_of_a_series(
    recorder: FactRecorder,
    metric: str,
    marketplace: str,
    day: date,
    window: tuple[int, int],
    limit: tuple[str, int, int] | None,
    enforced: bool,
) -> None:
    recorder.load(order(marketplace=marketplace))

    value = recorder.value(metric, marketplace=marketplace, channel=CATALOGUE[metric].channels[0], since=day)

    assert (value.window.days, value.window.offset) == window
    assert value.window.last == day - timedelta(days=window[1])
    assert value.window.first == day - timedelta(days=sum(window) - 1)
    assert value.limit == (Limit(Comparator(limit[0]), *limit[1:]) if limit else None)
    assert (value.enforced, value.limit_source) == (enforced, "default")


@pytest.mark.django_db
def test_metric_rules_all_have_a_metric_a_name_and_a_source() -> None:
    rules = list(MetricRule.objects.all())

    assert {rule.metric for rule in rules} == set(CATALOGUE)
    assert all(rule.name and rule.source_title for rule in rules)
    assert {rule.name for rule in rules if rule.metric == "late_shipment_rate_10d"} == {
        "Late Shipment Rate (10 days)"
    }


@pytest.mark.django_db
def test_metric_rule_warning_is_three_quarters_of_the_target() -> None:
    rules = MetricRule.objects.exclude(comparator="").filter(
        metric__in=[metric.code for metric in METRICS if metric.is_counted]
    )

    for rule in rules:
        limit = Limit(Comparator(rule.comparator), rule.limit_numerator or 0, rule.limit_denominator or 0)
        line = default_warning_limit(limit)
        assert line
        assert rule.warning_numerator is not None
        assert rule.warning_numerator * line.denominator == line.numerator * (
            rule.warning_denominator or 0
        ), rule


@pytest.mark.parametrize("marketplace", ["US", "CA", "JP", "NL", "SE"])
def test_invoice_defect_rate_exists_in_five_marketplaces(recorder: FactRecorder, marketplace: str) -> None:
    recorder.load(order(marketplace=marketplace))

    assert recorder.values(metrics=["invoice_defect_rate"], marketplaces=[marketplace]) == []


SERIES: list[tuple[str, str, Fact, Fact, int, int]] = [
    ("late_shipment_rate_10d", "mfn", shipment(1), shipment(2, is_late=True), 10, 0),
    ("late_shipment_rate_30d", "mfn", shipment(1), shipment(2, is_late=True), 30, 0),
    ("valid_tracking_rate", "mfn", shipment(1, is_scanned=False), shipment(2), 30, 10),
    ("message_response_rate_24h", "all", message(1, is_answered_in_time=False), message(2), 30, 0),
    ("return_dissatisfaction_rate", "mfn", returned(1), returned(2, is_dissatisfied=True), 30, 0),
]
DAYS = {
    "late_shipment_rate_10d": "ship_by_on",
    "late_shipment_rate_30d": "ship_by_on",
    "valid_tracking_rate": "shipped_on",
    "message_response_rate_24h": "sent_on",
    "return_dissatisfaction_rate": "requested_on",
}


@pytest.mark.parametrize(("metric", "channel", "fine", "counted", "days", "offset"), SERIES)
def test_window_uses_the_day_of_each_metric(
    recorder: FactRecorder, metric: str, channel: str, fine: Any, counted: Any, days: int, offset: int
) -> None:
    last, first = TODAY - timedelta(days=offset), TODAY - timedelta(days=offset + days - 1)
    recorder.load(*orders(2))
    day = DAYS[metric]

    recorder.load(fine._replace(**{day: first}), counted._replace(**{day: last}), at=TEN)

    figures = {}
    for as_of in (-1, 0, days - 1, days):
        value = recorder.value(metric, channel=channel, since=TODAY + timedelta(days=as_of))
        figures[as_of] = (value.numerator, value.denominator)
    assert figures == {-1: (0, 1), 0: (1, 2), days - 1: (1, 1), days: (0, 0)}


def on_time(recorder: FactRecorder, *, marketplace: str, as_of: date) -> tuple[int, int, bool]:
    value = recorder.value("on_time_delivery_rate", marketplace=marketplace, since=as_of)
    return value.numerator, value.denominator, value.counts_units


@pytest.mark.parametrize(
    ("marketplace", "as_of", "figures"),
    [
        ("US", TODAY, (5, 12, True)),
        ("GB", TODAY, (5, 12, True)),
        ("DE", TODAY, (5, 12, True)),
        ("GB", date(2025, 9, 15), (1, 2, False)),
        ("DE", date(2026, 8, 31), (1, 2, False)),
        ("CA", TODAY, (1, 2, False)),
        ("FR", TODAY, (1, 2, False)),
    ],
)
def test_on_time_delivery_counts_units_by_marketplace_and_day(
    recorder: FactRecorder, marketplace: str, as_of: date, figures: tuple[int, int, bool]
) -> None:
    recorder.load(order(marketplace=marketplace))
    promised = as_of - timedelta(days=12)

    recorder.load(
        shipment(1, "P1", units=5, deliver_by_on=promised),
        shipment(1, "P2", units=7, deliver_by_on=promised, is_on_time=False),
        at=TEN,
    )

    assert on_time(recorder, marketplace=marketplace, as_of=as_of) == figures


def test_on_time_delivery_counts_units_from_the_day_of_the_rule(recorder: FactRecorder) -> None:
    eve = date(2024, 9, 24)
    recorder.load(order(on=date(2024, 9, 1)))

    recorder.load(
        shipment(1, "P1", units=5, deliver_by_on=date(2024, 9, 12)),
        shipment(1, "P2", units=7, deliver_by_on=date(2024, 9, 13), is_on_time=False),
        at=TEN,
    )

    assert on_time(recorder, marketplace="US", as_of=eve) == (1, 2, False)
    assert on_time(recorder, marketplace="US", as_of=eve + timedelta(days=1)) == (5, 12, True)


@pytest.mark.parametrize(
    ("late", "whole", "meets"), [(1, 26, True), (1, 25, False), (4, 101, True), (4, 100, False), (0, 1, True)]
)
def test_late_shipment_rate_is_breached_at_four_percent(
    recorder: FactRecorder, late: int, whole: int, meets: bool
) -> None:
    recorder.load(*orders(whole))

    recorder.load(*[shipment(n, on=TODAY, is_late=n <= late) for n in range(1, whole + 1)], at=TEN)

    value = recorder.value("late_shipment_rate_30d")
    assert (value.numerator, value.denominator, value.meets_target) == (late, whole, meets)


@pytest.mark.parametrize(
    ("scanned", "whole", "meets", "left"), [(19, 20, True, 0), (18, 20, False, -1), (20, 20, True, 1)]
)
def test_valid_tracking_rate_is_met_at_95_percent(
    recorder: FactRecorder, scanned: int, whole: int, meets: bool, left: int
) -> None:
    on = TODAY - timedelta(days=20)
    recorder.load(*orders(whole))

    recorder.load(*[shipment(n, on=on, is_scanned=n <= scanned) for n in range(1, whole + 1)], at=TEN)

    value = recorder.value("valid_tracking_rate")
    assert (value.numerator, value.denominator, value.meets_target) == (scanned, whole, meets)
    assert value.budget is not None
    assert value.budget.left == left


def cancel_rate(recorder: FactRecorder, *, placed: int, by_seller: int, unexplained: int) -> Value:
    """Count orders of last week with cancellations by the seller and by an unknown canceller."""
    on = TODAY - timedelta(days=3)
    cancellations = by_seller + unexplained
    recorder.load(
        *orders(placed, on=on),
        *orders(cancellations, first=1001, on=on, status=OrderStatus.CANCELLED),
        at=NINE,
    )
    if by_seller:
        recorder.load(*[cancelled(1001 + n) for n in range(by_seller)], at=TEN)
    return recorder.value("pre_fulfillment_cancel_rate")


@pytest.mark.parametrize(
    ("placed", "by_seller", "unexplained", "status"),
    [
        pytest.param(100, 0, 0, Status.HEALTHY, id="none"),
        pytest.param(99, 1, 0, Status.HEALTHY, id="one percent"),
        pytest.param(98, 2, 0, Status.AT_RISK, id="over the line"),
        pytest.param(97, 3, 0, Status.BREACHED, id="over the target"),
        pytest.param(999, 1, 1, Status.HEALTHY, id="two of 1001 are fine"),
        pytest.param(99, 1, 1, Status.UNDECIDED, id="two of 101 would be at risk"),
        pytest.param(99, 1, 2, Status.UNDECIDED, id="three of 102 would miss"),
        pytest.param(98, 2, 1, Status.AT_RISK, id="at risk at best"),
        pytest.param(97, 3, 9, Status.BREACHED, id="missed at both ends"),
        pytest.param(100, 0, 3, Status.UNDECIDED, id="none known"),
        pytest.param(0, 0, 3, Status.UNDECIDED, id="only unexplained"),
    ],
)
def test_unexplained_cancellations_are_judged_at_both_ends(
    recorder: FactRecorder, placed: int, by_seller: int, unexplained: int, status: Status
) -> None:
    value = cancel_rate(recorder, placed=placed, by_seller=by_seller, unexplained=unexplained)

    assert (value.numerator, value.denominator, value.unexplained) == (
        by_seller,
        placed + by_seller,
        unexplained,
    )
    assert value.status is status


def test_unexplained_cancellations_are_in_the_denominator_if_cancelled_orders_are(
    recorder: FactRecorder,
) -> None:
    Agency.objects.filter(pk=recorder.agency_id).update(counts_pending_and_cancelled=True)

    value = cancel_rate(recorder, placed=100, by_seller=1, unexplained=2)

    assert (value.numerator, value.denominator, value.unexplained) == (1, 103, 2)
    assert value.bounds == ((1, 103), (3, 103), 2)
    assert value.status is Status.UNDECIDED


@pytest.mark.parametrize(
    "metric", [metric.code for metric in METRICS if metric.is_counted and metric.code != CANCEL_RATE]
)
def test_unexplained_counts_exist_for_cancellations_only(recorder: FactRecorder, metric: str) -> None:
    recorder.load(order(marketplace="DE"))

    value = recorder.value(metric, marketplace="DE", channel=CATALOGUE[metric].channels[0])

    assert value.unexplained is None


@pytest.mark.parametrize("channel", ["mfn", "afn"])
def test_return_rate_covers_both_channels_by_order_day(recorder: FactRecorder, channel: str) -> None:
    recorder.load(*orders(3, channel=channel))

    recorder.load(returned(1, on=TODAY), at=TEN)

    value = recorder.value("return_rate", channel=channel)
    assert (value.numerator, value.denominator, value.meets_target, value.status) == (
        1,
        3,
        None,
        Status.HEALTHY,
    )


@pytest.mark.parametrize(
    "metric", ["late_shipment_rate_30d", "valid_tracking_rate", "return_dissatisfaction_rate"]
)
def test_merchant_metrics_leave_out_orders_shipped_by_amazon(recorder: FactRecorder, metric: str) -> None:
    recorder.load(order(channel="afn"))
    recorder.load(shipment(on=TODAY - timedelta(days=15), is_late=True), at=TEN)
    recorder.load(returned(on=TODAY, is_dissatisfied=True), at=ELEVEN)

    (value,) = recorder.values(metrics=[metric])

    assert (value.channel, value.denominator) == ("mfn", 0)
