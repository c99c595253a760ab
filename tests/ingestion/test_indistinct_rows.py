"""Test rows of one incomplete key: the second one that states something else is rejected."""

from typing import Any

import pytest

from accounts.tenancy import context
from metrics.models import ReturnItem
from tests import build
from tests.client import Client

ORDER = build.order_id(1)
SHIPPED = {"order_id": ORDER, "ship_by": "2026-11-20", "shipped_at": "2026-11-20"}
LATE = SHIPPED | {"shipped_at": "2026-11-22"}
EARLIER, LATER = {"updated_at": "2026-11-23T00:00:00Z"}, {"updated_at": "2026-11-24T00:00:00Z"}
COLUMNS = ("order_id", "package", "tracking_number", "ship_by", "shipped_at", "updated_at")


def load(client: Client, account: str, *rows: dict[str, str]) -> tuple[dict[str, Any], list[int]]:
    report = client.load(account, build.table(*rows, columns=COLUMNS))
    rejected = client.read(f"/v1/reports/{report['id']}/rejected-rows")["data"]
    assert all("tell packages apart" in row["reason"] for row in rejected)
    return report["rows"], [row["line"] for row in rejected]


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        pytest.param([SHIPPED, LATE], [3], id="different"),
        pytest.param([SHIPPED, SHIPPED], [], id="the same"),
        pytest.param([SHIPPED, LATE, SHIPPED, LATE], [3, 5], id="the first decides"),
        pytest.param([SHIPPED, LATE | {"order_id": build.order_id(2)}], [], id="of two orders"),
        pytest.param([SHIPPED | {"package": "1"}, LATE | {"package": "2"}], [], id="with names"),
        pytest.param([SHIPPED, LATE | {"tracking_number": "T1"}], [], id="with a tracking number"),
        pytest.param([SHIPPED | EARLIER, LATE | LATER], [], id="with times"),
        pytest.param([SHIPPED | LATER, LATE | LATER], [3], id="with one time"),
    ],
)
def test_package_without_name_is_stated_once(
    acme: Client, shop: str, rows: list[dict[str, str]], lines: list[int]
) -> None:
    counts, rejected = load(acme, shop, *rows)

    assert rejected == lines
    assert counts["rejected"] == len(lines)
    assert counts["read"] == len(rows) == sum(counts.values()) - counts["read"]


def test_first_row_is_used_and_later_file_replaces_it(acme: Client, shop: str) -> None:
    acme.load(shop, build.orders_file([build.order_row()]))
    load(acme, shop, SHIPPED, LATE)
    metric = {"metric": "late_shipment_rate_10d", "channel": "mfn", "marketplace": "US"}

    (first,) = acme.read(f"/v1/accounts/{shop}/metrics", **metric)["metrics"]
    load(acme, shop, LATE)
    (second,) = acme.read(f"/v1/accounts/{shop}/metrics", **metric)["metrics"]

    assert [(value["numerator"], value["denominator"]) for value in (first, second)] == [(0, 1), (1, 1)]


def test_return_request_without_reference_is_stated_once(acme: Client, shop: str) -> None:
    rows = [{"order_id": ORDER, "requested_at": f"2026-11-{day}", "reference": ""} for day in (10, 11)]

    report = acme.load(shop, build.table(*rows))

    (rejected,) = acme.read(f"/v1/reports/{report['id']}/rejected-rows")["data"]
    assert (rejected["line"], report["rows"]["new"]) == (3, 1)
    assert rejected["reason"].startswith("`reference`: an earlier row of this order")


def test_return_request_without_reference_has_several_items(acme: Client, shop: str) -> None:
    row = {"order_id": ORDER, "requested_at": "2026-11-10"}
    rows = [
        row | {"sku": sku, "quantity": quantity} for sku, quantity in (("A", "1"), ("B", "2"), ("A", "3"))
    ]

    report = acme.load(shop, build.table(*rows))

    assert (report["rows"]["new"], report["rows"]["rejected"], report["rows"]["unchanged"]) == (1, 0, 2)
    with context.agency(acme.agency.pk):
        assert [*ReturnItem.objects.order_by("sku").values_list("sku", "quantity")] == [("A", 3), ("B", 2)]
