"""Build the orders and feedback reports in Amazon's layouts, and the claims CSV in ours. Pure."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from random import Random

from config.launcher.demo.defects import FEEDBACK, Defect
from config.launcher.demo.orders import Order
from config.launcher.demo.products import stable_hash
from config.launcher.demo.sample_accounts import STORES, Fulfilment, SampleAccount
from config.launcher.demo.shipments import is_business

ORDER_HEADER = (
    "amazon-order-id merchant-order-id purchase-date last-updated-date order-status fulfillment-channel "
    "sales-channel "
    "order-channel url ship-service-level product-name sku asin item-status quantity currency item-price "
    "item-tax "
    "shipping-price shipping-tax gift-wrap-price gift-wrap-tax item-promotion-discount "
    "ship-promotion-discount "
    "ship-city ship-state ship-postal-code ship-country promotion-ids is-business-order "
    "purchase-order-number "
    "price-designation"
)
ORDER_COLUMNS = ORDER_HEADER.split()
FEEDBACK_COLUMNS = ("Date", "Rating", "Comments", "Your Response", "Order ID", "Rater Email")
GERMAN_FEEDBACK_COLUMNS = (
    "Datum",
    "Bewertung",
    "Kommentar",
    "Ihre Antwort",
    "Transaktionsnummer",
    "E-Mail des Bewertenden",
)
CLAIM_COLUMNS = ("order_id", "kind", "state", "occurred_on", "reference", "reason_code", "updated_at")
COMMENTS = (
    "Arrived late.",
    'The lid was cracked, "gift quality" it is not.',
    "Wrong colour.",
    "Never came.",
    "Not as shown.",
)


def orders_report(*, account: SampleAccount, orders: Iterable[Order]) -> bytes:
    """Build GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL, one row per item."""
    rows = [_order_cells(order, position) for order in orders for position in range(len(order.items))]
    return lines("\t", [ORDER_COLUMNS, *rows]).encode(STORES[account.home].encoding, errors="replace")


def feedback_report(*, account: SampleAccount, defects: Iterable[Defect], random: Random) -> bytes:
    """Build GET_SELLER_FEEDBACK_DATA, with dates in the format of the account's marketplace."""
    given = sorted((defect for defect in defects if defect.kind == FEEDBACK), key=lambda defect: defect.on)
    rows = [
        (
            _day(defect.on, account.home),
            str(defect.stars),
            random.choice(COMMENTS),
            "",
            defect.order,
            "buyer@example.com",
        )
        for defect in given
    ]
    header = GERMAN_FEEDBACK_COLUMNS if account.home == "DE" else FEEDBACK_COLUMNS
    return lines("\t", [header, *rows]).encode()


def claims_file(*, defects: Iterable[Defect], updated_at: datetime) -> bytes:
    """Build the CSV import file of claims and chargebacks."""
    updated = updated_at.isoformat()
    rows = [
        (
            defect.order,
            defect.kind,
            defect.state,
            defect.on.isoformat(),
            defect.reference,
            defect.reason,
            updated,
        )
        for defect in defects
        if defect.kind != FEEDBACK
    ]
    return lines(",", [CLAIM_COLUMNS, *rows]).encode()


def _order_cells(order: Order, position: int) -> list[str]:
    store = STORES[order.marketplace]
    product, quantity = order.items[position]
    city, state, postcode = store.cities[stable_hash(order.number) % len(store.cities)]
    pending = order.status == "Pending"
    cells = {
        "amazon-order-id": order.number,
        "purchase-date": stamp(order.at),
        "last-updated-date": stamp(order.updated_at),
        "order-status": order.status,
        "fulfillment-channel": order.fulfilment,
        "sales-channel": store.sales_channel,
        "ship-service-level": "Expedited" if order.fulfilment == Fulfilment.AMAZON else "Standard",
        "product-name": product.title,
        "sku": product.sku,
        "asin": product.asin,
        "item-status": "Unshipped" if pending else order.status,
        "quantity": str(quantity),
        "currency": "" if pending else store.currency,
        "item-price": "" if pending else str(product.price * quantity),
        "ship-city": city,
        "ship-state": state,
        "ship-postal-code": postcode,
        "ship-country": store.country,
        "is-business-order": str(is_business(order)).lower(),
    }
    return [cells.get(column, "") for column in ORDER_COLUMNS]


def stamp(at: datetime) -> str:
    """Return a time in the format of Amazon's reports."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _day(on: date, marketplace: str) -> str:
    """Return a day without leading zeros, in the format of the marketplace.

    The month is first in the US and the year in Japan; Germany uses dots.
    """
    year = on.year % 100
    by_marketplace = {
        "US": f"{on.month}/{on.day}/{year}",
        "JP": f"{year}/{on.month}/{on.day}",
        "DE": f"{on.day}.{on.month}.{year}",
    }
    return by_marketplace.get(marketplace, f"{on.day}/{on.month}/{year}")


def lines(separator: str, rows: Iterable[Iterable[str]]) -> str:
    """Join the rows of a document, header first."""
    return "".join(f"{separator.join(row)}\r\n" for row in rows)
