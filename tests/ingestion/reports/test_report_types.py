"""Test what all report types share: documentation, a valid example, unambiguous detection."""

from collections import Counter

import pytest

from accounts.marketplaces import CODES
from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports import REPORT_TYPE_BY_NAME, REPORT_TYPES, UPLOADABLE_NAMES
from ingestion.reports.report_type import ReportType, normalize_column
from metrics.rules.facts import ReportedFact
from tests.ingestion.parsed_documents import parse_document

each_report_type = pytest.mark.parametrize(
    "report_type", REPORT_TYPES, ids=lambda report_type: report_type.names[0]
)


def announced(report_type: ReportType) -> str:
    """Return the announced type that a document of this type needs, if any."""
    return "" if report_type.is_uploaded else report_type.names[0]


def header_of(report_type: ReportType) -> list[str]:
    first = report_type.example.splitlines()[0]
    return first.split("\t" if "\t" in first else ",")


@each_report_type
def test_report_type_says_what_it_is_of_what_it_needs_and_who_says_so(report_type: ReportType) -> None:
    assert all(
        (report_type.title, report_type.about, report_type.columns, report_type.example, report_type.source)
    )
    assert report_type.fact_types[0] is ReportedFact or any(column.needed for column in report_type.columns)
    assert all(column.meaning and not column.meaning.endswith(".") for column in report_type.columns)
    assert len({normalize_column(column.name) for column in report_type.columns}) == len(report_type.columns)


def test_name_means_one_report_type() -> None:
    names = Counter(name for report_type in REPORT_TYPES for name in report_type.names)

    assert set(names.values()) == {1}
    assert len({report_type.title for report_type in REPORT_TYPES}) == len(REPORT_TYPES)
    assert set(REPORT_TYPE_BY_NAME) == set(names)


@each_report_type
def test_example_is_detected_and_every_row_of_it_is_used(report_type: ReportType) -> None:
    parsed = parse_document(report_type.example.encode(), announced=announced(report_type))

    assert parsed.reader.report_type is report_type
    assert parsed.lines
    assert parsed.rejected == {}
    assert {type(fact) for _, fact in parsed.lines} <= set(report_type.fact_types)


@each_report_type
def test_example_reads_same_under_each_name_of_its_kind(report_type: ReportType) -> None:
    lines = parse_document(report_type.example.encode(), announced=announced(report_type)).lines

    for name in report_type.names:
        parsed = parse_document(report_type.example.encode(), announced=name)

        assert (parsed.reader.type_name, parsed.lines) == (name, lines)


@each_report_type
def test_example_is_of_no_other_type(report_type: ReportType) -> None:
    """Announce the example as every other type, which rejects it."""
    others = [name for other in REPORT_TYPES if other is not report_type for name in other.names]

    for name in others:
        with pytest.raises(RejectedDocument) as rejection:
            parse_document(report_type.example.encode(), announced=name)

        assert all(rejection.value.problem().values()), name


@pytest.mark.parametrize(
    "report_type",
    [report_type for report_type in REPORT_TYPES if report_type.dialect in {"csv", "tsv_or_csv"}],
    ids=lambda report_type: report_type.title,
)
def test_header_is_detected_by_its_own_type_alone(report_type: ReportType) -> None:
    tables = [other for other in REPORT_TYPES if other.dialect in {"csv", "tsv_or_csv"}]

    assert [other.title for other in tables if other.matches(header_of(report_type), ())] == [
        report_type.title
    ]


@pytest.mark.parametrize(
    "report_type",
    [report_type for report_type in REPORT_TYPES if report_type.dialect in {"xml", "json"}],
    ids=lambda report_type: report_type.title,
)
def test_beginning_is_detected_by_its_own_type_alone(report_type: ReportType) -> None:
    others = [
        other for other in REPORT_TYPES if other.dialect == report_type.dialect and other is not report_type
    ]

    assert not any(other.matches((report_type.example,), ()) for other in others)


@pytest.mark.parametrize(
    "report_type",
    [report_type for report_type in REPORT_TYPES if report_type.dialect == "csv"],
    ids=lambda report_type: report_type.title,
)
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_layout_may_have_any_delimiter(report_type: ReportType, delimiter: str) -> None:
    parsed = parse_document(report_type.example.replace(",", delimiter).encode())

    assert parsed.reader.report_type is report_type
    assert parsed.lines == parse_document(report_type.example.encode()).lines


@pytest.mark.parametrize(
    "report_type",
    [report_type for report_type in REPORT_TYPES if report_type.dialect == "csv"],
    ids=lambda report_type: report_type.title,
)
@pytest.mark.parametrize("separator", ["-", " "])
def test_layout_names_may_be_written_with_blanks_or_hyphens(report_type: ReportType, separator: str) -> None:
    header, rows = report_type.example.split("\n", 1)

    parsed = parse_document(f"{header.replace('_', separator)}\n{rows}".encode())

    assert parsed.reader.report_type is report_type
    assert parsed.lines == parse_document(report_type.example.encode()).lines


@pytest.mark.parametrize(
    "report_type",
    [report_type for report_type in REPORT_TYPES if report_type.dialect in {"csv", "tsv_or_csv"}],
    ids=lambda report_type: report_type.title,
)
def test_columns_that_are_stated_of_are_columns_that_are_read(report_type: ReportType) -> None:
    """Without a needed column the example is refused; a column of the example that is not told of may be left
    out."""

    header = [normalize_column(name) for name in header_of(report_type)]

    assert {normalize_column(column.name) for column in report_type.columns if column.needed} <= set(header)


@each_report_type
def test_example_is_of_2025_and_does_not_age(report_type: ReportType) -> None:
    assert "2025" in report_type.example or "/25" in report_type.example
    assert not any(f"{year}-" in report_type.example for year in range(2026, 2040))


@pytest.mark.parametrize("marketplace", CODES)
def test_marketplace_affects_only_feedback(marketplace: str) -> None:
    for report_type in REPORT_TYPES:
        if report_type.names[0] != "GET_SELLER_FEEDBACK_DATA":
            assert (
                parse_document(
                    report_type.example.encode(), announced=announced(report_type), marketplace=marketplace
                ).rejected
                == {}
            )


def test_uploadable_types_exclude_posted_rows() -> None:
    assert set(REPORT_TYPE_BY_NAME) - set(UPLOADABLE_NAMES) == {"defects", "facts"}
