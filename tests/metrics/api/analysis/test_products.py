"""Test causes by product, reason and day with small tables worked out by hand, and that the orders behind them agree."""

from datetime import timedelta
from typing import Any

import pytest

from metrics.rules.facts import ListingFact
from tests.client import Client
from tests.metrics.api.analysis.test_causes import LATE, OLD, ON, causes, figures
from tests.metrics.fact_recorder import (
    A_MOMENT,
    NINE,
    TEN,
    TODAY,
    FactRecorder,
    defect,
    order,
    returned,
    shipment,
)

ODR = "order_defect_rate"


@pytest.fixture
def products(recorder: FactRecorder) -> None:
    """Load five orders: two defective with CUP, of which one also with PAD, two good with PAD, one without items."""
    recorder.load(
        order(1, on=OLD, sku="CUP", asin="B000000001", quantity=1),
        order(2, on=OLD, sku="CUP", asin="B000000001", quantity=2),
        order(2, on=OLD, sku="PAD", asin="B000000002", quantity=1),
        order(3, on=OLD, sku="PAD", asin="B000000002", quantity=1),
        order(4, on=OLD, sku="PAD", asin="B000000002", quantity=1),
        order(5, on=OLD),
    )
    recorder.load(defect(1, reason_code="NEVER_ARRIVED"), defect(2), at=TEN)


@pytest.mark.parametrize(("by", "cup", "pad"), [("sku", "CUP", "PAD"), ("asin", "B000000001", "B000000002")])
def test_orders_are_grouped_by_product_and_add_up(
    acme: Client, shop: str, products: None, by: str, cup: str, pad: str
) -> None:
    body = causes(acme, shop, ODR, by)

    assert body["total"] == {"orders": 5, "defects": 2, "rate": 0.4}
    assert figures(body) == {cup: (2, 2), pad: (3, 1), None: (1, 0)}
    assert (body["mixed_orders"], body["group_count"], body["main"]) == (1, 3, [cup])
    exclusive = [group["exclusive"] for group in body["groups"]]
    assert sum(share["orders"] for share in exclusive) + 1 == 5
    assert sum(share["defects"] for share in exclusive) + 1 == 2
    assert body["groups"][0]["playbook"] == ["QUALITY", "LISTING_ACCURACY", "PACKAGING"]


@pytest.mark.parametrize("by", ["sku", "asin", "reason"])
def test_link_of_a_group_lists_its_orders(acme: Client, shop: str, products: None, by: str) -> None:
    groups = [group for group in causes(acme, shop, ODR, by)["groups"] if group["key"]]

    for group in groups:
        rows = acme.read(group["orders_url"])["data"]
        assert (len(rows), sum(row["counted"] for row in rows)) == (group["orders"], group["defects"])
    assert groups


def test_filters_of_orders_are_combined(acme: Client, shop: str, products: None) -> None:
    path = f"/v1/accounts/{shop}/metrics/{ODR}/orders"
    both = acme.read(path, as_of=TODAY.isoformat(), sku="PAD", asin="b000000001")["data"]
    neither = acme.read(path, as_of=TODAY.isoformat(), sku="pad")["data"]

    assert ([row["order_id"][-1] for row in both], neither) == (["2"], [])


def test_only_the_first_groups_are_returned(acme: Client, shop: str, products: None) -> None:
    body = causes(acme, shop, ODR, "sku", limit=1)

    assert ([group["key"] for group in body["groups"]], body["group_count"]) == (["CUP"], 3)


def test_earlier_moment_has_the_items_of_then(
    acme: Client, shop: str, recorder: FactRecorder, products: None
) -> None:
    known_at = causes(acme, shop, ODR, "sku")["known_at"]
    later = {"last_updated_at": TEN, "quantity": 1}
    recorder.load(order(1, on=OLD, sku="PAD", **later), at=TEN + A_MOMENT)

    assert figures(causes(acme, shop, ODR, "sku"))["PAD"] == (4, 2)
    assert figures(causes(acme, shop, ODR, "sku", known_at=known_at))["PAD"] == (3, 1)
    assert figures(causes(acme, shop, ODR, "sku", known_at=NINE.isoformat()))["CUP"] == (2, 0)


def test_reasons_of_returns_and_claims_are_groups(
    acme: Client, shop: str, recorder: FactRecorder, products: None
) -> None:
    recorder.load(
        returned(2, "R1", sku="CUP", reason_code="DEFECTIVE"),
        returned(3, "R2", sku="PAD", reason_code="DEFECTIVE"),
        returned(3, "R2", sku="CUP", reason_code="AMZ-PG-APP-TOO-LARGE"),
        at=TEN + A_MOMENT,
    )

    body = causes(acme, shop, ODR, "reason")
    assert figures(body) == {
        "NEVER_ARRIVED": (1, 1),
        "DEFECTIVE": (2, 1),
        "AMZ-PG-APP-TOO-LARGE": (1, 0),
        None: (2, 0),
    }
    known = {group["key"]: (group["label"], group["playbook"], group["p_value"]) for group in body["groups"]}
    assert known["DEFECTIVE"] == ("The item is defective or does not work.", ["QUALITY"], None)
    assert known["AMZ-PG-APP-TOO-LARGE"] == ("The item was too large.", ["LISTING_ACCURACY"], None)
    assert known[None] == (None, [], None)
    requests = causes(
        acme, shop, "return_dissatisfaction_rate", "reason", as_of=(OLD + timedelta(1)).isoformat()
    )
    assert figures(requests) == {}


def test_requests_have_the_reasons_of_their_own_items(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(order(1, on=OLD))
    recorder.load(
        returned(
            1, "R1", on=ON, is_dissatisfied=True, reason="late_answer", sku="CUP", reason_code="DEFECTIVE"
        ),
        returned(1, "R2", on=ON, sku="PAD", reason_code="UNWANTED_ITEM"),
        at=TEN,
    )

    body = causes(acme, shop, "return_dissatisfaction_rate", "reason")

    assert figures(body) == {"DEFECTIVE": (1, 1), "UNWANTED_ITEM": (1, 0)}


def test_late_orders_are_grouped_by_the_day_of_the_shipment(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(*[order(n, on=OLD) for n in range(1, 4)])
    recorder.load(
        *[shipment(n, on=ON, shipped_on=ON + timedelta(days=1), is_late=True) for n in (1, 2)],
        shipment(3, on=ON),
        at=TEN,
    )

    body = causes(acme, shop, LATE, "fulfilment_day")

    assert figures(body) == {(ON + timedelta(days=1)).isoformat(): (2, 2), ON.isoformat(): (1, 0)}
    assert {group["orders_url"] for group in body["groups"]} == {None}


def test_product_has_its_title(acme: Client, shop: str, recorder: FactRecorder, products: None) -> None:
    cup: Any = ListingFact("US", "CUP", "listings", "mfn", "B000000001", "Blue cup", 3, None, "active", None)
    recorder.load(cup, at=TEN + A_MOMENT)

    labels = {group["key"]: group["label"] for group in causes(acme, shop, ODR, "sku")["groups"]}

    assert labels == {"CUP": "Blue cup", "PAD": "PAD", None: None}
