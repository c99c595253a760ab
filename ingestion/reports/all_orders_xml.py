"""GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL: one `Order` a message, with its items; the declaration says the encoding."""

from collections.abc import Sequence
from functools import partial

from ingestion.parsing.refusals import BadRow
from ingestion.parsing.xml import Record
from ingestion.reports import all_orders
from ingestion.reports.kind import Column, Kind, Parse, Setting, moment
from metrics.rules.facts import OrderFact

REPORT_TYPE = "GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
ELEMENTS = (
    "AmazonOrderID",
    "PurchaseDate",
    "LastUpdatedDate",
    "OrderStatus",
    "FulfillmentData/FulfillmentChannel",
    "SalesChannel",
)
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


def begin(_header: Sequence[str], setting: Setting) -> Parse:
    at = partial(moment, latest=setting.latest)

    def parse(record: Record) -> OrderFact:
        missing = [element for element in ELEMENTS if element not in record]
        if missing:
            raise BadRow(f"The Order has no {', '.join(missing)}.")
        return all_orders.statement(*(record[element] for element in ELEMENTS), at=at)

    return parse


def recognises(head: Sequence[str], _rest: Sequence[str]) -> bool:
    return "<MessageType>AllOrdersReport</MessageType>" in "".join(head[0].split())


KIND = Kind(
    report_types=(REPORT_TYPE, "GET_XML_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"),
    title="All orders, XML",
    facts=(OrderFact,),
    dialect="xml",
    elements=("Order",),
    recognises=recognises,
    begin=begin,
    about="The same data as the flat file of all orders.",
    columns=tuple(
        Column(name=element, meaning=column.meaning, needed=True)
        for element, column in zip(ELEMENTS, all_orders.COLUMNS, strict=True)
    ),
    example=EXAMPLE,
    source=all_orders.SOURCE,
)
