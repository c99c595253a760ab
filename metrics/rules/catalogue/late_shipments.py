"""Define the late shipment rate of 10 and of 30 days. Its sources are in its rules (metrics/rules/amazon_rules.py)."""

from metrics.rules.catalogue.metric import Count, Metric, Ratio
from metrics.rules.catalogue.rows import OrdersByPackage, ReasonFields
from metrics.rules.facts import DefectKind

ROWS = OrdersByPackage(
    day="ship_by_on",
    judged="is_late",
    kinds=(DefectKind.LATE_SHIPMENT,),
    reason=ReasonFields(
        kind="'shipment'",
        reference="package",
        state="CASE WHEN is_late THEN 'late' ELSE 'in_time' END",
        occurred_on="shipped_on",
        due_on="ship_by_on",
        counts="is_late",
    ),
)
REASONS = {
    "shipment": {
        "late": "The shipment was confirmed after the ship-by date.",
        "in_time": "The shipment was confirmed by the ship-by date.",
    }
}


def _rate(days: int) -> Metric:
    return Metric(
        code=f"late_shipment_rate_{days}d",
        explanation=(
            "Orders whose shipment was confirmed after the ship-by date, out of the shipped orders due in the last "
            f"{days} days."
        ),
        rows=ROWS,
        ratio=Ratio(
            Count("late_orders", f"missed OR by_{DefectKind.LATE_SHIPMENT}"), Count("shipped_orders", "true")
        ),
        day="ship-by",
        source="shipments",
        reasons=REASONS,
    )


METRICS = (_rate(10), _rate(30))
