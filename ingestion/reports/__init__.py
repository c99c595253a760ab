"""Register the report types, one module each.

`report_type` declares what a report type is, `documents` detects the type of a document and reads it, and the
other modules are report types or shared by several of them. The modules `…_csv` read our own layouts.
"""

from ingestion.reports import (
    a_to_z_claims_page,
    account_health_lists,
    all_orders,
    all_orders_xml,
    buyer_messages_csv,
    claims_csv,
    fba_inventory,
    fba_returns,
    fba_shipments,
    feedback_removals_csv,
    merchant_listings,
    mfn_returns,
    mfn_returns_xml,
    orders_with_defects,
    performance_v1,
    performance_v2,
    posted_defects,
    posted_facts,
    returns_csv,
    seller_feedback,
    shipments_csv,
)
from ingestion.reports.report_type import ReportType

REPORT_TYPES: tuple[ReportType, ...] = (
    all_orders.REPORT_TYPE,
    all_orders_xml.REPORT_TYPE,
    performance_v2.REPORT_TYPE,
    performance_v1.REPORT_TYPE,
    mfn_returns.REPORT_TYPE,
    mfn_returns_xml.REPORT_TYPE,
    fba_returns.REPORT_TYPE,
    fba_shipments.REPORT_TYPE,
    merchant_listings.REPORT_TYPE,
    fba_inventory.REPORT_TYPE,
    orders_with_defects.REPORT_TYPE,
    a_to_z_claims_page.REPORT_TYPE,
    *account_health_lists.REPORT_TYPES,
    claims_csv.REPORT_TYPE,
    shipments_csv.REPORT_TYPE,
    buyer_messages_csv.REPORT_TYPE,
    feedback_removals_csv.REPORT_TYPE,
    returns_csv.REPORT_TYPE,
    # The last table: its header may be in any language, so its match is the weakest.
    seller_feedback.REPORT_TYPE,
    posted_defects.REPORT_TYPE,
    posted_facts.REPORT_TYPE,
)

REPORT_TYPE_BY_NAME = {name: report_type for report_type in REPORT_TYPES for name in report_type.names}
"""The report types by each of their names."""

UPLOADABLE_NAMES = tuple(
    name for report_type in REPORT_TYPES if report_type.is_uploaded for name in report_type.names
)
