"""Test that each sample (tests/samples/README.md) is parsed or rejected as its grade allows."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ingestion.parsing.rejections import RejectedDocument
from metrics.rules.facts import OrderStatus
from tests import build
from tests.ingestion.parsed_documents import ParsedDocument, parse_document

SAMPLES = Path(__file__).parents[2] / "samples"
ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
ORDERS_XML = "GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
FEEDBACK = "GET_SELLER_FEEDBACK_DATA"
RETURNS = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
FBA_RETURNS = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
RECONSTRUCTED_DE = [
    ("302-1234567-1234567", 1, date(2026, 9, 24)),
    ("306-7654321-7654321", 3, date(2026, 9, 3)),
]


def sample(path: str, *, marketplace: str = "US", announced: str = "") -> ParsedDocument:
    return parse_document((SAMPLES / path).read_bytes(), marketplace=marketplace, announced=announced)


def test_real_xml_report_gives_its_order_in_encoding_that_it_declares() -> None:
    parsed = sample(f"{ORDERS_XML}/1.xml")

    assert {order[:4] for order in parsed.orders} == {
        ("111-5574600-0153060", "US", "afn", OrderStatus.PENDING)
    }
    assert parsed.orders[0].ordered_at == datetime(2017, 10, 30, 20, 6, 6, tzinfo=UTC)
    assert parsed.orders[0].last_updated_at == datetime(2017, 10, 30, 20, 6, 11, tzinfo=UTC)
    assert [order[6:] for order in parsed.orders] == [
        ("JLM106STK-AT-2", "B074G4GB3P", 1, OrderStatus.UNSHIPPED, "15.95", ""),
        ("JLM157STK-AT-1", "B0753YQTZR", 1, OrderStatus.UNSHIPPED, "24.99", ""),
    ]
    assert (parsed.reader.type_name, parsed.reader.encoding.codec) == (ORDERS_XML, "iso-8859-1")
    assert (parsed.rejected, parsed.warnings) == ({}, [])


def test_real_rows_without_their_header_are_rejected() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        sample(f"{ORDERS}/1_rows_without_header.tsv")

    assert rejection.value.slug == "no-header"


def test_real_rows_load_under_header_they_lack() -> None:
    rows = (SAMPLES / ORDERS / "1_rows_without_header.tsv").read_bytes()
    header = "\t".join(build.ORDER_COLUMNS).encode() + b"\r\n"

    parsed = parse_document(header + rows)

    assert {(fact.marketplace, fact.channel, fact.ordered_at.date()) for fact in parsed.orders} == {
        ("US", "afn", date(2020, 2, 18))
    }
    assert [fact.order_id for fact in parsed.orders][:2] == ["114-4892924-3377867", "113-9925451-0581038"]
    assert (len(parsed.orders), parsed.rejected) == (6, {})


@pytest.mark.parametrize("announced", ["", RETURNS])
def test_real_return_loads_although_its_row_is_shorter_than_header(announced: str) -> None:
    parsed = sample(f"{RETURNS}/1.tsv", announced=announced)

    assert parsed.reader.type_name == RETURNS
    assert parsed.lines == [
        (
            2,
            (
                *("113-6277818-6289068", "RMA DfqRyqfBRRMA", date(2025, 7, 14), "approved", True, None, ""),
                *(None, "PANEC-925SS-IT", "B0DFN2HN9N", 2, "AMZ-PG-WJ-TOO-SMALL"),
            ),
        ),
    ]
    assert (parsed.defects, parsed.rejected, parsed.warnings) == ([], {}, [])


def test_real_return_with_claim_is_claim_too() -> None:
    document = (SAMPLES / RETURNS / "1.tsv").read_bytes().replace(b"Seller\tN\tN", b"Seller\tY\tN")

    (fact,) = parse_document(document).defects

    assert fact[:4] == ("113-6277818-6289068", "a_to_z_claim", "returns-report", "filed")
    assert (fact.occurred_on, fact.counts) == (date(2025, 7, 14), True)


@pytest.mark.parametrize("announced", ["", FBA_RETURNS])
def test_real_return_to_amazon_loads(announced: str) -> None:
    parsed = sample(f"{FBA_RETURNS}/1.tsv", announced=announced)

    assert parsed.reader.type_name == FBA_RETURNS
    assert parsed.lines == [
        (
            2,
            (
                "114-2962899-5762619",
                "LPNNC5N165ZVR",
                date(2025, 6, 5),
                "immediate_donation",
                True,
                None,
                "",
                None,
                *("LVA1004-UPC", "B00TZ73MUY", 1, "NOT_COMPATIBLE"),
            ),
        ),
    ]
    assert (parsed.rejected, parsed.warnings) == ({}, [])


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("report_type", [RETURNS, FBA_RETURNS])
def test_fixture_that_repeats_its_header_as_data_has_no_rows(report_type: str, announced: bool) -> None:
    parsed = sample(f"{report_type}/2_airbyte_header_fixture.tsv", announced=report_type if announced else "")

    assert (parsed.reader.read, parsed.lines, parsed.rejected) == (0, [], {})
    assert "The header is repeated in 2 lines" in parsed.warnings[0]


@pytest.mark.parametrize(
    ("path", "marketplace", "facts", "encoding"),
    [
        ("2_DE_RECONSTRUCTED_cp1252.tsv", "DE", RECONSTRUCTED_DE, "cp1252"),
        ("2_DE_RECONSTRUCTED_utf8.tsv", "DE", RECONSTRUCTED_DE, "utf-8"),
        ("3_ES_RECONSTRUCTED_utf8.tsv", "ES", [("404-1111111-2222222", 2, date(2026, 9, 19))], "utf-8"),
        ("4_MX_RECONSTRUCTED_utf8.tsv", "MX", [("701-1111111-2222222", 1, date(2026, 6, 5))], "utf-8"),
        ("6_MWS_10col_RECONSTRUCTED.tsv", "US", [("002-1234567-1234567", 2, date(2015, 9, 24))], "utf-8"),
    ],
)
@pytest.mark.parametrize("announced", ["", FEEDBACK])
def test_sample_feedback_gives_its_orders_stars_and_days(
    path: str, marketplace: str, facts: list[tuple[str, int, date]], encoding: str, announced: str
) -> None:
    parsed = sample(f"{FEEDBACK}/{path}", marketplace=marketplace, announced=announced)

    assert [(fact.order_id, fact.rating, fact.occurred_on) for fact in parsed.defects] == facts
    assert [fact.counts for fact in parsed.defects] == [stars <= 2 for _, stars, _ in facts]
    assert parsed.reader.encoding.codec == encoding
    assert (parsed.rejected, parsed.warnings) == ({}, [])


@pytest.mark.parametrize(
    ("path", "marketplace", "slug"),
    [
        ("1_us_header_fixture.tsv", "US", "no-usable-row"),
        ("2_DE_RECONSTRUCTED_utf8.tsv", "US", "dates-contradict-marketplace"),
        ("2_DE_RECONSTRUCTED_cp1252.tsv", "GB", "dates-contradict-marketplace"),
        ("3_ES_RECONSTRUCTED_utf8.tsv", "US", "dates-contradict-marketplace"),
        ("4_MX_RECONSTRUCTED_utf8.tsv", "DE", "dates-contradict-marketplace"),
    ],
)
def test_sample_feedback_that_holds_none_or_another_store_days_is_rejected(
    path: str, marketplace: str, slug: str
) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        sample(f"{FEEDBACK}/{path}", marketplace=marketplace)

    assert rejection.value.slug == slug


def test_samples_are_all_graded_and_tested() -> None:
    grades = (SAMPLES / "README.md").read_text()
    tests = "".join(file.read_text() for file in Path(__file__).parents[1].rglob("test_*.py"))
    names = [file.name for file in SAMPLES.glob("GET_*/*")]

    assert names
    assert [name for name in names if name not in grades] == []
    assert [name for name in names if name not in tests] == []
