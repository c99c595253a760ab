"""Define the valid tracking rate. Its sources are in its rules (metrics/rules/amazon_rules.py)."""

from metrics.rules.catalogue.metric import Count, Metric, Ratio
from metrics.rules.catalogue.rows import Packages, ReasonFields
from metrics.rules.facts import DefectKind

UNKNOWN = Count("unknown_scan_packages", "is_scanned IS NULL")
METRIC = Metric(
    code="valid_tracking_rate",
    explanation="Shipped packages scanned by a carrier, out of all shipped packages.",
    rows=Packages(
        day="shipped_on",
        kinds=(DefectKind.INVALID_TRACKING,),
        reason=ReasonFields(
            kind="'tracking'",
            reference="package",
            state="CASE WHEN is_scanned THEN 'scanned' ELSE 'not_scanned' END",
            due_on="shipped_on",
            counts="is_scanned",
        ),
    ),
    ratio=Ratio(
        Count("scanned_packages", f"is_scanned AND by_{DefectKind.INVALID_TRACKING} IS NOT TRUE"),
        Count("shipped_packages", "is_scanned IS NOT NULL"),
        open=(UNKNOWN, UNKNOWN),
    ),
    counts_good=True,
    unit="packages",
    settled_by=("shipments",),
    day="ship",
    source="shipments",
    reasons={
        "tracking": {
            "scanned": "The carrier scanned the package.",
            "not_scanned": "No carrier scan is known.",
        }
    },
)
