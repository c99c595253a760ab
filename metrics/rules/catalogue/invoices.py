"""Define the invoice defect rate of Amazon Business. Its sources are in its rules (metrics/rules/amazon_rules.py)."""

from metrics.rules.catalogue.metric import Count, Metric, Ratio
from metrics.rules.catalogue.rows import OrdersByPackage, ReasonFields
from metrics.rules.facts import DefectKind

IS_MISSED = "NOT is_invoiced_in_time"
METRIC = Metric(
    code="invoice_defect_rate",
    explanation=(
        "Amazon Business orders without an invoice within one business day of the shipment, out of all Amazon Business "
        "orders."
    ),
    rows=OrdersByPackage(
        day="shipped_on",
        judged=IS_MISSED,
        kinds=(DefectKind.INVOICE_DEFECT,),
        reason=ReasonFields(
            kind="'invoice'",
            reference="package",
            state=f"CASE WHEN {IS_MISSED} THEN 'missing_or_late' ELSE 'in_time' END",
            occurred_on="shipped_on",
            counts=IS_MISSED,
        ),
    ),
    ratio=Ratio(
        Count("invoice_defect_orders", f"missed OR by_{DefectKind.INVOICE_DEFECT}"),
        Count("business_orders", "true"),
    ),
    day="ship",
    source="shipments",
    reasons={
        "invoice": {
            "missing_or_late": "No invoice was uploaded within one business day of the shipment.",
            "in_time": "The invoice was uploaded within one business day of the shipment.",
        }
    },
)
