"""Test the drill-down of each metric over HTTP: as many rows as it counts, each with its reason."""

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from metrics.drilldown import reasons
from metrics.rules.catalogue import order_defects
from metrics.rules.catalogue.definitions import CATALOGUE, COUNTED
from metrics.rules.facts import DefectKind, Fact, OrderStatus
from tests import build
from tests.client import Client
from tests.metrics.fact_recorder import (
    A_MOMENT,
    ELEVEN,
    NINE,
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
    returned,
    shipment,
    snapshot,
)

ON = TODAY - timedelta(days=12)  # of a package: in the windows of today, but for cancellations
LAST_WEEK = TODAY - timedelta(days=4)
WHEN = ON.isoformat()


def listed(acme: Client, shop: str, metric: str, **params: Any) -> list[Any]:
    path = f"/v1/accounts/{shop}/metrics/{metric}/orders"
    return list(acme.read(path, **{"as_of": TODAY.isoformat(), "limit": 200} | params)["data"])


def defect_row(kind: str, state: str, *, counts: bool, **more: Any) -> dict[str, Any]:
    usual = {"rating": None, "occurred_on": None, "due_on": None, "reference": None, "funded_by": None}
    return (
        {"kind": kind, "state": state, "counts": counts, "reason": reasons.REASONS[kind][state]}
        | usual
        | more
    )


LATE_METRIC, DELIVERY, INVOICES = "late_shipment_rate_30d", "on_time_delivery_rate", "invoice_defect_rate"
DAY_AFTER = (ON + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("metric", "fact", "counted", "row"),
    [
        (
            LATE_METRIC,
            shipment(on=ON, shipped_on=ON + timedelta(days=1), is_late=True),
            True,
            defect_row("shipment", "late", counts=True, occurred_on=DAY_AFTER, due_on=WHEN),
        ),
        (
            LATE_METRIC,
            shipment(on=ON),
            False,
            defect_row("shipment", "in_time", counts=False, occurred_on=WHEN, due_on=WHEN),
        ),
        (
            "valid_tracking_rate",
            shipment(1, "P1", on=ON),
            True,
            defect_row("tracking", "scanned", counts=True, due_on=WHEN, reference="P1"),
        ),
        (
            "valid_tracking_rate",
            shipment(1, "P1", on=ON, is_scanned=False),
            False,
            defect_row("tracking", "not_scanned", counts=False, due_on=WHEN, reference="P1"),
        ),
        (
            DELIVERY,
            shipment(deliver_by_on=ON, delivered_on=ON),
            True,
            defect_row("delivery", "on_time", counts=True, occurred_on=WHEN, due_on=WHEN),
        ),
        (
            DELIVERY,
            shipment(deliver_by_on=ON, delivered_on=None, is_on_time=False),
            False,
            defect_row("delivery", "late", counts=False, due_on=WHEN),
        ),
        (
            INVOICES,
            shipment(on=ON, is_invoiced_in_time=False),
            True,
            defect_row("invoice", "missing_or_late", counts=True, occurred_on=WHEN),
        ),
        (
            INVOICES,
            shipment(on=ON, is_invoiced_in_time=True),
            False,
            defect_row("invoice", "in_time", counts=False, occurred_on=WHEN),
        ),
        *[
            (
                "return_dissatisfaction_rate",
                returned(on=ON, is_dissatisfied=reason != "", reason=reason),
                reason != "",
                defect_row(
                    "return_request",
                    reason or "content",
                    counts=reason != "",
                    occurred_on=WHEN,
                    reference="R1",
                ),
            )
            for reason in ("negative_feedback", "late_answer", "wrong_rejection", "")
        ],
    ],
)
def test_reason_of_each_state_of_a_package_or_request(
    acme: Client,
    shop: str,
    recorder: FactRecorder,
    metric: str,
    fact: Fact,
    counted: bool,
    row: dict[str, Any],
) -> None:
    recorder.load(order(marketplace="DE"))
    recorder.load(fact, at=TEN)

    (listed_row,) = listed(acme, shop, metric)

    assert listed_row["counted"] is counted
    assert listed_row["defects"] == [row]
    assert (listed_row["order_id"], listed_row["marketplace"], listed_row["channel"]) == (
        build.order_id(1),
        "DE",
        "mfn",
    )


@pytest.mark.parametrize(
    ("fact", "counted", "row"),
    [
        (
            message(on=ON),
            True,
            defect_row("message", "in_time", counts=True, occurred_on=WHEN, reference="M1"),
        ),
        (
            message(on=ON, is_answered_in_time=False, answered_on=ON + timedelta(days=1)),
            False,
            defect_row("message", "late", counts=False, occurred_on=DAY_AFTER, reference="M1"),
        ),
        (
            message(on=ON, is_answered_in_time=False, answered_on=None),
            False,
            defect_row("message", "unanswered", counts=False, reference="M1"),
        ),
    ],
)
def test_reason_of_each_state_of_a_message(
    acme: Client, shop: str, recorder: FactRecorder, fact: Fact, counted: bool, row: dict[str, Any]
) -> None:
    recorder.load(order(on=date(2026, 1, 1)))
    recorder.load(
        fact, message(2, on=ON, needs_answer=False), message(3, on=ON, is_answered_in_time=None), at=TEN
    )

    (listed_row,) = listed(acme, shop, "message_response_rate_24h")

    assert listed_row == {
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


def test_message_without_order_has_no_order_id(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(message(on=ON, order_id=""))

    (listed_row,) = listed(acme, shop, "message_response_rate_24h")

    assert listed_row["order_id"] is None


@pytest.mark.parametrize(
    ("facts", "counted", "rows"),
    [
        ([], False, []),
        (
            [returned(on=ON)],
            True,
            [defect_row("return", "requested", counts=True, occurred_on=WHEN, reference="R1")],
        ),
        (
            [returned(on=ON, is_return=False)],
            False,
            [defect_row("return", "not_a_return", counts=False, occurred_on=WHEN, reference="R1")],
        ),
        (
            [returned(1, "R2", on=TODAY), returned(1, "R1", on=ON, is_return=False)],
            True,
            [
                defect_row("return", "not_a_return", counts=False, occurred_on=WHEN, reference="R1"),
                defect_row("return", "requested", counts=True, occurred_on=TODAY.isoformat(), reference="R2"),
            ],
        ),
    ],
)
def test_order_is_listed_with_its_return_requests(
    acme: Client,
    shop: str,
    recorder: FactRecorder,
    facts: list[Fact],
    counted: bool,
    rows: list[dict[str, Any]],
) -> None:
    recorder.load(order())
    if facts:
        recorder.load(*facts, at=TEN)

    (listed_row,) = listed(acme, shop, "return_rate")

    assert (listed_row["counted"], listed_row["defects"]) == (counted, rows)
    assert listed_row["day"] == listed_row["ordered_on"]


LISTED = defect(kind="cancellation", state="listed", occurred_on=None)
SAID = "Amazon lists the order as defective. No report with details has been loaded yet."


@pytest.mark.parametrize(
    ("status", "fact", "counted", "row"),
    [
        (
            OrderStatus.CANCELLED,
            cancelled(by="seller"),
            True,
            defect_row("cancellation", "seller", counts=True),
        ),
        (
            OrderStatus.CANCELLED,
            cancelled(by="unconfirmed"),
            True,
            defect_row("cancellation", "unconfirmed", counts=True),
        ),
        (
            OrderStatus.SHIPPED,
            cancelled(by="buyer"),
            False,
            defect_row("cancellation", "buyer", counts=False),
        ),
        (
            OrderStatus.SHIPPED,
            cancelled(by="amazon"),
            False,
            defect_row("cancellation", "amazon", counts=False),
        ),
        (
            OrderStatus.SHIPPED,
            shipment(cancelled_by="seller"),
            False,
            defect_row("cancellation", "after_shipping", counts=False),
        ),
        (
            OrderStatus.CANCELLED,
            LISTED,
            True,
            defect_row("cancellation", "seller", counts=True) | {"state": "listed", "reason": SAID},
        ),
    ],
)
def test_reason_of_each_kind_of_cancellation(
    acme: Client,
    shop: str,
    recorder: FactRecorder,
    status: OrderStatus,
    fact: Fact,
    counted: bool,
    row: dict[str, Any],
) -> None:
    recorder.load(order(on=LAST_WEEK, status=status))
    recorder.load(fact, at=TEN)

    (listed_row,) = listed(acme, shop, "pre_fulfillment_cancel_rate")

    assert (listed_row["counted"], listed_row["defects"]) == (counted, [row])


@pytest.mark.parametrize("fact", [None, cancelled(by="buyer"), cancelled(by="")])
def test_cancelled_order_outside_every_rate_is_not_listed(
    acme: Client, shop: str, recorder: FactRecorder, fact: Fact | None
) -> None:
    recorder.load(order(on=LAST_WEEK, status=OrderStatus.CANCELLED))
    if fact:
        recorder.load(fact, at=TEN)

    assert listed(acme, shop, "pre_fulfillment_cancel_rate") == []


def test_late_order_from_amazons_list_is_shown_with_its_packages(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(order())
    recorder.load(shipment(1, "P2", on=ON), shipment(1, "P1", on=ON, is_late=None), at=TEN)
    recorder.load(defect(kind="late_shipment", state="listed", occurred_on=None), at=ELEVEN)

    (listed_row,) = listed(acme, shop, LATE_METRIC)

    assert listed_row["counted"] is True
    assert [
        (each["kind"], each["state"], each["counts"], each["reference"]) for each in listed_row["defects"]
    ] == [
        ("shipment", "in_time", False, "P2"),
        ("late_shipment", "listed", True, None),
    ]
    assert (
        listed(acme, shop, "order_defect_rate", as_of=(TODAY + timedelta(days=5)).isoformat())[0]["defects"]
        == []
    )


@pytest.fixture
def eventful(recorder: FactRecorder) -> FactRecorder:
    """Record orders, packages, requests and messages that come, change and move, hour by hour."""
    recorder.load(
        *orders(4, on=LAST_WEEK, marketplace="DE"),
        *orders(3, first=11, channel="afn", marketplace="DE"),
        order(21),
        *[
            shipment(n, "P1", on=ON, deliver_by_on=ON, is_invoiced_in_time=n > 1, units=n)
            for n in (1, 2, 3, 11, 21, 99)
        ],
        *[message(n, on=ON, marketplace="DE") for n in (1, 2, 3)],
        *[returned(n, on=ON) for n in (1, 2, 12, 99)],
        snapshot(),
        counter(count=3),
        at=NINE,
    )
    recorder.load(
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
    recorder.load(
        order(1, on=LAST_WEEK, marketplace="FR", last_updated_at=TWELVE),
        order(4, on=LAST_WEEK, marketplace="DE", status=OrderStatus.CANCELLED, last_updated_at=TWELVE),
        order(11, channel="mfn", marketplace="DE", last_updated_at=TWELVE),
        order(99, marketplace="DE"),
        defect(2, kind="late_shipment", state="listed"),
        defect(3, kind="cancellation", state="listed"),
        at=ELEVEN,
    )
    return recorder


MOMENTS = (NINE - A_MOMENT, NINE, TEN - A_MOMENT, TEN, ELEVEN - A_MOMENT, ELEVEN)


def test_drilldown_of_every_metric_matches_its_value(acme: Client, shop: str, eventful: FactRecorder) -> None:
    for moment, metric in product(MOMENTS, [metric.code for metric in COUNTED]):
        for value in eventful.values(metrics=[metric], known_at=moment):
            series = {"marketplace": value.marketplace, "channel": value.channel}
            rows = listed(acme, shop, metric, **series, known_at=moment.isoformat())
            if not value.counts_units:
                assert len(rows) == value.denominator, (moment, metric, series)
                assert sum(row["counted"] for row in rows) == value.numerator, (moment, metric, series)
            first, last = value.window.first.isoformat(), value.window.last.isoformat()
            assert all(first <= row["day"] <= last for row in rows), (moment, metric, series)


def test_drilldown_of_units_lists_packages(acme: Client, shop: str, eventful: FactRecorder) -> None:
    value = eventful.value(DELIVERY, known_at=NINE)

    rows = listed(acme, shop, DELIVERY, marketplace="US", known_at=NINE.isoformat())

    assert (value.counts_units, value.denominator) == (True, 21)
    assert [(row["order_id"], row["reference"]) for row in rows] == [(build.order_id(21), "P1")]


def test_drilldown_of_every_metric_is_paged(acme: Client, shop: str, eventful: FactRecorder) -> None:
    for metric, limit in product([metric.code for metric in COUNTED], (1, 2)):
        whole = listed(acme, shop, metric)
        path, params = (
            f"/v1/accounts/{shop}/metrics/{metric}/orders",
            {"as_of": TODAY.isoformat(), "limit": limit},
        )
        page = acme.read(path, **params)
        rows = page["data"]

        while page["next_cursor"]:
            page = acme.read(path, **params, cursor=page["next_cursor"])
            rows += page["data"]

        assert rows == whole, (metric, limit)
        positions = [(row["day"], row["order_id"] or "", row["reference"] or "") for row in rows]
        assert positions == sorted(positions, reverse=True), (metric, limit)


def test_drilldown_of_reported_only_metrics_is_empty(acme: Client, shop: str, eventful: FactRecorder) -> None:
    reported = [metric.code for metric in CATALOGUE.values() if not metric.is_counted]

    assert {metric: listed(acme, shop, metric) for metric in reported} == {metric: [] for metric in reported}


@pytest.mark.parametrize("metric", CATALOGUE)
def test_metrics_all_have_an_explanation(metric: str) -> None:
    assert CATALOGUE[metric].explanation.endswith(".")


def test_defects_of_every_kind_count_into_a_metric() -> None:
    kinds = {kind for metric in COUNTED for kind in getattr(metric.rows, "kinds", ())}

    assert kinds == set(DefectKind)
    assert order_defects.ROWS.kinds == (DefectKind.FEEDBACK, DefectKind.A_TO_Z_CLAIM, DefectKind.CHARGEBACK)


@pytest.mark.parametrize("cursor", ["nonsense", "WyJhIl0="])
def test_cursor_of_another_list_is_refused(
    acme: Client, shop: str, recorder: FactRecorder, cursor: str
) -> None:
    response = acme.get(f"/v1/accounts/{shop}/metrics/{LATE_METRIC}/orders", {"cursor": cursor})

    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/cursor"


def test_drilldown_of_another_agency_is_not_found(rival: Client, shop: str, eventful: FactRecorder) -> None:
    assert rival.get(f"/v1/accounts/{shop}/metrics/{LATE_METRIC}/orders").status_code == 404
