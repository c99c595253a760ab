"""Judge what a statement means. None means not known, or not decided yet.

`at` is the time of the statement; `columns` is its header: a missing column states nothing, and an empty cell states
that the event has not happened.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.recount.cells import Cell, day_of, exceeds, is_later, next_business_day
from tests.recount.statements import MessageRow, ReturnRow, ShipmentRow

A_DAY, TWO_DAYS = timedelta(days=1), timedelta(days=2)
NO_RETURN = {"cancelled", "canceled", "declined", "denied", "rejected"}
HANDLING_COLUMNS = {"answered_at", "negative_feedback", "wrongly_rejected"}


@dataclass(frozen=True)
class Package:
    """Store the judged facts of one package."""

    order_id: str
    package: str
    units: int
    ship_by_on: date | None
    shipped_on: date | None
    is_late: bool | None
    is_scanned: bool | None
    deliver_by_on: date | None
    is_on_time: bool | None
    is_invoiced_in_time: bool | None
    cancelled_by: str
    is_business: bool
    carrier: str


@dataclass(frozen=True)
class ReturnItem:
    """Store an item of a return request, with its reason in the spelling of both channels."""

    order_id: str
    reference: str
    sku: str
    reason_code: str


@dataclass(frozen=True)
class Return:
    """Store the judged facts of one return request."""

    order_id: str
    reference: str
    requested_on: date
    is_return: bool
    is_dissatisfied: bool | None


@dataclass(frozen=True)
class Message:
    """Store the judged facts of one message."""

    message_id: str
    order_id: str
    marketplace: str
    sent_on: date
    needs_answer: bool
    is_answered_in_time: bool | None


def package(row: ShipmentRow, *, columns: frozenset[str], at: datetime) -> Package:
    return Package(
        order_id=row.order_id,
        package=name_of(row),
        units=row.units or 1,
        ship_by_on=_day(row.ship_by),
        shipped_on=_day(row.shipped_at),
        is_late=is_later(row.shipped_at, row.ship_by) if row.shipped_at and row.ship_by else None,
        is_scanned=is_scanned(row, columns),
        deliver_by_on=_day(row.deliver_by),
        is_on_time=is_on_time(row, columns, at),
        is_invoiced_in_time=is_invoiced_in_time(row, columns, at),
        cancelled_by=row.cancelled_by,
        is_business=bool(row.business_order),
        carrier=" ".join(row.carrier.upper().split()) if "carrier" in columns else "",
    )


def judged_kinds(package: Package) -> dict[str, bool]:
    """Return, by kind of Amazon's lists, whether the package is in the denominator of its metric."""
    is_promised = bool(package.deliver_by_on and package.is_scanned and package.is_on_time is not None)
    return {
        "late_delivery": is_promised,
        "invalid_tracking": bool(package.shipped_on and package.is_scanned is not None),
        "invoice_defect": bool(package.shipped_on and package.is_invoiced_in_time is not None),
    }


def name_of(row: ShipmentRow) -> str:
    """Return what identifies a package within its order."""
    return row.package or row.tracking_number


def is_scanned(row: ShipmentRow, columns: frozenset[str]) -> bool | None:
    """Return whether a carrier scanned the package."""
    if not row.shipped_at or not columns & {"first_scan_at", "delivered_at"}:
        return None
    return bool(row.first_scan_at or row.delivered_at)


def is_on_time(row: ShipmentRow, columns: frozenset[str], at: datetime) -> bool | None:
    """Return whether it was delivered by the promised day. An undelivered package is late after it, if the
    report states deliveries."""
    if not row.deliver_by or "delivered_at" not in columns:
        return None
    if row.delivered_at:
        return not is_later(row.delivered_at, row.deliver_by)
    return False if is_later(at, row.deliver_by) else None


def is_invoiced_in_time(row: ShipmentRow, columns: frozenset[str], at: datetime) -> bool | None:
    """Return whether a business order was invoiced by the next business day after shipping."""
    if not row.business_order or not row.shipped_at or "invoiced_at" not in columns:
        return None
    last = next_business_day(day_of(row.shipped_at))
    if row.invoiced_at:
        return day_of(row.invoiced_at) <= last
    return False if day_of(at) > last else None


def returned(row: ReturnRow, *, columns: frozenset[str], at: datetime) -> Return:
    return Return(
        order_id=row.order_id,
        reference=row.reference,
        requested_on=day_of(row.requested_at),
        is_return=row.state not in NO_RETURN,
        is_dissatisfied=is_dissatisfied(row, columns, at),
    )


def is_dissatisfied(row: ReturnRow, columns: frozenset[str], at: datetime) -> bool | None:
    """Return whether the buyer complained, was wrongly rejected, or waited more than 48 hours for an answer."""
    if not columns & HANDLING_COLUMNS:
        return None
    if row.negative_feedback or row.wrongly_rejected:
        return True
    if "answered_at" not in columns:
        return False
    if exceeds(TWO_DAYS, since=row.requested_at, until=row.answered_at or at):
        return True
    return False if row.answered_at else None


def message(row: MessageRow, *, at: datetime) -> Message:
    return Message(
        message_id=row.message_id,
        order_id=row.order_id,
        marketplace=row.marketplace,
        sent_on=day_of(row.received_at),
        needs_answer=not row.no_response_needed,
        is_answered_in_time=is_answered_in_time(row, at),
    )


def is_answered_in_time(row: MessageRow, at: datetime) -> bool | None:
    """Return whether it was answered within 24 hours, including weekends. An unanswered message is late after
    them."""
    if exceeds(A_DAY, since=row.received_at, until=row.answered_at or at):
        return False
    return True if row.answered_at else None


def _day(cell: Cell | None) -> date | None:
    return day_of(cell) if cell else None


def return_item(row: ReturnRow) -> ReturnItem:
    """Return the item of a row, which may be none. A reason is a code, or unknown."""
    return ReturnItem(row.order_id, row.reference, row.sku, reason_code(row.reason_code))


def reason_code(text: str) -> str:
    """Return a reason as FBA reports write it. Words with blanks are no code."""
    return "" if " " in text else text.upper().removeprefix("CR-")
