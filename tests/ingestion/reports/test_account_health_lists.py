"""Test Amazon's lists of what missed a metric, from the upload to the values and the orders behind them."""

from typing import Any

import pytest

from tests import build
from tests.client import Client

SHIPMENT = {
    "order_id": build.order_id(1),
    "tracking_number": "T1",
    "ship_by": "2026-11-05",
    "shipped_at": "2026-11-05",
    "first_scan_at": "2026-11-06",
    "deliver_by": "2026-11-12",
    "delivered_at": "2026-11-11",
    "business_order": "yes",
    "invoiced_at": "2026-11-05",
}
LATE = {
    "Order ID": build.order_id(1),
    "Promised Delivery Date (without promise extension)": "2026-11-10",
    "Actual Delivery Date": "2026-11-11",
    "Delivered After Promised Date Without Extension": "YES",
}
UNTRACKED = {
    "Order ID": build.order_id(1),
    "Tracking ID": "T1",
    "Ship Confirmation Date": "2026-11-05",
    "No Valid Tracking": "X",
}
UNINVOICED = {"Order ID": build.order_id(1), "Ship Date UTC": "2026-11-05", "Defect Type": "Missing Invoice"}
SHIPPED_LATE = {
    "Order ID": build.order_id(1),
    "Expected Ship Date": "2026-11-04",
    "Ship Confirmation Date": "2026-11-05",
}
LISTS = {
    "late_deliveries": ("on_time_delivery_rate", LATE, "late_delivery", "2026-11-11", (0, 1), (1, 1)),
    "packages_without_valid_tracking": (
        *("valid_tracking_rate", UNTRACKED, "invalid_tracking", "2026-11-05", (0, 1), (1, 1)),
    ),
    "invoice_defects": ("invoice_defect_rate", UNINVOICED, "invoice_defect", "2026-11-05", (1, 1), (0, 1)),
    "late_shipments": ("late_shipment_rate_30d", SHIPPED_LATE, "late_shipment", "2026-11-05", (1, 1), (0, 1)),
}

AS_OF = dict.fromkeys((metric for metric, *_ in LISTS.values()), "2026-11-22") | {
    "invoice_defect_rate": "2026-11-18"
}


def value(client: Client, account: str, metric: str) -> tuple[int, int]:
    where = {"metric": metric, "channel": "mfn", "marketplace": "DE", "as_of": AS_OF[metric]}
    (each,) = client.read(f"/v1/accounts/{account}/metrics", **where)["metrics"]
    return each["numerator"], each["denominator"]


def behind(client: Client, account: str, metric: str) -> list[dict[str, Any]]:
    where = {"channel": "mfn", "marketplace": "DE", "as_of": AS_OF[metric]}
    return list(client.read(f"/v1/accounts/{account}/metrics/{metric}/orders", **where)["data"])


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("is_list_first", [True, False])
def test_listed_package_misses_its_metric_once_it_is_loaded(
    acme: Client, name: str, is_list_first: bool
) -> None:
    metric, row, kind, day, missed, met = LISTS[name]
    shop = acme.take_on(partner="A2DE", home="DE")
    acme.load(shop, build.orders_file([build.order_row(sales_channel="Amazon.de")]))
    uploads = [build.table(row), build.table(SHIPMENT)]

    first, second = uploads if is_list_first else reversed(uploads)
    acme.load(shop, first)
    between = value(acme, shop, metric)
    acme.load(shop, second)

    assert between == ((0, 0) if is_list_first else met)
    assert value(acme, shop, metric) == missed
    (order,) = behind(acme, shop, metric)
    (defect,) = [each for each in order["defects"] if each["kind"] == kind]
    assert (defect["state"], defect["occurred_on"], defect["counts"]) == ("listed", day, True)
    assert defect["reason"].startswith("Amazon lists ")
    assert acme.read(f"/v1/accounts/{shop}/metrics")["unmatched_defects"] == 0


@pytest.mark.parametrize("name", ["late_deliveries", "packages_without_valid_tracking", "invoice_defects"])
def test_list_alone_makes_no_rate_and_is_unmatched(acme: Client, shop: str, name: str) -> None:
    metric, row, *_ = LISTS[name]
    acme.load(
        shop, build.orders_file(build.orders_on(build.days_ago(30), count=2, sales_channel="Amazon.de"))
    )

    report = acme.load(shop, build.table(row, row | {"Order ID": build.order_id(2)}))

    assert (report["report_type"], report["rows"]["new"]) == (name, 2)
    assert value(acme, shop, metric) == (0, 0)
    assert behind(acme, shop, metric) == []
    assert acme.read(f"/v1/accounts/{shop}/metrics")["unmatched_defects"] == 2


@pytest.mark.parametrize(
    ("row", "kinds"),
    [
        (LATE | {"Delivered After Promised Date Without Extension": "NO"}, []),
        (UNTRACKED | {"No Valid Tracking": ""}, []),
        (SHIPPED_LATE | {"Ship Confirmation Date": "2026-11-03"}, []),
        (SHIPPED_LATE | {"Expected Ship Date": "2026-11-05"}, ["late_shipment"]),
    ],
)
def test_row_that_missed_nothing_is_no_defect(
    acme: Client, shop: str, row: dict[str, str], kinds: list[str]
) -> None:
    report = acme.load(shop, build.table(row))

    assert (report["rows"]["new"], report["rows"]["rejected"]) == (len(kinds), 0)
