"""Parse the items of orders and returns: SKU, ASIN, quantity, price and reason. Pure.

They explain numbers, and decide none: a row is never rejected for its item. A cell without the form of a SKU, an ASIN or a
code is left out, because free text may be the words of a buyer.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict

from ingestion.parsing.tabular import clean_cell
from ingestion.reports import headers
from ingestion.reports.report_type import Column
from metrics.rules import return_reasons
from metrics.rules.facts import OrderStatus

# Amazon's limit (https://developer-docs.amazon.com/sp-api/docs/listings-items-api-v2021-08-01-reference).
MAX_SKU_LENGTH = 40
ASIN = re.compile("[0-9A-Z]{10}")
QUANTITY = re.compile("[0-9]{1,6}")
PRICE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,4})?")
CURRENCY = re.compile("[A-Z]{3}")
STATUSES = {
    "pending": OrderStatus.PENDING.value,
    "unshipped": OrderStatus.UNSHIPPED.value,
    "shipping": OrderStatus.PARTIALLY_SHIPPED.value,
    "shipped": OrderStatus.SHIPPED.value,
    "cancelled": OrderStatus.CANCELLED.value,
    "canceled": OrderStatus.CANCELLED.value,
}
SKU_COLUMN = Column(name="sku", meaning="the seller's SKU of the item; at most 40 characters", decides=False)
ASIN_COLUMN = Column(name="asin", meaning="the ASIN of the item", decides=False)
QUANTITY_COLUMN = Column(name="quantity", meaning="the number of units", decides=False)
REASON_COLUMN = Column(name="reason", meaning="Amazon's code of the reason, such as DEFECTIVE", decides=False)
COLUMNS = (
    SKU_COLUMN,
    ASIN_COLUMN,
    Column(
        name="quantity",
        meaning="the number of units; rows with the same SKU are added up",
        decides=False,
    ),
    Column(
        name="item-status",
        meaning="one of Pending, Unshipped, Shipping, Shipped, Cancelled",
        decides=False,
    ),
    Column(name="item-price", meaning="the price of all units of the item", decides=False),
    Column(name="currency", meaning="the currency of the price", decides=False),
)


class ReturnedItem(TypedDict):
    """State the item of a return, with the fields of ReturnFact."""

    sku: str
    asin: str
    quantity: int | None
    reason_code: str


class OrderItem(NamedTuple):
    """State an item of an order, in the order of the fields of OrderFact."""

    sku: str
    asin: str
    quantity: int | None
    item_status: int | None
    price: str | None
    currency: str


NO_ITEM = OrderItem("", "", None, None, None, "")


def build_reader(header: Sequence[str]) -> Callable[[Sequence[str]], OrderItem]:
    """Return a function that reads the item of a row of orders. Without a column of SKUs, rows have none."""
    places = [headers.find_single(header, column.name) for column in COLUMNS]
    if places[0] is None:
        return lambda _row: NO_ITEM

    def read(row: Sequence[str]) -> OrderItem:
        # Spreadsheets trim empty cells at the end of a row.
        width = len(row)
        return build_item(*["" if at is None or at >= width else row[at] for at in places])

    return read


def build_item(
    sku: str, asin: str = "", quantity: str = "", status: str = "", price: str = "", currency: str = ""
) -> OrderItem:
    """Return the item of these texts, or NO_ITEM without a SKU."""
    known = parse_product(sku, asin)
    if known is None:
        return NO_ITEM
    price, currency = clean_cell(price), clean_cell(currency)
    return OrderItem(
        *known,
        parse_quantity(quantity),
        STATUSES.get(clean_cell(status).lower()),
        price if PRICE.fullmatch(price) else None,
        currency if CURRENCY.fullmatch(currency) else "",
    )


def parse_product(sku: str, asin: str) -> tuple[str, str] | None:
    """Return the SKU and the ASIN, which may be empty, or None if one is not of its form."""
    sku, asin = clean_cell(sku), clean_cell(asin)
    # An ASIN of another form shows that the cells are shifted.
    is_known = sku and len(sku) <= MAX_SKU_LENGTH and (not asin or ASIN.fullmatch(asin))
    return (sku, asin) if is_known else None


def parse_quantity(text: str) -> int | None:
    text = clean_cell(text)
    return int(text) if QUANTITY.fullmatch(text) else None


def parse_returned(*, sku: str, asin: str, quantity: str, reason: str) -> ReturnedItem:
    """Return the returned item of these texts."""
    known_sku, known_asin = parse_product(sku, asin) or ("", "")
    return ReturnedItem(
        sku=known_sku,
        asin=known_asin,
        quantity=parse_quantity(quantity),
        reason_code=return_reasons.parse_code(reason),
    )
