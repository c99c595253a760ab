import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from ingestion.parsing import tabular
from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import all_orders, all_orders_xml, claims_csv, seller_feedback
from ingestion.reports.documents import MAX_REJECTED_ROWS
from tests import build
from tests.ingestion.parsed_documents import parse_document

SAMPLES = Path(__file__).parents[2] / "samples"
XML_ORDERS = all_orders_xml.NAME
ORDERS, FEEDBACK, CLAIMS = all_orders.NAME, seller_feedback.NAME, claims_csv.NAME
V1, V2 = "GET_V1_SELLER_PERFORMANCE_REPORT", "GET_V2_SELLER_PERFORMANCE_REPORT"

orders = build.orders_file(build.order_row(amazon_order_id=build.order_id(n)) for n in (1, 2, 3))
feedback = build.feedback_file(build.feedback_row(order=build.order_id(n), on="10/20/26") for n in (1, 2, 3))
claimed = build.claims_file(build.claim(order=build.order_id(n)) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("document", "report_type"),
    [
        (orders, ORDERS),
        (feedback, FEEDBACK),
        (claimed, CLAIMS),
        (claimed.replace(b",", b";"), CLAIMS),
        (claimed.replace(b",", b"\t"), CLAIMS),
        (gzip.compress(orders), ORDERS),
        (b"\n \t\r\n" + orders, ORDERS),
        (b"\n\n" + claimed.replace(b",", b";"), CLAIMS),
        (orders.decode().encode("utf-16"), ORDERS),
        (feedback.decode().encode("utf-8-sig"), FEEDBACK),
        (orders.replace(b"\r\n", b"\n"), ORDERS),
    ],
)
def test_report_type_is_detected_by_its_header(document: bytes, report_type: str) -> None:
    parsed = parse_document(document)

    assert parsed.reader.type_name == report_type
    assert len(parsed.lines) == parsed.reader.read == 3


def test_announced_type_keeps_name_it_was_announced_by() -> None:
    by_update = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"

    assert parse_document(orders, announced=by_update).reader.type_name == by_update


@pytest.mark.parametrize(
    ("document", "slug", "reason_part"),
    [
        (b"", "empty-document", "no bytes"),
        (b"\n \r\n\t\n\n", "empty-document", "blank lines"),
        (gzip.compress(b""), "empty-document", "no bytes"),
        (
            b"Date range exceeded. Report can be requested only upto 30 days",
            "unknown-document",
            "Amazon's message that the date range was too long",
        ),
        (b'{"accounts": []}', "unknown-document", "JSON"),
        (b"[\n]", "unknown-document", "JSON"),
        (b'<?xml version="1.0"?>\n<AmazonEnvelope/>', "unknown-document", "XML"),
        (b"one\ttwo\tthree\n1\t2\t3\n", "unknown-document", "no column of a supported report"),
        (b"sku\tJane\torder-amount\n1\t2\t3\n", "unknown-document", "`sku`, `order-amount` and 1 that"),
        (b"".join(orders.splitlines(keepends=True)[1:]), "no-header", "header"),
        (b"".join(feedback.splitlines(keepends=True)[1:]), "no-header", "header"),
        (b"".join(claimed.splitlines(keepends=True)[1:]), "no-header", "header"),
        (b'"101-0000001-0000001";"granted"\n', "no-header", "header"),
        (orders.replace(b"sales-channel", b"store"), "columns-missing", "sales-channel"),
        (orders.replace(b"merchant-order-id", b"amazon-order-id"), "columns-repeated", "amazon-order-id"),
        (orders.replace(b"sku", b"sku" + b"\ttel" * 1000), "too-many-columns", "at most 1000 are supported"),
        (claimed + b'"ab\n",' * 400_000, "invalid-csv", "more than 2097152 characters"),
        (
            claimed.replace(b"funded_by", b"funded_by" + b",x" * 1000),
            "too-many-columns",
            "at most 1000 are supported",
        ),
        (b"tel\t" * 1000 + orders, "unknown-document", "that are not known"),
        (orders.replace(b"101-", b"1O1-"), "no-usable-row", "Line 2"),
        (orders.replace(b"\r\n", b"\r"), "line-ends", "carriage return"),
        (orders.replace(b"\r\n", b"\r", 1), "line-ends", "carriage return"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not-text", "NUL"),
        (
            b"PK\x03\x04\x14\0\x06\0\x08\0[Content_Types].xml",
            "spreadsheet",
            "Save the sheet as CSV or tab-delimited text",
        ),
        (b"PK\x03\x04 and nothing else that is binary", "spreadsheet", "an Excel workbook or a ZIP archive"),
        (gzip.compress(b"PK\x03\x04\x14\0"), "spreadsheet", "tab-delimited"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet", "an Excel workbook"),
        (
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
            "not-text",
            "It is a PDF. Download the report as CSV or tab-delimited text",
        ),
    ],
)
def test_document_that_is_no_report_is_rejected_with_reason(
    document: bytes, slug: str, reason_part: str
) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document)

    assert rejection.value.slug == slug
    assert reason_part in rejection.value.detail
    assert rejection.value.problem().keys() == {"type", "title", "detail"}


@pytest.mark.parametrize("announced", ["", ORDERS])
def test_header_of_as_many_columns_as_there_may_be_is_one(announced: str) -> None:
    lines = orders.split(b"\r\n")
    more = tabular.MAX_COLUMNS - lines[0].count(b"\t") - 1

    assert (
        len(parse_document(b"\r\n".join([lines[0] + b"\ttel" * more, *lines[1:]]), announced=announced).lines)
        == 3
    )
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(b"\r\n".join([lines[0] + b"\ttel" * (more + 1), *lines[1:]]), announced=announced)
    assert rejection.value.slug == "too-many-columns"


def test_rejection_keeps_nothing_of_ones_before() -> None:
    with pytest.raises(RejectedDocument) as first:
        parse_document(b"\n\n")
    with pytest.raises(RejectedDocument) as second:
        parse_document(b"\n\n")

    assert first.value is not second.value


@pytest.mark.parametrize(
    ("document", "announced", "slug"),
    [
        (orders, FEEDBACK, "columns-missing"),
        (orders, CLAIMS, "columns-missing"),
        (feedback, ORDERS, "columns-missing"),
        (feedback, CLAIMS, "columns-missing"),
        (claimed, ORDERS, "columns-missing"),
        # It has as many columns as a legacy report of feedback.
        (claimed, FEEDBACK, "no-usable-row"),
        (b"a\tb\tc\td\te\tf\n1\t2\t3\t4\t5\t6\n", FEEDBACK, "no-usable-row"),
        (b"".join(feedback.splitlines(keepends=True)[1:]), FEEDBACK, "no-header"),
        (b"".join(orders.splitlines(keepends=True)[1:]), ORDERS, "no-header"),
        (b'{"defects": []}', ORDERS, "unknown-document"),
        (b"<a/>", ORDERS, "unknown-document"),
        (orders, "GET_V2_SELLER_PERFORMANCE_REPORT", "unknown-document"),
        (b"\n\n", ORDERS, "empty-document"),
        (b"no json", "defects", "invalid-json"),
        (b"[]", "defects", "invalid-json"),
        (b'{"defects": 7}', "defects", "invalid-json"),
        (b"\xff\xfe", "defects", "empty-document"),
        (b"PK\x03\x04\x14\0", ORDERS, "spreadsheet"),
        (b"%PDF-1.7\n", CLAIMS, "not-text"),
        (b"<html></html>", XML_ORDERS, "unknown-document"),
        (orders, XML_ORDERS, "unknown-document"),
        (b"An error.", XML_ORDERS, "invalid-xml"),
    ],
)
def test_document_announced_as_another_type_is_rejected(document: bytes, announced: str, slug: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document, announced=announced)

    assert rejection.value.slug == slug


@pytest.mark.parametrize("document", [orders, feedback, claimed])
def test_header_without_rows_gives_warning(document: bytes) -> None:
    parsed = parse_document(document.splitlines(keepends=True)[0])

    assert (parsed.reader.read, parsed.lines, parsed.reader.rejected) == (0, [], [])
    assert parsed.reader.parse_context.warnings == ["The document has no rows."]


def test_invalid_rows_are_rejected_by_line_and_others_used() -> None:
    first, second, *rest = orders.splitlines(keepends=True)
    document = b"\n" + first + second + b"\n" + b"".join(rest[:1]) + second.replace(b"Merchant", b"Somebody")

    parsed = parse_document(document)

    assert [line for line, _ in parsed.lines] == [3, 5]
    assert parsed.rejected == {
        6: "`fulfillment-channel`: 'Somebody' is not valid; expected Amazon or Merchant."
    }
    assert parsed.reader.read == 3


@pytest.mark.parametrize("document", [orders, feedback, claimed], ids=["orders", "feedback", "claims"])
def test_document_cut_in_middle_of_row_is_rejected_wherever_it_is_cut(document: bytes) -> None:
    """Cut before the last delimiter: a cut in the last cell looks like a short value."""

    last_row = document.rstrip(b"\r\n").rfind(b"\n") + 1
    delimiter = b"\t" if b"\t" in document else b","
    last_cell = document.rstrip(b"\r\n").rfind(delimiter)
    outcomes = Counter[str]()

    for end in range(last_row + 1, last_cell + 1):
        with pytest.raises(RejectedDocument) as rejection:
            parse_document(document[:end])
        outcomes[rejection.value.slug] += 1

    assert outcomes.keys() == {"document-cut-off"}


def test_cut_in_middle_of_character_is_cut() -> None:
    document = build.feedback_file(
        [build.feedback_row(order=build.order_id(1), on="10/20/26"), ("10/21/26", "1", "zu spät")]
    )

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document[: document.rindex("ä".encode()) + 1])

    assert rejection.value.slug == "document-cut-off"


def test_cut_is_noticed_in_document_of_one_row() -> None:
    document = build.orders_file([build.order_row()])

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document[:-40])

    assert rejection.value.slug == "document-cut-off"


def test_last_line_without_end_is_whole_when_no_shorter_than_others() -> None:
    assert len(parse_document(orders.rstrip(b"\r\n")).lines) == 3


def test_rows_whose_empty_cells_at_end_were_trimmed_are_whole() -> None:
    trimmed = b"\n".join(line.rstrip(b"\t\r") for line in orders.splitlines())

    parsed = parse_document(trimmed)

    assert (len(parsed.lines), parsed.rejected) == (3, {})


def test_document_with_too_many_rejected_rows_is_rejected() -> None:
    header, row, *_ = claimed.splitlines(keepends=True)
    document = header + row + row.replace(b"granted", b"?") * (MAX_REJECTED_ROWS + 1)

    with pytest.raises(RejectedDocument) as rejection:
        parse_document(document)

    assert rejection.value.slug == "too-many-rejected-rows"
    assert "Line 3" in rejection.value.detail


def test_rows_are_all_listed_if_all_are_rejected() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document(claimed.replace(b"granted", b"?"))

    assert [row.line for row in rejection.value.rejected] == [2, 3, 4]


def test_long_value_is_not_repeated_whole_in_reason() -> None:
    (reason,) = parse_document(orders + b"\t".join([b"x" * 5_000] * 32) + b"\n").rejected.values()

    assert len(reason) < 300


def test_posted_rows_are_numbered_from_one() -> None:
    rows = [build.defect(order=build.order_id(1)), build.defect(order="none"), "junk"]

    parsed = parse_document(json.dumps({"defects": rows[:2]}).encode(), announced="defects")

    assert [line for line, _ in parsed.lines] == [1]
    assert parsed.rejected.keys() == {2}


@pytest.mark.parametrize(
    ("path", "read_as", "rows"),
    [
        (f"{V1}/1_RECONSTRUCTED.xml", V1, 11),
        (f"{V2}/1_airbyte_fixture.json", V2, 6),
        (f"{V2}/3_schema_examples_root.json", V2, 19),
        (f"{V2}/4_schema_example_performanceMetrics.json", V2, 19),
    ],
)
def test_sample_account_health_reports_are_read_whole(path: str, read_as: str, rows: int) -> None:
    parsed = parse_document((SAMPLES / path).read_bytes())

    assert (parsed.reader.type_name, parsed.reader.read, parsed.rejected) == (read_as, rows, {})


def test_schema_of_report_is_rejected_as_what_it_is() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        parse_document((SAMPLES / V2 / "0_json_schema.json").read_bytes())

    assert rejection.value.slug == "schema-not-report"
