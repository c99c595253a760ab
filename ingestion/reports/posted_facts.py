"""Read the rows of `POST /v1/accounts/{account_id}/facts`, which are stored as a JSON document.

Shipments, messages and returns have the fields of our own CSV layouts and are parsed by them. Rows are numbered
through all lists, in the order of KINDS.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ingestion.parsing.rejections import RejectedDocument
from ingestion.parsing.tabular import clean_cell
from ingestion.reports import all_orders, buyer_messages_csv, items, returns_csv, shipments_csv
from ingestion.reports.cells import Row, Texts
from ingestion.reports.report_type import OWN_LAYOUT, Column, ParseContext, ReportType, RowParser
from metrics.rules.facts import (
    Channel,
    Fact,
    MessageFact,
    OrderFact,
    OrderStatus,
    ReturnFact,
    ShipmentFact,
)

NAME = "facts"
CHANNELS = (Channel.MFN.value, Channel.AFN.value)
STATUSES = {status.name.lower(): status.value for status in OrderStatus}
STORE = "the store, by ISO 3166-1 country code, such as DE; default: the account's home marketplace"
WORDS_OF_STATUS = "`pending`, `unshipped`, `partially_shipped`, `shipped` or `cancelled`"


def _columns(columns: Sequence[Column], **meanings: str) -> dict[str, Column]:
    """Return the columns of a layout by name, with other meanings where a cell and a JSON value differ."""
    return {each.name: replace(each, meaning=meanings.get(each.name, each.meaning)) for each in columns}


AMAZON_COLUMNS = {column.name: column for column in all_orders.COLUMNS}
ITEMS = _columns(
    (
        replace(items.SKU_COLUMN, needed=True),
        items.ASIN_COLUMN,
        items.QUANTITY_COLUMN,
        Column(name="status", meaning=WORDS_OF_STATUS),
        Column(
            name="price", meaning="the price of all units of the item, as a text such as 12.90 or a number"
        ),
        Column(name="currency", meaning="the currency of the price, by ISO 4217 code, such as EUR"),
    )
)
ORDERS = _columns(
    (
        Column(name="order_id", meaning="Amazon's order ID", needed=True),
        Column(name="marketplace", meaning=STORE),
        Column(name="channel", meaning="`mfn` (the merchant ships) or `afn` (Amazon ships)", needed=True),
        Column(name="status", meaning=WORDS_OF_STATUS, needed=True),
        replace(AMAZON_COLUMNS["purchase-date"], name="ordered_at"),
        replace(AMAZON_COLUMNS["last-updated-date"], name="updated_at"),
        Column(name="items", meaning="the items of the order, at most 100"),
    )
)
SHIPMENTS = _columns(
    shipments_csv.COLUMNS, business_order="whether the order is an Amazon Business order; default: false"
)
MESSAGES = _columns(
    buyer_messages_csv.COLUMNS,
    answered_at="when the message was answered; null if it was not answered; leave the field out if answers are "
    "unknown",
    no_response_needed='whether the message is marked in Seller Central as "no response needed"; default: false',
    marketplace=STORE,
)
RETURNS = _columns(
    returns_csv.COLUMNS,
    negative_feedback="whether the buyer left negative feedback on the return",
    wrongly_rejected="whether the request was rejected although it was within the policy",
)
FIELDS: dict[str, dict[str, Column]] = {
    "orders": ORDERS,
    "shipments": SHIPMENTS,
    "messages": MESSAGES,
    "returns": RETURNS,
}
"""The fields of a row by the name of its list."""
KINDS = tuple(FIELDS)
EXAMPLE = """\
{
  "orders": [
    {"order_id": "302-1234567-1234567", "marketplace": "DE", "channel": "mfn", "status": "shipped",
     "ordered_at": "2025-07-01T09:15:00Z", "updated_at": "2025-07-02T15:10:00Z",
     "items": [{"sku": "CUP-BLUE", "quantity": 2, "price": "19.80", "currency": "EUR"}]}
  ],
  "shipments": [
    {"order_id": "302-1234567-1234567", "package": "1", "ship_by": "2025-07-02",
     "shipped_at": "2025-07-02T15:10:00+02:00", "first_scan_at": null, "updated_at": "2025-07-02T16:00:00Z"}
  ],
  "messages": [
    {"message_id": "M-1001", "received_at": "2025-07-04T18:20:00+02:00", "answered_at": null}
  ],
  "returns": [
    {"order_id": "302-1234567-1234567", "requested_at": "2025-07-10", "state": "approved", "sku": "CUP-BLUE"}
  ]
}
"""


def build_facts(kind: str, row: Mapping[str, Any], parse_context: ParseContext) -> Fact | list[Fact]:
    """Return the fact of a row of this list, or the facts of an order with several items. Raises InvalidRow."""
    if kind == "orders":
        return _build_orders(row, parse_context)
    return BUILDERS[kind](Row(_texts(row, FIELDS[kind]), parse_context))


def _build_orders(row: Mapping[str, Any], parse_context: ParseContext) -> Fact | list[Fact]:
    cells = Row(_texts(row, ORDERS), parse_context)
    # Read by the rules of our own layouts, and not of Amazon's report, which names statuses and stores otherwise.
    ordered_at, updated_at = cells.required_moment("ordered_at"), cells.required_moment("updated_at")
    order = OrderFact(
        cells.order_id(),
        cells.texts.get("marketplace") or parse_context.marketplace,
        cells.choice("channel", CHANNELS),
        STATUSES[cells.choice("status", tuple(STATUSES))],
        ordered_at,
        updated_at,
    )
    facts: list[Fact] = [OrderFact(*order[:6], *_build_item(item)) for item in row.get("items") or ()]
    return facts or order


def _build_item(item: Mapping[str, Any]) -> items.OrderItem:
    texts = _texts(item, ITEMS)
    status = STATUSES.get(texts.pop("status", ""))
    return items.build_item(**texts)._replace(item_status=status)


BUILDERS: dict[str, Callable[[Row], Fact]] = {
    "shipments": shipments_csv.build_fact,
    "messages": buyer_messages_csv.build_fact,
    "returns": returns_csv.build_fact,
}


def _texts(row: Mapping[str, Any], fields: Mapping[str, Column]) -> Texts:
    """Return the cells that a row of our own layouts would have. A field that is left out is a missing column."""
    return {name: _cell(row[name]) for name in fields if name in row}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # JSON has one type of number: 3.0 is the whole number 3. Prices are stored with two decimals.
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return clean_cell(str(value))


def select_documented(body: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a valid body with the documented fields only, by the names of their lists."""
    document = {kind: [_select(row, FIELDS[kind]) for row in body.get(kind) or ()] for kind in KINDS}
    for order in document["orders"]:
        if "items" in order:
            order["items"] = [_select(item, ITEMS) for item in order["items"] or ()]
    return {kind: rows for kind, rows in document.items() if rows}


def _select(row: Mapping[str, Any], fields: Mapping[str, Column]) -> dict[str, Any]:
    return {name: row[name] for name in fields if name in row}


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    return partial(_parse, parse_context)


def _parse(parse_context: ParseContext, pair: tuple[str, Mapping[str, Any]]) -> Fact | list[Fact]:
    return build_facts(*pair, parse_context)


def list_rows(document: bytes) -> Iterator[tuple[str, Any]]:
    """Return the rows, each with the name of its list. Raises RejectedDocument."""
    try:
        body = json.loads(document)
        lists = {kind: body[kind] for kind in KINDS if kind in body}
        rows = [(kind, row) for kind, rows in lists.items() for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError):
        rows = []
    if not rows:
        raise RejectedDocument(
            "invalid-json",
            "The JSON is not an object with lists of facts",
            'Expected {"orders": […], "shipments": […], "messages": […], "returns": […]}.',
        )
    return iter(rows)


def matches(_header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return False


def _documented() -> Iterator[Column]:
    for kind, fields in FIELDS.items():
        for column in fields.values():
            yield replace(column, name=f"{kind}.{column.name}")
            if column is ORDERS["items"]:
                yield from (replace(item, name=f"{kind}.items.{item.name}") for item in ITEMS.values())


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Facts posted as JSON",
    fact_types=(OrderFact, ShipmentFact, MessageFact, ReturnFact),
    dialect="json",
    matches=matches,
    build_parser=build_parser,
    list_rows=list_rows,
    is_uploaded=False,
    has_all_types=False,
    about="Contains orders, and the same rows as the CSVs of shipments, buyer messages and return requests, as "
    "JSON. A required field is required in each row of its list. A field that is left out is unknown, as a "
    "column that is missing from a CSV; null is an empty cell, which says that it has not happened.",
    columns=tuple(_documented()),
    example=EXAMPLE,
    source=OWN_LAYOUT,
    tell_apart={**shipments_csv.REPORT_TYPE.tell_apart, **returns_csv.REPORT_TYPE.tell_apart},
)
