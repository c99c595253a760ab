"""Test that posted facts change metrics as the same CSVs do, and that invalid bodies are pointed at."""

import json
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from accounts.tenancy import context
from ingestion.api.views import FactListView
from tests import build
from tests.client import Client
from tests.clock import NOON
from tests.ingestion.database_state import contents, pointers, reports_of


def noon_before(days: int) -> datetime:
    """Return the noon some days before the day of the tests."""
    return NOON - timedelta(days=days)


ORDERED = noon_before(30)
COUNT = 6
ORDERS: list[dict[str, Any]] = [
    {
        "order_id": build.order_id(1 + number),
        "marketplace": "US",
        "channel": "mfn",
        "status": "shipped",
        "ordered_at": ORDERED.isoformat(),
        "updated_at": (ORDERED + timedelta(hours=20)).isoformat(),
        "items": [
            {
                "sku": "th1218",
                "asin": "B07K1FNN7M",
                "quantity": 1,
                "status": "shipped",
                "price": "7.49",
                "currency": "USD",
            }
        ],
    }
    for number in range(COUNT)
]
DAY = f"{noon_before(20):%Y-%m-%d}"
SHIPMENTS: list[dict[str, Any]] = [
    {
        "order_id": build.order_id(1),
        "ship_by": DAY,
        "shipped_at": f"{noon_before(18):%Y-%m-%d}",
        "carrier": "DHL",
    },
    {"order_id": build.order_id(2), "ship_by": DAY, "shipped_at": DAY, "first_scan_at": None},
    {"order_id": build.order_id(3), "ship_by": DAY, "cancelled_by": "seller"},
]
MESSAGES: list[dict[str, Any]] = [
    {
        "message_id": "M1",
        "received_at": noon_before(5).isoformat(),
        "answered_at": noon_before(5).isoformat(),
    },
    {"message_id": "M2", "received_at": noon_before(5).isoformat(), "answered_at": None},
]
RETURNS: list[dict[str, Any]] = [
    {
        "order_id": build.order_id(1),
        "requested_at": DAY,
        "answered_at": f"{noon_before(10):%Y-%m-%d}",
        "sku": "th1218",
    },
    {
        "order_id": build.order_id(2),
        "requested_at": DAY,
        "negative_feedback": True,
        "reason_code": "DEFECTIVE",
    },
]
COLUMNS = {
    "shipments": ("order_id", "ship_by", "shipped_at", "first_scan_at", "cancelled_by", "carrier"),
    "buyer_messages": ("message_id", "received_at", "answered_at"),
}
TABLES = ("order", "orderitem", "shipment", "message", "return", "returnitem", "sourceload")
OF_THE_REPORT = (
    "agency_id",
    "account_id",
    "report_id",
    "received_at",
    "recorded_at",
    "stated_at",
    "described_at",
    "line",
    "id",
)


def csv(row: dict[str, Any]) -> bytes:
    """Return a CSV of one row."""
    words = {None: "", True: "yes", False: "no"}
    return build.table({name: words.get(value, str(value)) for name, value in row.items()})


def facts_of(client: Client, account: str) -> dict[str, list[str]]:
    """Return what is stored of an account, without what differs by report."""
    stored = {}
    with context.agency(client.agency.pk), connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                f"SELECT (to_jsonb(row) - %s::text[])::text FROM metrics_{table} AS row"
                " WHERE account_id = replace(%s, 'acct_', '')::uuid ORDER BY 1",
                [list(OF_THE_REPORT), account],
            )
            stored[table] = [text for (text,) in cursor.fetchall()]
    return stored


def metrics_of(client: Client, account: str) -> list[dict[str, Any]]:
    return list(client.read(f"/v1/accounts/{account}/metrics")["metrics"])


def send(client: Client, account: str, body: Any, **headers: str) -> Any:
    path = f"/v1/accounts/{account}/facts"
    return client.generic("POST", path, json.dumps(body), content_type="application/json", **headers)


def test_posted_facts_change_metrics_like_the_same_csvs(acme: Client, shop: str) -> None:
    other = acme.take_on(partner="A2OTHER")
    acme.load(other, build.orders_file(build.orders_on(ORDERED, count=COUNT)))
    # One document each: a column of one row is a column of all rows.
    for row in (*SHIPMENTS, *MESSAGES, *RETURNS):
        assert acme.load(other, csv(row))["status"] == "loaded"

    report = acme.post_facts(shop, orders=ORDERS, shipments=SHIPMENTS, messages=MESSAGES, returns=RETURNS)

    number = COUNT + len(SHIPMENTS) + len(MESSAGES) + len(RETURNS)
    assert (report["source"], report["report_type"], report["status"]) == ("json", "facts", "loaded")
    assert report["rows"] == report["rows"] | {"read": number, "new": number, "rejected": 0}
    stored, expected = facts_of(acme, shop), facts_of(acme, other)
    assert {table: stored[table] for table in TABLES[:-1]} == {
        table: expected[table] for table in TABLES[:-1]
    }
    assert set(stored["sourceload"]) == set(expected["sourceload"])
    assert len(stored["orderitem"]) == COUNT
    assert metrics_of(acme, shop) == metrics_of(acme, other)
    assert {"return_dissatisfaction_rate", "late_shipment_rate_30d"} <= {
        metric["metric"] for metric in metrics_of(acme, shop) if metric["numerator"]
    }


def test_facts_posted_again_change_nothing_and_later_row_updates(acme: Client, shop: str) -> None:
    first = acme.post_facts(shop, orders=ORDERS, shipments=SHIPMENTS)
    stored = facts_of(acme, shop)
    again = acme.post_facts(shop, shipments=SHIPMENTS[::-1], orders=ORDERS[::-1])

    assert (again["id"] != first["id"], again["rows"]["unchanged"]) == (True, COUNT + len(SHIPMENTS))
    assert {table: set(rows) for table, rows in facts_of(acme, shop).items()} == {
        table: set(rows) for table, rows in stored.items()
    }

    later = ORDERS[0] | {"status": "cancelled", "updated_at": noon_before(1).isoformat()}
    earlier = ORDERS[1] | {"status": "cancelled", "updated_at": noon_before(31).isoformat()}
    items = [{"sku": "th1218", "quantity": 5}, {"sku": "new"}]
    updated = acme.post_facts(
        shop, orders=[later, earlier, ORDERS[2] | {"updated_at": later["updated_at"], "items": items}]
    )

    # One order is cancelled, and of another the items changed.
    assert updated["rows"] == updated["rows"] | {"read": 3, "new": 0, "changed": 2, "unchanged": 1}
    statuses = [json.loads(row)["status"] for row in facts_of(acme, shop)["order"]]
    assert sorted(statuses) == [4] * (COUNT - 1) + [5]
    assert len(facts_of(acme, shop)["orderitem"]) == COUNT + 1


def test_order_of_lists_does_not_matter_and_empty_list_states_nothing(acme: Client, shop: str) -> None:
    other = acme.take_on(partner="A2OTHER")
    acme.post_facts(shop, orders=ORDERS, returns=RETURNS, messages=[])
    acme.post_facts(other, messages=[], returns=RETURNS, orders=ORDERS)
    sources = {json.loads(row)["source"] for row in facts_of(acme, shop)["sourceload"]}

    assert facts_of(acme, shop) == facts_of(acme, other)
    assert sources == {"orders", "returns"}


def test_packages_without_name_are_told_apart_beside_other_rows(acme: Client, shop: str) -> None:
    different = [SHIPMENTS[0], SHIPMENTS[0] | {"shipped_at": DAY}]
    requests = [RETURNS[0], RETURNS[0] | {"requested_at": f"{noon_before(12):%Y-%m-%d}"}]

    report = acme.post_facts(shop, orders=ORDERS, shipments=different, messages=MESSAGES, returns=requests)

    rejected = acme.read(f"/v1/reports/{report['id']}/rejected-rows")["data"]
    assert [(row["line"], row["reason"].split(":")[0]) for row in rejected] == [
        (COUNT + 2, "`package`"),
        (COUNT + 6, "`reference`"),
    ]
    assert report["rows"] == report["rows"] | {"read": COUNT + 6, "new": COUNT + 4, "rejected": 2}


def test_shipments_of_unknown_orders_have_a_warning(acme: Client, shop: str) -> None:
    (warning,) = acme.post_facts(shop, shipments=SHIPMENTS)["warnings"]

    assert warning.startswith("3 of the 3 orders")


def test_stored_document_of_facts_and_idempotency_key(acme: Client, shop: str) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "facts-1"}
    first, second = (send(acme, shop, {"messages": MESSAGES, "orders": []}, **key) for _ in range(2))
    reused = send(acme, shop, {"messages": MESSAGES[:1]}, **key)

    assert (first.status_code, first["Location"]) == (202, f"/v1/reports/{first.json()['id']}")
    assert (second.json(), second["Idempotency-Replayed"]) == (first.json(), "true")
    assert (reused.status_code, reports_of(acme, shop)) == (422, [first.json()["id"]])
    document = acme.get(f"/v1/reports/{first.json()['id']}/document").getvalue()
    assert json.loads(document) == {"messages": MESSAGES}


ORDER, SHIPMENT, MESSAGE, RETURN = ORDERS[0], SHIPMENTS[0], MESSAGES[0], RETURNS[0]


@pytest.mark.parametrize(
    ("kind", "row", "pointer", "status"),
    [
        ("orders", ORDER | {"buyer_name": "Jane"}, "/buyer_name", 400),
        ("orders", ORDER | {"order_id": "1"}, "/order_id", 400),
        ("orders", ORDER | {"marketplace": "Amazon.de"}, "/marketplace", 400),
        ("orders", ORDER | {"channel": "all"}, "/channel", 400),
        ("orders", ORDER | {"status": 4}, "/status", 400),
        ("orders", ORDER | {"ordered_at": "2026-11-01"}, "/ordered_at", 400),
        ("orders", ORDER | {"updated_at": None}, "/updated_at", 400),
        ("orders", ORDER | {"updated_at": "2098-11-01T00:00:00Z"}, "/updated_at", 409),
        ("orders", ORDER | {"items": {}}, "/items", 400),
        ("orders", ORDER | {"items": [ORDER["items"][0], {}]}, "/items/1/sku", 400),
        ("orders", ORDER | {"items": [{"sku": "x" * 41}]}, "/items/0/sku", 400),
        ("orders", ORDER | {"items": [{"sku": "a", "title": "b"}]}, "/items/0/title", 400),
        ("orders", ORDER | {"items": [{"sku": "a", "price": "1,50"}]}, "/items/0/price", 400),
        ("orders", ORDER | {"items": [{"sku": "a", "price": True}]}, "/items/0/price", 400),
        ("orders", ORDER | {"items": [{"sku": "a", "price": -1}]}, "/items/0/price", 400),
        ("orders", ORDER | {"items": [{"sku": "a", "quantity": "2"}]}, "/items/0/quantity", 400),
        ("orders", ORDER | {"items": [{"sku": "a"}] * 101}, "/items", 400),
        ("shipments", SHIPMENT | {"shiped_at": DAY}, "/shiped_at", 400),
        ("shipments", SHIPMENT | {"shipped_at": "2026-02-29"}, "/shipped_at", 400),
        ("shipments", SHIPMENT | {"shipped_at": "2026-11-01T10:00:00"}, "/shipped_at", 400),
        ("shipments", SHIPMENT | {"shipped_at": f"{DAY}\n"}, "/shipped_at", 400),
        ("shipments", SHIPMENT | {"shipped_at": ""}, "/shipped_at", 400),
        ("shipments", SHIPMENT | {"shipped_at": "2098-11-01"}, "/shipped_at", 409),
        ("shipments", SHIPMENT | {"delivered_at": f"{noon_before(25):%Y-%m-%d}"}, "/delivered_at", 409),
        ("shipments", SHIPMENT | {"business_order": "yes"}, "/business_order", 400),
        ("shipments", SHIPMENT | {"units": 0}, "/units", 400),
        ("shipments", SHIPMENT | {"units": 10**4000}, "/units", 400),
        ("shipments", SHIPMENT | {"package": "\0"}, "/package", 400),
        ("shipments", SHIPMENT | {"cancelled_by": "nobody"}, "/cancelled_by", 400),
        ("messages", {"message_id": " ", "received_at": MESSAGE["received_at"]}, "/message_id", 400),
        ("messages", {"message_id": "M1"}, "/received_at", 400),
        ("messages", MESSAGE | {"answered_at": noon_before(9).isoformat()}, "/answered_at", 409),
        ("returns", RETURN | {"reason_code": "it was broken"}, "/reason_code", 400),
        ("returns", RETURN | {"asin": "short"}, "/asin", 400),
        ("returns", "junk", "", 400),
        ("returns", None, "", 400),
    ],
)
def test_invalid_fact_is_pointed_at_and_no_row_is_loaded(
    acme: Client, shop: str, kind: str, row: Any, pointer: str, status: int
) -> None:
    good = {"orders": ORDERS, "shipments": SHIPMENTS, "messages": MESSAGES, "returns": RETURNS}
    before = contents(acme), reports_of(acme, shop)

    response = send(acme, shop, good | {kind: [*good[kind], row]})

    assert (response.status_code, pointers(response)) == (status, [f"/{kind}/{len(good[kind])}{pointer}"])
    assert (contents(acme), reports_of(acme, shop)) == before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [""]),
        ({"orders": []}, [""]),
        ([], [""]),
        (None, [""]),
        ({"orders": None, "returns": RETURNS}, ["/orders"]),
        ({"orders": {}, "returns": "x"}, ["/orders", "/returns"]),
        ({"order": ORDERS}, ["/order"]),
        ({"shipments": SHIPMENTS * 3334}, ["/shipments"]),
    ],
)
def test_body_without_lists_or_with_too_many_rows_is_refused(
    acme: Client, shop: str, body: Any, expected: list[str]
) -> None:
    response = send(acme, shop, body)

    assert (response.status_code, pointers(response)) == (400, expected)
    assert reports_of(acme, shop) == []


@pytest.mark.parametrize(
    "body",
    [
        {"orders": [ORDER | {"items": [{}] * 100}] * 101},
        {"shipments": SHIPMENTS * 2000, "messages": MESSAGES * 2001},
    ],
)
def test_lists_with_too_many_rows_together_are_refused(acme: Client, shop: str, body: Any) -> None:
    response = send(acme, shop, body)

    assert (response.status_code, pointers(response), reports_of(acme, shop)) == (409, [""], [])


@pytest.mark.parametrize(
    "body",
    [
        {"shipments": [{}] * settings.FACTS_MAX_ROWS},
        {"orders": [{"items": [{}] * 100}] * 100},
        {"orders": [1] * 5000, "returns": [{"order_id": ["x"]}] * 5000},
        {"orders": [{f"field{number}": number for number in range(100_000)}]},
    ],
)
def test_many_invalid_facts_cost_little(acme: Client, shop: str, body: Any) -> None:
    text = json.dumps(body)
    began = time.thread_time()

    response = acme.generic("POST", f"/v1/accounts/{shop}/facts", text, content_type="application/json")

    assert (response.status_code, len(response.json()["errors"])) == (400, 100)
    assert time.thread_time() - began < 1.5


def test_facts_need_a_manager_of_the_agency(acme: Client, rival: Client, shop: str) -> None:
    key = acme.post("/v1/api-keys", {"name": "Reader", "role": "viewer"}, format="json").json()["key"]
    viewer = Client(acme.agency, key)

    statuses = [send(client, shop, {"messages": MESSAGES}).status_code for client in (rival, viewer)]
    anonymous = APIClient().post(f"/v1/accounts/{shop}/facts", {"messages": MESSAGES}, format="json")

    assert (statuses, anonymous.status_code, reports_of(acme, shop)) == ([404, 403], 401, [])


@pytest.mark.parametrize(("length", "cost"), [(2, 1), (99_999, 1), (100_000, 2), (3_070_012, 31)])
def test_cost_of_facts_grows_with_the_body(length: int, cost: int) -> None:
    request = APIRequestFactory().post("/", "x" * length, content_type="application/json")

    assert FactListView().request_cost(Request(request)) == cost
