import tracemalloc

import pytest

from ingestion.parsing import tabular
from ingestion.parsing.rejections import RejectedDocument
from ingestion.parsing.unpacking import BLOCK


def in_blocks(document: bytes, size: int) -> list[bytes]:
    return [document[at : at + size] for at in range(0, len(document), size)]


def lines_of(document: bytes, codec: str = "utf-8") -> list[str]:
    return list(tabular.Lines([document], codec))


def records_of(text: str) -> list[list[str]]:
    lines = list(tabular.Lines([text.encode()], "utf-8"))
    delimiter = tabular.detect_delimiter(next(filter(tabular.has_content, lines)))
    return [row for row in tabular.split_rows(lines, delimiter, is_quoted=True) if row]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_lines_are_same_whatever_blocks(codec: str, size: int) -> None:
    text = "注文番号\t12″\r\n\r\n二\n三"

    lines = tabular.Lines(in_blocks(text.encode(codec, "replace"), size), codec)

    assert list(lines) == text.encode(codec, "replace").decode(codec).replace("\r", "").split("\n")
    assert (lines.number, lines.last_line_is_open) == (4, True)


@pytest.mark.parametrize(
    ("document", "lines", "is_open"),
    [
        (b"", [], False),
        (b"a", ["a"], True),
        (b"a\n", ["a"], False),
        (b"a\r\n", ["a"], False),
        (b"a\r\nb\r", ["a", "b"], True),
        (b"a\rb\n", ["a\rb"], False),
        (b"\n\na\n", ["", "", "a"], False),
        (b"a\x0bb\x0cc\x85d\n", ["a\x0bb\x0cc\ufffdd"], False),
        ("a\u2028b\n".encode(), ["a\u2028b"], False),
    ],
)
def test_lines_end_with_line_feed_only(document: bytes, lines: list[str], is_open: bool) -> None:
    source = tabular.Lines([document], "utf-8")

    assert list(source) == lines
    assert (source.number, source.last_line_is_open) == (len(lines), is_open)


@pytest.mark.parametrize(
    ("document", "codec"),
    [
        (b"order\0id\n", "utf-8"),
        (b"\xef\xbb\xbforder\0id\n", "utf-8-sig"),
        ("order\0id\n".encode("utf-16"), "utf-16"),
        ("order id\n".encode("utf-16-le"), "cp1252"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "cp1252"),
    ],
)
def test_nul_bytes_are_rejected(document: bytes, codec: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        lines_of(document, codec)

    assert rejection.value.slug == "not-text"


@pytest.mark.parametrize("end", [b"", b"\n", b"\nmore\n"])
def test_line_of_two_megabytes_is_rejected_with_its_number(end: bytes) -> None:
    document = b"header\n" + b"x" * 2_000_000 + end

    with pytest.raises(RejectedDocument) as rejection:
        list(tabular.Lines(in_blocks(document, BLOCK), "utf-8"))

    assert rejection.value.slug == "line-too-long"
    assert "Line 2" in rejection.value.detail


def test_long_line_within_limit_is_line() -> None:
    document = b"x" * (tabular.MAX_LINE_LENGTH - 1) + b"\nshort\n"

    lines = list(tabular.Lines(in_blocks(document, BLOCK), "utf-8"))

    assert [len(line) for line in lines] == [tabular.MAX_LINE_LENGTH - 1, 5]


def test_tsv_quotes_are_not_special() -> None:
    lines = tabular.Lines([b'Pillow 12" x 18"\t"quoted"\t"open\n"\t\ta\n'], "utf-8")

    assert list(tabular.split_rows(lines, "\t", is_quoted=False)) == [
        ['Pillow 12" x 18"', '"quoted"', '"open'],
        ['"', "", "a"],
    ]


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("a;b\n1,5;2\n", [["a", "b"], ["1,5", "2"]]),
        ("a\tb\n1\t2\n", [["a", "b"], ["1", "2"]]),
        ('"a","b"\n"1,5","say ""no"""\n', [["a", "b"], ["1,5", 'say "no"']]),
        ('a,b\n"two\nlines",2\n', [["a", "b"], ["two\nlines", "2"]]),
        ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
        ("a,b\n1,2", [["a", "b"], ["1", "2"]]),
        ("\n\na;b\n1;2\n", [["a", "b"], ["1", "2"]]),
        ("a,b\n\n1,2\n", [["a", "b"], ["1", "2"]]),
        ('a,b\n1,12" x 18"\n', [["a", "b"], ["1", '12" x 18"']]),
    ],
)
def test_records_are_read_as_spreadsheets_write_them(text: str, records: list[list[str]]) -> None:
    assert records_of(text) == records


@pytest.mark.parametrize(
    "text", ['a,b\n"open,2\n3,4\n', 'a,b\n"1"x,2\n', "a,b\n1\r5,2\n", "a,b\n" + "x" * 200_000 + ",2\n"]
)
def test_csv_that_is_invalid_is_rejected_with_its_line(text: str) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        records_of(text)

    assert rejection.value.slug == "invalid-csv"
    assert "line" in rejection.value.detail


def test_record_without_end_is_rejected_before_it_fills_memory() -> None:
    lines = iter(["order_id,removed_on", '"ab', *['","ab'] * 1_000_000])
    tracemalloc.start()
    try:
        with pytest.raises(RejectedDocument) as rejection:
            list(tabular.split_rows(lines, ",", is_quoted=True))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert rejection.value.slug == "invalid-csv"
    assert "more than 2097152 characters. Check for a quote that is not closed." in rejection.value.detail
    assert len(list(lines)) == 1_000_002 - 2 - tabular.MAX_RECORD_LENGTH // len('","ab\n')
    assert most < 64 * 1024**2


@pytest.mark.parametrize(("more", "is_taken"), [("", True), ("x", False)])
def test_record_may_have_characters_of_two_lines_whatever_came_before(more: str, is_taken: bool) -> None:
    short = ['"x', '"'] * 400_000
    record = [
        '"' + "x" * 1022,
        *['","' + "x" * 1020] * (tabular.MAX_RECORD_LENGTH // 1024 - 2),
        '","' + more + "x" * 1019 + '"',
    ]

    parsed = tabular.split_rows(["a,b", *short, *record], ",", is_quoted=True)

    if is_taken:
        assert sum(1 for _ in parsed) == 400_002
    else:
        with pytest.raises(RejectedDocument, match="a quote that is not closed"):
            list(parsed)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("Shipped", "Shipped"),
        (" Shipped ", "Shipped"),
        ("\u00a0Shipped\u00a0\u2009", "Shipped"),
        ("\ufeffDate", "Date"),
        ("\u200b12", "12"),
        ('"Shipped"', "Shipped"),
        ('" Shipped "', "Shipped"),
        ('"say ""no"""', 'say "no"'),
        ('="112-0000001-0000001"', "112-0000001-0000001"),
        ('"=""112-0000001-0000001"""', "112-0000001-0000001"),
        ("'112-0000001-0000001", "112-0000001-0000001"),
        ('"\'112-0000001-0000001"', "112-0000001-0000001"),
        ("=1+1", "=1+1"),
        ('Pillow 12" x 18"', 'Pillow 12" x 18"'),
        ('12"', '12"'),
        ('"', '"'),
        ('""', ""),
        ('="', '="'),
        ("", ""),
        (" \t\u3000", ""),
    ],
)
def test_clean_cell_has_nothing_around_its_value(cell: str, value: str) -> None:
    assert tabular.clean_cell(cell) == value
    assert tabular.clean_cell(tabular.clean_cell(cell)) == value


def test_lines_are_counted_in_either_form() -> None:
    for text, delimiter in (("a\tb\n1\t2\n3\t4\n", "\t"), ("a,b\n1,2\n3,4\n", ",")):
        lines = tabular.Lines([text.encode()], "utf-8")
        rows = tabular.split_rows(lines, delimiter, is_quoted=delimiter == ",")

        assert [lines.number for _ in rows] == [1, 2, 3]


def test_utf_16_that_lost_its_mark_is_rejected() -> None:
    with pytest.raises(RejectedDocument) as rejection:
        list(tabular.Lines([b"a\0b\0\n\0"], "utf-16"))

    assert rejection.value.slug == "not-text"
