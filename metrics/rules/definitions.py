"""Define the catalogue of metrics: the numerator and denominator of each.

Windows, targets, names and whether Amazon enforces a metric are dated rows (MetricRule), not code.
"""

from dataclasses import dataclass
from typing import NamedTuple

from metrics.rules.facts import Channel

COUNTS = (
    "orders",
    "defective_orders",
    "negative_feedback_orders",
    "a_to_z_claim_orders",
    "chargeback_orders",
    "cancellable_orders",
    "seller_cancelled_orders",
    "unexplained_cancelled_orders",
    "uncounted_cancelled_orders",
    "returnable_orders",
    "returned_orders",
    "shipped_orders",
    "late_orders",
    "shipped_packages",
    "scanned_packages",
    "unknown_scan_packages",
    "tracked_packages",
    "on_time_packages",
    "unknown_delivery_packages",
    "tracked_units",
    "on_time_units",
    "unknown_delivery_units",
    "business_tracked_units",
    "business_on_time_units",
    "business_unknown_units",
    "business_orders",
    "invoice_defect_orders",
    "messages",
    "answered_messages",
    "return_requests",
    "dissatisfied_requests",
)
"""The integer columns of DailyCounts. `Metric.day` says by which day a metric counts."""

UNITS = ("orders", "packages", "units", "messages", "requests", "points", "violations")
"""What the denominators of metrics count."""

CANCEL_RATE, RATING = "pre_fulfillment_cancel_rate", "account_health_rating"
MFN = (Channel.MFN,)
BOTH_CHANNELS = (Channel.MFN, Channel.AFN)
NO_CHANNEL = (Channel.ALL,)


class RatioCounts(NamedTuple):
    """Name the counts of a metric: numerator, denominator, and what the rows leave open."""

    numerator: str
    denominator: str
    open: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Define a rate by two counts of COUNTS, or, without them, a figure that only Amazon reports.

    `units` are the counts to use where a rule counts units instead of packages. `day` is the kind of day by
    which things are in the window. `source` is the source whose age makes the metric stale. `parts` are counts
    shown beside the numerator and never summed into it. `open` counts what the rows leave open, and how much
    of it is not in the denominator. `settled_by` are the report types that state it.
    """

    code: str
    numerator: str = ""
    denominator: str = ""
    open: tuple[str, str] | None = None
    units: RatioCounts | None = None
    counts_good: bool = False
    unit: str = "orders"
    settled_by: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = MFN
    day: str = "order"
    source: str = "orders"
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def is_counted(self) -> bool:
        return bool(self.denominator)

    def counts_in(self, *, units: bool) -> RatioCounts:
        """Return the counts of the metric, in units if a rule says so and the metric has such counts."""
        return (
            self.units if units and self.units else RatioCounts(self.numerator, self.denominator, self.open)
        )

    @property
    def is_counter(self) -> bool:
        """Return whether it is a number of policy violations, which Amazon counts."""
        return not self.is_counted and self.code != RATING


def _odr_part(code: str, numerator: str) -> Metric:
    return Metric(code=code, numerator=numerator, denominator="orders", channels=BOTH_CHANNELS)


def _late(code: str) -> Metric:
    return Metric(
        code=code, numerator="late_orders", denominator="shipped_orders", day="ship-by", source="shipments"
    )


def _reported(code: str, unit: str = "violations") -> Metric:
    return Metric(code=code, channels=NO_CHANNEL, day="", source="reported", unit=unit)


METRICS = (
    Metric(
        code="order_defect_rate",
        numerator="defective_orders",
        denominator="orders",
        channels=BOTH_CHANNELS,
        parts=(
            ("negative_feedback", "negative_feedback_orders"),
            ("a_to_z_claims", "a_to_z_claim_orders"),
            ("chargebacks", "chargeback_orders"),
        ),
    ),
    _odr_part("negative_feedback_rate", "negative_feedback_orders"),
    _odr_part("a_to_z_claim_rate", "a_to_z_claim_orders"),
    _odr_part("chargeback_rate", "chargeback_orders"),
    _late("late_shipment_rate_10d"),
    _late("late_shipment_rate_30d"),
    Metric(
        code=CANCEL_RATE,
        numerator="seller_cancelled_orders",
        denominator="cancellable_orders",
        open=("unexplained_cancelled_orders", "uncounted_cancelled_orders"),
        settled_by=("shipments", "orders_with_defects"),
    ),
    Metric(
        code="valid_tracking_rate",
        numerator="scanned_packages",
        denominator="shipped_packages",
        open=("unknown_scan_packages", "unknown_scan_packages"),
        counts_good=True,
        unit="packages",
        settled_by=("shipments",),
        day="ship",
        source="shipments",
    ),
    Metric(
        code="on_time_delivery_rate",
        numerator="on_time_packages",
        denominator="tracked_packages",
        open=("unknown_delivery_packages", "unknown_delivery_packages"),
        units=RatioCounts(
            "on_time_units", "tracked_units", ("unknown_delivery_units", "unknown_delivery_units")
        ),
        counts_good=True,
        unit="packages",
        settled_by=("shipments",),
        day="promise",
        source="shipments",
    ),
    Metric(
        code="business_on_time_delivery_rate",
        numerator="business_on_time_units",
        denominator="business_tracked_units",
        open=("business_unknown_units", "business_unknown_units"),
        counts_good=True,
        unit="units",
        settled_by=("shipments",),
        day="promise",
        source="shipments",
    ),
    Metric(
        code="invoice_defect_rate",
        numerator="invoice_defect_orders",
        denominator="business_orders",
        day="ship",
        source="shipments",
    ),
    Metric(
        code="message_response_rate_24h",
        numerator="answered_messages",
        denominator="messages",
        counts_good=True,
        unit="messages",
        channels=NO_CHANNEL,
        day="message",
        source="messages",
    ),
    Metric(
        code="return_dissatisfaction_rate",
        numerator="dissatisfied_requests",
        denominator="return_requests",
        unit="requests",
        day="request",
        source="returns",
    ),
    Metric(
        code="return_rate",
        numerator="returned_orders",
        denominator="returnable_orders",
        channels=BOTH_CHANNELS,
        source="returns",
    ),
    _reported(RATING, "points"),
    _reported("listing_policy_violations"),
    _reported("product_authenticity_customer_complaints"),
    _reported("product_condition_customer_complaints"),
    _reported("product_safety_customer_complaints"),
    _reported("received_intellectual_property_complaints"),
    _reported("restricted_product_policy_violations"),
    _reported("suspected_intellectual_property_violations"),
    _reported("food_and_product_safety_issues"),
    _reported("other_policy_violations"),
    _reported("document_requests"),
    _reported("customer_product_reviews_policy_violations"),
    _reported("policy_violation_warnings"),
)

CATALOGUE = {metric.code: metric for metric in METRICS}
COUNTED = tuple(metric for metric in METRICS if metric.is_counted)
REPORTED_ONLY = tuple(metric for metric in METRICS if not metric.is_counted)
