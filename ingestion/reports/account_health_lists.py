"""Declare Account Health's downloads of late shipments, late deliveries, packages without valid tracking,
premium shipping defects and invoice defects.

Amazon documents the columns of the premium shipping defects and the mark under No Valid Tracking; those of
late deliveries are described by others who read them (see `source`). Those of late shipments are known only
by what they contain, so several spellings are read.
"""

from datetime import date

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import cells
from ingestion.reports.account_health_list import (
    ORDER_ID,
    TRACKING_ID,
    List,
    is_after_due,
    is_marked,
)
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import Column
from metrics.rules.facts import DefectKind

CONFIRMED = "Ship Confirmation Date"
EXPECTED = "Expected Ship Date"
PROMISED = "Promised Delivery Date (without promise extension)"
EXTENDED = "Promised Delivery Date (with promise extension)"
DELIVERED = "Actual Delivery Date"
IS_LATE = "Delivered After Promised Date Without Extension"
UNTRACKED = "No Valid Tracking"
SELLER_CENTRAL = "Seller Central: Account Health"


def _is_delivered_late(texts: cells.Texts, happened: date | None, due: date | None) -> bool:
    # A file without the column lists late deliveries only.
    return is_marked(IS_LATE)(texts, happened, due) if IS_LATE in texts else is_after_due({}, happened, due)


def _has_invoice_defect(texts: cells.Texts, _happened: date | None, _due: date | None) -> bool:
    text = texts["Defect Type"]
    if not any(word in text.lower() for word in ("missing", "late", "invoice")):
        raise InvalidRow(
            f"`Defect Type`: {quote_value(text)} is not valid; expected Missing Invoice or Late Invoice."
        )
    return True


LATE_SHIPMENTS = List(
    name="late_shipments",
    title="Late shipments, Seller Central's download",
    about="Lists the orders whose shipment was confirmed late. They count as late in the late shipment rate as "
    "soon as their shipments are loaded. A row that was confirmed before its day is not a late shipment.",
    kinds={DefectKind.LATE_SHIPMENT: is_after_due},
    columns=(
        ORDER_ID,
        Column(name=EXPECTED, meaning="the day by which the order had to be shipped"),
        Column(name=CONFIRMED, meaning="the day of the ship confirmation"),
    ),
    spellings={
        "expectedshipbydate": EXPECTED,
        "expectedshippingdate": EXPECTED,
        "promisedshipdate": EXPECTED,
        "shipbydate": EXPECTED,
        "latestshipdate": EXPECTED,
        "shipconfirmdate": CONFIRMED,
        "shipmentconfirmationdate": CONFIRMED,
        "confirmedshipdate": CONFIRMED,
        "actualshipdate": CONFIRMED,
    },
    matched_by=((EXPECTED,), (CONFIRMED,)),
    happened=(CONFIRMED,),
    due=(EXPECTED,),
    example="Order ID,Order Date,Expected Ship Date,Ship Confirmation Date\n"
    '112-1234567-1234567,"Jul 1, 2025","Jul 2, 2025","Jul 4, 2025"\n',
    source=f"{SELLER_CENTRAL}, Late Shipment Rate; https://cajari.com/reports/late-shipment-rate",
)
LATE_DELIVERIES = List(
    name="late_deliveries",
    title="Late deliveries, Seller Central's download",
    about="Lists the packages that were delivered late. They count as late in the on-time delivery rate as soon "
    "as the packages are loaded with a report of shipments.",
    kinds={DefectKind.LATE_DELIVERY: _is_delivered_late},
    columns=(
        ORDER_ID,
        TRACKING_ID,
        Column(name=PROMISED, meaning="the day that decides"),
        Column(name=EXTENDED, meaning="the day that the buyer saw; it does not decide"),
        Column(name=DELIVERED, meaning="the day of the delivery"),
        Column(name=IS_LATE, meaning="yes if the delivery was late; without the column, every row is late"),
    ),
    spellings={
        "promiseddeliverydate": PROMISED,
        "promiseddeliverydatewithoutextension": PROMISED,
        "promiseddeliverydatewithoutpromiseextensions": PROMISED,
        "promiseddeliverydatewithextension": EXTENDED,
        "promiseddeliverydatewithpromiseextensions": EXTENDED,
        "deliveredafterpromiseddatewithoutpromiseextension": IS_LATE,
        "deliveredafterpromiseddatewithoutpromiseextensions": IS_LATE,
        "deliveredafterpromiseddeliverydatewithoutextension": IS_LATE,
        "deliveredafterpromiseddeliverydatewithoutpromiseextension": IS_LATE,
        "trackingnumber": TRACKING_ID.name,
    },
    matched_by=((DELIVERED,), (PROMISED, EXTENDED, IS_LATE)),
    happened=(DELIVERED,),
    due=(PROMISED,),
    example="Order ID,SKU,Unit Count,Order Date,Ship Confirmation Date,Promised Delivery Date (without promise "
    "extension),Actual Delivery Date,Delivered After Promised Date Without Extension\n"
    "112-1234567-1234567,PAD-12,1,2025-07-01,2025-07-02,2025-07-06,2025-07-08,YES\n",
    source=f"{SELLER_CENTRAL}, On-Time Delivery Rate; https://cajari.com/?p=1444; Seller Central help 200847280",
)
INVALID_TRACKING = List(
    name="packages_without_valid_tracking",
    title="Packages without valid tracking, Seller Central's download",
    about="Lists packages, and marks those without valid tracking. A marked package counts as not tracked in the "
    "valid tracking rate as soon as it is loaded with a report of shipments.",
    kinds={DefectKind.INVALID_TRACKING: is_marked(UNTRACKED)},
    columns=(
        ORDER_ID,
        TRACKING_ID,
        Column(name=CONFIRMED, meaning="the day of the ship confirmation"),
        Column(
            name=UNTRACKED, meaning="x for a package without valid tracking, otherwise empty", needed=True
        ),
    ),
    spellings={
        "trackingnumber": TRACKING_ID.name,
        "shipconfirmdate": CONFIRMED,
        "shipdate": CONFIRMED,
    },
    matched_by=((UNTRACKED,),),
    happened=(CONFIRMED,),
    example="Order ID\tTracking ID\tCarrier Name\tShip Method\tShip Confirmation Date\tCategory\tNo Valid Tracking\n"
    "112-1234567-1234567\t9400100000000000000001\tUSPS\tFirst Class\t2025-07-02\tHome\tX\n"
    "112-7654321-7654321\t9400100000000000000002\tUSPS\tFirst Class\t2025-07-02\tHome\t\n",
    source=f"{SELLER_CENTRAL}, Valid Tracking Rate; Seller Central help 202014610",
)
PREMIUM_SHIPPING = List(
    name="premium_shipping_defects",
    title="Premium shipping defects, Seller Central's download",
    about="Lists the orders with premium shipping that were late, cancelled by the seller or without valid "
    "tracking. Premium shipping has no metric of its own here: the rows count into the on-time delivery rate, "
    "the cancellation rate and the valid tracking rate.",
    kinds={
        DefectKind.LATE_DELIVERY: is_marked("Late Delivery"),
        DefectKind.CANCELLATION: is_marked("Seller Cancelled"),
        DefectKind.INVALID_TRACKING: is_marked("Invalid Tracking"),
    },
    columns=(
        ORDER_ID,
        TRACKING_ID,
        Column(name="Promised Delivery Date", meaning="the day promised to the buyer"),
        Column(name="Clock Stop Date", meaning="the day of the first delivery attempt"),
        *(
            Column(name=name, meaning="x if the order missed this, otherwise empty")
            for name in ("Late Delivery", "Seller Cancelled", "Invalid Tracking")
        ),
    ),
    spellings={"sellercanceled": "Seller Cancelled", "trackingnumber": TRACKING_ID.name},
    matched_by=(("Late Delivery",), ("Seller Cancelled", "Invalid Tracking")),
    happened=("Clock Stop Date",),
    due=("Promised Delivery Date",),
    warning="Premium shipping has no metric of its own. The rows were read as late deliveries, cancellations by "
    "the seller and packages without valid tracking.",
    example="Order ID,Order Date,Tracking ID,Promised Delivery Date,Clock Stop Date,Late Delivery,Seller "
    "Cancelled,Invalid Tracking\n"
    "112-1234567-1234567,2025-07-01,9400100000000000000001,2025-07-03,2025-07-05,X,,\n",
    source=f"{SELLER_CENTRAL}, Premium Shipping Eligibility; Seller Central help H7N74XKU6CEEEJC",
)
INVOICE_DEFECTS = List(
    name="invoice_defects",
    title="Invoice defects, Seller Central's download",
    about="Lists the business orders without an invoice in time. They count in the invoice defect rate as soon "
    "as their shipments are loaded.",
    kinds={DefectKind.INVOICE_DEFECT: _has_invoice_defect},
    columns=(
        ORDER_ID,
        Column(name="Ship Date UTC", meaning="the day of the shipment"),
        Column(name="Defect Type", meaning="Missing Invoice or Late Invoice", needed=True),
    ),
    spellings={"shipdate": "Ship Date UTC", "shipmentdate": "Ship Date UTC"},
    matched_by=(("Defect Type",), ("Ship Date UTC",)),
    happened=("Ship Date UTC",),
    example="Shipment ID,Order ID,Ship Date UTC,Defect Type,Defect Reason\n"
    "Dx1Yz2Ab3,302-1234567-1234567,2025-07-02,Missing Invoice,Not uploaded\n",
    source=f"{SELLER_CENTRAL}, Invoice Defect Rate; https://oliverpiroska.wixsite.com",
)
REPORT_TYPES = tuple(
    each.report_type()
    for each in (LATE_DELIVERIES, INVALID_TRACKING, PREMIUM_SHIPPING, INVOICE_DEFECTS, LATE_SHIPMENTS)
)
