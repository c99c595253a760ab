"""Test the items of orders and returns: their form, and that no row is rejected for its item."""

from typing import Any

import pytest

from ingestion.reports import fba_returns, fba_shipments, items, mfn_returns
from ingestion.reports.items import NO_ITEM, OrderItem
from metrics.rules.facts import OrderStatus
from tests import build
from tests.ingestion.parsed_documents import ParsedDocument, parse_document

ORDER = build.order_id(1)
ASIN = "B07K1FNN7M"
PILLOW = OrderItem("th1218", ASIN, 1, OrderStatus.SHIPPED, "7.49", "USD")
# 40 characters, some of which are two code units in other encodings, and none of ASCII.
LONGEST = "枕🛏é\u0301" * 10
FBA_RETURN = {
    "return-date": "2025-06-05T15:31:40+00:00",
    "order-id": ORDER,
    "sku": "PAD-12",
    "asin": ASIN,
    "quantity": "1",
    "fulfillment-center-id": "LEX1",
    "reason": "UNWANTED_ITEM",
    "status": "Unit returned to inventory",
    "license-plate-number": "LPN1",
}
MFN_RETURN = {
    "Order ID": ORDER,
    "Return request date": "10-Jul-2025",
    "Return request status": "Approved",
    "Amazon RMA ID": "D1",
    "ASIN": ASIN,
    "Merchant SKU": "PAD-12",
    "Return quantity": "2",
    "Return Reason": "CR-DEFECTIVE",
}
FBA_SHIPMENT = {
    "amazon-order-id": ORDER,
    "shipment-id": "D1",
    "purchase-date": "2025-07-01T09:15:00-08:00",
    "shipment-date": "2025-07-02T03:00:00-08:00",
    "reporting-date": "2025-07-02T05:10:00-08:00",
    "sku": "PAD-12",
    "quantity-shipped": "2",
    "sales-channel": "Amazon.com",
}
RETURNED_XML = """<return_details><item_details><asin>B07K1FNN7M</asin><merchant_sku>PAD-12</merchant_sku>
<return_reason_code>CR-DEFECTIVE</return_reason_code><return_quantity>2</return_quantity></item_details>
<item_details><merchant_sku>MUG</merchant_sku><return_reason_code>buyer's words</return_reason_code></item_details>
<order_id>101-0000001-0000001</order_id><amazon_rma_id>D1</amazon_rma_id><a_to_z_claim>{claim}</a_to_z_claim>
<return_request_date>2025-07-10T12:00:00Z</return_request_date></return_details>"""


def ordered(
    cells: dict[str, str] | None = None, *, columns: tuple[str, ...] = build.ORDER_COLUMNS
) -> OrderItem:
    """Return the item of an all-orders file of one row, which is not rejected."""
    return item_of(parse_document(build.orders_file([build.order_row(**cells or {})], columns=columns)))


def item_of(parsed: ParsedDocument) -> OrderItem:
    (order,) = parsed.orders
    assert (order.order_id, parsed.rejected, parsed.warnings) == (ORDER, {}, [])
    return OrderItem(*order[6:])


def returned(row: dict[str, str], *, columns: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """Return the item of a report of one return, which is not rejected."""
    parsed = parse_document(build.table(row, columns=columns, delimiter="\t"))
    (fact,) = parsed.returns
    assert (fact.order_id, parsed.rejected) == (ORDER, {})
    return fact[8:]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, {}),
        ({"sku": " th1218 ", "quantity": '"2"', "currency": "'EUR"}, {"quantity": 2, "currency": "EUR"}),
        ({"sku": "0012"}, {"sku": "0012"}),
        ({"sku": LONGEST}, {"sku": LONGEST}),
        ({"asin": ""}, {"asin": ""}),
        ({"asin": "0306406152"}, {"asin": "0306406152"}),
        ({"quantity": "0"}, {"quantity": 0}),
        ({"quantity": "999999"}, {"quantity": 999_999}),
        *(({"quantity": text}, {"quantity": None}) for text in ("", "1000000", "-1", "1.0", "two", "١")),
        ({"item_status": "shipping"}, {"item_status": OrderStatus.PARTIALLY_SHIPPED}),
        ({"item_status": "Canceled"}, {"item_status": OrderStatus.CANCELLED}),
        *(({"item_status": text}, {"item_status": None}) for text in ("", "Shipped - Lost", "lost")),
        ({"item_price": "999999999.9999"}, {"price": "999999999.9999"}),
        *(
            ({"item_price": text}, {"price": None})
            for text in ("", "7,49", "$7.49", "-7.49", "1e5", "NaN", "Infinity", "1000000000", "7.", ".5")
        ),
        *(({"currency": text}, {"currency": ""}) for text in ("", "usd", "US$", "EURO")),
    ],
)
def test_order_item_has_cells_of_their_form(cells: dict[str, str], expected: dict[str, Any]) -> None:
    assert ordered(cells) == PILLOW._replace(**expected)


@pytest.mark.parametrize(
    "cells",
    [
        {"sku": ""},
        {"sku": " \u200b"},
        {"sku": "x" * 41},
        {"asin": "B07K1FNN7"},
        {"asin": "b07k1fnn7m"},
        {"asin": "Jane Doe"},
    ],
)
def test_order_item_without_sku_or_with_shifted_cells_is_left_out(cells: dict[str, str]) -> None:
    assert ordered(cells) == NO_ITEM


def test_order_item_columns_may_be_missing_repeated_or_cut_off() -> None:
    named = ("amazon-order-id", "purchase-date", "last-updated-date", "order-status", "fulfillment-channel")
    needed = (*named, "sales-channel")

    assert ordered(columns=needed) == NO_ITEM
    assert ordered(columns=(*needed, "sku")) == OrderItem("th1218", "", None, None, None, "")
    assert ordered(columns=(*needed, "sku", "sku")) == NO_ITEM
    assert ordered(columns=(*needed, "sku", "asin", "quantity", "quantity")) == OrderItem(
        "th1218", ASIN, None, None, None, ""
    )
    document = build.orders_file([build.order_row()], columns=(*needed, "sku", "quantity"))
    assert item_of(parse_document(document.replace(b"\tth1218\t1", b""))) == NO_ITEM
    assert item_of(parse_document(document.replace(b"\t1\r", b"\r"))).quantity is None
    behind = document.replace(b"\t1\r", b"\t1\t \t\r")
    assert item_of(parse_document(behind)) == OrderItem("th1218", "", 1, None, None, "")


def test_multi_channel_order_has_no_item() -> None:
    rows = [
        build.order_row(sales_channel="Non-Amazon US"),
        build.order_row(amazon_order_id="S01-1234567-1234567"),
        build.order_row(amazon_order_id=build.order_id(2)),
    ]
    xml = build.orders_xml(build.message(SalesChannel="Non-Amazon"), build.message(SalesChannel="Amazon.de"))

    parsed = [parse_document(build.orders_file(rows)), parse_document(xml)]

    assert [[(order.marketplace, order.sku) for order in each.orders] for each in parsed] == [
        [("non_amazon", ""), ("US", "th1218")],
        [("non_amazon", ""), ("DE", "a")],
    ]


def test_xml_order_has_all_its_items() -> None:
    item = "<OrderItem><SKU>{}</SKU>{}</OrderItem>".format
    more = "<ASIN>B07K1FNN7M</ASIN><Quantity>3</Quantity><ItemStatus>Shipped</ItemStatus>"
    price = "<ItemPrice>{}<Component><Type>Shipping</Type><Amount>1</Amount></Component></ItemPrice>".format(
        '<Component><Type>Principal</Type><Amount currency="USD">9.99</Amount></Component>'
    )
    document = build.orders_xml(build.message()).replace(
        b"<OrderItem><SKU>a</SKU><OrderStatus>Pending</OrderStatus></OrderItem>",
        (item("th1218", more + price) + item("x" * 41, more) + "<OrderItem/>" + item("mug", "")).encode(),
    )

    parsed = parse_document(document)

    assert [OrderItem(*order[6:]) for order in parsed.orders] == [
        OrderItem("th1218", ASIN, 3, OrderStatus.SHIPPED, "9.99", ""),
        NO_ITEM,
        OrderItem("mug", "", None, None, None, ""),
    ]
    assert len({order[:6] for order in parsed.orders}) == 1
    assert ({line for line, _ in parsed.lines}, parsed.reader.read, parsed.rejected) == ({4}, 1, {})


def test_fba_shipment_has_sku_and_no_quantity() -> None:
    cut = FBA_SHIPMENT | {"sku": "x" * 41}

    found = [
        item_of(parse_document(build.table(row, columns=columns, delimiter="\t")))
        for row, columns in [
            (FBA_SHIPMENT, ()),
            (cut, ()),
            (FBA_SHIPMENT, (*FBA_SHIPMENT, "sku")),
            (FBA_SHIPMENT, tuple(name for name in FBA_SHIPMENT if name != "sku")),
        ]
    ]

    assert found == [NO_ITEM._replace(sku="PAD-12"), NO_ITEM, NO_ITEM, NO_ITEM]
    assert parse_document(build.table(FBA_SHIPMENT, delimiter="\t")).reader.type_name == fba_shipments.NAME


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, ("PAD-12", ASIN, 1, "UNWANTED_ITEM")),
        ({"asin": "Jane"}, ("", "", 1, "UNWANTED_ITEM")),
        ({"sku": "", "quantity": "none"}, ("", "", None, "UNWANTED_ITEM")),
        ({"sku": "x" * 41, "reason": "It broke, Jane"}, ("", "", 1, "")),
        ({"reason": "cr-amz-pg-app-too-small"}, ("PAD-12", ASIN, 1, "AMZ-PG-APP-TOO-SMALL")),
    ],
)
def test_fba_return_has_item_and_reason(cells: dict[str, str], expected: tuple[Any, ...]) -> None:
    assert returned(FBA_RETURN | cells) == expected


@pytest.mark.parametrize(
    ("row", "columns", "expected"),
    [
        (FBA_RETURN, ("asin",), ("PAD-12", "", 1, "UNWANTED_ITEM")),
        (FBA_RETURN, ("asin", "quantity", "reason"), ("PAD-12", "", None, "")),
        (MFN_RETURN, ("Return quantity", "Return Reason"), ("PAD-12", ASIN, None, "")),
        (MFN_RETURN, ("Merchant SKU",), ("", "", 2, "DEFECTIVE")),
    ],
)
def test_return_with_repeated_columns_of_its_item_is_not_rejected(
    row: dict[str, str], columns: tuple[str, ...], expected: tuple[Any, ...]
) -> None:
    assert returned(row, columns=(*row, *columns)) == expected


def test_mfn_return_has_item_and_reason_without_its_prefix() -> None:
    without = dict(list(MFN_RETURN.items())[:4])

    assert returned(MFN_RETURN) == ("PAD-12", ASIN, 2, "DEFECTIVE")
    assert returned(without) == ("", "", None, "")
    assert parse_document(build.table(MFN_RETURN, delimiter="\t")).reader.type_name == mfn_returns.NAME


@pytest.mark.parametrize("claim", ["false", "true"])
def test_xml_return_has_all_its_items(claim: str) -> None:
    head = "<AmazonEnvelope><MessageType>Returns-Report</MessageType><Message>"
    document = f"{head}{RETURNED_XML.format(claim=claim)}</Message></AmazonEnvelope>".encode()

    parsed = parse_document(document)

    assert [fact[8:] for fact in parsed.returns] == [
        ("PAD-12", ASIN, 2, "DEFECTIVE"),
        ("MUG", "", None, ""),
    ]
    assert len({fact[:8] for fact in parsed.returns}) == 1
    assert [fact.reason_code for fact in parsed.defects] == [""] * (claim == "true")
    assert (parsed.reader.read, parsed.rejected) == (1, {})


def test_item_columns_are_those_of_order_item() -> None:
    assert len(items.COLUMNS) == len(OrderItem._fields)
    assert not any(column.needed or column.decides for column in items.COLUMNS)
    assert fba_returns.COLUMNS[3].decides
