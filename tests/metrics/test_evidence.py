"""What is behind each number over HTTP: as many rows as it says, each with the evidence and the sentence that says why."""

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from metrics.drilldown.sql import BEHIND, COUNTS_INTO
from metrics.rules import explanations, reasons
from metrics.rules.definitions import CATALOGUE, COUNTED
from metrics.rules.facts import DefectKind, Fact, OrderStatus
from tests import build
from tests.client import Client
from tests.metrics.books import (
    A_MOMENT,
    ELEVEN,
    NINE,
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
    returned,
    shipment,
    snapshot,
)

ON = TODAY - timedelta(days=12)  # of a package: in the windows of today, but for cancellations
LAST_WEEK = TODAY - timedelta(days=4)
WHEN = ON.isoformat()


def listed(acme: Client, shop: str, metric: str, **asked: Any) -> list[Any]:
    path = f"/v1/accounts/{shop}/metrics/{metric}/orders"
    return list(acme.read(path, **{"as_of": TODAY.isoformat(), "limit": 200} | asked)["data"])


def told(kind: str, state: str, *, counts: bool, **more: Any) -> dict[str, Any]:
    usual = {"rating": None, "occurred_on": None, "due_on": None, "reference": None, "funded_by": None}
    return {"kind": kind, "state": state, "counts": counts, "reason": reasons.REASONS[kind][state]} | usual | more


LATE_METRIC, DELIVERY, INVOICES = "late_shipment_rate_30d", "on_time_delivery_rate", "invoice_defect_rate"
DAY_AFTER = (ON + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("metric", "fact", "counted", "row"),
    [
        (
            LATE_METRIC,
            shipment(on=ON, shipped_on=ON + timedelta(days=1), is_late=True),
            True,
            told("shipment", "late", counts=True, occurred_on=DAY_AFTER, due_on=WHEN),
        ),
        (LATE_METRIC, shipment(on=ON), False, told("shipment", "in_time", counts=False, occurred_on=WHEN, due_on=WHEN)),
        (
            "valid_tracking_rate",
            shipment(1, "P1", on=ON),
            True,
            told("tracking", "scanned", counts=True, due_on=WHEN, reference="P1"),
        ),
        (
            "valid_tracking_rate",
            shipment(1, "P1", on=ON, is_scanned=False),
            False,
            told("tracking", "not_scanned", counts=False, due_on=WHEN, reference="P1"),
        ),
        (
            DELIVERY,
            shipment(deliver_by_on=ON, delivered_on=ON),
            True,
            told("delivery", "on_time", counts=True, occurred_on=WHEN, due_on=WHEN),
        ),
        (
            DELIVERY,
            shipment(deliver_by_on=ON, delivered_on=None, is_on_time=False),
            False,
            told("delivery", "late", counts=False, due_on=WHEN),
        ),
        (
            INVOICES,
            shipment(on=ON, is_invoiced_in_time=False),
            True,
            told("invoice", "missing_or_late", counts=True, occurred_on=WHEN),
        ),
        (INVOICES, shipment(on=ON, is_invoiced_in_time=True), False, told("invoice", "in_time", counts=False, occurred_on=WHEN)),
        *[
            (
                "return_dissatisfaction_rate",
                returned(on=ON, is_dissatisfied=reason != "", reason=reason),
                reason != "",
                told("return_request", reason or "content", counts=reason != "", occurred_on=WHEN, reference="R1"),
            )
            for reason in ("negative_feedback", "late_answer", "wrong_rejection", "")
        ],
    ],
)
def test_each_state_of_a_package_or_a_request_is_told_with_its_reason(
    acme: Client, shop: str, books: Books, metric: str, fact: Fact, counted: bool, row: dict[str, Any]
) -> None:
    books.load(order(marketplace="DE"))
    books.load(fact, at=TEN)

    (found,) = listed(acme, shop, metric)

    assert found["counted"] is counted
    assert found["defects"] == [row]
    assert (found["order_id"], found["marketplace"], found["channel"]) == (build.order_id(1), "DE", "mfn")


@pytest.mark.parametrize(
    ("fact", "counted", "row"),
    [
        (message(on=ON), True, told("message", "in_time", counts=True, occurred_on=WHEN, reference="M1")),
        (
            message(on=ON, is_answered_in_time=False, answered_on=ON + timedelta(days=1)),
            False,
            told("message", "late", counts=False, occurred_on=DAY_AFTER, reference="M1"),
        ),
        (
            message(on=ON, is_answered_in_time=False, answered_on=None),
            False,
            told("message", "unanswered", counts=False, reference="M1"),
        ),
    ],
)
def test_each_state_of_a_message_is_told_with_its_reason(
    acme: Client, shop: str, books: Books, fact: Fact, counted: bool, row: dict[str, Any]
) -> None:
    books.load(order(on=date(2026, 1, 1)))
    books.load(fact, message(2, on=ON, needs_answer=False), message(3, on=ON, is_answered_in_time=None), at=TEN)

    (found,) = listed(acme, shop, "message_response_rate_24h")

    assert found == {
        "order_id": build.order_id(1),
        "ordered_on": None,
        "marketplace": "US",
        "channel": "all",
        "counted": counted,
        "defects": [row],
        "leaves_window_on": (ON + timedelta(days=30)).isoformat(),
        "day": WHEN,
        "reference": "M1",
    }


def test_a_message_without_an_order_has_none(acme: Client, shop: str, books: Books) -> None:
    books.load(message(on=ON, order_id=""))

    (found,) = listed(acme, shop, "message_response_rate_24h")

    assert found["order_id"] is None


@pytest.mark.parametrize(
    ("facts", "counted", "rows"),
    [
        ([], False, []),
        ([returned(on=ON)], True, [told("return", "requested", counts=True, occurred_on=WHEN, reference="R1")]),
        (
            [returned(on=ON, is_return=False)],
            False,
            [told("return", "not_a_return", counts=False, occurred_on=WHEN, reference="R1")],
        ),
        (
            [returned(1, "R2", on=TODAY), returned(1, "R1", on=ON, is_return=False)],
            True,
            [
                told("return", "not_a_return", counts=False, occurred_on=WHEN, reference="R1"),
                told("return", "requested", counts=True, occurred_on=TODAY.isoformat(), reference="R2"),
            ],
        ),
    ],
)
def test_an_order_is_told_with_its_requests(
    acme: Client, shop: str, books: Books, facts: list[Fact], counted: bool, rows: list[dict[str, Any]]
) -> None:
    books.load(order())
    if facts:
        books.load(*facts, at=TEN)

    (found,) = listed(acme, shop, "return_rate")

    assert (found["counted"], found["defects"]) == (counted, rows)
    assert found["day"] == found["ordered_on"]


LISTED = defect(kind="cancellation", state="listed", occurred_on=None)
SAID = "Amazon's list of orders with defects names it; nothing tells more."


@pytest.mark.parametrize(
    ("status", "fact", "counted", "row"),
    [
        (OrderStatus.CANCELLED, cancelled(by="seller"), True, told("cancellation", "seller", counts=True)),
        (OrderStatus.CANCELLED, cancelled(by="unconfirmed"), True, told("cancellation", "unconfirmed", counts=True)),
        (OrderStatus.SHIPPED, cancelled(by="buyer"), False, told("cancellation", "buyer", counts=False)),
        (OrderStatus.SHIPPED, cancelled(by="amazon"), False, told("cancellation", "amazon", counts=False)),
        (OrderStatus.SHIPPED, shipment(cancelled_by="seller"), False, told("cancellation", "after_shipping", counts=False)),
        (
            OrderStatus.CANCELLED,
            LISTED,
            True,
            told("cancellation", "seller", counts=True) | {"state": "listed", "reason": SAID},
        ),
    ],
)
def test_each_way_to_cancel_is_told_with_its_reason(
    acme: Client, shop: str, books: Books, status: OrderStatus, fact: Fact, counted: bool, row: dict[str, Any]
) -> None:
    books.load(order(on=LAST_WEEK, status=status))
    books.load(fact, at=TEN)

    (found,) = listed(acme, shop, "pre_fulfillment_cancel_rate")

    assert (found["counted"], found["defects"]) == (counted, [row])


@pytest.mark.parametrize("fact", [None, cancelled(by="buyer"), cancelled(by="")])
def test_a_cancelled_order_that_is_in_no_rate_is_behind_none(acme: Client, shop: str, books: Books, fact: Fact | None) -> None:
    books.load(order(on=LAST_WEEK, status=OrderStatus.CANCELLED))
    if fact:
        books.load(fact, at=TEN)

    assert listed(acme, shop, "pre_fulfillment_cancel_rate") == []


def test_a_listed_late_order_is_told_beside_its_packages(acme: Client, shop: str, books: Books) -> None:
    books.load(order())
    books.load(shipment(1, "P2", on=ON), shipment(1, "P1", on=ON, is_late=None), at=TEN)
    books.load(defect(kind="late_shipment", state="listed", occurred_on=None), at=ELEVEN)

    (found,) = listed(acme, shop, LATE_METRIC)

    assert found["counted"] is True
    assert [(each["kind"], each["state"], each["counts"], each["reference"]) for each in found["defects"]] == [
        ("shipment", "in_time", False, "P2"),
        ("late_shipment", "listed", True, ""),
    ]
    assert listed(acme, shop, "order_defect_rate", as_of=(TODAY + timedelta(days=5)).isoformat())[0]["defects"] == []


@pytest.fixture
def eventful(books: Books) -> Books:
    """Orders, packages, requests and messages that come, change and move, hour by hour."""
    books.load(
        *orders(4, on=LAST_WEEK, marketplace="DE"),
        *orders(3, first=11, channel="afn", marketplace="DE"),
        order(21),
        *[shipment(n, "P1", on=ON, deliver_by_on=ON, is_invoiced_in_time=n > 1, units=n) for n in (1, 2, 3, 11, 21, 99)],
        *[message(n, on=ON, marketplace="DE") for n in (1, 2, 3)],
        *[returned(n, on=ON) for n in (1, 2, 12, 99)],
        snapshot(),
        counter(count=3),
        at=NINE,
    )
    books.load(
        shipment(1, "P1", on=ON, is_late=True, is_scanned=False, is_invoiced_in_time=True),
        shipment(1, "P2", on=ON + timedelta(days=1), is_scanned=False),
        shipment(2, "P1", on=ON - timedelta(days=40)),
        shipment(3, "P1", on=ON, shipped_on=None, is_late=None),
        cancelled(4),
        message(1, on=ON, marketplace="DE", is_answered_in_time=False),
        message(2, on=ON, marketplace="US"),
        returned(1, on=ON, is_dissatisfied=True, reason="late_answer"),
        returned(2, on=ON, is_return=False, is_dissatisfied=None),
        at=TEN,
    )
    books.load(
        order(1, on=LAST_WEEK, marketplace="FR", last_updated_at=TWELVE),
        order(4, on=LAST_WEEK, marketplace="DE", status=OrderStatus.CANCELLED, last_updated_at=TWELVE),
        order(11, channel="mfn", marketplace="DE", last_updated_at=TWELVE),
        order(99, marketplace="DE"),
        defect(2, kind="late_shipment", state="listed"),
        defect(3, kind="cancellation", state="listed"),
        at=ELEVEN,
    )
    return books


MOMENTS = (NINE - A_MOMENT, NINE, TEN - A_MOMENT, TEN, ELEVEN - A_MOMENT, ELEVEN)


def test_what_is_behind_a_number_is_as_much_as_it_says(acme: Client, shop: str, eventful: Books) -> None:
    for moment, metric in product(MOMENTS, [metric.code for metric in COUNTED]):
        for value in eventful.values(metrics=[metric], known_at=moment):
            series = {"marketplace": value.marketplace, "channel": value.channel}
            rows = listed(acme, shop, metric, **series, known_at=moment.isoformat())
            if not value.counts_units:
                assert len(rows) == value.denominator, (moment, metric, series)
                assert sum(row["counted"] for row in rows) == value.numerator, (moment, metric, series)
            first, last = value.window.first.isoformat(), value.window.last.isoformat()
            assert all(first <= row["day"] <= last for row in rows), (moment, metric, series)


def test_of_units_the_packages_are_listed(acme: Client, shop: str, eventful: Books) -> None:
    value = eventful.value(DELIVERY, known_at=NINE)

    rows = listed(acme, shop, DELIVERY, marketplace="US", known_at=NINE.isoformat())

    assert (value.counts_units, value.denominator) == (True, 21)
    assert [(row["order_id"], row["reference"]) for row in rows] == [(build.order_id(21), "P1")]


def test_every_list_is_paged(acme: Client, shop: str, eventful: Books) -> None:
    for metric, limit in product([metric.code for metric in COUNTED], (1, 2)):
        whole = listed(acme, shop, metric)
        path, asked = f"/v1/accounts/{shop}/metrics/{metric}/orders", {"as_of": TODAY.isoformat(), "limit": limit}
        page = acme.read(path, **asked)
        seen = page["data"]

        while page["next_cursor"]:
            page = acme.read(path, **asked, cursor=page["next_cursor"])
            seen += page["data"]

        assert seen == whole, (metric, limit)
        places = [(row["day"], row["order_id"] or "", row["reference"] or "") for row in seen]
        assert places == sorted(places, reverse=True), (metric, limit)


def test_behind_what_only_amazon_reports_there_is_nothing(acme: Client, shop: str, eventful: Books) -> None:
    reported = [metric.code for metric in CATALOGUE.values() if not metric.is_counted]

    assert {metric: listed(acme, shop, metric) for metric in reported} == {metric: [] for metric in reported}


@pytest.mark.parametrize("metric", CATALOGUE)
def test_every_metric_is_explained_and_has_something_behind_it(metric: str) -> None:
    assert metric in BEHIND
    assert explanations.OF[metric].endswith(".")


def test_only_metrics_of_orders_with_defects_count_defects() -> None:
    into = {metric: set(kinds) for metric, kinds in COUNTS_INTO.items()}

    assert set().union(*into.values()) == set(DefectKind)
    assert into["order_defect_rate"] == {DefectKind.FEEDBACK, DefectKind.A_TO_Z_CLAIM, DefectKind.CHARGEBACK}


@pytest.mark.parametrize("cursor", ["nonsense", "WyJhIl0="])
def test_a_cursor_of_another_list_is_refused(acme: Client, shop: str, books: Books, cursor: str) -> None:
    response = acme.get(f"/v1/accounts/{shop}/metrics/{LATE_METRIC}/orders", {"cursor": cursor})

    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/cursor"


def test_a_stranger_is_told_nothing_of_what_is_behind(rival: Client, shop: str, eventful: Books) -> None:
    assert rival.get(f"/v1/accounts/{shop}/metrics/{LATE_METRIC}/orders").status_code == 404
