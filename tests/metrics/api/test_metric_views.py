"""Test metrics over HTTP: values, history as JSON and CSV, drill-down, and invalid parameters."""

import csv
import io
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from metrics.rules.catalogue.definitions import CATALOGUE, COUNTED
from tests import build, clock
from tests.client import Client
from tests.clock import TODAY

ORDERED = clock.NOON - timedelta(days=30)
USUAL_LINE = {
    "comparator": "lt",
    "value": 0.0075,
    "source": "default",
    "threshold": None,
    "clear_at": 0.0075,
    "for_days": 0,
    "keep_days": 0,
    "min_denominator": 0,
}
OF_OTHER_MARKETPLACES = {"invoice_defect_rate", "business_on_time_delivery_rate"}


@pytest.fixture
def sold(acme: Client, shop: str) -> str:
    """Create an account with 120 merchant orders in the US, one in Canada by Amazon, and an order with three
    defects."""
    rows = [
        *build.orders_on(ORDERED, count=120),
        *build.orders_on(
            ORDERED, count=1, first=500, sales_channel="Amazon.ca", fulfillment_channel="Amazon"
        ),
        *build.orders_on(ORDERED, count=3, first=600, sales_channel="Non-Amazon"),
    ]
    acme.load(shop, build.orders_file(rows))
    acme.post_defects(
        shop,
        build.defect(order=build.order_id(1), rating=2),
        build.defect(
            order=build.order_id(1), kind="a_to_z_claim", state="granted", funded_by="amazon", reference="C1"
        ),
        build.defect(order=build.order_id(1), kind="chargeback", state="service"),
        build.defect(order=build.order_id(2), rating=3),
        build.defect(order="101-7777777-7777777"),
    )
    return shop


def test_order_with_three_defects_counts_once(acme: Client, sold: str) -> None:
    value = acme.odr(sold)

    assert (value["numerator"], value["denominator"]) == (1, 120)
    assert value["parts"] == {"negative_feedback": 1, "a_to_z_claims": 1, "chargebacks": 1}


def test_metrics_include_both_channels_of_every_marketplace(acme: Client, sold: str) -> None:
    body = acme.read(f"/v1/accounts/{sold}/metrics")

    series = {(value["metric"], value["marketplace"], value["channel"]) for value in body["metrics"]}
    figures = {
        (value["marketplace"], value["channel"]): (value["numerator"], value["denominator"])
        for value in body["metrics"]
        if value["metric"] == "order_defect_rate"
    }
    assert len(series) == len(body["metrics"])
    assert series == {
        (metric.code, marketplace, channel)
        for metric in COUNTED
        if metric.code not in OF_OTHER_MARKETPLACES
        for marketplace, channel in product(("US", "CA"), metric.channels)
    }
    assert {channel for metric, _, channel in series if metric == "return_rate"} == {"mfn", "afn"}
    assert {channel for metric, _, channel in series if metric == "valid_tracking_rate"} == {"mfn"}
    assert {channel for metric, _, channel in series if metric == "message_response_rate_24h"} == {"all"}
    assert figures == {
        ("US", "mfn"): (1, 120),
        ("US", "afn"): (0, 0),
        ("CA", "mfn"): (0, 0),
        ("CA", "afn"): (0, 1),
    }
    assert body["unmatched_defects"] == 1
    assert (body["account"], body["as_of"]) == (sold, TODAY.isoformat())


def test_metric_value_has_the_documented_shape(acme: Client, sold: str) -> None:
    value = acme.odr(sold)

    assert value == {
        "metric": "order_defect_rate",
        "name": "Order Defect Rate",
        "marketplace": "US",
        "channel": "mfn",
        "window": {
            "from": (TODAY - timedelta(days=74)).isoformat(),
            "to": (TODAY - timedelta(days=15)).isoformat(),
            "days": 60,
            "offset_days": 15,
        },
        "basis": "own",
        "numerator": 1,
        "denominator": 120,
        "rate": 1 / 120,
        "bounds": None,
        "parts": {"negative_feedback": 1, "a_to_z_claims": 1, "chargebacks": 1},
        "target": {"comparator": "lt", "value": 0.01, "source": "default"},
        "warning": USUAL_LINE,
        "meets_target": True,
        "status": "at_risk",
        "decided_by": "own",
        "differs_from_amazon": None,
        "below_minimum": False,
        "ignored": False,
        "stale": False,
        "enforced": True,
        "budget": {"allowed": 1, "left": 0},
        "amazon": None,
        "explanation": CATALOGUE["order_defect_rate"].explanation,
        "unexplained": None,
    }


def test_metric_part_has_no_target(acme: Client, sold: str) -> None:
    body = acme.read(
        f"/v1/accounts/{sold}/metrics", metric="a_to_z_claim_rate", marketplace="US", channel="mfn"
    )

    (value,) = body["metrics"]
    assert (value["numerator"], value["denominator"], value["enforced"]) == (1, 120, False)
    assert (value["target"], value["meets_target"], value["budget"], value["parts"]) == (
        None,
        None,
        None,
        None,
    )


def test_metric_window_is_sixty_order_days_that_end_fifteen_days_before(acme: Client, sold: str) -> None:
    inside = ORDERED.date() + timedelta(days=15)
    last = ORDERED.date() + timedelta(days=74)
    clock.clock.advance(last - TODAY)

    listed = [
        acme.odr(sold, as_of=day.isoformat())["denominator"]
        for day in (inside - timedelta(days=1), inside, last, last + timedelta(days=1))
    ]

    assert listed == [0, 120, 120, 0]


def test_history_has_each_day(acme: Client, sold: str) -> None:
    path = f"/v1/accounts/{sold}/metrics/order_defect_rate/history"
    first = ORDERED.date() + timedelta(days=14)

    body = acme.read(path, **{"from": first.isoformat(), "to": (first + timedelta(days=2)).isoformat()})

    assert (body["marketplace"], body["channel"]) == ("US", "mfn")
    assert [
        (point["numerator"], point["denominator"], point["meets_target"]) for point in body["points"]
    ] == [
        (0, 0, None),
        (1, 120, True),
        (1, 120, True),
    ]
    assert body["points"][1] == {
        "as_of": (first + timedelta(days=1)).isoformat(),
        "from": (ORDERED.date() - timedelta(days=59)).isoformat(),
        "to": ORDERED.date().isoformat(),
        "numerator": 1,
        "denominator": 120,
        "rate": 1 / 120,
        "meets_target": True,
        "status": "at_risk",
        "basis": "own",
        "target": {"comparator": "lt", "value": 0.01, "source": "default"},
        "warning": USUAL_LINE,
    }


def test_history_covers_ninety_days_by_default(acme: Client, sold: str) -> None:
    points = acme.read(f"/v1/accounts/{sold}/metrics/order_defect_rate/history")["points"]

    assert (len(points), points[-1]["as_of"]) == (90, TODAY.isoformat())


@pytest.mark.parametrize("params", [{"HTTP_ACCEPT": "text/csv"}, {"QUERY_STRING": "format=csv"}])
def test_history_csv_equals_the_json(acme: Client, sold: str, params: dict[str, str]) -> None:
    path = f"/v1/accounts/{sold}/metrics/order_defect_rate/history"
    points = acme.read(path)["points"]

    response = acme.get(path, **params)  # type: ignore[arg-type]

    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert [(row["as_of"], int(row["numerator"]), int(row["denominator"])) for row in rows] == [
        (point["as_of"], point["numerator"], point["denominator"]) for point in points
    ]
    assert rows[0]["rate"] == rows[0]["meets_target"] == ""
    assert rows[-1]["meets_target"] == "true"


def test_orders_have_reasons(acme: Client, sold: str) -> None:
    path = f"/v1/accounts/{sold}/metrics/order_defect_rate/orders"

    (order,) = acme.read(path, counted="true", marketplace="US", channel="mfn")["data"]

    assert order["order_id"] == build.order_id(1)
    assert (order["ordered_on"], order["counted"]) == (ORDERED.date().isoformat(), True)
    assert order["leaves_window_on"] == (ORDERED.date() + timedelta(days=75)).isoformat()
    assert {
        (each["kind"], each["state"], each["counts"], each["reference"]) for each in order["defects"]
    } == {
        ("feedback", "posted", True, None),
        ("a_to_z_claim", "granted", True, "C1"),
        ("chargeback", "service", True, None),
    }
    assert all(each["reason"] for each in order["defects"])


def test_order_with_a_neutral_defect_is_listed_and_not_counted(acme: Client, sold: str) -> None:
    path = f"/v1/accounts/{sold}/metrics/order_defect_rate/orders"

    orders = acme.read(path, counted="false", limit=200)["data"]

    (neutral,) = [order for order in orders if order["defects"]]
    assert (neutral["order_id"], neutral["counted"]) == (build.order_id(2), False)
    assert neutral["defects"][0]["reason"] == "Feedback of 3 stars is neutral."


def test_orders_are_paged_over_every_marketplace_and_channel(acme: Client, sold: str) -> None:
    path = f"/v1/accounts/{sold}/metrics/order_defect_rate/orders"

    listed: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = acme.read(path, limit=50, **cursor)
        listed += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert len({order["order_id"] for order in listed}) == len(listed) == 121
    assert {(order["marketplace"], order["channel"]) for order in listed} == {("US", "mfn"), ("CA", "afn")}


def test_orders_of_a_part_count_its_own_kind(acme: Client, sold: str) -> None:
    acme.post_defects(sold, build.defect(order=build.order_id(5), kind="chargeback", state="service"))

    path = f"/v1/accounts/{sold}/metrics/negative_feedback_rate/orders"

    assert [order["order_id"] for order in acme.read(path, counted="true")["data"]] == [build.order_id(1)]


def test_metrics_as_known_before_a_claim_was_denied(acme: Client, sold: str) -> None:
    before = acme.read(f"/v1/accounts/{sold}/metrics")["known_at"]
    acme.post_defects(
        sold,
        *[build.defect(order=build.order_id(n), kind="a_to_z_claim", state="granted") for n in range(10, 20)],
    )
    path = f"/v1/accounts/{sold}/metrics/order_defect_rate"

    assert acme.odr(sold)["numerator"] == 11
    assert acme.odr(sold, known_at=before)["numerator"] == 1
    assert len(acme.read(f"{path}/orders", counted="true", known_at=before)["data"]) == 1
    assert acme.read(f"{path}/history", known_at=before)["points"][-1]["numerator"] == 1


@pytest.mark.parametrize(
    ("path", "parameters", "pointer"),
    [
        ("metrics", {"as_of": "yesterday"}, "/as_of"),
        ("metrics", {"as_of": "1776-07-04"}, "/as_of"),
        ("metrics", {"as_of": "9999-12-31"}, "/as_of"),
        ("metrics", {"known_at": "noon"}, "/known_at"),
        ("metrics", {"metric": "speed"}, "/metric"),
        ("metrics", {"marketplace": "UK"}, "/marketplace"),
        ("metrics", {"channel": "fba"}, "/channel"),
        ("metrics/order_defect_rate/history", {"from": "2026-01-02", "to": "2026-01-01"}, "/from"),
        ("metrics/order_defect_rate/history", {"from": "2001-01-02", "to": "2026-01-01"}, "/from"),
        ("metrics/order_defect_rate/orders", {"counted": "perhaps"}, "/counted"),
        ("metrics/order_defect_rate/orders", {"cursor": "nonsense"}, "/cursor"),
    ],
)
def test_metrics_with_a_wrong_parameter_are_refused(
    acme: Client, shop: str, path: str, parameters: dict[str, str], pointer: str
) -> None:
    response = acme.get(f"/v1/accounts/{shop}/{path}", parameters)

    assert response.status_code in {400, 409}
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


@pytest.mark.parametrize("path", ["metrics/speed/history", "metrics/speed/orders", "metrics/speed"])
def test_metric_with_an_unknown_name_is_not_found(acme: Client, shop: str, path: str) -> None:
    assert acme.get(f"/v1/accounts/{shop}/{path}").status_code == 404
