"""Test all orders as XML: the same facts as the flat file."""

from datetime import UTC, datetime, timedelta

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import all_orders_xml
from metrics.rules.facts import OrderStatus
from tests import build, clock
from tests.client import Client
from tests.ingestion.parsed_documents import parse_document

ORDERED = clock.NOON - timedelta(days=30)


def test_order_is_one_statement_without_stray_spaces() -> None:
    parsed = parse_document(
        build.orders_xml(
            build.message(OrderStatus=" Cancelled "),
            build.message(AmazonOrderID=build.order_id(2), SalesChannel="Non-Amazon"),
        )
    )

    assert [fact[:4] for fact in parsed.orders] == [
        (build.order_id(1), "DE", "mfn", OrderStatus.CANCELLED),
        (build.order_id(2), "non_amazon", "mfn", OrderStatus.SHIPPED),
    ]
    assert parsed.orders[0].ordered_at == datetime(2026, 10, 1, 12, tzinfo=UTC)


def test_document_on_one_line_is_read_too() -> None:
    assert len(parse_document(build.orders_xml(build.message() * 5000).replace(b"\n", b"")).orders) == 5000


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"AmazonOrderID": "none"}, "not a valid Amazon order ID"),
        ({"AmazonOrderID": None}, "AmazonOrderID"),
        ({"FulfillmentChannel": None}, "FulfillmentData/FulfillmentChannel"),
        ({"OrderStatus": "Lost"}, "'Lost' is not a known status"),
        ({"SalesChannel": "eBay.de"}, "'eBay.de'"),
        ({"PurchaseDate": "01.10.2026"}, "ISO 8601"),
        ({"LastUpdatedDate": "2099-01-01T00:00:00+00:00"}, "the day the document was received"),
    ],
)
def test_order_invalid_is_rejected_by_its_line(texts: dict[str, str | None], expected: str) -> None:
    parsed = parse_document(build.orders_xml(build.message(), build.message(**texts)))

    (reason,) = parsed.rejected.values()
    assert (len(parsed.orders), list(parsed.rejected)) == (1, [5])
    assert expected in reason


def test_envelope_without_orders_gives_warning() -> None:
    parsed = parse_document(build.orders_xml())

    assert (parsed.reader.read, len(parsed.warnings)) == (0, 1)


@pytest.mark.parametrize("cut", [2, 20, 200])
def test_document_that_is_cut_off_is_rejected(cut: int) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(build.orders_xml(build.message(), build.message())[:-cut])

    assert rejection.value.slug == "invalid-xml"


def test_message_of_another_type_is_rejected() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(build.orders_xml(build.message()).replace(b"AllOrdersReport", b"Product"))

    assert rejection.value.slug == "unknown-document"


def test_xml_and_flat_file_of_same_orders_give_same_numbers(acme: Client, shop: str) -> None:
    moments = {
        "PurchaseDate": ORDERED.isoformat(),
        "LastUpdatedDate": (ORDERED + timedelta(hours=20)).isoformat(),
    }
    orders = [
        build.message(**moments, AmazonOrderID=build.order_id(n), SalesChannel="Amazon.com")
        for n in range(1, 4)
    ]

    first = acme.load(shop, build.orders_xml(*orders), report_type=all_orders_xml.NAME)
    second = acme.load(shop, build.orders_file(build.orders_on(ORDERED, count=4)))

    assert (first["rows"]["new"], first["encoding"]) == (3, "utf-8")
    # Each names another item.
    assert (second["rows"]["new"], second["rows"]["changed"]) == (1, 3)
    assert acme.odr(shop)["denominator"] == 4


def test_orders_on_one_line_have_numbers_of_their_own() -> None:
    bad = [build.message(AmazonOrderID=text) for text in ("1", "2")]
    good = [build.message(AmazonOrderID=build.order_id(n)) for n in (1, 2)]
    document = b"".join(build.orders_xml(*bad, *good).splitlines())

    parsed = parse_document(document)

    assert list(parsed.rejected) == [1, 2]
    assert [line for line, _ in parsed.lines] == [3, 4]
