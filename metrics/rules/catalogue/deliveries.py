"""Define the on-time delivery rate, of all orders and of Amazon Business orders.

Amazon counts tracked packages only. Its sources are in its rules (metrics/rules/amazon_rules.py).
"""

from metrics.rules.catalogue.metric import Count, Metric, Ratio
from metrics.rules.catalogue.rows import Packages, ReasonFields
from metrics.rules.facts import DefectKind

ROWS = Packages(
    day="deliver_by_on",
    kinds=(DefectKind.LATE_DELIVERY,),
    reason=ReasonFields(
        kind="'delivery'",
        reference="package",
        state="CASE WHEN is_on_time THEN 'on_time' ELSE 'late' END",
        occurred_on="delivered_on",
        due_on="deliver_by_on",
        counts="is_on_time",
    ),
)
IS_TRACKED = "is_scanned IS TRUE AND is_on_time IS NOT NULL"
IS_IN_TIME = f"{IS_TRACKED} AND is_on_time AND by_{DefectKind.LATE_DELIVERY} IS NOT TRUE"
# A package without a scan is not tracked. If its scan or its delivery is unknown, it is left open.
IS_OPEN = f"NOT ({IS_TRACKED}) AND shipped_on IS NOT NULL AND is_scanned IS NOT FALSE"
REASONS = {
    "delivery": {
        "on_time": "The package was delivered by the promised date.",
        "late": "The package was not delivered by the promised date.",
    }
}


def _ratio(in_time: str, tracked: str, unknown: str, *, where: str = "", summed: str = "") -> Ratio:
    is_open = Count(unknown, IS_OPEN + where, summed)
    return Ratio(
        Count(in_time, IS_IN_TIME + where, summed),
        Count(tracked, IS_TRACKED + where, summed),
        open=(is_open, is_open),
    )


METRICS = (
    Metric(
        code="on_time_delivery_rate",
        explanation=(
            "Tracked units (US, GB and DE) or packages (other marketplaces) delivered by the promised date, out of all "
            "tracked ones."
        ),
        rows=ROWS,
        ratio=_ratio("on_time_packages", "tracked_packages", "unknown_delivery_packages"),
        units=_ratio("on_time_units", "tracked_units", "unknown_delivery_units", summed="units"),
        counts_good=True,
        unit="packages",
        settled_by=("shipments",),
        day="promise",
        source="shipments",
        reasons=REASONS,
    ),
    Metric(
        code="business_on_time_delivery_rate",
        explanation=(
            "Tracked units of Amazon Business orders delivered by the promised date, out of all tracked units of Amazon "
            "Business orders."
        ),
        rows=ROWS,
        ratio=_ratio(
            "business_on_time_units",
            "business_tracked_units",
            "business_unknown_units",
            where=" AND is_business",
            summed="units",
        ),
        counts_good=True,
        unit="units",
        settled_by=("shipments",),
        day="promise",
        source="shipments",
        reasons=REASONS,
    ),
)
