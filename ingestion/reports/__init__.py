"""The registry: one line per kind of document."""

from ingestion.reports import (
    all_orders,
    all_orders_xml,
    buyer_messages,
    claims,
    fba_returns,
    fba_shipments,
    feedback_removals,
    mfn_returns,
    mfn_returns_xml,
    orders_with_defects,
    performance_v1,
    performance_v2,
    posted_defects,
    returns,
    seller_feedback,
    shipments,
)
from ingestion.reports.kind import Kind

KINDS: tuple[Kind, ...] = (
    all_orders.KIND,
    all_orders_xml.KIND,
    performance_v2.KIND,
    performance_v1.KIND,
    mfn_returns.KIND,
    mfn_returns_xml.KIND,
    fba_returns.KIND,
    fba_shipments.KIND,
    orders_with_defects.KIND,
    claims.KIND,
    shipments.KIND,
    buyer_messages.KIND,
    feedback_removals.KIND,
    returns.KIND,
    seller_feedback.KIND,  # the last table: its header may be in any language, so it is known by less than the others are
    posted_defects.KIND,
)

BY_REPORT_TYPE = {name: kind for kind in KINDS for name in kind.report_types}
"""Every name under which a document may be announced."""

UPLOADABLE = tuple(name for kind in KINDS if kind.is_uploaded for name in kind.report_types)
