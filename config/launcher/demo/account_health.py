"""Build Amazon's account health report (V2) from the events of a seller. Pure.

It counts by rules of its own, independent of the product's, so that the two can be compared.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from accounts.marketplaces import MARKETPLACES
from config.launcher.demo.defects import Defect
from config.launcher.demo.orders import Order
from config.launcher.demo.sample_accounts import INVOICED, Fulfilment, Health, SampleAccount
from config.launcher.demo.shipments import Package

Block = dict[str, Any]

AMAZON_ID = {marketplace.code: marketplace.amazon_id for marketplace in MARKETPLACES}
EXCLUDED_STATUSES = {"Pending", "Cancelled"}
BY_SELLER = {"seller", "unconfirmed"}
COUNTERS = (
    *(
        "listingPolicyViolations",
        "productAuthenticityCustomerComplaints",
        "productConditionCustomerComplaints",
    ),
    *(
        "productSafetyCustomerComplaints",
        "receivedIntellectualPropertyComplaints",
        "restrictedProductPolicyViolations",
    ),
    *(
        "suspectedIntellectualPropertyViolations",
        "foodAndProductSafetyIssues",
        "otherPolicyViolations",
        "documentRequests",
    ),
    # Not in Amazon's schema, but in live reports.
    "customerProductReviewsPolicyViolations",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Store the events of one marketplace. The report describes the day `as_of`."""

    as_of: date
    code: str
    orders: Sequence[Order]
    defects: Sequence[Defect]
    packages: Sequence[Package]

    def span(self, days: int, offset: int = 0) -> tuple[date, date]:
        last = self.as_of - timedelta(days=offset)
        return last - timedelta(days=days - 1), last


def report(
    *,
    account: SampleAccount,
    health: Health,
    now: datetime,
    orders: Iterable[Order],
    defects: Iterable[Defect],
    packages: Iterable[Package],
) -> bytes:
    """Build GET_V2_SELLER_PERFORMANCE_REPORT as of the last full day, for each store of the seller."""
    all_orders, all_defects, all_packages = list(orders), list(defects), list(packages)
    codes = [code for code in account.stores or {account.home: 1} if code]
    markets = [
        Market(
            as_of=now.date() - timedelta(days=1),
            code=code,
            orders=[order for order in all_orders if order.marketplace == code],
            defects=[defect for defect in all_defects if defect.marketplace == code],
            packages=[package for package in all_packages if package.marketplace == code],
        )
        for code in codes
    ]
    document = {
        "accountStatuses": [
            {"marketplaceId": AMAZON_ID[code], "status": health.status if code == account.home else "NORMAL"}
            for code in codes
        ],
        "performanceMetrics": [
            _entry(market, health if market.code == account.home else Health(score=health.score))
            for market in markets
        ],
    }
    return json.dumps(document, indent=2).encode()


def _entry(market: Market, health: Health) -> Block:
    entry = {
        "marketplaceId": AMAZON_ID[market.code],
        "orderDefectRate": {
            "mfn": _order_defects(market, Fulfilment.MERCHANT, "mfn"),
            "afn": _order_defects(market, Fulfilment.AMAZON, "afn"),
        },
        "lateShipmentRate": _late_shipments(market, 30),
        "lateShipmentRateList": [_late_shipments(market, 10), _late_shipments(market, 30)],
        "preFulfillmentCancellationRate": _cancellations(market),
        "validTrackingRate": _tracking(market),
        **_deliveries(market),
        **({"invoiceDefectRate": _invoices(market)} if market.code in INVOICED else {}),
        **_counters(market, health),
        "accountHealthRating": {
            "reportingDateRange": _range(market.span(181)),
            "ahrStatus": health.rating,
            "ahrScore": health.score,
        },
    }
    return _inconsistent(entry) if health.is_inconsistent else entry


def _order_defects(market: Market, fulfilment: Fulfilment, channel: str) -> Block:
    first, last = market.span(60, 15)
    placed = {
        order.number
        for order in market.orders
        if order.fulfilment == fulfilment
        and order.status not in EXCLUDED_STATUSES
        and first <= order.at.date() <= last
    }
    counting = [defect for defect in market.defects if defect.is_counting and defect.order in placed]
    bad = len({defect.order for defect in counting})
    parts = {"claims": "a_to_z_claim", "chargebacks": "chargeback", "negativeFeedback": "feedback"}
    share = _share((first, last), bad, len(placed), target=0.01)
    return {
        **_counts(
            share, {"orderCount": len(placed), "orderWithDefects": {"count": bad, "status": share["status"]}}
        ),
        **{
            name: _part({defect.order for defect in counting if defect.kind == kind})
            for name, kind in parts.items()
        },
        "fulfillmentType": channel,
    }


def _part(orders: set[str]) -> Block:
    return {"count": len(orders), "status": "NONE"}


def _late_shipments(market: Market, days: int) -> Block:
    """Count late orders. The day of an order is its earliest ship-by day; one late package makes it late."""
    first, last = market.span(days)
    shipped = [
        package for package in market.packages if package.shipped_at and first <= package.ship_by <= last
    ]
    orders, late = (
        {package.order for package in shipped},
        {package.order for package in shipped if package.is_late},
    )
    share = _share((first, last), len(late), len(orders), target=0.04)
    return _counts(share, {"orderCount": len(orders), "lateShipmentCount": len(late)})


def _cancellations(market: Market) -> Block:
    first, last = market.span(7, 1)
    own = [
        order
        for order in market.orders
        if order.fulfilment == Fulfilment.MERCHANT and first <= order.at.date() <= last
    ]
    cancelled_orders = {package.order for package in market.packages if package.cancelled_by in BY_SELLER}
    cancelled = sum(order.number in cancelled_orders for order in own)
    placed = cancelled + sum(order.status not in EXCLUDED_STATUSES for order in own)
    share = _share((first, last), cancelled, placed, target=0.025)
    return _counts(share, {"orderCount": placed, "cancellationCount": cancelled})


def _tracking(market: Market) -> Block:
    first, last = market.span(30, 10)
    shipped = [
        package
        for package in market.packages
        if package.shipped_at and first <= package.shipped_at.date() <= last
    ]
    scanned = sum(package.is_scanned for package in shipped)
    share = _share((first, last), scanned, len(shipped), target=0.95, condition="GREATER_THAN_OR_EQUAL")
    return _counts(share, {"shipmentCount": len(shipped), "validTrackingCount": scanned})


def _deliveries(market: Market) -> Block:
    """Count deliveries on time, by units in the US, GB and DE and by packages elsewhere."""
    in_units = market.code in {"US", "GB", "DE"}
    first, last = market.span(*((14, 7) if in_units else (30, 10)))
    tracked = [
        package for package in market.packages if package.is_scanned and first <= package.deliver_by <= last
    ]
    total = sum(package.units if in_units else 1 for package in tracked)
    on_time = sum(package.units if in_units else 1 for package in tracked if package.is_on_time)
    if in_units:
        share = _share((first, last), on_time, total, target=0.9, condition="GREATER_THAN_OR_EQUAL")
        return {
            "unitOnTimeDeliveryRate": _counts(
                share, {"totalUnitCount": total, "unitOnTimeDeliveryCount": on_time}
            )
        }
    share = _share((first, last), on_time, total, target=0.97, condition="GREATER_THAN")
    counts = {"shipmentCountWithValidTracking": total, "onTimeDeliveryCount": on_time}
    return {"onTimeDeliveryRate": _counts(share, counts)}


def _invoices(market: Market) -> Block:
    first, last = market.span(7, 7)
    of_business = [package for package in market.packages if package.is_business and package.shipped_at]
    shipped = [
        package
        for package in of_business
        if package.shipped_at and first <= package.shipped_at.date() <= last
    ]
    orders, late = (
        {package.order for package in shipped},
        {package.order for package in shipped if package.is_invoiced_late},
    )
    share = _share((first, last), len(late), len(orders), target=0.05)
    return _counts(
        share, {"orderCount": len(orders), "invoiceDefect": {"count": len(late), "status": share["status"]}}
    )


def _counters(market: Market, health: Health) -> Block:
    counts = {name: {"defectsCount": health.violations.get(name, 0)} for name in COUNTERS}
    counts["policyViolationWarnings"] = {"warningsCount": health.violations.get("policyViolationWarnings", 0)}
    rest = {"reportingDateRange": _range(market.span(180)), "targetValue": 0, "targetCondition": "EQUALS"}
    return {
        name: {**count, **rest, "status": "BAD" if any(count.values()) else "GOOD"}
        for name, count in counts.items()
    }


def _inconsistent(entry: Block) -> Block:
    """Add the faults of some real reports.

    Orders are missing, removed feedback is still counted, and figures contradict each other.
    """

    defects, tracking, late = entry["orderDefectRate"], entry["validTrackingRate"], entry["lateShipmentRate"]
    own = defects["mfn"]
    own["orderCount"] -= 2
    own["orderWithDefects"]["count"] += 1
    own["negativeFeedback"]["count"] += 1
    own["rate"] = round(own["orderWithDefects"]["count"] / own["orderCount"], 4)
    defects["afn"]["fulfillmentType"] = "mfn"
    entry["lateShipmentRateList"].pop()
    late["rate"] = round(late["rate"] + 0.01, 4)
    entry["preFulfillmentCancellationRate"]["rate"] = 0.02
    tracking["validTrackingCount"] = tracking["shipmentCount"] + 4
    days = entry["invoiceDefectRate"]["reportingDateRange"]
    days["reportingDateFrom"], days["reportingDateTo"] = days["reportingDateTo"], days["reportingDateFrom"]
    return entry


def _share(
    span: tuple[date, date], numerator: int, denominator: int, *, target: float, condition: str = "LESS_THAN"
) -> Block:
    """Return the fields of every rate.

    Amazon reports a rate of 0 without a status if there is nothing to count.
    """
    rate = numerator / denominator if denominator else 0.0
    meets_target = {"LESS_THAN": rate < target, "GREATER_THAN": rate > target}.get(condition, rate >= target)
    return {
        "reportingDateRange": _range(span),
        "status": "NONE" if not denominator else "GOOD" if meets_target else "BAD",
        "rate": round(rate, 4),
        "targetValue": target,
        "targetCondition": condition,
    }


def _counts(share: Block, counts: Block) -> Block:
    return {"reportingDateRange": share["reportingDateRange"], **counts, **share}


def _range(span: tuple[date, date]) -> Block:
    return {"reportingDateFrom": f"{span[0]}T00:00Z", "reportingDateTo": f"{span[1]}T23:59Z"}
