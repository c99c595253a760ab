"""What was learned since changed what past days say: which changes are told, of which days, and how."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Agency
from metrics.models import Breach
from metrics.rules.facts import OrderStatus
from tests.metrics.books import (
    DAY,
    ELEVEN,
    TEN,
    TODAY,
    TWELVE,
    Books,
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
    """What was told, by series; each once at most."""
    told = [event.data for event in Event.objects.filter(type="metric.restated")]
    found = {(data["metric"], data["marketplace"], data["channel"]): data for data in told}
    assert len(found) == len(told)
    return found


def series(*metrics: str, marketplace: str = "US", channel: str = "mfn") -> set[tuple[str, str, str]]:
    return {(metric, marketplace, channel) for metric in metrics}


def test_a_late_defect_is_told_with_what_was_and_what_is(books: Books) -> None:
    books.load(*orders(100, on=IN_WINDOW))

    books.load(defect(1), at=TEN)

    told = restated()
    assert set(told) == series("order_defect_rate", "a_to_z_claim_rate")
    assert told["order_defect_rate", "US", "mfn"] == {
        "metric": "order_defect_rate",
        "marketplace": "US",
        "channel": "mfn",
        "known_at": "2026-11-22T10:00:00Z",
        "from": (TODAY - timedelta(days=5)).isoformat(),
        "to": YESTERDAY.isoformat(),
        "days_changed": 5,
        "verdict_changed_on": [(TODAY - timedelta(days=n)).isoformat() for n in (5, 4, 3, 2, 1)],
        "before": {"as_of": YESTERDAY.isoformat(), "numerator": 0, "denominator": 100, "rate": 0.0, "meets_target": True},
        "after": {"as_of": YESTERDAY.isoformat(), "numerator": 1, "denominator": 100, "rate": 0.01, "meets_target": False},
    }
    assert Event.objects.values_list("occurred_at", flat=True).distinct().get() == TEN


def test_a_defect_that_is_taken_back_is_told(books: Books) -> None:
    books.load(*orders(50, on=IN_WINDOW))
    books.load(defect(1), at=TEN)
    Event.objects.all().delete()

    books.load(defect(1, state="denied"), at=ELEVEN)

    point = restated()["order_defect_rate", "US", "mfn"]
    assert [(point[when]["numerator"], point[when]["meets_target"]) for when in ("before", "after")] == [(1, False), (0, True)]


def test_a_first_load_is_no_news(books: Books) -> None:
    books.load(defect(1), shipment(1, is_late=True), order(1, on=IN_WINDOW), *orders(9, first=2, on=IN_WINDOW))

    assert restated() == {}


def test_the_first_orders_of_an_account_that_has_only_amazon_s_word_are_no_news(books: Books) -> None:
    books.load(snapshot(), counter(count=0))
    books.load(defect(1), at=TEN)

    books.load(*orders(5, on=IN_WINDOW), at=ELEVEN)

    assert restated() == {}


def test_more_orders_are_no_news(books: Books) -> None:
    books.load(*orders(10, on=IN_WINDOW))

    books.load(*orders(200, first=11, on=IN_WINDOW), at=TEN)

    assert restated() == {}


def test_more_orders_are_news_where_they_turn_the_verdict(books: Books) -> None:
    books.load(*orders(50, on=IN_WINDOW), defect(1))

    books.load(*orders(60, first=51, on=IN_WINDOW), at=TEN)

    told = restated()
    assert set(told) == series("order_defect_rate")
    assert told["order_defect_rate", "US", "mfn"]["verdict_changed_on"] == [
        (TODAY - timedelta(days=n)).isoformat() for n in (5, 4, 3, 2, 1)
    ]
    assert told["order_defect_rate", "US", "mfn"]["after"]["denominator"] == 110


def test_only_the_days_whose_verdict_turned_are_listed_as_such(books: Books) -> None:
    books.load(*orders(120, on=IN_WINDOW), defect(1), order(500, on=TODAY - timedelta(days=17)))

    books.load(defect(500, reference="late"), at=TEN)

    told = restated()["order_defect_rate", "US", "mfn"]
    assert (told["from"], told["days_changed"]) == ((TODAY - timedelta(days=2)).isoformat(), 2)
    assert told["verdict_changed_on"] == [(TODAY - timedelta(days=n)).isoformat() for n in (2, 1)]


def test_a_change_that_turns_no_verdict_lists_none(books: Books) -> None:
    books.load(*orders(500, on=IN_WINDOW))

    books.load(defect(1), at=TEN)

    assert restated()["order_defect_rate", "US", "mfn"]["verdict_changed_on"] == []


def test_today_alone_is_not_restated(books: Books) -> None:
    books.load(*orders(10, on=TODAY - timedelta(days=15)))

    books.load(defect(1), at=TEN)

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
def test_ninety_days_are_told_and_none_before(books: Books, ordered_on: date, since: date) -> None:
    books.load(*orders(10, on=ordered_on))
    books.load(order(99, on=IN_WINDOW), at=TEN)

    books.load(defect(1), at=ELEVEN)

    assert restated()["order_defect_rate", "US", "mfn"]["from"] == since.isoformat()


def test_what_left_every_window_of_ninety_days_is_told_no_more(books: Books) -> None:
    books.load(*orders(10, on=TODAY - timedelta(days=90 + 75)))
    books.load(order(99, on=IN_WINDOW), at=TEN)

    books.load(defect(1), at=ELEVEN)

    assert restated() == {}


def test_only_the_series_that_changed_are_told(books: Books) -> None:
    for first, store in enumerate(("US", "CA", "DE")):
        books.load(*orders(10, first=1000 + 10 * first, on=IN_WINDOW, marketplace=store))
    books.load(
        *orders(9, first=101, on=IN_WINDOW, marketplace="CA", channel="afn"),
        *orders(9, first=201, on=IN_WINDOW, marketplace="DE", channel="afn"),
        at=TEN,
    )

    books.load(defect(101), at=ELEVEN)

    assert set(restated()) == series("order_defect_rate", "a_to_z_claim_rate", marketplace="CA", channel="afn")


def test_an_order_that_moves_to_another_store_is_told_in_both(books: Books) -> None:
    books.load(*orders(10, on=IN_WINDOW), *orders(10, first=11, on=IN_WINDOW, marketplace="CA"), defect(1))
    Event.objects.all().delete()

    books.load(order(1, on=IN_WINDOW, marketplace="CA", last_updated_at=TWELVE), at=TEN)

    moved = {key: (data["before"]["numerator"], data["after"]["numerator"]) for key, data in restated().items()}
    assert moved == {
        ("order_defect_rate", "US", "mfn"): (1, 0),
        ("a_to_z_claim_rate", "US", "mfn"): (1, 0),
        ("order_defect_rate", "CA", "mfn"): (0, 1),
        ("a_to_z_claim_rate", "CA", "mfn"): (0, 1),
    }


def test_each_metric_that_a_fact_changes_is_told(books: Books) -> None:
    on = TODAY - timedelta(days=12)
    books.load(*orders(20, on=on))
    books.load(*[shipment(n, on=on, deliver_by_on=on) for n in range(1, 21)], at=TEN)

    books.load(shipment(1, on=on, deliver_by_on=on, is_late=True, is_scanned=False, is_on_time=False), at=ELEVEN)

    told = {metric: (data["before"]["numerator"], data["after"]["numerator"]) for (metric, _, _), data in restated().items()}
    assert told == {
        "late_shipment_rate_10d": (0, 1),
        "late_shipment_rate_30d": (0, 1),
        "valid_tracking_rate": (20, 19),
    }
    assert restated()["late_shipment_rate_10d", "US", "mfn"]["to"] == (TODAY - timedelta(days=3)).isoformat()


def test_of_a_lower_limit_what_is_bad_is_the_rest(books: Books) -> None:
    on = TODAY - timedelta(days=12)
    books.load(*[message(n, on=on) for n in range(1, 11)])

    books.load(*[message(n, on=on) for n in range(11, 21)], at=TEN)
    grown = restated()
    books.load(message(1, on=on, is_answered_in_time=False), at=ELEVEN)

    assert grown == {}
    assert set(restated()) == series("message_response_rate_24h", channel="all")


def test_a_cancellation_that_is_explained_is_told(books: Books) -> None:
    on = TODAY - timedelta(days=4)
    books.load(*orders(30, on=on), order(99, on=on, status=OrderStatus.CANCELLED))

    books.load(cancelled(99), at=TEN)

    told = restated()["pre_fulfillment_cancel_rate", "US", "mfn"]
    assert (told["before"]["numerator"], told["after"]["numerator"], told["after"]["denominator"]) == (0, 1, 31)


def test_another_choice_of_denominator_is_told_only_where_it_turns_a_verdict(books: Books) -> None:
    books.load(
        *orders(99, on=IN_WINDOW),
        *orders(10, first=101, on=IN_WINDOW, status=OrderStatus.PENDING),
        *orders(9, first=201, on=IN_WINDOW, marketplace="CA"),
        *orders(9, first=301, on=IN_WINDOW, marketplace="CA", status=OrderStatus.PENDING),
        defect(1),
    )
    Agency.objects.filter(pk=books.agency_id).update(counts_pending_and_cancelled=True)

    books.load(order(1, on=IN_WINDOW), at=TEN)

    told = restated()
    assert set(told) == series("order_defect_rate")
    assert told["order_defect_rate", "US", "mfn"]["after"]["denominator"] == 109


def test_a_new_word_of_amazon_s_restates_nothing(books: Books) -> None:
    books.load(*orders(10, on=IN_WINDOW), defect(1))

    books.load(snapshot(), reported(comparator="lt", limit_numerator=50, limit_denominator=100), counter(count=1), at=TEN)

    assert restated() == {}


def test_the_same_report_again_tells_nothing_again(books: Books) -> None:
    books.load(*orders(10, on=IN_WINDOW))
    books.load(defect(1), at=TEN)
    told = restated()

    books.load(defect(1), at=ELEVEN)
    books.refresh(at=TWELVE)

    assert restated() == told


def test_a_breach_that_was_announced_is_never_rewritten(books: Books) -> None:
    books.load(*orders(10, on=DAY))
    books.load(defect(1), at=TEN)
    announced = Breach.objects.values().get()

    books.load(defect(2), at=ELEVEN)

    assert Breach.objects.values().get() == announced
    assert announced["opened_at"] == TEN
