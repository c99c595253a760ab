"""Define the pre-fulfillment cancel rate. Its sources are in its rules (metrics/rules/amazon_rules.py)."""

from metrics.rules.catalogue.metric import Count, Metric, Ratio
from metrics.rules.catalogue.rows import Orders, ReasonFields, Related, is_one_of
from metrics.rules.facts import Canceller, DefectKind, OrderStatus

# A cancellation after the shipment is a refund.
IS_BY_SELLER = (
    f"{is_one_of('cancelled_by', (Canceller.SELLER, Canceller.UNCONFIRMED))} AND shipped_on IS NULL"
)
CANCELLATIONS = Related(
    name="cancellations",
    facts="shipment",
    where="cancelled_by <> ''",
    aggregates=(("cancelled_by_seller", f"bool_or({IS_BY_SELLER})"),),
    reason=ReasonFields(
        kind="'cancellation'",
        reference="package",
        state="CASE WHEN shipped_on IS NULL THEN cancelled_by ELSE 'after_shipping' END",
        counts=IS_BY_SELLER,
    ),
    reason_order="package",
)
IS_LISTED = f"by_{DefectKind.CANCELLATION}"
IS_COUNTED = f"(cancelled_by_seller OR {IS_LISTED})"
IS_UNEXPLAINED = (
    f"status = {OrderStatus.CANCELLED:d} AND cancelled_by_seller IS NULL AND {IS_LISTED} IS NOT TRUE"
)
METRIC = Metric(
    code="pre_fulfillment_cancel_rate",
    explanation=(
        "Orders cancelled by the seller before the shipment was confirmed, or by Amazon because it was not confirmed, "
        "out of all orders. Cancellations by the buyer do not count. An order without a known canceller is shown as "
        "unexplained."
    ),
    rows=Orders(kinds=(DefectKind.CANCELLATION,), related=(CANCELLATIONS,)),
    ratio=Ratio(
        Count("seller_cancelled_orders", IS_COUNTED),
        Count("cancellable_orders", f"(is_in OR {IS_COUNTED})"),
        open=(
            Count("unexplained_cancelled_orders", IS_UNEXPLAINED),
            Count("uncounted_cancelled_orders", f"{IS_UNEXPLAINED} AND NOT is_in"),
        ),
    ),
    settled_by=("shipments", "orders_with_defects"),
    reasons={
        "cancellation": {
            "buyer": "The buyer requested the cancellation.",
            "seller": "The seller cancelled before confirming the shipment.",
            "unconfirmed": "Amazon cancelled because the shipment was not confirmed in time.",
            "amazon": "Amazon cancelled for its own reasons.",
            "after_shipping": "A cancellation after the shipment was confirmed is a refund and does not count.",
        }
    },
)
