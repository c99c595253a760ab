"""Read our CSV of shipments, for which Amazon has no feed: deadlines, ship confirmation, first scan and
delivery of packages.

metrics/rules/shipments.py decides whether a package was late or on time.
"""

from collections.abc import Sequence

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import cells, headers
from ingestion.reports.cells import Row
from ingestion.reports.report_type import (
    OWN_LAYOUT,
    Column,
    ParseContext,
    ReportType,
    RowParser,
)
from metrics.rules import shipments
from metrics.rules.day_or_time import DayOrTime
from metrics.rules.facts import Canceller, ShipmentFact

NAME = "shipments"
MAX_UNITS = 100_000
MAX_CARRIER_LENGTH = 40
CANCELLERS = tuple(canceller.value for canceller in Canceller)
COLUMNS = (
    Column(name="order_id", meaning="Amazon's order ID", needed=True),
    Column(
        name="package",
        meaning="distinguishes several packages of one order; default: the tracking number; without either, a "
        "second row of the order that states something else at the same time is rejected",
    ),
    Column(name="tracking_number", meaning="the carrier's tracking number"),
    Column(
        name="carrier",
        meaning="the carrier, such as DHL; upper and lower case are equal; at most 40 characters",
    ),
    Column(name="carrier_service", meaning="the carrier's service, such as Paket; at most 40 characters"),
    Column(name="units", meaning="number of items in the package; default: 1"),
    Column(name="ship_by", meaning="day or time by which the package must be shipped"),
    Column(name="shipped_at", meaning="day or time of the ship confirmation"),
    Column(name="first_scan_at", meaning="day or time of the carrier's first scan"),
    Column(name="deliver_by", meaning="day or time by which the package must be delivered"),
    Column(name="delivered_at", meaning="day or time of the delivery"),
    Column(name="business_order", meaning="yes or no: whether the order is an Amazon Business order"),
    Column(name="invoiced_at", meaning="day or time of the upload of the invoice"),
    Column(
        name="cancelled_by",
        meaning=(
            "`buyer`, `seller`, `amazon`, or `unconfirmed` (Amazon cancelled because the shipment was "
            "not confirmed in time)"
        ),
    ),
    Column(
        name="updated_at",
        meaning="the time this row describes, ISO 8601 with an offset; default: when the report was received",
    ),
)
EVENT_COLUMNS = (
    "ship-by",
    "shipped-at",
    "first-scan-at",
    "deliver-by",
    "delivered-at",
    "invoiced-at",
    "cancelled-by",
)
EXAMPLE = """\
order_id,package,units,ship_by,shipped_at,first_scan_at,deliver_by,delivered_at,cancelled_by,updated_at
302-1234567-1234567,1,2,2025-07-02,2025-07-02T15:10:00+02:00,2025-07-02T19:44:00+02:00,2025-07-05,2025-07-04,,2025-07-06T08:00:00Z
302-7654321-7654321,,1,2025-07-03,,,2025-07-07,,seller,2025-07-06T08:00:00Z
"""


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_row_reader(header, COLUMNS, parse_context, report_type=NAME)
    if not matches(header, ()):
        raise RejectedDocument(
            "columns-missing",
            "Columns are missing",
            f"A {NAME} report needs at least one of {', '.join(EVENT_COLUMNS)}.",
        )
    return lambda row: build_fact(read(row))


def build_fact(row: Row) -> ShipmentFact:
    """Return the package of a row. Raises InvalidRow."""
    order = row.order_id()
    ship_by, shipped, scanned = row.deadline("ship_by"), row.past("shipped_at"), row.past("first_scan_at")
    deliver_by, delivered = row.deadline("deliver_by"), row.past("delivered_at")
    cells.require_order(("shipped_at", shipped), ("delivered_at", delivered))
    stated_at, as_of = row.statement_time()
    # Missing information is unknown (ADR 5): without a column for scans, a package is not one without a scan.
    has_deliveries = row.has_any_column("delivered_at")
    has_scan_data = shipped is not None and (has_deliveries or row.has_any_column("first_scan_at"))
    return ShipmentFact(
        order_id=order,
        package=row.text("package") or row.text("tracking_number"),
        units=row.whole_number("units", max_value=MAX_UNITS),
        ship_by_on=ship_by and ship_by.day,
        shipped_on=shipped and shipped.day,
        is_late=shipments.is_late(shipped=shipped, ship_by=ship_by),
        # A delivered package was scanned, even if its first scan is not in the file.
        is_scanned=bool(scanned or delivered) if has_scan_data else None,
        deliver_by_on=deliver_by and deliver_by.day,
        delivered_on=delivered and delivered.day,
        is_on_time=(
            shipments.is_on_time(delivered=delivered, deliver_by=deliver_by, as_of=as_of)
            if has_deliveries
            else None
        ),
        is_invoiced_in_time=_is_invoiced_in_time(row, shipped, as_of),
        cancelled_by=row.choice("cancelled_by", CANCELLERS),
        is_business=row.flag("business_order"),
        stated_at=stated_at,
        carrier=_words(row, "carrier"),
        service=_words(row, "carrier_service"),
    )


def _words(row: Row, name: str) -> str:
    """Return the cell with single blanks, cut to what is stored: a long name must not cost the row."""
    return " ".join(row.texts.get(name, "").split())[:MAX_CARRIER_LENGTH]


def _is_invoiced_in_time(row: Row, shipped: DayOrTime | None, as_of: DayOrTime) -> bool | None:
    """Return the verdict on a business order; None for other orders, and if the file has no invoices."""
    is_business, invoiced = row.flag("business_order"), row.past("invoiced_at")
    if not is_business or not row.has_any_column("invoiced_at"):
        return None
    return shipments.is_invoiced_in_time(shipped=shipped, invoiced=invoiced, as_of=as_of)


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return headers.has_columns(header, "order-id") and headers.has_any_column(header, EVENT_COLUMNS)


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Shipments, CSV",
    fact_types=(ShipmentFact,),
    dialect="csv",
    matches=matches,
    build_parser=build_parser,
    about="Lists the packages of seller-fulfilled orders, and states who cancelled an order. The report "
    "provides the data for late shipments, cancellations, valid tracking, on-time delivery and "
    "invoices. A file needs order_id and at least one other column.",
    columns=COLUMNS,
    example=EXAMPLE,
    source=OWN_LAYOUT,
    tell_apart={
        ShipmentFact: "`package`: an earlier row of this order has no package or tracking number either, and states "
        "something else; tell packages apart with `package` or `tracking_number`, or order the rows by `updated_at`."
    },
)
