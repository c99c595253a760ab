"""Test the causes of a metric's defects with small tables worked out by hand."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import SellerAccount
from api import identifiers
from tests.client import Client
from tests.metrics.fact_recorder import (
    A_MOMENT,
    NINE,
    TEN,
    TODAY,
    FactRecorder,
    defect,
    message,
    orders,
    shipment,
)

ON = TODAY - timedelta(days=12)
OLD = TODAY - timedelta(days=20)
LATE = "late_shipment_rate_30d"


def causes(acme: Client, shop: str, metric: str, by: str, **params: Any) -> Any:
    query = {"metric": metric, "by": by, "as_of": TODAY.isoformat()} | params
    return acme.read(f"/v1/accounts/{shop}/causes", **query)


def figures(body: Any) -> dict[str | None, tuple[int, int]]:
    return {group["key"]: (group["orders"], group["defects"]) for group in body["groups"]}


def late(number: int, package: str = "", *, carrier: str, on: date = ON, is_late: bool = True) -> Any:
    return shipment(number, package, on=on, is_late=is_late, carrier=carrier)


@pytest.fixture
def carriers(recorder: FactRecorder) -> None:
    """Load five orders: two late with DHL, of which one also with UPS, one in time with UPS, two without carrier."""
    recorder.load(*orders(5, on=OLD))
    recorder.load(
        late(1, carrier="DHL"),
        late(2, "P1", carrier="dhl"),
        late(2, "P2", carrier="UPS", is_late=False),
        late(3, carrier="UPS", is_late=False),
        late(4, carrier="", is_late=False),
        late(5, carrier="", is_late=False),
        at=TEN,
    )


def test_orders_are_grouped_by_carrier_and_add_up(acme: Client, shop: str, carriers: None) -> None:
    body = causes(acme, shop, LATE, "carrier")

    assert body["total"] == {"orders": 5, "defects": 2, "rate": 0.4}
    assert figures(body) == {"DHL": (2, 2), "UPS": (2, 1), None: (2, 0)}
    assert body["mixed_orders"] == 1
    assert body["main"] == ["DHL"]
    exclusive = [group["exclusive"] for group in body["groups"]]
    assert sum(each["orders"] for each in exclusive) + body["mixed_orders"] == body["total"]["orders"]
    dhl = body["groups"][0]
    assert (dhl["label"].upper(), dhl["share"], dhl["rate"], dhl["lift"]) == ("DHL", 1.0, 1.0, 2.5)
    # 2 of 2 defects in 2 of 5 orders: 1 way of 10.
    assert dhl["p_value"] == pytest.approx(0.1)
    assert dhl["exclusive"] == {"orders": 1, "defects": 1, "rate": 1.0}
    assert body["unit"] == "orders"


def test_groups_are_as_known_at_a_moment(
    acme: Client, shop: str, recorder: FactRecorder, carriers: None
) -> None:
    known_at = causes(acme, shop, LATE, "carrier")["known_at"]
    recorder.load(late(1, carrier="UPS"), at=TEN + A_MOMENT)

    assert figures(causes(acme, shop, LATE, "carrier")) == {"UPS": (3, 2), "DHL": (1, 1), None: (2, 0)}
    then = causes(acme, shop, LATE, "carrier", known_at=known_at)
    assert figures(then) == {"DHL": (2, 2), "UPS": (2, 1), None: (2, 0)}
    assert figures(causes(acme, shop, LATE, "carrier", known_at=NINE.isoformat())) == {}


def test_groups_of_packages_are_of_the_package_itself(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(*orders(1, on=OLD))
    recorder.load(
        shipment(1, "P1", on=ON, carrier="DHL", is_scanned=False),
        shipment(1, "P2", on=ON, carrier="UPS"),
        at=TEN,
    )

    body = causes(acme, shop, "valid_tracking_rate", "carrier")

    assert figures(body) == {"DHL": (1, 1), "UPS": (1, 0)}
    assert (body["mixed_orders"], body["unit"]) == (0, "packages")


def test_defects_are_grouped_by_kind(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(*orders(3, on=OLD))
    recorder.load(
        defect(1),
        defect(1, kind="chargeback", state="service"),
        defect(2, kind="feedback", state="posted", rating=5),
        at=TEN,
    )

    body = causes(acme, shop, "order_defect_rate", "kind")

    assert body["total"] == {"orders": 3, "defects": 1, "rate": pytest.approx(1 / 3)}
    assert figures(body) == {"a_to_z_claim": (1, 1), "chargeback": (1, 1), None: (2, 0)}
    assert body["mixed_orders"] == 1
    assert {group["lift"] for group in body["groups"]} == {None}
    part = causes(acme, shop, "chargeback_rate", "kind")
    assert (figures(part), part["mixed_orders"]) == ({"chargeback": (1, 1), None: (2, 0)}, 0)


def test_late_packages_are_grouped_by_their_kind(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(*orders(2, on=OLD))
    recorder.load(shipment(1, "P1", on=ON, is_on_time=False), shipment(2, "P2", on=ON), at=TEN)
    recorder.load(defect(2, kind="late_delivery", state="listed", reference="P2"), at=TEN + A_MOMENT)

    # The promised day is five days after the shipment, and the window ends seven or ten days before today.
    body = causes(acme, shop, "on_time_delivery_rate", "kind")

    assert figures(body) == {"delivery": (1, 1), "late_delivery": (1, 1)}


def test_window_before_is_as_long_and_ends_where_this_one_begins(
    acme: Client, shop: str, recorder: FactRecorder, carriers: None
) -> None:
    before = TODAY - timedelta(days=35)
    recorder.load(*orders(3, on=before - timedelta(days=2), first=11), at=TEN + A_MOMENT)
    recorder.load(
        *(late(11 + n, carrier="DHL", on=before, is_late=n == 0) for n in range(3)), at=TEN + 2 * A_MOMENT
    )

    body = causes(acme, shop, LATE, "carrier")

    assert body["before"] == {"orders": 3, "defects": 1, "rate": pytest.approx(1 / 3)}
    assert body["groups"][0]["before"] == body["before"]
    assert body["groups"][1]["before"] == {"orders": 0, "defects": 0, "rate": None}


def test_messages_have_no_carrier(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(message(1, on=ON, is_answered_in_time=False, answered_on=None), message(2, on=ON))

    body = causes(acme, shop, "message_response_rate_24h", "carrier")

    assert (figures(body), body["channel"]) == ({None: (2, 1)}, "all")


@pytest.mark.parametrize("metric", ["account_health_rating", "policy_violation_warnings"])
def test_figure_of_amazon_has_no_groups(acme: Client, shop: str, metric: str) -> None:
    assert causes(acme, shop, metric, "carrier")["groups"] == []


def test_marketplace_without_data_has_no_window(acme: Client, shop: str) -> None:
    body = causes(acme, shop, LATE, "carrier", marketplace="JP")

    assert (body["window"], body["groups"], body["total"]["orders"]) == (None, [], 0)


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"metric": "odr"}, "/metric"),
        ({"metric": LATE, "by": "colour"}, "/by"),
        ({"as_of": "today"}, "/as_of"),
    ],
)
def test_wrong_parameter_is_named(acme: Client, shop: str, params: dict[str, str], pointer: str) -> None:
    response = acme.get(f"/v1/accounts/{shop}/causes", params)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_causes_of_another_agency_are_not_found(rival: Client, shop: str, carriers: None) -> None:
    assert rival.get(f"/v1/accounts/{shop}/causes", {"metric": LATE, "by": "carrier"}).status_code == 404


def test_orders_of_a_carrier_are_as_many_as_its_group(acme: Client, shop: str, carriers: None) -> None:
    path = f"/v1/accounts/{shop}/metrics/{LATE}/orders"
    for group in causes(acme, shop, LATE, "carrier")["groups"][:2]:
        rows = acme.read(path, as_of=TODAY.isoformat(), carrier=group["label"].lower())["data"]

        assert (len(rows), sum(row["counted"] for row in rows)) == (group["orders"], group["defects"])


def test_window_before_is_unknown_if_its_data_has_ended(acme: Client, shop: str, carriers: None) -> None:
    account = SellerAccount.objects.filter(pk=identifiers.private("acct", shop))
    # The window of 30 days begins 29 days before today, and the one before 59 days before.
    account.update(own_data_from=TODAY - timedelta(days=74))
    complete = causes(acme, shop, LATE, "carrier")
    assert complete["before"] == {"orders": 0, "defects": 0, "rate": None}

    metric = "order_defect_rate"  # of 60 days that end 15 days ago: the window before begins 134 days ago
    body = causes(acme, shop, metric, "carrier")

    assert body["before"] is None
    assert {group["before"] for group in body["groups"]} == {None}
    assert body["total"]["orders"] == 5
