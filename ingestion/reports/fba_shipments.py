"""Read GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL: one row for each shipped item of orders that Amazon
fulfils.

Both TSV without quotes and CSV with quotes are in use. Times have the seller's own offset.
"""

from collections.abc import Sequence
from functools import partial

from accounts.marketplaces import MARKETPLACES
from ingestion.reports import all_orders, cells, headers, items, multi_channel
from ingestion.reports.report_type import Column, ParseContext, ReportType, RowParser, parse_time
from metrics.rules.facts import OrderFact

NAME = "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL"
STORES = {marketplace.code: marketplace.sales_channel for marketplace in MARKETPLACES}
COLUMNS = (
    Column(
        name="amazon-order-id",
        meaning="Amazon's order ID; an order with several items has several rows",
        needed=True,
    ),
    Column(name="purchase-date", meaning="when the order was placed, ISO 8601 with an offset", needed=True),
    Column(name="shipment-date", meaning="when it was shipped, ISO 8601 with an offset", needed=True),
    Column(
        name="reporting-date",
        meaning="when Amazon reported the shipment; the newest row of an order wins; default: shipment-date",
    ),
    Column(
        name="sales-channel",
        meaning="the store; default: the report's marketplace; Non-Amazon orders are set apart: they count in "
        "no metric",
    ),
    items.SKU_COLUMN,
)
EXAMPLE = (
    "amazon-order-id\tshipment-id\tpurchase-date\tshipment-date\treporting-date\tsku\tproduct-name\tquantity-shipped\t"
    "fulfillment-channel\tsales-channel\n"
    "113-1234567-1234567\tDAbc12345\t2025-07-01T09:15:00-07:00\t2025-07-02T03:00:00-07:00\t2025-07-02T05:10:00-07:00\tPAD-12\t"
    'Pad, 12" x 18"\t1\tAFN\tAmazon.com\n'
    "S01-1234567-1234567\tDAbc12346\t2025-07-01T10:00:00-07:00\t2025-07-02T04:00:00-07:00\t2025-07-02T05:10:00-07:00\tPAD-18\t"
    "Pad\t1\tAFN\tNon-Amazon US\n"
)


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_reader(header, COLUMNS, report_type=NAME)
    at = partial(parse_time, latest=parse_context.latest)
    home = STORES.get(parse_context.marketplace, "")

    def parse(row: list[str]) -> OrderFact:
        texts = read(row)
        order = texts["amazon-order-id"]
        # Without the column, only the form of the ID shows a multi-channel order.
        store = texts.get("sales-channel", home)
        dated = "reporting-date" if texts.get("reporting-date") else "shipment-date"
        names = ("amazon-order-id", "purchase-date", dated, "", "", "sales-channel")
        if multi_channel.is_own_id(order) and not multi_channel.is_store(store):
            # An ID of any form is weak evidence: the rest of the row has to be one of this report.
            cells.name_column(dated, at, texts[dated])
            raise multi_channel.SetApart(order)
        # Without the quantity: each shipment of an item has a row with its part of it.
        item = items.build_item(texts.get("sku", ""))
        return all_orders.build_fact(
            order,
            texts["purchase-date"],
            texts[dated],
            "Shipped",
            "AFN",
            store,
            at=at,
            names=names,
            item=item,
        )

    return parse


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    # The all-orders report has a column for the status; this one has shipped orders only.
    return headers.has_columns(
        header, "amazon-order-id", "purchase-date", "shipment-date"
    ) and not headers.has_columns(header, "order-status")


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="FBA shipments",
    fact_types=(OrderFact,),
    dialect="tsv_or_csv",
    matches=matches,
    build_parser=build_parser,
    about="Lists the orders that Amazon shipped. They appear in this report earlier than in the "
    "all-orders report.",
    columns=COLUMNS,
    example=EXAMPLE,
    source="https://developer-docs.amazon.com/sp-api/docs/fba-sales-reports-attributes",
)
