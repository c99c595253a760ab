import random
from datetime import UTC, datetime

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import all_orders, fba_shipments
from metrics.rules.facts import OrderStatus
from tests import build
from tests.ingestion.parsed_documents import parse_document

COLUMNS = tuple(
    """
    amazon-order-id merchant-order-id shipment-id shipment-item-id amazon-order-item-id merchant-order-item-id
    purchase-date payments-date shipment-date reporting-date buyer-email buyer-name buyer-phone-number sku
    product-name quantity-shipped currency item-price recipient-name ship-address-1 ship-city ship-country carrier
    tracking-number estimated-arrival-date fulfillment-center-id fulfillment-channel sales-channel points-granted
    """.split()  # noqa: SIM905  they read better as text
)
ROW = {
    "amazon-order-id": build.order_id(1),
    "shipment-id": "DAbc12345",
    "purchase-date": "2025-07-01T09:15:00-08:00",
    "shipment-date": "2025-07-02T03:00:00-08:00",
    "reporting-date": "2025-07-02T05:10:00-08:00",
    "buyer-email": "x1y2z3@marketplace.amazon.com",
    "buyer-name": "Jane Roe",
    "product-name": "Pad",
    "fulfillment-channel": "AFN",
    "sales-channel": "Amazon.com",
}


def report(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, delimiter: str = "\t") -> bytes:
    return build.table(*(ROW | row for row in rows), columns=columns, delimiter=delimiter)


def without(*names: str) -> tuple[str, ...]:
    return tuple(name for name in COLUMNS if name not in names)


def quoted(*rows: dict[str, str]) -> bytes:
    """Return the rows as CSV with every cell in quotes."""
    lines = [COLUMNS, *([(ROW | row).get(name, "").replace('"', '""') for name in COLUMNS] for row in rows)]
    return "".join(",".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines).encode()


def test_shipped_item_is_statement_about_its_order() -> None:
    (fact,) = parse_document(report({})).orders

    assert fact[:4] == (build.order_id(1), "US", "afn", OrderStatus.SHIPPED)
    assert (fact.ordered_at, fact.ordered_at.tzinfo) == (datetime(2025, 7, 1, 17, 15, tzinfo=UTC), UTC)
    assert fact.last_updated_at == datetime(2025, 7, 2, 13, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "document",
    [
        report({}),
        report({}, delimiter=","),
        report({}, delimiter=";"),
        quoted({}),
        quoted({"product-name": 'Pad, 12" x 18"'}),
        quoted({"product-name": "two\nlines"}),
        report({"product-name": 'Pad, 12" x 18"'}),
        report({"product-name": '"Best", open "'}),
    ],
)
def test_tabs_and_commas_give_same_order(document: bytes) -> None:
    parsed = parse_document(document)

    assert parsed.reader.type_name == fba_shipments.NAME
    assert parsed.orders == parse_document(report({})).orders
    assert parsed.rejected == {}


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_columns_are_found_by_name_in_any_order(delimiter: str) -> None:
    for seed in range(5):
        columns = tuple(random.Random(seed).sample(COLUMNS, len(COLUMNS)))

        assert [
            fact.order_id for fact in parse_document(report({}, columns=columns, delimiter=delimiter)).orders
        ] == [build.order_id(1)]


@pytest.mark.parametrize("columns", [COLUMNS, without("reporting-date")])
def test_shipment_date_replaces_missing_reporting_date(columns: tuple[str, ...]) -> None:
    (fact,) = parse_document(report({"reporting-date": ""}, columns=columns)).orders

    assert fact.last_updated_at == datetime(2025, 7, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-07-01T09:15:00-08:00", datetime(2025, 7, 1, 17, 15, tzinfo=UTC)),
        ("2025-07-01T09:15:00+09:00", datetime(2025, 7, 1, 0, 15, tzinfo=UTC)),
        ("2025-07-01T09:15:00+00:00", datetime(2025, 7, 1, 9, 15, tzinfo=UTC)),
    ],
)
def test_seller_own_offset_changes_no_moment(text: str, moment: datetime) -> None:
    (fact,) = parse_document(report({"purchase-date": text})).orders

    assert fact.ordered_at == moment


@pytest.mark.parametrize("store", ["Non-Amazon", "Non-Amazon US", "Amazon.com"])
@pytest.mark.parametrize("order", ["S01-1234567-1234567", "shopify-1001", "#1001"])
@pytest.mark.parametrize("purchased", ["", "2025-07-01T09:15:00-08:00"])
def test_multi_channel_orders_are_set_apart(store: str, order: str, purchased: str) -> None:
    row = {"amazon-order-id": order, "sales-channel": store, "purchase-date": purchased}

    parsed = parse_document(report(row))

    assert (parsed.orders, parsed.rejected, parsed.reader.set_apart) == ([], {}, 1)


@pytest.mark.parametrize("order", ["112-0000001-000001", "11200000010000001", "2025-07-01", ""])
def test_damaged_order_id_is_not_taken_for_the_seller_own(order: str) -> None:
    parsed = parse_document(report({}, {"amazon-order-id": order}))

    assert ([*parsed.rejected], parsed.reader.set_apart) == ([3], 0)


def test_store_is_marketplace() -> None:
    (fact,) = parse_document(report({"sales-channel": "Amazon.co.uk"}), marketplace="DE").orders

    assert fact.marketplace == "GB"


def test_missing_sales_channel_defaults_to_report_marketplace() -> None:
    rows: tuple[dict[str, str], ...] = (
        {},
        {"amazon-order-id": "S01-1234567-1234567"},
        {"amazon-order-id": "elsewhere"},
    )

    parsed = parse_document(report(*rows, columns=without("sales-channel")), marketplace="DE")

    assert [fact.marketplace for fact in parsed.orders] == ["DE"]
    assert (list(parsed.rejected), parsed.reader.set_apart) == ([4], 1)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"amazon-order-id": ""}, "not a valid Amazon order ID"),
        ({"amazon-order-id": "112-000001-0000001"}, "not a valid Amazon order ID"),
        ({"purchase-date": ""}, "'' is not a valid ISO 8601 time"),
        ({"purchase-date": "2025-07-01T09:15:00"}, "has no UTC offset"),
        ({"reporting-date": "2099-07-01T09:15:00Z"}, "is out of range"),
        ({"sales-channel": ""}, "`sales-channel`: ''"),
        ({"sales-channel": "eBay"}, "is not a known Amazon store"),
    ],
)
def test_invalid_rows_are_rejected_with_reason(cells: dict[str, str], expected: str) -> None:
    parsed = parse_document(report({"amazon-order-id": build.order_id(2)}, cells))

    assert [fact.order_id for fact in parsed.orders] == [build.order_id(2)]
    assert expected in parsed.rejected[3]


@pytest.mark.parametrize("column", ["amazon-order-id", "purchase-date", "shipment-date"])
def test_header_without_required_column_is_rejected(column: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(report({}, columns=without(column)), announced=fba_shipments.NAME)

    assert rejection.value.slug == "columns-missing"
    assert column in rejection.value.detail


def test_fba_shipments_and_all_orders_are_not_confused() -> None:
    orders = build.orders_file([build.order_row()])

    assert parse_document(orders).reader.type_name == all_orders.NAME
    for document, announced in ((orders, fba_shipments.NAME), (report({}), all_orders.NAME)):
        with pytest.raises(RejectedDocument) as rejection:
            parse_document(document, announced=announced)

        assert rejection.value.slug == "columns-missing"


def test_buyers_reach_no_fact_and_no_reason() -> None:
    parsed = parse_document(report({}, {"amazon-order-id": "none"}))

    assert "Jane" not in f"{parsed.lines} {parsed.rejected}"


@pytest.mark.parametrize(
    ("document", "slug"), [(report({}, {})[:-40], "document-cut-off"), (quoted({}, {})[:-40], "invalid-csv")]
)
def test_document_that_is_cut_off_is_rejected(document: bytes, slug: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document)

    assert rejection.value.slug in {slug, "document-cut-off"}
