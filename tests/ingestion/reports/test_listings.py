"""Test the reports that describe listings: those of the seller, and the stock in Amazon's warehouses."""

from decimal import Decimal

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.redaction import table_format
from ingestion.reports import fba_inventory, listing_row, merchant_listings
from tests import build
from tests.ingestion.parsed_documents import parse_document

COLUMNS = tuple(
    """
    item-name item-description listing-id seller-sku price quantity open-date image-url item-is-marketplace product-id-type
    zshop-shipping-fee item-note item-condition zshop-category1 zshop-browse-path zshop-storefront-feature asin1 asin2 asin3
    will-ship-internationally expedited-shipping zshop-boldface product-id bid-for-featured-placement add-delete
    pending-quantity fulfillment-channel merchant-shipping-group status
    """.split()  # noqa: SIM905  they read better as text
)
ROW = {
    "item-name": 'Cup, 12" blue',
    "item-description": "Ask jane@example.com",
    "seller-sku": "CUP-BLUE",
    "price": "12.99",
    "quantity": "40",
    "product-id-type": "1",
    "asin1": "B000000001",
    "product-id": "B000000001",
    "fulfillment-channel": "DEFAULT",
    "status": "Active",
}
STOCK_COLUMNS = tuple(
    """
    sku fnsku asin product-name condition your-price mfn-listing-exists mfn-fulfillable-quantity afn-listing-exists
    afn-warehouse-quantity afn-fulfillable-quantity afn-unsellable-quantity afn-reserved-quantity afn-total-quantity
    per-unit-volume store
    """.split()  # noqa: SIM905
)
STOCK = {
    "sku": "PAD-12",
    "fnsku": "X000000001",
    "asin": "B000000002",
    "product-name": "Pad",
    "condition": "New",
    "your-price": "24.99",
    "mfn-listing-exists": "No",
    "afn-listing-exists": "Yes",
    "afn-warehouse-quantity": "61",
    "afn-fulfillable-quantity": "60",
}


def report(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> bytes:
    return build.table(*(ROW | row for row in rows), columns=columns, delimiter="\t")


def stock(*rows: dict[str, str]) -> bytes:
    return build.table(*(STOCK | row for row in rows), columns=STOCK_COLUMNS, delimiter="\t")


def test_listing_is_stated_for_the_marketplace_of_the_report() -> None:
    parsed = parse_document(report({}), marketplace="DE")

    assert parsed.reader.report_type is merchant_listings.REPORT_TYPE
    assert parsed.listings == [
        (
            "DE",
            "CUP-BLUE",
            "listings",
            "mfn",
            "B000000001",
            'Cup, 12" blue',
            40,
            Decimal("12.99"),
            "active",
            None,
        )
    ]


def test_stock_is_stated_as_fulfilled_by_amazon() -> None:
    parsed = parse_document(stock({}, {"sku": "MAT", "your-price": "--", "afn-fulfillable-quantity": "--"}))

    assert parsed.reader.report_type is fba_inventory.REPORT_TYPE
    assert parsed.listings == [
        ("US", "PAD-12", "fba", "afn", "B000000002", "Pad", 60, Decimal("24.99"), "", None),
        ("US", "MAT", "fba", "afn", "B000000002", "Pad", None, None, "", None),
    ]


@pytest.mark.parametrize(
    ("row", "field", "value"),
    [
        ({"fulfillment-channel": "AMAZON_EU", "quantity": ""}, "channel", "afn"),
        ({"fulfillment-channel": "AMAZON_XX"}, "channel", "afn"),
        ({"fulfillment-channel": "?"}, "channel", ""),
        ({"quantity": "-1"}, "quantity", None),
        ({"price": "free"}, "price", None),
        ({"asin1": ""}, "asin", "B000000001"),
        ({"asin1": "", "product-id-type": "3", "product-id": "0123456789"}, "asin", ""),
        ({"asin1": "b-1"}, "asin", ""),
        ({"item-name": "x" * 199 + " yz"}, "title", "x" * 199),
        ({"seller-sku": "S" * 40}, "sku", "S" * 40),
        ({"status": "Incomplete, " + "x" * 20}, "status", "incomplete, xxxxxxxx"),
    ],
)
def test_cell_of_listing_is_read_or_unknown(row: dict[str, str], field: str, value: object) -> None:
    (fact,) = parse_document(report(row)).listings

    assert getattr(fact, field) == value


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("12.99", "12.99"),
        ("12,9", "12.9"),
        ("7", "7"),
        ("0.5", "0.5"),
        ("1,980", "1980"),
        ("1.980", "1980"),
        ("1,234.56", "1234.56"),
        ("1.234.567,89", "1234567.89"),
        ("123456789.00", "123456789"),
    ],
)
def test_price_has_decimal_comma_or_point(text: str, price: str) -> None:
    assert listing_row.parse_price(text) == Decimal(price)


@pytest.mark.parametrize(
    "text", ["", "-1", "1,2,3", "1,234,56", "0,999", "12.3456", "1e3", "€5", "1234567890", "٣", "NaN"]
)
def test_price_of_other_form_is_unknown(text: str) -> None:
    assert listing_row.parse_price(text) is None


@pytest.mark.parametrize(("sku", "reason"), [("", "the cell is empty"), ("S" * 41, "at most 40 characters")])
def test_row_without_valid_sku_is_rejected(sku: str, reason: str) -> None:
    listed, stocked = parse_document(report({}, {"seller-sku": sku})), parse_document(stock({}, {"sku": sku}))

    assert (len(listed.listings), len(stocked.listings)) == (1, 1)
    for parsed, column in ((listed, "seller-sku"), (stocked, "sku")):
        assert parsed.rejected[3].startswith(f"`{column}`: ")
        assert reason in parsed.rejected[3]


@pytest.mark.parametrize(
    "header",
    [
        "Artikelbezeichnung\tAngebotsnummer\tHändler-SKU\tPreis\tMenge\tASIN 1\tVersender\tStatus",
        "商品名\t出品ID\t出品者SKU\t価格\t数量\tASIN 1\tフルフィルメント・チャンネル\tステータス",
        "item-name\tlisting-id\tseller-sku\tprice\tquantity\tasin1\tfulfilment-channel\tstatus",
    ],
)
def test_columns_are_found_in_the_language_of_the_store(header: str) -> None:
    row = "Becher\t0701ABC\tCUP\t12,99\t4\tB000000001\tDEFAULT\tActive"

    parsed = parse_document(f"{header}\n{row}\n".encode(), marketplace="DE")

    assert parsed.listings == [
        ("DE", "CUP", "listings", "mfn", "B000000001", "Becher", 4, Decimal("12.99"), "active", None)
    ]


def test_report_needs_skus_and_something_about_them() -> None:
    for columns in (("seller-sku", "asin1"), ("item-name", "price")):
        with pytest.raises(RejectedDocument) as rejection:
            parse_document(report({}, columns=columns), announced=merchant_listings.NAME)

        assert rejection.value.slug == "columns-missing"
    assert parse_document(
        report({}, columns=("seller-sku", "quantity")), announced=merchant_listings.NAME
    ).listings


@pytest.mark.parametrize("document", [report({}), stock({})])
def test_product_columns_are_not_redacted(document: bytes) -> None:
    text = document.decode()

    assert table_format.detect_table_format(text, is_whole=True, announced_type="", read=str) is None
