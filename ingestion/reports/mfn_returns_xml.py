"""Read GET_XML_RETURNS_DATA_BY_RETURN_DATE: one `return_details` with its items for each request."""

from collections.abc import Sequence

from ingestion.parsing.rejections import InvalidRow
from ingestion.parsing.xml import Record, repeated
from ingestion.reports import items, return_request
from ingestion.reports.report_type import Column, ParseContext, ReportType, RowParser
from metrics.rules.facts import DefectFact, Fact, ReturnFact

NAME = "GET_XML_RETURNS_DATA_BY_RETURN_DATE"
COLUMNS = (
    Column(name="order_id", meaning="Amazon's order ID", needed=True),
    Column(name="return_request_date", meaning="day or time of the request, ISO 8601", needed=True),
    Column(
        name="return_request_status",
        meaning="cancelled, declined, denied and rejected requests do not count as returns",
    ),
    Column(name="amazon_rma_id", meaning="the request ID"),
    Column(name="merchant_rma_id", meaning="the request ID if Amazon RMA ID is empty"),
    Column(
        name="a_to_z_claim", meaning="true or Y if a claim was filed; the report does not give its outcome"
    ),
    Column(name="item_details/merchant_sku", meaning="the SKU of an item"),
    Column(name="item_details/asin", meaning="the ASIN of an item"),
    Column(name="item_details/return_quantity", meaning="the number of units of an item"),
    Column(
        name="item_details/return_reason_code",
        meaning="Amazon's code of the reason, such as CR-DEFECTIVE",
    ),
)
ITEM = "item_details"
NEEDED = tuple(column.name for column in COLUMNS if column.needed)
EXAMPLE = """\
<?xml version="1.0" encoding="UTF-8"?>
<AmazonEnvelope>
  <Header><DocumentVersion>1.00</DocumentVersion></Header>
  <MessageType>Returns-Report</MessageType>
  <Message>
    <return_details>
      <item_details><asin>B000000001</asin><merchant_sku>CUP-BLUE</merchant_sku><return_quantity>1</return_quantity></item_details>
      <order_id>302-1234567-1234567</order_id>
      <order_date>2025-07-01T17:08:47Z</order_date>
      <amazon_rma_id>Dx1Yz2Ab3RRMA</amazon_rma_id>
      <return_request_date>2025-07-10T12:44:17Z</return_request_date>
      <return_request_status>Approved</return_request_status>
      <a_to_z_claim>false</a_to_z_claim>
    </return_details>
  </Message>
</AmazonEnvelope>
"""


REASON_NAMES = return_request.Names("order_id", "amazon_rma_id", "return_request_date", "a_to_z_claim")


def build_parser(_header: Sequence[str], parse_context: ParseContext) -> RowParser:
    def parse(record: Record) -> list[Fact]:
        missing = [element for element in NEEDED if element not in record]
        if missing:
            raise InvalidRow(f"`return_details`: {', '.join(missing)} is missing.")
        return return_request.build_facts(
            order=record["order_id"],
            reference=record.get("amazon_rma_id") or record.get("merchant_rma_id", ""),
            requested=record["return_request_date"],
            status=record.get("return_request_status", ""),
            claim=record.get("a_to_z_claim", ""),
            returned=[
                items.parse_returned(
                    sku=record.get(f"{item}/merchant_sku", ""),
                    asin=record.get(f"{item}/asin", ""),
                    quantity=record.get(f"{item}/return_quantity", ""),
                    reason=record.get(f"{item}/return_reason_code", ""),
                )
                for item in repeated(record, ITEM)
            ],
            parse_context=parse_context,
            names=REASON_NAMES,
        )

    return parse


def matches(head: Sequence[str], _rest: Sequence[str]) -> bool:
    text = "".join(head[0].split())
    return "<MessageType>Returns-Report</MessageType>" in text or "<return_details>" in text


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Seller-fulfilled returns, XML",
    fact_types=(ReturnFact, DefectFact),
    dialect="xml",
    elements=("return_details",),
    items=(ITEM,),
    matches=matches,
    build_parser=build_parser,
    about="Contains the same data as the flat file of returns. Each element is one request with all its "
    "items.",
    columns=COLUMNS,
    example=EXAMPLE,
    source=return_request.SOURCE,
)
