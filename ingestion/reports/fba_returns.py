"""Read GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA: one row for each unit returned to Amazon."""

from collections.abc import Sequence

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import cells, headers, items, multi_channel
from ingestion.reports.report_type import (
    Column,
    ParseContext,
    ReportType,
    RowParser,
    parse_order_id,
)
from metrics.rules.facts import ReturnFact

NAME = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
# With a blank and a time it fills a reference of 64 characters.
MAX_SKU_LENGTH = 38
COLUMNS = (
    Column(name="return-date", meaning="when the unit was returned, ISO 8601 with an offset", needed=True),
    Column(
        name="order-id",
        meaning="Amazon's order ID; rows of multi-channel orders, which have another ID, are set apart",
        needed=True,
    ),
    Column(
        name="license-plate-number",
        meaning="identifies the unit; without it, units are identified by SKU and time",
    ),
    # With it, a unit without a license plate number is told from others.
    Column(name="sku", meaning="the SKU of the unit"),
    items.ASIN_COLUMN,
    items.QUANTITY_COLUMN,
    items.REASON_COLUMN,
    Column(name="status", meaning="what happened to the unit"),
)
EXAMPLE = (
    "return-date\torder-id\tsku\tasin\tfnsku\tproduct-name\tquantity\tfulfillment-center-id\tdetailed-disposition\treason\tstatus\t"
    "license-plate-number\tcustomer-comments\n"
    '2025-06-05T15:31:40+00:00\t114-1234567-1234567\tPAD-12\tB000000001\tX000000001\tPad, 12" x 18"\t1\tLEX1\tSELLABLE\t'
    "UNWANTED_ITEM\tUnit returned to inventory\tLPNNC5N000001\t\n"
)


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_reader(header, COLUMNS, report_type=NAME)

    def parse(row: list[str]) -> ReturnFact:
        texts = read(row)
        is_own_id = multi_channel.is_own_id(texts["order-id"])
        order = texts["order-id"] if is_own_id else parse_order_id(texts["order-id"], column="order-id")
        try:
            returned = cells.parse_day_or_time(
                texts["return-date"], parse_context=parse_context, latest=parse_context.latest
            )
        except InvalidRow as error:
            raise InvalidRow(f"`return-date`: {error.reason}") from None
        # After the date: an ID of any form is weak evidence, and a shifted row may have anything in its cell.
        if is_own_id:
            raise multi_channel.SetApart(order)
        # Without fractions of a second, so that the reference has a known length.
        at = returned.moment.replace(microsecond=0) if returned.moment else returned.day
        unit = f"{texts.get('sku', '')[:MAX_SKU_LENGTH]} {at.isoformat()}"
        return ReturnFact(
            order_id=order,
            reference=cells.build_reference(
                texts.get("license-plate-number") or unit, column="license-plate-number"
            ),
            requested_on=returned.day,
            state=cells.normalize_state(texts.get("status", "")),
            is_return=True,
            # The report does not say how the request was handled.
            is_dissatisfied=None,
            reason="",
            # The report does not say when it was true, so the time of receipt decides.
            stated_at=None,
            **items.parse_returned(
                **{name: texts.get(name, "") for name in ("sku", "asin", "quantity", "reason")}
            ),
        )

    return parse


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return headers.has_columns(header, "return-date", "order-id", "fulfillment-center-id")


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="FBA customer returns",
    fact_types=(ReturnFact,),
    dialect="tsv_or_csv",
    matches=matches,
    build_parser=build_parser,
    about="Lists the returned units of orders that Amazon fulfilled. Buyers' comments are not stored.",
    columns=COLUMNS,
    example=EXAMPLE,
    source="https://developer-docs.amazon.com/sp-api/docs/fba-customer-concessions-reports-attributes",
)
