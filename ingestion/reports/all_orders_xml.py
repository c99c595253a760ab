"""Read GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL: one `Order` with its items in each message."""

from collections.abc import Sequence
from functools import partial

from ingestion.parsing.rejections import InvalidRow
from ingestion.parsing.xml import Record, repeated
from ingestion.reports import all_orders, items
from ingestion.reports.report_type import Column, ParseContext, ReportType, RowParser, parse_time
from metrics.rules.facts import Fact, OrderFact

NAME = "GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
ELEMENTS = (
    "AmazonOrderID",
    "PurchaseDate",
    "LastUpdatedDate",
    "OrderStatus",
    "FulfillmentData/FulfillmentChannel",
    "SalesChannel",
)
ITEM = "OrderItem"
ITEM_ELEMENTS = ("SKU", "ASIN", "Quantity", "ItemStatus", "ItemPrice/Component/Amount")
EXAMPLE = """\
<?xml version="1.0" encoding="UTF-8"?>
<AmazonEnvelope>
  <Header><DocumentVersion>1.00</DocumentVersion></Header>
  <MessageType>AllOrdersReport</MessageType>
  <Message>
    <Order>
      <AmazonOrderID>302-1234567-1234567</AmazonOrderID>
      <PurchaseDate>2025-07-01T09:15:00+00:00</PurchaseDate>
      <LastUpdatedDate>2025-07-02T15:10:00+00:00</LastUpdatedDate>
      <OrderStatus>Shipped</OrderStatus>
      <SalesChannel>Amazon.de</SalesChannel>
      <FulfillmentData><FulfillmentChannel>Merchant</FulfillmentChannel></FulfillmentData>
    </Order>
  </Message>
</AmazonEnvelope>
"""


def build_parser(_header: Sequence[str], parse_context: ParseContext) -> RowParser:
    at = partial(parse_time, latest=parse_context.latest)

    def parse(record: Record) -> list[Fact]:
        missing = [element for element in ELEMENTS if element not in record]
        if missing:
            raise InvalidRow(f"`Order`: {', '.join(missing)} is missing.")
        texts = [record[element] for element in ELEMENTS]
        ordered = [
            items.build_item(*(record.get(f"{item}/{element}", "") for element in ITEM_ELEMENTS))
            for item in repeated(record, ITEM)
        ]
        return [
            all_orders.build_fact(*texts, at=at, names=ELEMENTS, item=item)
            for item in ordered or [items.NO_ITEM]
        ]

    return parse


def matches(head: Sequence[str], _rest: Sequence[str]) -> bool:
    # Without white space, because the XML may be indented.
    return "<MessageType>AllOrdersReport</MessageType>" in "".join(head[0].split())


REPORT_TYPE = ReportType(
    names=(NAME, "GET_XML_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"),
    title="All orders, XML",
    fact_types=(OrderFact,),
    dialect="xml",
    elements=("Order",),
    items=(ITEM,),
    matches=matches,
    build_parser=build_parser,
    about="Contains the same data as the flat file of all orders.",
    columns=(
        *(
            Column(name=element, meaning=column.meaning, needed=True)
            for element, column in zip(ELEMENTS, all_orders.COLUMNS, strict=True)
        ),
        *(
            Column(name=f"{ITEM}/{element}", meaning=column.meaning)
            for element, column in zip(ITEM_ELEMENTS, items.COLUMNS[:-1], strict=True)
        ),
    ),
    example=EXAMPLE,
    source=all_orders.SOURCE,
)
