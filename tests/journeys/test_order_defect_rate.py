"""Test the order defect rate from an upload over HTTP to the breach."""

from datetime import timedelta

from tests import build, clock
from tests.client import Client

ORDERED = clock.NOON - timedelta(days=30)


def test_order_defect_rate_misses_target_at_one_percent_and_meets_it_below(acme: Client, shop: str) -> None:
    report = acme.load(shop, build.orders_file(build.orders_on(ORDERED, count=100)))
    acme.post_defects(shop, build.defect(order=build.order_id(7)))

    missed = acme.odr(shop)
    assert report["rows"] == {
        "read": 100,
        "new": 100,
        "changed": 0,
        "unchanged": 0,
        "rejected": 0,
        "set_apart": 0,
    }
    assert (missed["numerator"], missed["denominator"], missed["rate"]) == (1, 100, 0.01)
    assert (missed["meets_target"], missed["status"]) == (False, "breached")
    assert missed["budget"] == {"allowed": 0, "left": -1}
    (breach,) = acme.read("/v1/breaches")["data"]
    assert (breach["status"], breach["numerator"], breach["denominator"]) == ("open", 1, 100)

    acme.load(shop, build.orders_file(build.orders_on(ORDERED, count=1, first=101)))

    met = acme.odr(shop)
    assert (met["numerator"], met["denominator"], met["meets_target"], met["status"]) == (
        1,
        101,
        True,
        "at_risk",
    )
    warning, breach = acme.read("/v1/breaches")["data"]
    assert (breach["status"], breach["numerator"], breach["denominator"]) == ("resolved", 1, 100)
    assert (warning["level"], warning["status"], warning["numerator"], warning["denominator"]) == (
        "warning",
        "open",
        1,
        101,
    )
