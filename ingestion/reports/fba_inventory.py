"""Read GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA: one row for each SKU that Amazon fulfills.

GET_FBA_MYI_ALL_INVENTORY_DATA has the same columns and more SKUs. Both state the stock of the region in which the report
was requested.
"""

from collections.abc import Sequence

from ingestion.reports import cells, headers, items, listing_row
from ingestion.reports.report_type import Column, ParseContext, ReportType, RowParser
from metrics.rules.facts import Channel, ListingFact

NAME = "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA"
SOURCE = "fba"
COLUMNS = (
    Column(name="sku", meaning="the seller's SKU; at most 40 characters", needed=True),
    items.ASIN_COLUMN,
    Column(name="product-name", meaning="the title, cut to 200 characters"),
    Column(
        name="your-price",
        meaning="the price of one unit in the store's currency, with a decimal comma or point",
    ),
    Column(
        name="afn-fulfillable-quantity",
        meaning="the units in Amazon's warehouses that can be sold",
        needed=True,
    ),
)
EXAMPLE = (
    "sku\tfnsku\tasin\tproduct-name\tyour-price\tmfn-listing-exists\tafn-listing-exists\tafn-warehouse-quantity\t"
    "afn-fulfillable-quantity\n"
    "MUG-2025\tX000000001\tB000000001\tMug, green\t14.50\tNo\tYes\t61\t60\n"
    "PAD-12\tX000000002\tB000000002\tPad\t\tNo\tYes\t0\t0\n"
)


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_reader(header, COLUMNS, report_type=NAME)

    def parse(row: list[str]) -> ListingFact:
        texts = read(row)
        return listing_row.build_fact(
            parse_context=parse_context,
            source=SOURCE,
            sku=("sku", texts["sku"]),
            asin=texts.get("asin", ""),
            title=texts.get("product-name", ""),
            price=texts.get("your-price", ""),
            quantity=texts["afn-fulfillable-quantity"],
            channel=Channel.AFN.value,
        )

    return parse


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return headers.has_columns(header, "sku", "fnsku", "afn-fulfillable-quantity")


REPORT_TYPE = ReportType(
    names=(NAME, "GET_FBA_MYI_ALL_INVENTORY_DATA"),
    title="FBA inventory",
    fact_types=(ListingFact,),
    dialect="tsv_or_csv",
    matches=matches,
    build_parser=build_parser,
    about=(
        "Lists the stock in Amazon's warehouses. It gives SKUs that Amazon fulfills their quantity, and their title and price "
        "if no listings report states them. No metric counts it."
    ),
    columns=COLUMNS,
    example=EXAMPLE,
    source="https://developer-docs.amazon.com/sp-api/docs/report-type-values-fba",
)
