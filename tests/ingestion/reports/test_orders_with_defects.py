from datetime import date

import pytest

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import orders_with_defects, returns_csv
from tests import build
from tests.ingestion.parsed_documents import TODAY, parse_document

CATEGORIES = {
    "Pre-fulfillment Cancellation": "cancellation",
    "Late Shipment": "late_shipment",
    "Negative Feedback": "feedback",
    "A-to-z Guarantee claim": "a_to_z_claim",
    "Chargeback claim": "chargeback",
}
COLUMNS = ("Order Id", "Order Date", "Fulfilled By", *CATEGORIES)
ROW = {"Order Id": build.order_id(1), "Order Date": "2025-07-01", "Fulfilled By": "Seller"} | dict.fromkeys(
    CATEGORIES, "No"
)


def download(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, delimiter: str = ",") -> bytes:
    return build.table(*(ROW | row for row in rows), columns=columns, delimiter=delimiter)


def quoted(row: dict[str, str], *, delimiter: str = ",") -> bytes:
    return build.table({f'"{name}"': f'"{text}"' for name, text in (ROW | row).items()}, delimiter=delimiter)


def kinds_of(document: bytes) -> list[str]:
    return [fact.kind for fact in parse_document(document).defects]


@pytest.mark.parametrize(("category", "kind"), CATEGORIES.items())
def test_category_that_is_marked_is_defect_that_is_listed(category: str, kind: str) -> None:
    (fact,) = parse_document(download({category: "Yes"})).defects

    assert fact[:5] == (build.order_id(1), kind, "orders-with-defects", "listed", None)
    assert fact[5:9] == (date(2025, 7, 1), None, "", True)


def test_order_has_defect_for_each_of_its_categories() -> None:
    parsed = parse_document(
        download(dict.fromkeys(CATEGORIES, "Yes"), {"Order Id": build.order_id(2), "Late Shipment": "Yes"})
    )

    assert [fact.kind for fact in parsed.defects] == [*CATEGORIES.values(), "late_shipment"]
    assert [line for line, _ in parsed.lines] == [2, 2, 2, 2, 2, 3]
    assert (parsed.reader.read, parsed.rejected) == (2, {})


def test_order_without_marked_category_states_nothing() -> None:
    parsed = parse_document(download({}))

    assert (parsed.lines, parsed.rejected, parsed.reader.read) == ([], {}, 1)


@pytest.mark.parametrize("mark", ["yes", "Y", "TRUE", "1", "x", "X", "✓", "2", "10", "007"])
def test_mark_is_any_yes(mark: str) -> None:
    assert kinds_of(download({"Late Shipment": mark})) == ["late_shipment"]


@pytest.mark.parametrize("mark", ["", "no", "N", "False", "0", "-", "N/A", "none", "000"])
def test_words_for_no_are_not_marks(mark: str) -> None:
    assert kinds_of(download({"Late Shipment": mark})) == []


@pytest.mark.parametrize("mark", ["perhaps", "-1", "1.5", "１", "✗", "9" * 5000, "2025-07-01", "Seller"])
def test_unknown_mark_rejects_its_row(mark: str) -> None:
    parsed = parse_document(
        download({"Order Id": build.order_id(2), "Late Shipment": "Yes"}, {"Late Shipment": mark})
    )

    assert [fact.order_id for fact in parsed.defects] == [build.order_id(2)]
    assert "Late Shipment" in parsed.rejected[3]
    assert "is not valid; expected yes, no, x or a count" in parsed.rejected[3]


@pytest.mark.parametrize(
    "document",
    [
        download({"Late Shipment": "Yes"}),
        download({"Late Shipment": "Yes"}, delimiter=";"),
        download({"Late Shipment": "Yes"}, delimiter="\t"),
        download({"Late Shipment": "Yes"}).replace(b"\n", b"\r\n"),
        quoted({"Late Shipment": "Yes", "Fulfilled By": "Seller, Inc."}),
        quoted({"Late Shipment": "Yes"}, delimiter="\t"),
        b"\xef\xbb\xbf" + download({"Late Shipment": "Yes"}),
        download({"Late Shipment": "Yes"}).decode().encode("utf-16"),
    ],
)
def test_form_of_file_does_not_matter(document: bytes) -> None:
    parsed = parse_document(document)

    assert parsed.reader.type_name == orders_with_defects.NAME
    assert [(fact.order_id, fact.kind) for fact in parsed.defects] == [(build.order_id(1), "late_shipment")]


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("Order Id", "Order ID"),
        ("Order Id", "order-id"),
        ("Order Id", "ORDER_ID"),
        ("Pre-fulfillment Cancellation", "Pre-fulfilment cancellation"),
        ("Pre-fulfillment Cancellation", "Prefulfillment Cancellations"),
        ("Pre-fulfillment Cancellation", "pre_fulfillment_cancel"),
        ("Late Shipment", "late-shipments"),
        ("Negative Feedback", "Negative feedback"),
        ("A-to-z Guarantee claim", "A-to-Z Guarantee Claims"),
        ("A-to-z Guarantee claim", "A to Z Claim"),
        ("Chargeback claim", "Chargebacks"),
        ("Chargeback claim", "Service chargeback"),
    ],
)
def test_spelling_of_column_does_not_matter(name: str, spelling: str) -> None:
    marked = download(dict.fromkeys(CATEGORIES, "Yes"))

    assert kinds_of(marked.replace(name.encode(), spelling.encode(), 1)) == [*CATEGORIES.values()]


@pytest.mark.parametrize(("category", "kind"), CATEGORIES.items())
def test_download_needs_only_one_category(category: str, kind: str) -> None:
    assert kinds_of(download({category: "Yes"}, columns=("Order Id", category))) == [kind]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-07-01", date(2025, 7, 1)),
        ("01-Jul-2025", date(2025, 7, 1)),
        ("2025-07-01T10:00:00Z", date(2025, 7, 1)),
        ("07/01/2025", None),
        ("Jul 1 2025", date(2025, 7, 1)),
        ("1 July 2025", date(2025, 7, 1)),
        ("07/21/2025", date(2025, 7, 21)),
        ("", None),
        ("2026-12-24", None),
        ("0001-01-01", None),
    ],
)
def test_day_is_stored_where_it_means_one_day_only(text: str, day: date | None) -> None:
    (fact,) = parse_document(download({"Late Shipment": "Yes", "Order Date": text}), today=TODAY).defects

    assert fact.occurred_on == day


def test_missing_day_column_gives_no_day() -> None:
    (fact,) = parse_document(
        download({"Late Shipment": "Yes"}, columns=("Order Id", "Late Shipment"))
    ).defects

    assert fact.occurred_on is None


@pytest.mark.parametrize("order", ["", "1234", "112-1234567-123456"])
def test_row_without_order_is_rejected(order: str) -> None:
    parsed = parse_document(download({}, {"Order Id": order}))

    assert "is not a valid Amazon order ID" in parsed.rejected[3]


@pytest.mark.parametrize(
    "columns",
    [
        ("Order Id",),
        ("Order Id", "Order Date", "Fulfilled By"),
        ("Late Shipment",),
        ("Order Id", "Returned late"),
    ],
)
def test_download_without_order_or_category_is_not_detected(columns: tuple[str, ...]) -> None:
    document = build.table(dict.fromkeys(columns, "x"))

    for announced, slug in (("", "unknown-document"), (orders_with_defects.NAME, "columns-missing")):
        with pytest.raises(RejectedDocument) as rejection:
            parse_document(document, announced=announced)

        assert rejection.value.slug == slug


def test_category_repeated_is_rejected() -> None:
    columns = (*COLUMNS, "Chargeback")

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(download({}, columns=columns))

    assert rejection.value.slug == "columns-repeated"


def test_returns_layout_is_not_detected_as_orders_with_defects() -> None:
    document = build.table(
        {"order_id": build.order_id(1), "requested_at": "2025-07-01", "negative_feedback": "yes"}
    )

    assert parse_document(document).reader.type_name == returns_csv.NAME
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document, announced=orders_with_defects.NAME)
    assert rejection.value.slug == "columns-missing"
