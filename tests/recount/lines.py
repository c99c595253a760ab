"""One line of a spreadsheet for everything that counts into a metric: on which day, and whether it is in the
numerator.

A window's denominator is the sum of its lines' units, its numerator that of its counted lines.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from tests.recount.judging import Package
from tests.recount.knowledge import Knowledge
from tests.recount.statements import ELSEWHERE, OrderRow

DEFECTS = {"feedback", "a_to_z_claim", "chargeback"}
BY_THE_SELLER = {"seller", "unconfirmed"}
HOMES_OF_INVOICES = {"GB", "DE", "FR", "IT", "ES"}
MFN, BOTH, ALL = ("mfn",), ("mfn", "afn"), ("all",)


@dataclass(frozen=True)
class Line:
    """`reference` tells several lines of one order apart; `order_id` is None where nobody ordered."""

    marketplace: str
    channel: str
    day: date
    counted: bool
    order_id: str | None
    reference: str = ""
    units: int = 1


def _placed(known: Knowledge, channels: tuple[str, ...]) -> Iterator[OrderRow]:
    """The orders of these channels that were placed on Amazon."""
    return (
        order for order in known.orders.values() if order.store != ELSEWHERE and order.channel in channels
    )


def _line(order: OrderRow, *, day: date, counted: bool, reference: str = "", units: int = 1) -> Line:
    return Line(order.store, order.channel, day, counted, order.order_id, reference, units)


def _shipped(known: Knowledge) -> Iterator[tuple[OrderRow, list[Package]]]:
    """The merchant's orders with what is said of their packages."""
    for order in _placed(known, MFN):
        packages = [package for package in known.packages if package.order_id == order.order_id]
        if packages:
            yield order, packages


def _first(judged: Sequence[tuple[date | None, bool | None]]) -> date:
    return min(day for day, _ in judged if day)


def _defects_of(kinds: set[str]) -> Callable[[Knowledge], Iterator[Line]]:
    def lines(known: Knowledge) -> Iterator[Line]:
        for order in _placed(known, BOTH):
            if order.status not in known.left_out or known.has_defect(order.order_id, DEFECTS):
                yield _line(order, day=order.ordered_on, counted=known.has_defect(order.order_id, kinds))

    return lines


def _cancellations(known: Knowledge) -> Iterator[Line]:
    dropped = {
        each.order_id for each in known.packages if each.cancelled_by in BY_THE_SELLER and not each.shipped_on
    }
    for order in _placed(known, MFN):
        counted = order.order_id in dropped or known.has_defect(order.order_id, {"cancellation"})
        if counted or order.status not in known.left_out:
            yield _line(order, day=order.ordered_on, counted=counted)


def unexplained(known: Knowledge) -> Iterator[Line]:
    """Cancelled orders of which nobody says who cancelled.

    `counted`: they are in the cancel rate's denominator already.
    """
    explained = {each.order_id for each in known.packages if each.cancelled_by}
    for order in _placed(known, MFN):
        is_explained = order.order_id in explained or known.has_defect(order.order_id, {"cancellation"})
        if order.status == "Cancelled" and not is_explained:
            yield _line(order, day=order.ordered_on, counted="Cancelled" not in known.left_out)


def _late_shipments(known: Knowledge) -> Iterator[Line]:
    for order, packages in _shipped(known):
        judged = [(each.ship_by_on, each.is_late) for each in packages if each.shipped_on and each.ship_by_on]
        if judged:
            late = any(is_late for _, is_late in judged) or known.has_defect(
                order.order_id, {"late_shipment"}
            )
            yield _line(order, day=_first(judged), counted=late)


def _scans(known: Knowledge) -> Iterator[Line]:
    for order, packages in _shipped(known):
        for each in packages:
            if each.shipped_on and each.is_scanned is not None:
                yield _line(order, day=each.shipped_on, counted=each.is_scanned, reference=each.package)


def _deliveries(known: Knowledge) -> Iterator[Line]:
    for order, packages in _shipped(known):
        for each in packages:
            if each.deliver_by_on and each.is_scanned and each.is_on_time is not None:
                units = each.units if order.store == "US" else 1
                yield _line(
                    order,
                    day=each.deliver_by_on,
                    counted=each.is_on_time,
                    reference=each.package,
                    units=units,
                )


def _invoices(known: Knowledge) -> Iterator[Line]:
    for order, packages in _shipped(known):
        judged = [
            (each.shipped_on, each.is_invoiced_in_time)
            for each in packages
            if each.is_invoiced_in_time is not None
        ]
        if judged and order.store in HOMES_OF_INVOICES:
            yield _line(order, day=_first(judged), counted=not all(in_time for _, in_time in judged))


def _messages(known: Knowledge) -> Iterator[Line]:
    for each in known.messages:
        if each.needs_answer and each.is_answered_in_time is not None:
            order_id, in_time = each.order_id or None, each.is_answered_in_time
            yield Line(each.marketplace, "all", each.sent_on, in_time, order_id, each.message_id)


def _dissatisfaction(known: Knowledge) -> Iterator[Line]:
    orders = {order.order_id: order for order in _placed(known, MFN)}
    for each in known.returns:
        if each.order_id in orders and each.is_dissatisfied is not None:
            order = orders[each.order_id]
            yield _line(order, day=each.requested_on, counted=each.is_dissatisfied, reference=each.reference)


def _returns(known: Knowledge) -> Iterator[Line]:
    returned = {each.order_id for each in known.returns if each.is_return}
    for order in _placed(known, BOTH):
        if order.order_id in returned or order.status not in known.left_out:
            yield _line(order, day=order.ordered_on, counted=order.order_id in returned)


LINES_OF: dict[str, Callable[[Knowledge], Iterator[Line]]] = {
    "order_defect_rate": _defects_of(DEFECTS),
    "negative_feedback_rate": _defects_of({"feedback"}),
    "a_to_z_claim_rate": _defects_of({"a_to_z_claim"}),
    "chargeback_rate": _defects_of({"chargeback"}),
    "late_shipment_rate_10d": _late_shipments,
    "late_shipment_rate_30d": _late_shipments,
    "pre_fulfillment_cancel_rate": _cancellations,
    "valid_tracking_rate": _scans,
    "on_time_delivery_rate": _deliveries,
    "invoice_defect_rate": _invoices,
    "message_response_rate_24h": _messages,
    "return_dissatisfaction_rate": _dissatisfaction,
    "return_rate": _returns,
}
