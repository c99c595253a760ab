"""Define the catalogue of metrics: the numerator and denominator of each.

Windows, targets, names and whether Amazon enforces a metric are dated rows (MetricRule), not code.
"""

from dataclasses import dataclass

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
    "returnable_orders",
    "returned_orders",
    "shipped_orders",
    "late_orders",
    "shipped_packages",
    "scanned_packages",
    "tracked_packages",
    "on_time_packages",
    "tracked_units",
    "on_time_units",
    "business_orders",
    "invoice_defect_orders",
    "messages",
    "answered_messages",
    "return_requests",
    "dissatisfied_requests",
)
"""The integer columns of DailyCounts. `Metric.day` says by which day a metric counts."""

MFN = (Channel.MFN,)
BOTH_CHANNELS = (Channel.MFN, Channel.AFN)
NO_CHANNEL = (Channel.ALL,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Define a rate by two counts of COUNTS, or, without them, a figure that only Amazon reports.

    `units` are the two counts to use where a rule counts units instead of packages. `day` is the kind of day
    by which things are in the window. `source` is the source whose age makes the metric stale. `parts` are
    counts shown beside the numerator and never summed into it; `unexplained` is the count of what cannot be
    judged yet.
    """

    code: str
    numerator: str = ""
    denominator: str = ""
    units: tuple[str, str] | None = None
    channels: tuple[Channel, ...] = MFN
    day: str = "order"
    source: str = "orders"
    parts: tuple[tuple[str, str], ...] = ()
    unexplained: str = ""

    @property
    def is_counted(self) -> bool:
        return bool(self.denominator)


def _odr_part(code: str, numerator: str) -> Metric:
    return Metric(code=code, numerator=numerator, denominator="orders", channels=BOTH_CHANNELS)


def _late(code: str) -> Metric:
    return Metric(
        code=code, numerator="late_orders", denominator="shipped_orders", day="ship-by", source="shipments"
    )


def _reported(code: str) -> Metric:
    return Metric(code=code, channels=NO_CHANNEL, day="", source="reported")


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
        code="pre_fulfillment_cancel_rate",
        numerator="seller_cancelled_orders",
        denominator="cancellable_orders",
        unexplained="unexplained_cancelled_orders",
    ),
    Metric(
        code="valid_tracking_rate",
        numerator="scanned_packages",
        denominator="shipped_packages",
        day="ship",
        source="shipments",
    ),
    Metric(
        code="on_time_delivery_rate",
        numerator="on_time_packages",
        denominator="tracked_packages",
        units=("on_time_units", "tracked_units"),
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
        channels=NO_CHANNEL,
        day="message",
        source="messages",
    ),
    Metric(
        code="return_dissatisfaction_rate",
        numerator="dissatisfied_requests",
        denominator="return_requests",
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
    _reported("account_health_rating"),
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
