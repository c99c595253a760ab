"""Build one row for everything that counts into a metric, with its day and whether it is in the numerator.

A window's denominator is the sum of its rows' units; its numerator is the sum of the counted rows' units.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from tests.recount.judgement import Package
from tests.recount.knowledge import Knowledge
from tests.recount.statements import ELSEWHERE, OrderRow

DEFECTS = {"feedback", "a_to_z_claim", "chargeback"}
CANCELLED_BY_SELLER = {"seller", "unconfirmed"}
INVOICE_MARKETPLACES = {"GB", "DE", "FR", "IT", "ES"}
MFN, BOTH, ALL = ("mfn",), ("mfn", "afn"), ("all",)


@dataclass(frozen=True)
class CountedRow:
    """Store one row. `reference` distinguishes rows of one order; `order_id` is None for messages without an order."""

    marketplace: str
    channel: str
    day: date
    counted: bool
    order_id: str | None
    reference: str = ""
    units: int = 1


def _placed(known: Knowledge, channels: tuple[str, ...]) -> Iterator[OrderRow]:
    """Return the orders of these channels that were placed on Amazon."""
    return (
        order for order in known.orders.values() if order.store != ELSEWHERE and order.channel in channels
    )


def _counted_row(
    order: OrderRow, *, day: date, counted: bool, reference: str = "", units: int = 1
) -> CountedRow:
    return CountedRow(order.store, order.channel, day, counted, order.order_id, reference, units)


def _shipped(known: Knowledge) -> Iterator[tuple[OrderRow, list[Package]]]:
    """Yield the merchant's orders with their packages."""
    for order in _placed(known, MFN):
        packages = [package for package in known.packages if package.order_id == order.order_id]
        if packages:
            yield order, packages


def _first(judged: Sequence[tuple[date | None, bool | None]]) -> date:
    return min(day for day, _ in judged if day)


def _defects_of(kinds: set[str]) -> Callable[[Knowledge], Iterator[CountedRow]]:
    def counted_rows(known: Knowledge) -> Iterator[CountedRow]:
        for order in _placed(known, BOTH):
            if order.status not in known.excluded_statuses or known.has_defect(order.order_id, DEFECTS):
                yield _counted_row(
                    order, day=order.ordered_on, counted=known.has_defect(order.order_id, kinds)
                )

    return counted_rows


def _cancellations(known: Knowledge) -> Iterator[CountedRow]:
    dropped = {
        each.order_id
        for each in known.packages
        if each.cancelled_by in CANCELLED_BY_SELLER and not each.shipped_on
    }
    for order in _placed(known, MFN):
        counted = order.order_id in dropped or known.has_defect(order.order_id, {"cancellation"})
        if counted or order.status not in known.excluded_statuses:
            yield _counted_row(order, day=order.ordered_on, counted=counted)


def unexplained(known: Knowledge) -> Iterator[CountedRow]:
    """Cancelled orders of which nobody says who cancelled.

    `counted`: they are in the cancel rate's denominator already.
    """
    explained = {each.order_id for each in known.packages if each.cancelled_by}
    for order in _placed(known, MFN):
        is_explained = order.order_id in explained or known.has_defect(order.order_id, {"cancellation"})
        if order.status == "Cancelled" and not is_explained:
            yield _counted_row(
                order, day=order.ordered_on, counted="Cancelled" not in known.excluded_statuses
            )


def _unknown_scans(known: Knowledge) -> Iterator[CountedRow]:
    for order, packages in _shipped(known):
        for each in packages:
            if each.shipped_on and each.is_scanned is None:
                yield _counted_row(order, day=each.shipped_on, counted=False)


def _unknown_deliveries(known: Knowledge) -> Iterator[CountedRow]:
    for order, packages in _shipped(known):
        for each in packages:
            is_open = each.is_scanned is None or each.is_on_time is None
            if each.shipped_on and each.deliver_by_on and each.is_scanned is not False and is_open:
                yield _counted_row(
                    order,
                    day=each.deliver_by_on,
                    counted=False,
                    reference=each.package,
                    units=each.units,
                )


def _late_shipments(known: Knowledge) -> Iterator[CountedRow]:
    for order, packages in _shipped(known):
        judged = [(each.ship_by_on, each.is_late) for each in packages if each.shipped_on and each.ship_by_on]
        if judged:
            late = any(is_late for _, is_late in judged) or known.has_defect(
                order.order_id, {"late_shipment"}
            )
            yield _counted_row(order, day=_first(judged), counted=late)


def _scans(known: Knowledge) -> Iterator[CountedRow]:
    for order, packages in _shipped(known):
        for each in packages:
            if each.shipped_on and each.is_scanned is not None:
                counted = each.is_scanned and not known.is_listed(each, "invalid_tracking")
                yield _counted_row(order, day=each.shipped_on, counted=counted, reference=each.package)


def _of_business(
    build_rows: Callable[[Knowledge], Iterator[CountedRow]],
) -> Callable[[Knowledge], Iterator[CountedRow]]:
    """Return the builder of the rows of packages of Amazon Business orders in Germany."""

    def counted_rows(known: Knowledge) -> Iterator[CountedRow]:
        business = {(each.order_id, each.package) for each in known.packages if each.is_business}
        yield from (
            line
            for line in build_rows(known)
            if line.marketplace == "DE" and (line.order_id, line.reference) in business
        )

    return counted_rows


def _deliveries(known: Knowledge) -> Iterator[CountedRow]:
    for order, packages in _shipped(known):
        for each in packages:
            if each.deliver_by_on and each.is_scanned and each.is_on_time is not None:
                yield _counted_row(
                    order,
                    day=each.deliver_by_on,
                    counted=each.is_on_time and not known.is_listed(each, "late_delivery"),
                    reference=each.package,
                    units=each.units,
                )


def _invoices(known: Knowledge) -> Iterator[CountedRow]:
    for order, packages in _shipped(known):
        judged = [
            (each.shipped_on, each.is_invoiced_in_time)
            for each in packages
            if each.is_invoiced_in_time is not None
        ]
        if judged and order.store in INVOICE_MARKETPLACES:
            counted = not all(in_time for _, in_time in judged)
            counted = counted or known.is_order_listed(order.order_id, "invoice_defect")
            yield _counted_row(order, day=_first(judged), counted=counted)


def _messages(known: Knowledge) -> Iterator[CountedRow]:
    for each in known.messages:
        if each.needs_answer and each.is_answered_in_time is not None:
            order_id, in_time = each.order_id or None, each.is_answered_in_time
            yield CountedRow(each.marketplace, "all", each.sent_on, in_time, order_id, each.message_id)


def _dissatisfaction(known: Knowledge) -> Iterator[CountedRow]:
    orders = {order.order_id: order for order in _placed(known, MFN)}
    for each in known.returns:
        if each.order_id in orders and each.is_dissatisfied is not None:
            order = orders[each.order_id]
            yield _counted_row(
                order, day=each.requested_on, counted=each.is_dissatisfied, reference=each.reference
            )


def _returns(known: Knowledge) -> Iterator[CountedRow]:
    returned = {each.order_id for each in known.returns if each.is_return}
    for order in _placed(known, BOTH):
        if order.order_id in returned or order.status not in known.excluded_statuses:
            yield _counted_row(order, day=order.ordered_on, counted=order.order_id in returned)


BUSINESS_OTDR = "business_on_time_delivery_rate"
OPEN_BUILDERS: dict[str, Callable[[Knowledge], Iterator[CountedRow]]] = {
    "pre_fulfillment_cancel_rate": unexplained,
    "valid_tracking_rate": _unknown_scans,
    "on_time_delivery_rate": _unknown_deliveries,
    BUSINESS_OTDR: _of_business(_unknown_deliveries),
}
"""What reports leave open. `counted`: it is in the denominator already."""
BUILDERS: dict[str, Callable[[Knowledge], Iterator[CountedRow]]] = {
    "order_defect_rate": _defects_of(DEFECTS),
    "negative_feedback_rate": _defects_of({"feedback"}),
    "a_to_z_claim_rate": _defects_of({"a_to_z_claim"}),
    "chargeback_rate": _defects_of({"chargeback"}),
    "late_shipment_rate_10d": _late_shipments,
    "late_shipment_rate_30d": _late_shipments,
    "pre_fulfillment_cancel_rate": _cancellations,
    "valid_tracking_rate": _scans,
    "on_time_delivery_rate": _deliveries,
    BUSINESS_OTDR: _of_business(_deliveries),
    "invoice_defect_rate": _invoices,
    "message_response_rate_24h": _messages,
    "return_dissatisfaction_rate": _dissatisfaction,
    "return_rate": _returns,
}
