"""Read GET_MERCHANT_LISTINGS_ALL_DATA: one row for each listing of the seller in a store.

Its columns are translated in some stores. GET_MERCHANT_LISTINGS_DATA has the same columns, without the status, and only
active listings. GET_FLAT_FILE_OPEN_LISTINGS_DATA is not read: it would replace known titles and channels by nothing.
"""

from collections.abc import Sequence

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import all_orders, cells, headers, listing_row
from ingestion.reports.report_type import Column, ParseContext, ReportType, RowParser
from metrics.rules.facts import Channel, ListingFact

NAME = "GET_MERCHANT_LISTINGS_ALL_DATA"
SOURCE = "listings"
ONE_OF = ("item-name", "price", "quantity")
IS_ASIN = "1"
"""The `product-id-type` of an ASIN."""
COLUMNS = (
    Column(name="seller-sku", meaning="the seller's SKU; at most 40 characters", needed=True),
    Column(
        name="item-name",
        meaning="the title, cut to 200 characters; the report needs this column, price or quantity",
    ),
    Column(
        name="price",
        meaning="the price of one unit in the store's currency, with a decimal comma or point",
    ),
    Column(name="quantity", meaning="the units that can be sold; empty for listings that Amazon fulfills"),
    Column(name="asin1", meaning="the ASIN"),
    Column(name="product-id", meaning="the ASIN, if `asin1` is missing or empty and `product-id-type` is 1"),
    Column(name="product-id-type", meaning="1 if `product-id` is an ASIN"),
    Column(name="fulfillment-channel", meaning="DEFAULT (channel `mfn`) or AMAZON_… (channel `afn`)"),
    Column(name="status", meaning="the status, such as Active, Inactive or Incomplete"),
)
EXAMPLE = (
    "item-name\titem-description\tlisting-id\tseller-sku\tprice\tquantity\topen-date\tproduct-id-type\tasin1\tproduct-id\t"
    "fulfillment-channel\tstatus\n"
    "Becher, blau\t\t0701ABCDEF1\tCUP-BLUE\t12,99\t40\t2025-07-01 09:15:00 MEST\t1\tB000000001\tB000000001\tDEFAULT\tActive\n"
    "Becher, rot\t\t0701ABCDEF2\tCUP-RED\t12.99\t\t2025-07-01 09:20:00 MEST\t1\t\tB000000002\tAMAZON_EU\tInactive\n"
)


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_reader(header, COLUMNS, report_type=NAME)
    if not headers.has_any_column(header, ONE_OF):
        raise RejectedDocument(
            "columns-missing",
            "Columns are missing",
            f"A {NAME} report needs one of the columns {', '.join(ONE_OF)}. The header has none of them.",
        )

    def parse(row: list[str]) -> ListingFact:
        texts = read(row)
        asin = texts.get("asin1", "")
        if not asin and texts.get("product-id-type") == IS_ASIN:
            asin = texts.get("product-id", "")
        return listing_row.build_fact(
            parse_context=parse_context,
            source=SOURCE,
            sku=("seller-sku", texts["seller-sku"]),
            asin=asin,
            title=texts.get("item-name", ""),
            price=texts.get("price", ""),
            quantity=texts.get("quantity", ""),
            channel=_channel(texts.get("fulfillment-channel", "").lower()),
            status=texts.get("status", ""),
        )

    return parse


def _channel(text: str) -> str:
    return Channel.AFN.value if text.startswith("amazon_") else all_orders.CHANNELS.get(text, "")


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    # Orders and stock of Amazon's warehouses have SKUs as well.
    is_of_listings = headers.has_any_column(header, ("item-name", "listing-id", "asin1"))
    return (
        is_of_listings
        and headers.has_columns(header, "seller-sku")
        and headers.has_any_column(header, ONE_OF)
        and not headers.has_any_column(header, ("order-id", "fnsku"))
    )


REPORT_TYPE = ReportType(
    names=(NAME, "GET_MERCHANT_LISTINGS_DATA"),
    title="Listings",
    fact_types=(ListingFact,),
    dialect="tsv_or_csv",
    matches=matches,
    build_parser=build_parser,
    about=(
        "Lists the seller's listings in the report's marketplace. They give SKUs their title, price, quantity, channel and "
        "status. No metric counts them. An invalid price or quantity is unknown. Descriptions are not used."
    ),
    columns=COLUMNS,
    example=EXAMPLE,
    source="https://developer-docs.amazon.com/sp-api/docs/report-type-values-inventory",
)
