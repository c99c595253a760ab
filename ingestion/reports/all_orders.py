"""Read GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL: one row for each order item of the seller's
region.

Columns are found by name, because layouts with 29, 32, 33 and more columns exist. Times are ISO 8601 with an
offset.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter

from accounts.marketplaces import CODE_OF_SALES_CHANNEL, NON_AMAZON
from ingestion.parsing.rejections import InvalidRow
from ingestion.parsing.tabular import clean_cell
from ingestion.reports import headers, items, multi_channel
from ingestion.reports.cells import name_column, row_is_short
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import (
    ORDER_ID,
    Column,
    ParseContext,
    ReportType,
    RowParser,
    invalid_order_id,
    parse_time,
)
from metrics.rules.facts import Channel, OrderFact, OrderStatus

NAME = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
SOURCE = "https://developer-docs.amazon.com/sp-api/docs/order-reports-attributes"
COLUMNS = (
    Column(
        name="amazon-order-id",
        meaning="Amazon's order ID; an order with several items has several rows",
        needed=True,
    ),
    Column(name="purchase-date", meaning="when the order was placed, ISO 8601 with an offset", needed=True),
    Column(
        name="last-updated-date",
        meaning="when the order last changed; the newest row of an order wins",
        needed=True,
    ),
    Column(
        name="order-status",
        meaning="one of Pending, Unshipped, Shipping, Shipped, Complete, Cancelled",
        needed=True,
    ),
    Column(
        name="fulfillment-channel", meaning="Amazon (channel `afn`) or Merchant (channel `mfn`)", needed=True
    ),
    Column(
        name="sales-channel",
        meaning="the store, such as Amazon.de; Non-Amazon orders are set apart: they count in no metric",
        needed=True,
    ),
)
NAMES = tuple(column.name for column in COLUMNS)
EXAMPLE = (
    "amazon-order-id\tpurchase-date\tlast-updated-date\torder-status\tfulfillment-channel\tsales-channel\tproduct-name\tsku\n"
    "302-1234567-1234567\t2025-07-01T09:15:00+00:00\t2025-07-02T15:10:00+00:00\tShipped\tMerchant\tAmazon.de\tBecher\tCUP-BLUE\n"
    "302-7654321-7654321\t2025-07-03T20:02:11+00:00\t2025-07-03T21:00:00+00:00\tCancelled\tMerchant\tAmazon.de\tBecher\tCUP-RED\n"
)
CHANNELS = {
    "amazon": Channel.AFN.value,
    "afn": Channel.AFN.value,
    "merchant": Channel.MFN.value,
    "mfn": Channel.MFN.value,
    "seller": Channel.MFN.value,
    # The words of inventory reports for the same.
    "amazon_na": Channel.AFN.value,
    "amazon_eu": Channel.AFN.value,
    "amazon_fe": Channel.AFN.value,
    "amazon_jp": Channel.AFN.value,
    "amazon_in": Channel.AFN.value,
    "default": Channel.MFN.value,
}
STATUSES = {
    "pending": OrderStatus.PENDING,
    "pendingavailability": OrderStatus.PENDING,
    "unshipped": OrderStatus.UNSHIPPED,
    "invoiceunconfirmed": OrderStatus.UNSHIPPED,
    "partiallyshipped": OrderStatus.PARTIALLY_SHIPPED,
    "shipping": OrderStatus.PARTIALLY_SHIPPED,
    "shipped": OrderStatus.SHIPPED,
    "complete": OrderStatus.SHIPPED,
    "cancelled": OrderStatus.CANCELLED,
    "canceled": OrderStatus.CANCELLED,
    # Where a package of Easy Ship is. The order was shipped when the carrier picked it up.
    "pendingschedule": OrderStatus.UNSHIPPED,
    "pendingpickup": OrderStatus.UNSHIPPED,
    "pendingdropoff": OrderStatus.UNSHIPPED,
    "waitingforpickup": OrderStatus.UNSHIPPED,
    "labelcanceled": OrderStatus.UNSHIPPED,
    "pickedup": OrderStatus.SHIPPED,
    "droppedoff": OrderStatus.SHIPPED,
    "atoriginfc": OrderStatus.SHIPPED,
    "atdestinationfc": OrderStatus.SHIPPED,
    "outfordelivery": OrderStatus.SHIPPED,
    "delivered": OrderStatus.SHIPPED,
    "deliveredtobuyer": OrderStatus.SHIPPED,
    "rejectedbybuyer": OrderStatus.SHIPPED,
    "undeliverable": OrderStatus.SHIPPED,
    "returningtoseller": OrderStatus.SHIPPED,
    "returnedtoseller": OrderStatus.SHIPPED,
    "damaged": OrderStatus.SHIPPED,
}
ACCEPTED_STATUSES = "Pending, Unshipped, Shipping, Shipped, Complete, Cancelled"
NO_LETTER = re.compile("[^a-z]+")
is_order_id = ORDER_ID.fullmatch


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    # One call for all six cells: these are the largest reports, and this runs once for every row.
    places = headers.find_columns(header, NAMES, report_type=NAME)
    pick, width = itemgetter(*places), max(places) + 1
    at = partial(parse_time, latest=parse_context.latest)
    read_item = items.build_reader(header)

    def parse(cells: list[str]) -> OrderFact:
        if len(cells) < width:
            raise row_is_short(cells, header)
        item = read_item(cells)
        try:
            return build_fact(*pick(cells), item=item, at=at)
        except InvalidRow:
            # Only now, because almost every cell is clean, and one that is not is no valid value.
            return build_fact(*map(clean_cell, pick(cells)), item=item, at=at)

    return parse


def build_fact(  # noqa: PLR0913  the texts of a row, in the order of its columns
    order: str,
    ordered: str,
    updated: str,
    status: str,
    fulfilment: str,
    store: str,
    *,
    at: Callable[[str], datetime],
    names: Sequence[str] = NAMES,
    item: items.OrderItem = items.NO_ITEM,
) -> OrderFact:
    """Return the order fact of these texts, which are alike in every all-orders report, and of an item.

    `names` are those of the six columns, for reasons. Raises SetApart for a multi-channel order, otherwise
    InvalidRow.
    """
    marketplace = CODE_OF_SALES_CHANNEL.get(store.lower())
    # Before anything else: rows of other shops are not complete by Amazon's rules, and nobody can correct them.
    if marketplace is None and multi_channel.is_store(store):
        if is_order_id(order):
            raise multi_channel.SetApart(order, _moved_out(order, ordered, updated, status, fulfilment, at))
        raise multi_channel.SetApart(order)
    if not is_order_id(order):
        if multi_channel.is_order_id(order):
            raise multi_channel.SetApart(order)
        raise InvalidRow(f"`{names[0]}`: {invalid_order_id(order)}")
    if marketplace is None:
        raise InvalidRow(
            f"`{names[5]}`: {quote_value(store)} is not a known Amazon store; expected e.g. Amazon.de."
        )
    channel, known_status = _channel(fulfilment, names[4]), _status(status, names[3])
    try:
        ordered_at, updated_at = at(ordered), at(updated)
    except InvalidRow:
        # Only now, because the name of the column costs time.
        name_column(names[1], at, ordered)
        name_column(names[2], at, updated)
        raise
    return OrderFact(order, marketplace, channel, known_status, ordered_at, updated_at, *item)


def _moved_out(
    order: str, ordered: str, updated: str, status: str, fulfilment: str, at: Callable[[str], datetime]
) -> tuple[OrderFact, ...]:
    """Return the fact that moves an order out of its store, or nothing if the row does not say enough."""
    try:
        return (
            OrderFact(order, NON_AMAZON, _channel(fulfilment), _status(status), at(ordered), at(updated)),
        )
    except InvalidRow:
        return ()


def _channel(text: str, name: str = "") -> str:
    channel = CHANNELS.get(text.lower())
    if channel is None:
        raise InvalidRow(
            f"`{name}`: {quote_value(text, CHANNELS)} is not valid; expected Amazon or Merchant."
        )
    return channel


def _status(text: str, name: str = "") -> int:
    """Return the status. Raises InvalidRow."""
    # Amazon writes `Shipped - Delivered to Buyer`. The text after the dash describes the package, and the one
    # before it the order.
    status = STATUSES.get(text.lower()) or STATUSES.get(NO_LETTER.sub("", text.lower().partition(" - ")[0]))
    if status is None:
        raise InvalidRow(
            f"`{name}`: {quote_value(text, STATUSES)} is not a known status; expected one of "
            f"{ACCEPTED_STATUSES}."
        )
    return status


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return headers.has_columns(header, "amazon-order-id", "purchase-date", "order-status")


REPORT_TYPE = ReportType(
    names=(NAME, "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"),
    title="All orders, flat file",
    fact_types=(OrderFact,),
    dialect="tsv_or_csv",
    matches=matches,
    build_parser=build_parser,
    about=(
        "Lists every order with its time, status, channel and store. These orders are the denominator "
        "of every order metric."
    ),
    columns=(*COLUMNS, *items.COLUMNS),
    example=EXAMPLE,
    source=SOURCE,
)
