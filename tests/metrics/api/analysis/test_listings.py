"""Test the listings behind the on-time delivery rate with small tables worked out by hand."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from metrics.rules.facts import OrderStatus
from tests import build
from tests.client import Client
from tests.metrics.fact_recorder import (
    A_MOMENT,
    NINE,
    TEN,
    TODAY,
    FactRecorder,
    defect,
    listing,
    order,
    shipment,
)

OLD = TODAY - timedelta(days=20)
# Promised five days later: within the 14 days that end 7 days ago.
ON = TODAY - timedelta(days=15)
OTDR = "on_time_delivery_rate"


def listings(acme: Client, shop: str, **params: Any) -> Any:
    return acme.read(f"/v1/accounts/{shop}/listings", as_of=TODAY.isoformat(), **params)


def figures(body: Any) -> dict[str, tuple[int, int]]:
    return {row["sku"]: (row["units"], row["late"]) for row in body["data"]}


def totals(body: Any) -> tuple[int, ...]:
    return tuple(body["totals"][name] for name in ("units", "late", "unassigned_units", "unassigned_late"))


def sold(number: int, sku: str = "CUP", *, quantity: int | None = 1, **more: Any) -> Any:
    return order(number, on=OLD, sku=sku, asin=f"B0000000{sku[0]}1", quantity=quantity, **more)


def package(number: int, package: str = "P1", *, units: int = 1, late: bool = False, **more: Any) -> Any:
    return shipment(number, package, on=ON, units=units, is_on_time=not late, **more)


def offer(sku: str = "CUP", **more: Any) -> Any:
    usual = {"title": "Blue cup", "asin": "B000000001", "price": Decimal("12.99"), "quantity": 3}
    return listing(sku, **usual | more)


@pytest.fixture
def cups(recorder: FactRecorder) -> None:
    """Load 8 CUPs, of which 2 are late, and 10 PADs in time: 16 of 18 units are 88.9 %."""
    recorder.load(sold(1), sold(2, quantity=6), sold(3, "PAD", quantity=10))
    recorder.load(package(1, units=2, late=True), package(2, units=6), package(3, units=10), at=TEN)


def test_units_of_skus_add_up_to_the_value(
    acme: Client, shop: str, recorder: FactRecorder, cups: None
) -> None:
    body = listings(acme, shop)

    assert [row["sku"] for row in body["data"]] == ["CUP", "PAD"]
    assert figures(body) == {"CUP": (8, 2), "PAD": (10, 0)}
    value = recorder.value(OTDR)
    assert (
        (body["totals"]["on_time"], body["totals"]["units"])
        == (value.numerator, value.denominator)
        == (16, 18)
    )
    assert body["totals"] == {
        "units": 18,
        "late": 2,
        "on_time": 16,
        "rate": pytest.approx(16 / 18),
        "unassigned_units": 0,
        "unassigned_late": 0,
    }
    assert (body["target"], body["enforced"], body["target_missed"]) == (
        {"comparator": "gte", "value": 0.9},
        True,
        True,
    )
    cup, pad = body["data"]
    # 6 of 8: 12 more make 18 of 20. 10 of 10: one more late one makes 10 of 11, two make 10 of 12.
    assert [
        cup[name] for name in ("rate", "share", "late_units_allowed", "on_time_units_needed", "at_risk")
    ] == [
        0.75,
        1.0,
        0,
        12,
        True,
    ]
    assert [
        pad[name] for name in ("rate", "share", "late_units_allowed", "on_time_units_needed", "at_risk")
    ] == [
        1.0,
        0.0,
        1,
        0,
        False,
    ]
    assert cup["asin"] == "B0000000C1"
    assert {cup[name] for name in ("title", "price", "quantity", "channel", "listing_status")} == {None}


def test_units_of_mixed_orders_are_assigned_only_if_known(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    unshipped = {"status": OrderStatus.PARTIALLY_SHIPPED}
    recorder.load(
        # 1: two SKUs in one package. 2: two SKUs in two packages. 3: no items. 4: two packages of one SKU.
        *(sold(1, "CUP", quantity=2), sold(1, "PAD", quantity=3)),
        *(sold(2, "CUP"), sold(2, "PAD")),
        order(3, on=OLD),
        sold(4, "MAT", quantity=4),
        # 5: the other item was cancelled. 6: its quantity is unknown. 7: a part is not shipped yet.
        *(sold(5, "MAT"), sold(5, "PAD", quantity=0, item_status=OrderStatus.CANCELLED)),
        *(sold(6, "MAT"), sold(6, "PAD", quantity=None)),
        *(sold(7, "CUP", **unshipped), sold(7, "PAD", **unshipped)),
    )
    recorder.load(
        package(1, units=5, late=True),
        package(2, "P1", late=True),
        # Not tracked, so in no denominator: the order has two packages all the same.
        package(2, "P2", is_scanned=False),
        package(3, units=7),
        *(package(4, "P1", units=1, late=True), package(4, "P2", units=3)),
        package(5),
        package(6, units=2),
        package(7, late=True),
        at=TEN,
    )

    body = listings(acme, shop)

    assert figures(body) == {"CUP": (2, 2), "PAD": (3, 3), "MAT": (5, 1)}
    assert [row["sku"] for row in body["data"]] == ["PAD", "CUP", "MAT"]
    # Unassigned: 1 late unit of order 2, 7 units of order 3, 2 of order 6, 1 late unit of order 7.
    assert totals(body) == (21, 8, 11, 2)
    assert sum(row["share"] for row in body["data"]) == pytest.approx(6 / 8)


def test_package_is_judged_as_the_metric_judges_it(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(*(sold(n) for n in range(1, 6)), sold(6, channel="afn"), sold(7, marketplace="CA"))
    recorder.load(
        package(1),
        package(2, is_scanned=False, late=True),
        package(3)._replace(is_on_time=None),
        package(4)._replace(deliver_by_on=TODAY - timedelta(days=6)),
        *(package(n, late=True) for n in (5, 6, 7)),
        at=TEN,
    )
    # On Amazon's list of late deliveries.
    recorder.load(defect(1, kind="late_delivery", state="listed", reference="P1"), at=TEN + A_MOMENT)

    assert figures(listings(acme, shop)) == {"CUP": (2, 2)}
    value = recorder.value(OTDR)
    assert (value.numerator, value.denominator) == (0, 2)
    assert figures(listings(acme, shop, marketplace="CA")) == {"CUP": (1, 1)}


def test_no_listing_is_at_risk_if_the_account_meets_its_target(
    acme: Client, shop: str, recorder: FactRecorder, cups: None
) -> None:
    recorder.load(sold(4, "PAD"))
    recorder.load(package(4, units=2), at=TEN + A_MOMENT)

    # 18 of 20.
    body = listings(acme, shop)

    assert (body["target_missed"], [row["at_risk"] for row in body["data"]]) == (False, [False, False])
    assert body["data"][0]["on_time_units_needed"] == 12


@pytest.mark.parametrize(
    ("marketplace", "extra", "missed", "at_risk"),
    [
        # From 20 units of the account.
        ("GB", 0, False, False),
        ("GB", 2, True, True),
        # 97 % of packages, which Amazon does not enforce.
        ("FR", 0, True, False),
    ],
)
def test_listing_is_at_risk_by_the_rule_of_the_store(
    acme: Client, shop: str, recorder: FactRecorder, marketplace: str, extra: int, missed: bool, at_risk: bool
) -> None:
    recorder.load(*(sold(n, marketplace=marketplace) for n in (1, 2)))
    recorder.load(package(1, units=18, late=True), package(2, units=1 + extra), at=TEN)
    promised = ON + timedelta(days=5)
    assert promised <= TODAY - timedelta(days=10)

    body = listings(acme, shop, marketplace=marketplace)

    assert figures(body) == {"CUP": (19 + extra, 18)}
    assert (body["target_missed"], body["data"][0]["at_risk"]) == (missed, at_risk)
    assert body["minimum_units"] == (20 if marketplace == "GB" else None)


def test_listings_are_filtered_by_risk_and_totals_stay(acme: Client, shop: str, cups: None) -> None:
    at_risk, others = (listings(acme, shop, at_risk=text) for text in ("true", "false"))

    assert (figures(at_risk), figures(others)) == ({"CUP": (8, 2)}, {"PAD": (10, 0)})
    assert totals(at_risk) == totals(others) == (18, 2, 0, 0)


def test_listing_has_what_the_newest_reports_state(
    acme: Client, shop: str, recorder: FactRecorder, cups: None
) -> None:
    recorder.load(
        offer(title="Blue cup", asin="B000000009"),
        offer(sku="PAD", channel="", asin="", title="", quantity=None, price=None, status="inactive"),
        offer(source="fba", channel="afn", title="Cup of FBA", quantity=60, status=""),
        offer(sku="PAD", source="fba", channel="afn", title="Pad", quantity=61, status=""),
        offer(marketplace="DE", title="Becher"),
        at=TEN + A_MOMENT,
    )
    then = listings(acme, shop)
    recorder.load(offer(title="Green cup"), at=TEN + 2 * A_MOMENT)

    shown = ("asin", "title", "price", "quantity", "channel", "listing_status")
    cup, pad = ([row[name] for name in shown] for row in then["data"])
    assert cup == ["B000000009", "Blue cup", 12.99, 3, "mfn", "active"]
    assert pad == ["B000000001", "Pad", 12.99, 61, "afn", "inactive"]
    assert listings(acme, shop)["data"][0]["title"] == "Green cup"
    assert listings(acme, shop, known_at=then["known_at"])["data"] == then["data"]
    before = listings(acme, shop, known_at=TEN.isoformat())["data"][0]
    assert (before["title"], before["units"], before["late"]) == (None, 8, 2)
    assert listings(acme, shop, known_at=NINE.isoformat())["data"] == []


def test_pages_have_each_listing_once(acme: Client, shop: str, recorder: FactRecorder) -> None:
    skus = ["A", "a", "B", "C", "Ä"]
    recorder.load(*(sold(n, sku) for n, sku in enumerate(skus)))
    recorder.load(*(package(n, late=n == 3) for n in range(len(skus))), at=TEN)

    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = listings(acme, shop, limit=2, cursor=cursor)
        pages.append([row["sku"] for row in page["data"]])
        assert totals(page) == (5, 1, 0, 0)
        cursor = page["next_cursor"]

    assert pages == [["C", "A"], ["B", "a"], ["Ä"]]
    assert listings(acme, shop, fields="sku,late", limit=1)["data"] == [{"sku": "C", "late": 1}]


def test_marketplace_without_data_has_no_listings(acme: Client, shop: str, cups: None) -> None:
    body = listings(acme, shop, marketplace="JP")

    assert (body["window"], body["target"], body["data"], totals(body)) == (None, None, [], (0, 0, 0, 0))
    assert (body["target_missed"], body["totals"]["rate"], body["next_cursor"]) == (None, None, None)


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"metric": "odr"}, "/metric"),
        ({"at_risk": "perhaps"}, "/at_risk"),
        ({"limit": "201"}, "/limit"),
        ({"channel": "mfn"}, "/channel"),
    ],
)
def test_wrong_parameter_is_named(acme: Client, shop: str, params: dict[str, str], pointer: str) -> None:
    response = acme.get(f"/v1/accounts/{shop}/listings", params)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


@pytest.mark.parametrize("metric", ["late_shipment_rate_30d", "account_health_rating"])
def test_other_metric_has_no_listings(acme: Client, shop: str, metric: str) -> None:
    response = acme.get(f"/v1/accounts/{shop}/listings", {"metric": metric})

    assert response.status_code == 409
    (error,) = response.json()["errors"]
    assert (error["pointer"], OTDR in error["detail"]) == ("/metric", True)


def test_listings_of_another_agency_are_not_found(rival: Client, shop: str, cups: None) -> None:
    assert rival.get(f"/v1/accounts/{shop}/listings").status_code == 404


def test_uploaded_reports_name_the_listings(acme: Client, shop: str) -> None:
    orders = build.orders_on(build.days_ago(20), count=2, sku="CUP-BLUE", asin="B000000001")
    acme.load(shop, build.orders_file(orders))
    acme.load(shop, build.delivered_packages(orders))
    report = (
        "item-name\tseller-sku\tprice\tquantity\tfulfillment-channel\nBlue cup\tCUP-BLUE\t12.99\t3\tDEFAULT\n"
    )
    loaded = acme.load(shop, report.encode())

    body = acme.read(f"/v1/accounts/{shop}/listings")

    assert loaded["report_type"] == "GET_MERCHANT_LISTINGS_ALL_DATA"
    (cup,) = body["data"]
    assert (cup["title"], cup["price"], cup["units"], cup["late"]) == ("Blue cup", 12.99, 2, 0)
