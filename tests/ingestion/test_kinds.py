"""What every kind of document has in common: it is told of, its example is one, and it is taken for no other."""

from collections import Counter

import pytest

from accounts.marketplaces import CODES
from ingestion.parsing.refusals import Refused
from ingestion.reports import BY_REPORT_TYPE, KINDS, UPLOADABLE
from ingestion.reports.kind import Kind, column_name
from metrics.rules.facts import ReportedFact
from tests.ingestion.reading import read

kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.report_types[0])


def announced(kind: Kind) -> str:
    """The name that a document of this kind needs, if it needs one."""
    return "" if kind.is_uploaded else kind.report_types[0]


def header_of(kind: Kind) -> list[str]:
    first = kind.example.splitlines()[0]
    return first.split("\t" if "\t" in first else ",")


@kinds
def test_a_kind_says_what_it_is_of_what_it_needs_and_who_says_so(kind: Kind) -> None:
    assert all((kind.title, kind.about, kind.columns, kind.example, kind.source))
    assert kind.facts[0] is ReportedFact or any(column.needed for column in kind.columns)
    assert all(column.meaning and not column.meaning.endswith(".") for column in kind.columns)
    assert len({column_name(column.name) for column in kind.columns}) == len(kind.columns)


def test_a_name_means_one_kind() -> None:
    names = Counter(name for kind in KINDS for name in kind.report_types)

    assert set(names.values()) == {1}
    assert len({kind.title for kind in KINDS}) == len(KINDS)
    assert set(BY_REPORT_TYPE) == set(names)


@kinds
def test_an_example_is_recognised_and_every_row_of_it_is_used(kind: Kind) -> None:
    found = read(kind.example.encode(), announced=announced(kind))

    assert found.reading.kind is kind
    assert found.lines
    assert found.rejected == {}
    assert {type(fact) for _, fact in found.lines} <= set(kind.facts)


@kinds
def test_an_example_reads_the_same_under_each_name_of_its_kind(kind: Kind) -> None:
    lines = read(kind.example.encode(), announced=announced(kind)).lines

    for name in kind.report_types:
        found = read(kind.example.encode(), announced=name)

        assert (found.reading.report_type, found.lines) == (name, lines)


@kinds
def test_an_example_is_of_no_other_kind(kind: Kind) -> None:
    """Announced as another it is refused, whatever that other is."""
    others = [name for other in KINDS if other is not kind for name in other.report_types]

    for name in others:
        with pytest.raises(Refused) as refused:
            read(kind.example.encode(), announced=name)

        assert all(refused.value.problem().values()), name


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.dialect in {"tsv", "csv", "tsv_or_csv"}], ids=lambda kind: kind.title
)
def test_a_header_is_recognised_by_its_own_kind_alone(kind: Kind) -> None:
    tables = [other for other in KINDS if other.dialect in {"tsv", "csv", "tsv_or_csv"}]

    assert [other.title for other in tables if other.recognises(header_of(kind), ())] == [kind.title]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.dialect in {"xml", "json"}], ids=lambda kind: kind.title)
def test_a_beginning_is_recognised_by_its_own_kind_alone(kind: Kind) -> None:
    others = [other for other in KINDS if other.dialect == kind.dialect and other is not kind]

    assert not any(other.recognises((kind.example,), ()) for other in others)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.dialect == "csv"], ids=lambda kind: kind.title)
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_layout_may_have_any_delimiter(kind: Kind, delimiter: str) -> None:
    found = read(kind.example.replace(",", delimiter).encode())

    assert found.reading.kind is kind
    assert found.lines == read(kind.example.encode()).lines


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.dialect == "csv"], ids=lambda kind: kind.title)
@pytest.mark.parametrize("separator", ["-", " "])
def test_a_layout_s_names_may_be_written_with_blanks_or_hyphens(kind: Kind, separator: str) -> None:
    header, rows = kind.example.split("\n", 1)

    found = read(f"{header.replace('_', separator)}\n{rows}".encode())

    assert found.reading.kind is kind
    assert found.lines == read(kind.example.encode()).lines


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.dialect in {"tsv", "csv"}], ids=lambda kind: kind.title)
def test_columns_that_are_told_of_are_columns_that_are_read(kind: Kind) -> None:
    """Without a needed column the example is refused; a column of the example that is not told of may be left out."""
    header = [column_name(name) for name in header_of(kind)]

    assert {column_name(column.name) for column in kind.columns if column.needed} <= set(header)


@kinds
def test_an_example_is_of_2025_and_does_not_age(kind: Kind) -> None:
    assert "2025" in kind.example or "/25" in kind.example
    assert not any(f"{year}-" in kind.example for year in range(2026, 2040))


@pytest.mark.parametrize("marketplace", CODES)
def test_only_feedback_depends_on_the_marketplace(marketplace: str) -> None:
    for kind in KINDS:
        if kind.report_types[0] != "GET_SELLER_FEEDBACK_DATA":
            assert read(kind.example.encode(), announced=announced(kind), marketplace=marketplace).rejected == {}


def test_what_can_be_uploaded_is_everything_but_what_is_posted() -> None:
    assert set(BY_REPORT_TYPE) - set(UPLOADABLE) == {"defects"}
