"""Test restatements: which changes of past values are published, for which days, and how."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Agency
from metrics.models import Breach
from metrics.rules.facts import OrderStatus
from tests.metrics.fact_recorder import (
    DAY,
    ELEVEN,
    TEN,
    TODAY,
    TWELVE,
    FactRecorder,
    cancelled,
    counter,
    defect,
    message,
    order,
    orders,
    reported,
    shipment,
    snapshot,
)
from webhooks.models import Event

YESTERDAY = TODAY - timedelta(days=1)
IN_WINDOW = TODAY - timedelta(days=20)  # of an order: in the windows of the last five days


def restated() -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the published restatements by series, one each at most."""
    events = [event.data for event in Event.objects.filter(type="metric.restated")]
    by_series = {(data["metric"], data["marketplace"], data["channel"]): data for data in events}
    assert len(by_series) == len(events)
    return by_series


def series(*metrics: str, marketplace: str = "US", channel: str = "mfn") -> set[tuple[str, str, str]]:
    return {(metric, marketplace, channel) for metric in metrics}


def test_restatement_of_a_late_defect_has_before_and_after(recorder: FactRecorder) -> None:
    recorder.load(*orders(100, on=IN_WINDOW))

    recorder.load(defect(1), at=TEN)

    events = restated()
    assert set(events) == series("order_defect_rate", "a_to_z_claim_rate")
    assert events["order_defect_rate", "US", "mfn"] == {
        "metric": "order_defect_rate",
        "marketplace": "US",
        "channel": "mfn",
        "known_at": "2026-11-22T10:00:00Z",
        "from": (TODAY - timedelta(days=5)).isoformat(),
        "to": YESTERDAY.isoformat(),
        "days_changed": 5,
        "verdict_changed_on": [(TODAY - timedelta(days=n)).isoformat() for n in (5, 4, 3, 2, 1)],
        "before": {
            "as_of": YESTERDAY.isoformat(),
            "numerator": 0,
            "denominator": 100,
            "rate": 0.0,
            "meets_target": True,
        },
        "after": {
            "as_of": YESTERDAY.isoformat(),
            "numerator": 1,
            "denominator": 100,
            "rate": 0.01,
            "meets_target": False,
        },
    }
    assert Event.objects.values_list("occurred_at", flat=True).distinct().get() == TEN


def test_restatement_of_a_reversed_defect_is_published(recorder: FactRecorder) -> None:
    recorder.load(*orders(50, on=IN_WINDOW))
    recorder.load(defect(1), at=TEN)
    Event.objects.all().delete()

    recorder.load(defect(1, state="denied"), at=ELEVEN)

    point = restated()["order_defect_rate", "US", "mfn"]
    assert [(point[when]["numerator"], point[when]["meets_target"]) for when in ("before", "after")] == [
        (1, False),
        (0, True),
    ]


def test_restatement_of_a_first_load_is_not_published(recorder: FactRecorder) -> None:
    recorder.load(
        defect(1), shipment(1, is_late=True), order(1, on=IN_WINDOW), *orders(9, first=2, on=IN_WINDOW)
    )

    assert restated() == {}


def test_restatement_of_first_orders_after_amazon_reports_is_not_published(recorder: FactRecorder) -> None:
    recorder.load(snapshot(), counter(count=0))
    recorder.load(defect(1), at=TEN)

    recorder.load(*orders(5, on=IN_WINDOW), at=ELEVEN)

    assert restated() == {}


def test_restatement_of_more_orders_is_not_published(recorder: FactRecorder) -> None:
    recorder.load(*orders(10, on=IN_WINDOW))

    recorder.load(*orders(200, first=11, on=IN_WINDOW), at=TEN)

    assert restated() == {}


def test_restatement_of_more_orders_is_published_if_the_verdict_changes(recorder: FactRecorder) -> None:
    recorder.load(*orders(50, on=IN_WINDOW), defect(1))

    recorder.load(*orders(60, first=51, on=IN_WINDOW), at=TEN)

    events = restated()
    assert set(events) == series("order_defect_rate")
    assert events["order_defect_rate", "US", "mfn"]["verdict_changed_on"] == [
        (TODAY - timedelta(days=n)).isoformat() for n in (5, 4, 3, 2, 1)
    ]
    assert events["order_defect_rate", "US", "mfn"]["after"]["denominator"] == 110


def test_restatement_lists_only_days_whose_verdict_changed(recorder: FactRecorder) -> None:
    recorder.load(*orders(120, on=IN_WINDOW), defect(1), order(500, on=TODAY - timedelta(days=17)))

    recorder.load(defect(500, reference="late"), at=TEN)

    events = restated()["order_defect_rate", "US", "mfn"]
    assert (events["from"], events["days_changed"]) == ((TODAY - timedelta(days=2)).isoformat(), 2)
    assert events["verdict_changed_on"] == [(TODAY - timedelta(days=n)).isoformat() for n in (2, 1)]


def test_restatement_without_a_changed_verdict_lists_no_days(recorder: FactRecorder) -> None:
    recorder.load(*orders(500, on=IN_WINDOW))

    recorder.load(defect(1), at=TEN)

    assert restated()["order_defect_rate", "US", "mfn"]["verdict_changed_on"] == []


def test_restatement_of_today_alone_is_not_published(recorder: FactRecorder) -> None:
    recorder.load(*orders(10, on=TODAY - timedelta(days=15)))

    recorder.load(defect(1), at=TEN)

    assert restated() == {}
    assert Breach.objects.get().metric == "order_defect_rate"


@pytest.mark.parametrize(
    ("ordered_on", "since"),
    [
        (TODAY - timedelta(days=105), TODAY - timedelta(days=90)),
        (TODAY - timedelta(days=140), TODAY - timedelta(days=90)),
        (TODAY - timedelta(days=104), TODAY - timedelta(days=89)),
    ],
)
def test_restatement_covers_ninety_days(recorder: FactRecorder, ordered_on: date, since: date) -> None:
    recorder.load(*orders(10, on=ordered_on))
    recorder.load(order(99, on=IN_WINDOW), at=TEN)

    recorder.load(defect(1), at=ELEVEN)

    assert restated()["order_defect_rate", "US", "mfn"]["from"] == since.isoformat()


def test_restatement_of_days_outside_every_window_is_not_published(recorder: FactRecorder) -> None:
    recorder.load(*orders(10, on=TODAY - timedelta(days=90 + 75)))
    recorder.load(order(99, on=IN_WINDOW), at=TEN)

    recorder.load(defect(1), at=ELEVEN)

    assert restated() == {}


def test_restatement_is_published_for_changed_series_only(recorder: FactRecorder) -> None:
    for first, store in enumerate(("US", "CA", "DE")):
        recorder.load(*orders(10, first=1000 + 10 * first, on=IN_WINDOW, marketplace=store))
    recorder.load(
        *orders(9, first=101, on=IN_WINDOW, marketplace="CA", channel="afn"),
        *orders(9, first=201, on=IN_WINDOW, marketplace="DE", channel="afn"),
        at=TEN,
    )

    recorder.load(defect(101), at=ELEVEN)

    assert set(restated()) == series(
        "order_defect_rate", "a_to_z_claim_rate", marketplace="CA", channel="afn"
    )


def test_restatement_of_a_moved_order_is_published_in_both_marketplaces(recorder: FactRecorder) -> None:
    recorder.load(*orders(10, on=IN_WINDOW), *orders(10, first=11, on=IN_WINDOW, marketplace="CA"), defect(1))
    Event.objects.all().delete()

    recorder.load(order(1, on=IN_WINDOW, marketplace="CA", last_updated_at=TWELVE), at=TEN)

    moved = {
        key: (data["before"]["numerator"], data["after"]["numerator"]) for key, data in restated().items()
    }
    assert moved == {
        ("order_defect_rate", "US", "mfn"): (1, 0),
        ("a_to_z_claim_rate", "US", "mfn"): (1, 0),
        ("order_defect_rate", "CA", "mfn"): (0, 1),
        ("a_to_z_claim_rate", "CA", "mfn"): (0, 1),
    }


def test_restatement_is_published_for_each_metric_of_a_fact(recorder: FactRecorder) -> None:
    on = TODAY - timedelta(days=12)
    recorder.load(*orders(20, on=on))
    recorder.load(*[shipment(n, on=on, deliver_by_on=on) for n in range(1, 21)], at=TEN)

    recorder.load(
        shipment(1, on=on, deliver_by_on=on, is_late=True, is_scanned=False, is_on_time=False), at=ELEVEN
    )

    numerators = {
        metric: (data["before"]["numerator"], data["after"]["numerator"])
        for (metric, _, _), data in restated().items()
    }
    assert numerators == {
        "late_shipment_rate_10d": (0, 1),
        "late_shipment_rate_30d": (0, 1),
        "valid_tracking_rate": (20, 19),
    }
    assert restated()["late_shipment_rate_10d", "US", "mfn"]["to"] == (TODAY - timedelta(days=3)).isoformat()


def test_restatement_of_a_minimum_compares_the_bad_count(recorder: FactRecorder) -> None:
    on = TODAY - timedelta(days=12)
    recorder.load(*[message(n, on=on) for n in range(1, 11)])

    recorder.load(*[message(n, on=on) for n in range(11, 21)], at=TEN)
    grown = restated()
    recorder.load(message(1, on=on, is_answered_in_time=False), at=ELEVEN)

    assert grown == {}
    assert set(restated()) == series("message_response_rate_24h", channel="all")


def test_restatement_of_an_explained_cancellation_is_published(recorder: FactRecorder) -> None:
    on = TODAY - timedelta(days=4)
    recorder.load(*orders(30, on=on), order(99, on=on, status=OrderStatus.CANCELLED))

    recorder.load(cancelled(99), at=TEN)

    events = restated()["pre_fulfillment_cancel_rate", "US", "mfn"]
    assert (events["before"]["numerator"], events["after"]["numerator"], events["after"]["denominator"]) == (
        0,
        1,
        31,
    )


def test_restatement_of_a_denominator_choice_needs_a_changed_verdict(recorder: FactRecorder) -> None:
    recorder.load(
        *orders(99, on=IN_WINDOW),
        *orders(10, first=101, on=IN_WINDOW, status=OrderStatus.PENDING),
        *orders(9, first=201, on=IN_WINDOW, marketplace="CA"),
        *orders(9, first=301, on=IN_WINDOW, marketplace="CA", status=OrderStatus.PENDING),
        defect(1),
    )
    Agency.objects.filter(pk=recorder.agency_id).update(counts_pending_and_cancelled=True)

    recorder.load(order(1, on=IN_WINDOW), at=TEN)

    events = restated()
    assert set(events) == series("order_defect_rate")
    assert events["order_defect_rate", "US", "mfn"]["after"]["denominator"] == 109


def test_restatement_is_not_published_for_amazon_reports(recorder: FactRecorder) -> None:
    recorder.load(*orders(10, on=IN_WINDOW), defect(1))

    recorder.load(
        snapshot(),
        reported(comparator="lt", limit_numerator=50, limit_denominator=100),
        counter(count=1),
        at=TEN,
    )

    assert restated() == {}


def test_restatement_is_not_published_for_a_repeated_report(recorder: FactRecorder) -> None:
    recorder.load(*orders(10, on=IN_WINDOW))
    recorder.load(defect(1), at=TEN)
    events = restated()

    recorder.load(defect(1), at=ELEVEN)
    recorder.refresh(at=TWELVE)

    assert restated() == events


def test_restatement_never_changes_a_breach(recorder: FactRecorder) -> None:
    recorder.load(*orders(10, on=DAY))
    recorder.load(defect(1), at=TEN)
    announced = Breach.objects.values().get()

    recorder.load(defect(2), at=ELEVEN)

    assert Breach.objects.values().get() == announced
    assert announced["opened_at"] == TEN
