"""Build documents as Amazon and agencies write them, and rows to post."""

import gzip
import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

ORDER_COLUMNS = tuple(
    """
    amazon-order-id merchant-order-id purchase-date last-updated-date order-status fulfillment-channel sales-channel
    order-channel url ship-service-level product-name sku asin item-status quantity currency item-price item-tax
    shipping-price shipping-tax gift-wrap-price gift-wrap-tax item-promotion-discount ship-promotion-discount ship-city
    ship-state ship-postal-code ship-country promotion-ids is-business-order purchase-order-number price-designation
    """.split()  # noqa: SIM905  thirty-two words read better as text
)
FEEDBACK_HEADER = ("Date", "Rating", "Comments", "Your Response", "Order ID", "Rater Email")
CLAIM_COLUMNS = (
    "order_id",
    "kind",
    "state",
    "occurred_on",
    "reference",
    "updated_at",
    "funded_by",
    "rating",
    "reason_code",
)


def order_id(number: int) -> str:
    """Return the order ID with this number: 101-0000001-0000001 and so on."""
    return f"101-{number // 10_000_000 + 1:07d}-{number % 10_000_000:07d}"


def days_ago(days: int) -> datetime:
    """Return noon of that day."""
    return timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=days)


def order_row(**cells: str) -> dict[str, str]:
    """Return one item row of a shipped order. Name the cells that differ (`order_status` for
    `order-status`)."""
    row = {
        "amazon-order-id": order_id(1),
        "purchase-date": days_ago(30).isoformat(),
        "last-updated-date": days_ago(29).isoformat(),
        "order-status": "Shipped",
        "fulfillment-channel": "Merchant",
        "sales-channel": "Amazon.com",
        "product-name": 'Pillow Insert, 12" x 18"',
        "sku": "th1218",
        "asin": "B07K1FNN7M",
        "item-status": "Shipped",
        "quantity": "1",
        "currency": "USD",
        "item-price": "7.49",
        "is-business-order": "false",
    }
    return row | {name.replace("_", "-"): value for name, value in cells.items()}


def orders_file(
    rows: Iterable[Mapping[str, str]], *, columns: Iterable[str] = ORDER_COLUMNS, codec: str = "utf-8"
) -> bytes:
    """Return an all-orders flat file: tabs, CRLF, no quotes."""
    names = list(columns)
    lines = ["\t".join(names), *("\t".join(row.get(name, "") for name in names) for row in rows)]
    return "".join(line + "\r\n" for line in lines).encode(codec)


def orders_on(day: datetime, *, count: int, first: int = 1, **cells: str) -> list[dict[str, str]]:
    """Return `count` orders of one day, numbered from `first`."""
    return [
        order_row(
            amazon_order_id=order_id(first + n),
            purchase_date=day.isoformat(),
            last_updated_date=(day + timedelta(hours=20)).isoformat(),
            **cells,
        )
        for n in range(count)
    ]


MESSAGE = {
    "AmazonOrderID": order_id(1),
    "PurchaseDate": "2026-10-01T12:00:00+00:00",
    "LastUpdatedDate": "2026-10-02T12:00:00+00:00",
    "OrderStatus": "Shipped",
    "SalesChannel": "Amazon.de",
    "FulfillmentChannel": "Merchant",
}


def message(**texts: str | None) -> str:
    """Return the message of one order in an all-orders XML. An element whose text is None is left out."""
    elements = {name: text for name, text in (MESSAGE | texts).items() if text is not None}
    fulfilment = elements.pop("FulfillmentChannel", None)
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in elements.items())
    channel = f"<FulfillmentChannel>{fulfilment}</FulfillmentChannel>" if fulfilment is not None else ""
    item = "<OrderItem><SKU>a</SKU><OrderStatus>Pending</OrderStatus></OrderItem>"
    return f"<Message><Order>{inner}<FulfillmentData>{channel}</FulfillmentData>{item}</Order></Message>\n"


def orders_xml(*messages: str) -> bytes:
    """Return an all-orders XML of these messages."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<AmazonEnvelope>\n<MessageType>AllOrdersReport</MessageType>\n'
    return (head + "".join(messages) + "</AmazonEnvelope>\n").encode()


def feedback_file(
    rows: Iterable[Iterable[str]], *, header: Iterable[str] = FEEDBACK_HEADER, codec: str = "utf-8"
) -> bytes:
    """Return a feedback report. Each row is its cells."""
    return "".join("\t".join(row) + "\n" for row in [header, *rows]).encode(codec)


def feedback_row(*, order: str, on: str, rating: int = 1) -> tuple[str, ...]:
    return (on, str(rating), "never arrived", "", order, "x1y2z3@marketplace.amazon.com")


def claims_file(rows: Iterable[Mapping[str, str]]) -> bytes:
    """Return a CSV of claims and chargebacks."""
    lines = [
        ",".join(CLAIM_COLUMNS),
        *(",".join(row.get(name, "") for name in CLAIM_COLUMNS) for row in rows),
    ]
    return ("\n".join(lines) + "\n").encode()


def claim(*, order: str, state: str = "granted", kind: str = "a_to_z_claim", **more: str) -> dict[str, str]:
    return {"order_id": order, "kind": kind, "state": state, "occurred_on": "2026-10-20"} | more


def defect(*, order: str, kind: str = "feedback", state: str = "posted", **more: Any) -> dict[str, Any]:
    """Return one row of `POST /v1/accounts/{account_id}/defects`."""
    rating = {"rating": 1} if kind == "feedback" and state == "posted" else {}
    return {"order_id": order, "kind": kind, "state": state, "occurred_on": "2026-10-20"} | rating | more


def delivered_packages(orders: Iterable[Mapping[str, str]]) -> bytes:
    """Return the shipments CSV of packages of these orders that arrived ten days ago, as promised."""
    shipped, promised = (days_ago(days).date().isoformat() for days in (14, 10))
    days = {"shipped_at": shipped, "first_scan_at": shipped, "deliver_by": promised, "delivered_at": promised}
    return table(*({"order_id": row["amazon-order-id"]} | days for row in orders))


def table(*rows: Mapping[str, str], columns: Iterable[str] = (), delimiter: str = ",") -> bytes:
    """Return a table of these rows with the named columns, or those of the first row."""
    names = list(columns or rows[0])
    lines = [names, *([row.get(name, "") for name in names] for row in rows)]
    return "".join(delimiter.join(line) + "\n" for line in lines).encode()


def packed(document: bytes) -> bytes:
    return gzip.compress(document)


def shuffled(rows: Iterable[Any], *, seed: int) -> list[Any]:
    mixed = list(rows)
    random.Random(seed).shuffle(mixed)
    return mixed
