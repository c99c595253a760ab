"""The registry: one line per kind of document."""

from ingestion.reports import all_orders, all_orders_xml, claims, performance_v1, performance_v2, posted_defects, seller_feedback
from ingestion.reports.kind import Kind

KINDS: tuple[Kind, ...] = (
    all_orders.KIND,
    all_orders_xml.KIND,
    seller_feedback.KIND,
    performance_v2.KIND,
    performance_v1.KIND,
    claims.KIND,
    posted_defects.KIND,
)

BY_REPORT_TYPE = {name: kind for kind in KINDS for name in kind.report_types}
"""Every name under which a document may be announced."""

UPLOADABLE = tuple(name for kind in KINDS if kind.is_uploaded for name in kind.report_types)
