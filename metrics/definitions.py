"""The catalogue: what each metric divides by what. Windows and targets are dated rows (models.MetricRule), not code."""

from dataclasses import dataclass

from metrics.facts import Channel

COUNTS = (
    "orders",
    "defective_orders",
    "negative_feedback_orders",
    "a_to_z_claim_orders",
    "chargeback_orders",
)
"""The integer columns of DailyCounts, each a number of orders placed on the day."""

BOTH_CHANNELS = (Channel.MFN, Channel.AFN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A rate: two counts of COUNTS. `parts` are counted beside the numerator and never summed into it."""

    code: str
    title: str
    numerator: str
    denominator: str
    channels: tuple[Channel, ...]
    source: str
    enforced: bool = False
    parts: tuple[tuple[str, str], ...] = ()


METRICS = (
    Metric(
        code="order_defect_rate",
        title="Order Defect Rate",
        numerator="defective_orders",
        denominator="orders",
        channels=BOTH_CHANNELS,
        source="orders",
        enforced=True,
        parts=(
            ("negative_feedback", "negative_feedback_orders"),
            ("a_to_z_claims", "a_to_z_claim_orders"),
            ("chargebacks", "chargeback_orders"),
        ),
    ),
    Metric(
        code="negative_feedback_rate",
        title="Negative Feedback Rate",
        numerator="negative_feedback_orders",
        denominator="orders",
        channels=BOTH_CHANNELS,
        source="orders",
    ),
    Metric(
        code="a_to_z_claim_rate",
        title="A-to-z Guarantee Claim Rate",
        numerator="a_to_z_claim_orders",
        denominator="orders",
        channels=BOTH_CHANNELS,
        source="orders",
    ),
    Metric(
        code="chargeback_rate",
        title="Chargeback Rate",
        numerator="chargeback_orders",
        denominator="orders",
        channels=BOTH_CHANNELS,
        source="orders",
    ),
)

CATALOGUE = {metric.code: metric for metric in METRICS}
