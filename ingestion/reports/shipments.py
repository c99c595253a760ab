"""Read our CSV of shipments, for which Amazon has no feed: deadlines, ship confirmation, first scan and
delivery of packages.

Two times are compared exactly. If either is a whole day, days are compared.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import cells
from ingestion.reports.cells import DayOrTime, Row
from ingestion.reports.report_type import (
    OWN_LAYOUT,
    Column,
    ParseContext,
    ReportType,
    RowParser,
    normalize_column,
)
from metrics.rules.facts import Canceller, ShipmentFact

NAME = "shipments"
MAX_UNITS = 100_000
FRIDAY = 4
CANCELLERS = tuple(canceller.value for canceller in Canceller)
COLUMNS = (
    Column(name="order_id", meaning="Amazon's order ID", needed=True),
    Column(
        name="package", meaning="distinguishes several packages of one order; default: the tracking number"
    ),
    Column(name="tracking_number", meaning="the carrier's tracking number"),
    Column(name="units", meaning="number of items in the package; default: 1"),
    Column(name="ship_by", meaning="day or time by which the package must be shipped"),
    Column(name="shipped_at", meaning="day or time of the ship confirmation"),
    Column(name="first_scan_at", meaning="day or time of the carrier's first scan"),
    Column(name="deliver_by", meaning="day or time by which the package must be delivered"),
    Column(name="delivered_at", meaning="day or time of the delivery"),
    Column(name="business_order", meaning="yes or no: an Amazon Business order"),
    Column(name="invoiced_at", meaning="day or time the invoice was uploaded"),
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
    has_scan_data = shipped is not None and row.has_any_column("first_scan_at", "delivered_at")
    return ShipmentFact(
        order_id=order,
        package=row.text("package") or row.text("tracking_number"),
        units=row.whole_number("units", max_value=MAX_UNITS),
        ship_by_on=ship_by and ship_by.day,
        shipped_on=shipped and shipped.day,
        is_late=shipped.is_after(ship_by) if shipped and ship_by else None,
        # A delivered package was scanned, even if its first scan is not in the file.
        is_scanned=bool(scanned or delivered) if has_scan_data else None,
        deliver_by_on=deliver_by and deliver_by.day,
        delivered_on=delivered and delivered.day,
        is_on_time=_is_on_time(row, deliver_by, delivered, as_of),
        is_invoiced_in_time=_is_invoiced_in_time(row, shipped, as_of),
        cancelled_by=row.choice("cancelled_by", CANCELLERS),
        stated_at=stated_at,
    )


def _is_on_time(
    row: Row, deliver_by: DayOrTime | None, delivered: DayOrTime | None, as_of: DayOrTime
) -> bool | None:
    """Return whether the package was delivered in time.

    None before the deadline, or if the file has no deliveries.
    """
    if deliver_by is None or not row.has_any_column("delivered_at"):
        return None
    if delivered is not None:
        return not delivered.is_after(deliver_by)
    return False if as_of.is_after(deliver_by) else None


def _is_invoiced_in_time(row: Row, shipped: DayOrTime | None, as_of: DayOrTime) -> bool | None:
    """Return whether the invoice was uploaded within one business day after shipment; None while that is
    open.
    """
    is_business, invoiced = row.flag("business_order"), row.past("invoiced_at")
    if not is_business or shipped is None or not row.has_any_column("invoiced_at"):
        return None
    # Business days are Monday to Friday (Seller Central help 44QSYRCU27EW4UK).
    last = next_business_day(shipped.day)
    if invoiced is not None:
        return invoiced.day <= last
    return False if as_of.day > last else None


def next_business_day(day: date) -> date:
    """Return the next day from Monday to Friday."""
    following = day + timedelta(days=1)
    return following if following.weekday() <= FRIDAY else following + timedelta(days=7 - following.weekday())


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    names = {normalize_column(cell) for cell in header}
    return "order-id" in names and not names.isdisjoint(EVENT_COLUMNS)


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Shipments, CSV",
    fact_types=(ShipmentFact,),
    dialect="csv",
    matches=matches,
    build_parser=build_parser,
    about="Packages of seller-fulfilled orders, and who cancelled an order. Used for late shipments, "
    "cancellations, valid "
    "tracking, on-time delivery and invoices. A file needs order_id and at least one other column.",
    columns=COLUMNS,
    example=EXAMPLE,
    source=OWN_LAYOUT,
)
