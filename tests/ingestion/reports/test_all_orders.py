import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.marketplaces import MARKETPLACES, NON_AMAZON
from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import all_orders
from metrics.rules.facts import OrderStatus
from tests import build
from tests.ingestion.parsed_documents import parse_document

OLDER = build.ORDER_COLUMNS[:29]
NEWER = (*build.ORDER_COLUMNS, "is-sold-by-ab")
NEWEST = (*NEWER, "number-of-items", "address-type", "cpf", "customized-url", "is-replacement-order")
WITHOUT_URL = tuple(name for name in build.ORDER_COLUMNS if name != "url")
BARE = (
    "amazon-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "sales-channel",
)


@pytest.mark.parametrize(
    "columns",
    [OLDER, build.ORDER_COLUMNS, NEWER, NEWEST, WITHOUT_URL, BARE],
    ids=["29", "32", "33", "38", "without url", "6"],
)
def test_columns_are_found_by_name_in_any_order(columns: tuple[str, ...]) -> None:
    row = build.order_row(purchase_date="2026-10-01T12:00:00+00:00")

    for seed in range(5):
        parsed = parse_document(
            build.orders_file([row], columns=random.Random(seed).sample(columns, len(columns)))
        )

        assert [(fact.order_id, fact.ordered_at, fact.status) for fact in parsed.orders] == [
            (build.order_id(1), datetime(2026, 10, 1, 12, tzinfo=UTC), OrderStatus.SHIPPED)
        ]


@pytest.mark.parametrize(
    "spelling", [str.upper, str.title, lambda name: name.replace("-", " "), '"{}"'.format]
)
def test_spelling_of_header_does_not_matter(spelling: Callable[[str], str]) -> None:
    header, rows = build.orders_file([build.order_row()]).decode().split("\r\n", 1)
    spelled = "\t".join(spelling(name) for name in header.split("\t"))

    assert len(parse_document(f"{spelled}\r\n{rows}".encode()).orders) == 1


@pytest.mark.parametrize("column", BARE)
def test_header_without_required_column_is_rejected(column: str) -> None:
    columns = [name for name in build.ORDER_COLUMNS if name != column]

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(build.orders_file([build.order_row()], columns=columns), announced=all_orders.NAME)

    assert rejection.value.slug == "columns-missing"
    assert column in rejection.value.detail


@pytest.mark.parametrize("column", BARE)
def test_required_repeated_column_is_rejected(column: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(build.orders_file([build.order_row()], columns=[*build.ORDER_COLUMNS, column]))

    assert rejection.value.slug == "columns-repeated"
    assert column in rejection.value.detail


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Pending", OrderStatus.PENDING),
        ("PendingAvailability", OrderStatus.PENDING),
        ("Unshipped", OrderStatus.UNSHIPPED),
        ("InvoiceUnconfirmed", OrderStatus.UNSHIPPED),
        ("PartiallyShipped", OrderStatus.PARTIALLY_SHIPPED),
        ("Partially Shipped", OrderStatus.PARTIALLY_SHIPPED),
        ("Shipping", OrderStatus.PARTIALLY_SHIPPED),
        ("Shipped", OrderStatus.SHIPPED),
        ("SHIPPED", OrderStatus.SHIPPED),
        ("Complete", OrderStatus.SHIPPED),
        ("Shipped - Delivered to Buyer", OrderStatus.SHIPPED),
        ("Shipped - Returned to Seller", OrderStatus.SHIPPED),
        ("Cancelled", OrderStatus.CANCELLED),
        ("Canceled", OrderStatus.CANCELLED),
    ],
)
def test_statuses_are_read_as_amazon_writes_them(text: str, status: OrderStatus) -> None:
    (fact,) = parse_document(build.orders_file([build.order_row(order_status=text)])).orders

    assert fact.status == status


def test_status_is_of_order_and_not_of_items() -> None:
    (fact,) = parse_document(
        build.orders_file([build.order_row(order_status="Shipped", item_status="Cancelled")])
    ).orders

    assert fact.status == OrderStatus.SHIPPED


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("Amazon", "afn"),
        ("AFN", "afn"),
        ("Merchant", "mfn"),
        ("MFN", "mfn"),
        ("Seller", "mfn"),
        ("merchant", "mfn"),
    ],
)
def test_fulfillment_channel_becomes_channel(text: str, channel: str) -> None:
    (fact,) = parse_document(build.orders_file([build.order_row(fulfillment_channel=text)])).orders

    assert fact.channel == channel


def test_whole_region_is_split_by_sales_channel() -> None:
    stores = {build.order_id(n): store for n, store in enumerate(MARKETPLACES)}
    rows = [
        build.order_row(amazon_order_id=order, sales_channel=store.sales_channel)
        for order, store in stores.items()
    ]

    parsed = parse_document(build.orders_file(build.shuffled(rows, seed=1)), marketplace="DE")

    assert {fact.order_id: fact.marketplace for fact in parsed.orders} == {
        order: store.code for order, store in stores.items()
    }


MULTI_CHANNEL_STORES = (
    *("Non-Amazon", "Non-Amazon US", "Non-Amazon DE", "non-amazon"),
    *("SI CA Prod Marketplace", "SI UK Prod Marketplace", "SI Prod IT Marketplace", "SI Prod Marketplace"),
)


@pytest.mark.parametrize("store", MULTI_CHANNEL_STORES)
@pytest.mark.parametrize("order", ["S01-1234567-1234567", "S02", "shopify #1001", "X" * 60, ""])
@pytest.mark.parametrize("cells", [{}, {"purchase_date": ""}, {"order_status": "Lost"}])
def test_multi_channel_orders_are_set_apart_before_anything_rejects_them(
    store: str, order: str, cells: dict[str, str]
) -> None:
    row = build.order_row(amazon_order_id=order, sales_channel=store) | cells

    parsed = parse_document(build.orders_file([row]))

    assert (parsed.orders, parsed.rejected) == ([], {})
    assert (parsed.reader.read, parsed.reader.set_apart) == (1, 1)


@pytest.mark.parametrize("store", ["Amazon.com", "SI Prod"])
def test_order_with_multi_channel_id_is_set_apart_in_any_store(store: str) -> None:
    rows = [
        build.order_row(amazon_order_id=order, sales_channel=store if order[0] == "S" else "Amazon.com")
        for order in ("S01-1234567-1234567", build.order_id(1))
    ]

    parsed = parse_document(build.orders_file(rows))

    assert [fact.order_id for fact in parsed.orders] == [build.order_id(1)]
    assert (parsed.rejected, parsed.reader.set_apart) == ({}, 1)


def test_multi_channel_row_moves_order_of_amazon_out_of_its_store() -> None:
    row = build.order_row(amazon_order_id=build.order_id(1), sales_channel="Non-Amazon")

    parsed = parse_document(build.orders_file([row]))

    (fact,) = parsed.orders
    assert (fact.marketplace, fact.order_id, parsed.reader.set_apart) == (NON_AMAZON, build.order_id(1), 1)


def test_bare_quote_is_part_of_product_name() -> None:
    names = ['12" x 18"', '"Best" pillow', '"', 'open "', '""']
    rows = [
        build.order_row(amazon_order_id=build.order_id(n), product_name=name, promotion_ids='"')
        for n, name in enumerate(names)
    ]

    parsed = parse_document(build.orders_file(rows))

    assert [fact.order_id for fact in parsed.orders] == [build.order_id(n) for n in range(len(names))]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_report_that_spreadsheet_saved_with_commas_is_read_too(delimiter: str) -> None:
    row = build.order_row(purchase_date="2026-10-01T12:00:00+00:00") | {
        "product-name": '"Pillow, 12"" x 18"""'
    }

    parsed = parse_document(build.table(row, columns=build.ORDER_COLUMNS, delimiter=delimiter))

    assert [(fact.order_id, fact.ordered_at) for fact in parsed.orders] == [
        (build.order_id(1), datetime(2026, 10, 1, 12, tzinfo=UTC))
    ]


def test_tab_within_product_name_moves_nothing_that_is_required() -> None:
    parsed = parse_document(build.orders_file([build.order_row(product_name="two\tcells")]))

    assert (len(parsed.orders), parsed.rejected) == (1, {})


def test_items_of_order_are_statements_about_it() -> None:
    rows = [build.order_row(sku="one"), build.order_row(sku="two"), build.order_row(sku="two")]

    parsed = parse_document(build.orders_file(rows))

    assert [line for line, _ in parsed.lines] == [2, 3, 4]
    assert len({order[:6] for order in parsed.orders}) == 1
    assert [order.sku for order in parsed.orders] == ["one", "two", "two"]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encoding_changes_no_fact(codec: str) -> None:
    row = build.order_row(product_name="Kopfkissen für Gäste – 12″".replace("″", '"'), ship_city="Köln")

    assert (
        parse_document(build.orders_file([row], codec=codec)).orders
        == parse_document(build.orders_file([row])).orders
    )


def test_japanese_file_is_read_as_cp932() -> None:
    row = build.order_row(product_name="枕 12インチ ソ表", sales_channel="Amazon.co.jp")

    parsed = parse_document(build.orders_file([row], codec="cp932"), marketplace="JP")

    assert (parsed.reader.encoding.codec, parsed.orders[0].marketplace) == ("cp932", "JP")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-01T12:00:00+00:00", datetime(2026, 10, 1, 12, tzinfo=UTC)),
        ("2026-10-01T12:00:00Z", datetime(2026, 10, 1, 12, tzinfo=UTC)),
        ("2026-10-01T12:00:00.250Z", datetime(2026, 10, 1, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-10-01T00:30:00+09:00", datetime(2026, 9, 30, 15, 30, tzinfo=UTC)),
        ("2026-10-01T12:00:00-07:00", datetime(2026, 10, 1, 19, tzinfo=UTC)),
        ("2026-10-01T12:00:00+23:59", datetime(2026, 9, 30, 12, 1, tzinfo=UTC)),
        ("2026-10-01T12:00:00+00:00:30.5", datetime(2026, 10, 1, 11, 59, 29, 500_000, tzinfo=UTC)),
    ],
)
def test_time_is_same_moment_in_every_offset(text: str, moment: datetime) -> None:
    (fact,) = parse_document(build.orders_file([build.order_row(purchase_date=text)])).orders

    assert (fact.ordered_at, fact.ordered_at.tzinfo) == (moment, UTC)


@pytest.mark.parametrize(
    ("cells", "reason_part"),
    [
        ({"amazon_order_id": ""}, "`amazon-order-id`: ''"),
        ({"amazon_order_id": "1234567"}, "a long number is not a valid Amazon order ID"),
        ({"amazon_order_id": "101-0000001-00000012"}, "not a valid Amazon order ID"),
        ({"amazon_order_id": "１01-0000001-0000001"}, "not a valid Amazon order ID"),
        ({"amazon_order_id": "1 01-0000001-0000001"}, "not a valid Amazon order ID"),
        ({"purchase_date": ""}, "`purchase-date`: '' is not a valid ISO 8601 time"),
        ({"last_updated_date": "soon"}, "`last-updated-date`: 'soon' is not a valid ISO 8601 time"),
        ({"purchase_date": "10/20/26"}, "not a valid ISO 8601 time"),
        ({"purchase_date": "2026-10-01"}, "no UTC offset"),
        ({"purchase_date": "2026-10-01T12:00:00"}, "no UTC offset"),
        ({"purchase_date": "2026-02-30T12:00:00Z"}, "not a valid ISO 8601 time"),
        ({"purchase_date": "0001-01-01T00:00:00+14:00"}, "is out of range"),
        ({"purchase_date": "9999-12-31T23:59:59-12:00"}, "is out of range"),
        ({"last_updated_date": "1970-01-01T00:00:00Z"}, "is out of range"),
        ({"order_status": ""}, "`order-status`: ''"),
        (
            {"order_status": "Lost"},
            "`order-status`: 'Lost' is not a known status; expected one of Pending, Unshipped, Shipping, Shipped, "
            "Complete, Cancelled.",
        ),
        ({"order_status": "Jane Doe"}, "`order-status`: a text of several words is not a known status"),
        ({"fulfillment_channel": ""}, "`fulfillment-channel`: ''"),
        ({"sales_channel": ""}, "`sales-channel`: ''"),
        ({"sales_channel": "Amazon.example"}, "'Amazon.example' is not a known Amazon store"),
    ],
)
def test_invalid_rows_are_rejected_with_reason(cells: dict[str, str], reason_part: str) -> None:
    parsed = parse_document(
        build.orders_file([build.order_row(amazon_order_id=build.order_id(2)), build.order_row(**cells)])
    )

    assert [fact.order_id for fact in parsed.orders] == [build.order_id(2)]
    assert reason_part in parsed.rejected[3]


def test_row_with_too_few_cells_is_rejected_where_file_goes_on() -> None:
    document = build.orders_file([build.order_row()]) + b"101-0000001-0000002\tonly\tthree\n"

    assert "3 cells" in parse_document(document).rejected[3]


@pytest.mark.parametrize("column", ["purchase_date", "last_updated_date"])
@pytest.mark.parametrize(("days", "is_used"), [(2, True), (4, False), (366, False)])
def test_future_time_is_rejected(column: str, days: int, is_used: bool) -> None:
    ahead = (timezone.now() + timedelta(days=days)).isoformat()

    parsed = parse_document(build.orders_file([build.order_row(), build.order_row(**{column: ahead})]))

    assert len(parsed.lines) == 1 + is_used
    assert [
        f"`{column.replace('_', '-')}`: {ahead!r} is out of range; expected 1995-07-01 to the day the document was received."
        for _ in parsed.rejected
    ] == list(parsed.rejected.values())
