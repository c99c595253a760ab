"""A kept document becomes (line, fact) pairs: encoding chosen, kind recognised, rows parsed. Pure but for the open stream."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import chain, islice
from typing import IO, Any

from ingestion.parsing import tabular, xml
from ingestion.parsing.encodings import Encoding
from ingestion.parsing.rejections import InvalidRow, RejectedDocument, RejectedLine, mask_email_addresses
from ingestion.reports import REPORT_TYPE_BY_NAME, REPORT_TYPES
from ingestion.reports.report_type import ORDER_ID, ParseContext, ReportType, RowParser
from metrics.rules.facts import Fact

MAX_REJECTED_ROWS = 100_000
START_BYTES = 64 * 1024
ANY_DELIMITER = re.compile("[\t,;]")
CELLS = {"tsv": tabular.split_tsv, "csv": tabular.split_csv, "tsv_or_csv": tabular.split_tsv_or_csv}
TABLE_TYPES = tuple(report_type for report_type in REPORT_TYPES if report_type.dialect in CELLS)
BINARY = {
    b"PK\x03\x04": (
        "spreadsheet",
        "It is an Excel workbook or a ZIP archive. Save the sheet as CSV or tab-delimited text and send that.",
    ),
    b"\xd0\xcf\x11\xe0": ("spreadsheet", "It is an Excel workbook. Save the sheet as CSV or tab-delimited text and send that."),
    b"%PDF": ("not-text", "It is a PDF. Download the report as CSV or tab-delimited text and send that."),
}
LONG_NUMBER = re.compile(r"\d(?:[ ./()-]{0,2}\d){6,}")  # a phone number or an id, which no header has
SUPPORTED_TYPES = (
    f"Supported: {', '.join(dict.fromkeys(report_type.title for report_type in REPORT_TYPES if report_type.is_uploaded))}."
)
OpenDocument = Callable[[], AbstractContextManager[IO[bytes]]]


class DocumentReader:
    """One pass over a document.

    After `facts()` is exhausted: `read` rows were seen, `rejected` of them could not be used, `encoding`, `kind` and
    `setting.warnings` say how it was understood.
    """

    def __init__(
        self,
        open_document: OpenDocument,
        *,
        announced_type: str,
        parse_context: ParseContext,
        max_bytes: int,
        encoding: Encoding | None = None,
    ) -> None:
        """`encoding` is that of the document as it came, where it was found then."""
        self.parse_context = parse_context
        self.rejected: list[RejectedLine] = []
        self.read = 0
        self._opening = open_document
        self._most_bytes = max_bytes
        with open_document() as stream:
            blocks = tabular.blocks(stream, max_bytes=max_bytes)
            head = next(blocks, b"")
            _reject_binary(head)
            self.encoding = encoding or tabular.detect_encoding(
                chain((head,), blocks), japanese=parse_context.marketplace == "JP"
            )
        self.report_type = REPORT_TYPE_BY_NAME[announced_type] if announced_type else self._detect_type()
        if self.report_type.dialect == "xml":
            self.encoding = self._xml_encoding()
        self.type_name = announced_type or self.report_type.names[0]

    def facts(self) -> Iterator[tuple[int, Fact]]:
        """Each fact with the line of its row. Raises Refused, at any point, when the document must not be used.

        May be asked again: the document is then read anew.
        """
        self.read = 0
        self.rejected.clear()
        self.parse_context.warnings.clear()
        with self._opening() as stream:
            source = tabular.blocks(stream, max_bytes=self._most_bytes)
            max_bytes = min(self._most_bytes, self.report_type.max_bytes)
            if self.report_type.read_rows is not None:
                pairs = self.report_type.read_rows(_read_all(source, max_bytes=max_bytes), self.parse_context)
                yield from self._parse_rows(pairs, self.report_type.build_parser((), self.parse_context))
            elif self.report_type.list_rows is not None:
                rows = self.report_type.list_rows(_read_all(source, max_bytes=max_bytes))
                yield from self._parse_rows(enumerate(rows, start=1), self.report_type.build_parser((), self.parse_context))
            elif self.report_type.dialect == "xml":
                yield from self._parse_rows(
                    xml.read_records(source, names=self.report_type.elements),
                    self.report_type.build_parser((), self.parse_context),
                )
            else:
                yield from self._read_table(tabular.Lines(source, self.encoding.codec))
        if self.parse_context.period and not self.report_type.uses_period:
            self.parse_context.warnings.append("The period that was given with the document is not used for this kind.")
        if not self.read:
            self.parse_context.warnings.append("The document has no rows: nothing happened in its period.")
        elif len(self.rejected) == self.read:
            first = self.rejected[0]
            raise RejectedDocument(
                "no-usable-row",
                "No row can be used",
                f"All {self.read} rows were rejected; the first, line {first.line}: {first.reason}",
                rejected=tuple(self.rejected),
            )

    def facts_of_type(self, fact_type: type[Fact]) -> Iterator[tuple[int, Fact]]:
        """Those of one type, in a pass of their own."""
        if self.report_type.fact_types == (fact_type,):
            return self.facts()
        return (pair for pair in self.facts() if type(pair[1]) is fact_type)

    def _detect_type(self) -> ReportType:
        beginning = self._beginning()
        if beginning[:1] in {"<", "{", "["}:
            return _detect_by_beginning(beginning)
        return _detect_table(self._first_lines())

    def _xml_encoding(self) -> Encoding:
        """The encoding of XML. Raises Refused for XML that does not begin as its kind does: it would seem to have no rows."""
        beginning = self._beginning()
        if beginning.startswith("<") and not self.report_type.matches((beginning,), ()):
            raise RejectedDocument(
                "unknown-document",
                "The file does not match report_type",
                f"It is XML, but not of type {self.report_type.names[0]}. Omit report_type or set the right one.",
            )
        return xml.declared_encoding(beginning)

    def _beginning(self) -> str:
        """What the document begins with, up to a few thousand characters."""
        with self._opening() as stream:
            block = next(tabular.blocks(stream, max_bytes=self._most_bytes), b"")
        return block[:START_BYTES].decode(self.encoding.codec, errors="ignore").lstrip("\ufeff \t\r\n")

    def _first_lines(self) -> list[str]:
        """The first two lines that say something."""
        with self._opening() as stream:
            lines = tabular.Lines(tabular.blocks(stream, max_bytes=self._most_bytes), self.encoding.codec)
            return list(islice((line for line in lines if line.strip()), 2))

    def _read_table(self, lines: tabular.Lines) -> Iterator[tuple[int, Fact]]:
        cells = CELLS[self.report_type.dialect](lines)
        header = _header(cells)
        parse = self.report_type.build_parser(header, self.parse_context)
        yield from self._parse_rows(_number_rows(cells, lines, width=len(header)), parse)

    def _parse_rows(self, rows: Iterable[tuple[int, Any]], parse: RowParser) -> Iterator[tuple[int, Fact]]:
        for line, row in rows:
            self.read += 1
            try:
                said = parse(row)
            except InvalidRow as bad:
                self._reject(RejectedLine(line, bad.reason[:300]))
                continue
            if type(said) is list:
                yield from ((line, fact) for fact in said)
            else:
                yield line, said  # type: ignore[misc]  # no fact is a list

    def _reject(self, row: RejectedLine) -> None:
        self.rejected.append(row)
        if len(self.rejected) > MAX_REJECTED_ROWS:
            raise RejectedDocument(
                "too-many-rejected-rows",
                "Too many rows were rejected",
                f"More than {MAX_REJECTED_ROWS} rows were rejected; the first, line {self.rejected[0].line}: "
                f"{self.rejected[0].reason}",
            )


def _header(cells: Iterator[list[str]]) -> list[str]:
    """The first row that says something. Raises Refused if there is none, or no report has one like it."""
    header = next((row for row in cells if any(cell.strip() for cell in row)), None)
    if header is None:
        raise _empty_document()
    if any("\r" in cell for cell in header):
        raise RejectedDocument(
            "line-ends",
            "The line endings are not supported",
            "Lines end in a carriage return only. Save the file with LF or CRLF line endings.",
        )
    if len(header) > tabular.MAX_COLUMNS:
        raise RejectedDocument(
            "too-many-columns",
            "The header has too many columns",
            f"It has {len(header)}; at most {tabular.MAX_COLUMNS} are allowed. Upload the report as it was downloaded.",
        )
    return header


def _empty_document() -> RejectedDocument:
    """A new one each time: an exception that is raised again keeps every frame it ever passed."""
    return RejectedDocument("empty-document", "The file is empty", "It contains only blank lines. Request the report again.")


def _reject_binary(head: bytes) -> None:
    """Raises Refused for files of programs, which a spreadsheet saves unless it is told otherwise."""
    for mark, (slug, detail) in BINARY.items():
        if head.startswith(mark):
            raise RejectedDocument(slug, "The file is not text", detail)


def _detect_by_beginning(beginning: str) -> ReportType:
    """The kind of XML or JSON that begins so. Raises Refused."""
    dialect = "xml" if beginning.startswith("<") else "json"
    for report_type in REPORT_TYPES:
        if report_type.dialect == dialect and report_type.matches((beginning,), ()):
            return report_type
    raise RejectedDocument(
        "unknown-document",
        "The report type is unknown",
        f"It is {dialect.upper()}, but not a supported report. {SUPPORTED_TYPES}",
    )


def detect_table(head: list[str]) -> ReportType | None:
    """The kind of table that begins with these lines, the header first: by as many columns as any may have."""
    max_columns = tabular.MAX_COLUMNS
    for report_type in TABLE_TYPES:
        delimiter = "\t" if report_type.dialect == "tsv" else tabular.detect_delimiter(head[0])
        header, first_row = (line.split(delimiter, max_columns)[:max_columns] for line in (*head, "")[:2])
        if report_type.matches(header, first_row):
            return report_type
    return None


def _detect_table(head: list[str]) -> ReportType:
    """The kind whose header the document begins with. Raises Refused, saying what was found instead."""
    if not head:
        raise _empty_document()
    report_type = detect_table(head)
    if report_type is not None:
        return report_type
    first = LONG_NUMBER.sub("…", mask_email_addresses(head[0].strip()[:1000]))
    if any(ORDER_ID.fullmatch(cell.strip(' "')) for cell in ANY_DELIMITER.split(head[0])):
        raise RejectedDocument(
            "no-header", "The file has no header", "Its first line is a row. Upload the report with its header."
        )
    raise RejectedDocument(
        "unknown-document",
        "The report type is unknown",
        f"Its first line is not the header of a supported report: {first[:100]!r}. {SUPPORTED_TYPES}",
    )


def _number_rows(cells: Iterator[list[str]], lines: tabular.Lines, *, width: int) -> Iterator[tuple[int, list[str]]]:
    """Rows with their line. Raises Refused if the last line was not ended and is shorter than every other: a cut."""
    fewest = width
    for row in cells:
        if len(row) < fewest:
            if not any(cell.strip() for cell in row):
                continue
            if lines.last_line_is_open:
                raise RejectedDocument(
                    "document-cut-off",
                    "The file ends in the middle of a row",
                    f"Line {lines.number} ends after {len(row)} cells. Download the report again.",
                )
            fewest = len(row)
        yield lines.number, row


def _read_all(blocks: Iterator[bytes], *, max_bytes: int) -> bytes:
    """The document in one piece. Raises Refused for more than `most` bytes."""
    pieces = bytearray()
    for block in blocks:
        pieces += block
        if len(pieces) > max_bytes:
            raise RejectedDocument(
                "document-too-large", "The file is too large", f"A report of this type may have at most {max_bytes} bytes."
            )
    return bytes(pieces)
