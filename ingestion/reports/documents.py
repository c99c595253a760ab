"""Read a document into (line, fact) pairs. Pure, apart from the stream it opens.

1. Reject binary files, and detect the encoding.
2. Use the announced report type, or detect it from the header or the beginning.
3. For XML, use the declared encoding.
4. Split the document into rows and parse each. Invalid rows are collected; a RejectedDocument ends
   everything.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import chain, islice
from typing import IO, Any

from ingestion.parsing import encodings, tabular, unpacking, xml
from ingestion.parsing.encodings import Encoding
from ingestion.parsing.rejections import InvalidRow, RejectedDocument, RejectedLine
from ingestion.reports import REPORT_TYPE_BY_NAME, REPORT_TYPES, known_files
from ingestion.reports.multi_channel import SetApart
from ingestion.reports.report_type import (
    ORDER_ID,
    ParseContext,
    ReportType,
    RowParser,
    normalize_column,
)
from metrics.rules.facts import Fact

# Each is held in memory and stored with its reason, and a document with so many is hardly of its report type.
MAX_REJECTED_ROWS = 100_000
START_BYTES = 64 * 1024
ANY_DELIMITER = re.compile("[\t,;]")
CELLS = {"tsv": tabular.split_tsv, "csv": tabular.split_csv, "tsv_or_csv": tabular.split_tsv_or_csv}
TABLE_TYPES = tuple(report_type for report_type in REPORT_TYPES if report_type.dialect in CELLS)
BINARY = {
    b"PK\x03\x04": (
        "spreadsheet",
        "It is an Excel workbook or a ZIP archive. Save the sheet as CSV or tab-delimited text and upload "
        "that file.",
    ),
    b"\xd0\xcf\x11\xe0": (
        "spreadsheet",
        "It is an Excel workbook. Save the sheet as CSV or tab-delimited text and upload that file.",
    ),
    b"%PDF": (
        "not-text",
        "It is a PDF. Download the report as CSV or tab-delimited text and upload that file.",
    ),
}
UPLOADED = tuple(report_type for report_type in REPORT_TYPES if report_type.is_uploaded)
# By their code and not by their title, which may have a comma.
SUPPORTED_TYPES = f"Supported report types: {', '.join(f'`{each.names[0]}`' for each in UPLOADED)}."
COLUMN_NAMES = frozenset(normalize_column(column.name) for each in REPORT_TYPES for column in each.columns)
OpenDocument = Callable[[], AbstractContextManager[IO[bytes]]]


class DocumentReader:
    """Read one document.

    After `facts()` is exhausted, `read` is the number of rows, `set_apart` that of rows of multi-channel
    orders, `rejected` lists the rows that could not be used, and `parse_context.warnings` lists what was unusual.
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
        """Detect the encoding and report type. Raises RejectedDocument.

        `open_document` opens the document anew on each call. `encoding` is that of the original document, if
        it was redacted.
        """
        self.parse_context = parse_context
        self.rejected: list[RejectedLine] = []
        self.read = self.set_apart = 0
        self._opening = open_document
        self._most_bytes = max_bytes
        with open_document() as stream:
            # Detecting the encoding reads all of the document, so damaged gzip and documents that are too
            # large are rejected here, before a row is parsed.
            blocks = unpacking.read_blocks(stream, max_bytes=max_bytes)
            head = next(blocks, b"")
            _reject_binary(head)
            self.encoding = encoding or encodings.detect_encoding(
                chain((head,), blocks), japanese=parse_context.marketplace == "JP"
            )
        self.report_type = self._report_type(announced_type)
        if self.report_type.dialect == "xml":
            self.encoding = self._xml_encoding()
        self.type_name = announced_type or self.report_type.names[0]

    def facts(self) -> Iterator[tuple[int, Fact]]:
        """Yield each fact with the line of its row. Raises RejectedDocument at any point.

        Each call reads the document again.
        """
        # A report with several types of facts is read once for each. Its rows must not be counted twice.
        self.read = self.set_apart = 0
        self.rejected.clear()
        self.parse_context.warnings.clear()
        with self._opening() as stream:
            source = unpacking.read_blocks(stream, max_bytes=self._most_bytes)
            max_bytes = min(self._most_bytes, self.report_type.max_bytes)
            if self.report_type.read_rows is not None:
                pairs = self.report_type.read_rows(_read_all(source, max_bytes=max_bytes), self.parse_context)
                yield from self._parse_rows(pairs, self.report_type.build_parser((), self.parse_context))
            elif self.report_type.list_rows is not None:
                rows = self.report_type.list_rows(_read_all(source, max_bytes=max_bytes))
                yield from self._parse_rows(
                    enumerate(rows, start=1), self.report_type.build_parser((), self.parse_context)
                )
            elif self.report_type.dialect == "xml":
                yield from self._parse_rows(
                    xml.read_records(source, names=self.report_type.elements),
                    self.report_type.build_parser((), self.parse_context),
                )
            else:
                yield from self._read_table(tabular.Lines(source, self.encoding.codec))
        if self.parse_context.period and not self.report_type.uses_period:
            self.parse_context.warnings.append("The period was ignored: this report type does not use one.")
        if not self.read:
            self.parse_context.warnings.append("The document has no rows.")
        elif self.rejected and len(self.rejected) + self.set_apart == self.read:
            first = self.rejected[0]
            raise RejectedDocument(
                "no-usable-row",
                "No row can be used",
                f"All {len(self.rejected)} rows were rejected. Line {first.line}: {first.reason}",
                rejected=tuple(self.rejected),
            )

    def facts_of_type(self, fact_type: type[Fact]) -> Iterator[tuple[int, Fact]]:
        """Yield the facts of one type, in a pass of their own."""
        # A connection runs one COPY at a time, and the facts of a large report do not fit into memory.
        if self.report_type.fact_types == (fact_type,):
            return self.facts()
        return (pair for pair in self.facts() if type(pair[1]) is fact_type)

    def _report_type(self, announced_type: str) -> ReportType:
        """Return the announced report type, or detect it.

        Raises RejectedDocument, which names the document if it is of a kind that is known and not read.
        """
        if announced_type:
            report_type = REPORT_TYPE_BY_NAME[announced_type]
            lines = self._first_lines() if report_type.dialect in CELLS else []
            is_expected = lines and detect_table(lines) is not None
            known = None if is_expected else known_files.find(self._beginning())
            if known is not None:
                raise known
            return report_type
        try:
            return self._detect_type()
        except RejectedDocument as error:
            raise known_files.find(self._beginning()) or error from None

    def _detect_type(self) -> ReportType:
        beginning = self._beginning()
        if beginning[:1] in {"<", "{", "["}:
            return _detect_by_beginning(beginning)
        return _detect_table(self._first_lines())

    def _xml_encoding(self) -> Encoding:
        """Return the declared encoding of XML.

        Raises RejectedDocument for XML of another report type, which would otherwise seem to have no rows.
        """
        beginning = self._beginning()
        if beginning.startswith("<") and not self.report_type.matches((beginning,), ()):
            raise RejectedDocument(
                "unknown-document",
                "The document does not match the `report_type` that was sent",
                f"It is XML, but not {self.report_type.names[0]}. Omit `report_type` or correct it.",
            )
        return xml.declared_encoding(beginning)

    def _beginning(self) -> str:
        """Return the beginning of the document, up to START_BYTES."""
        with self._opening() as stream:
            block = next(unpacking.read_blocks(stream, max_bytes=self._most_bytes), b"")
        # The block may end in the middle of a character.
        return block[:START_BYTES].decode(self.encoding.codec, errors="ignore").lstrip("\ufeff \t\r\n")

    def _first_lines(self) -> list[str]:
        """Return the first two lines that are not blank."""
        with self._opening() as stream:
            lines = tabular.Lines(
                unpacking.read_blocks(stream, max_bytes=self._most_bytes), self.encoding.codec
            )
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
                facts = parse(row)
            except SetApart as apart:
                self.set_apart += 1
                yield from ((line, fact) for fact in apart.facts)
                continue
            except InvalidRow as error:
                self.reject(RejectedLine(line, error.reason[:300]))
                continue
            # Comparing the type is faster than isinstance, and this runs once for every row.
            if type(facts) is list:
                yield from ((line, fact) for fact in facts)
            else:
                yield line, facts  # type: ignore[misc]

    def reject(self, row: RejectedLine) -> None:
        """Count a row as rejected. Raises RejectedDocument if there are too many."""
        self.rejected.append(row)
        if len(self.rejected) > MAX_REJECTED_ROWS:
            raise RejectedDocument(
                "too-many-rejected-rows",
                "Too many rows were rejected",
                f"More than {MAX_REJECTED_ROWS} rows were rejected. Line {self.rejected[0].line}: "
                f"{self.rejected[0].reason}",
            )


def _header(cells: Iterator[list[str]]) -> list[str]:
    """Return the first row that is not blank.

    Raises RejectedDocument if there is none, or if it cannot be a header.
    """
    header = next((row for row in cells if any(cell.strip() for cell in row)), None)
    if header is None:
        raise _empty_document()
    # The carriage return before a line feed is removed already, so this one ends a line by itself.
    if any("\r" in cell for cell in header):
        raise RejectedDocument(
            "line-ends",
            "The line ends are not supported",
            "The lines end with a carriage return only. Save the document with LF or CRLF line ends.",
        )
    if len(header) > tabular.MAX_COLUMNS:
        raise RejectedDocument(
            "too-many-columns",
            "The header has too many columns",
            f"It has {len(header)} columns; at most {tabular.MAX_COLUMNS} are supported. Upload the report "
            "as it was downloaded.",
        )
    return header


def _empty_document() -> RejectedDocument:
    """Return a new error each time, because a raised exception keeps a reference to every frame it passed."""
    return RejectedDocument(
        "empty-document", "The document is empty", "It has only blank lines. Request the report again."
    )


def _reject_binary(head: bytes) -> None:
    """Raise RejectedDocument for workbooks, archives and PDF."""
    for mark, (slug, detail) in BINARY.items():
        if head.startswith(mark):
            raise RejectedDocument(slug, "The document is not text", detail)


def _detect_by_beginning(beginning: str) -> ReportType:
    """Return the report type of XML or JSON with this beginning. Raises RejectedDocument."""
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
    """Return the report type of a table with these first lines, the header first, or None.

    At most MAX_COLUMNS cells of a line are compared.
    """
    max_columns = tabular.MAX_COLUMNS
    for report_type in TABLE_TYPES:
        delimiter = "\t" if report_type.dialect == "tsv" else tabular.detect_delimiter(head[0])
        header, first_row = (line.split(delimiter, max_columns)[:max_columns] for line in (*head, "")[:2])
        if report_type.matches(header, first_row):
            return report_type
    return None


def _detect_table(head: list[str]) -> ReportType:
    """Return the report type whose header the document has. Raises RejectedDocument."""
    if not head:
        raise _empty_document()
    report_type = detect_table(head)
    if report_type is not None:
        return report_type
    if any(ORDER_ID.fullmatch(cell.strip(' "')) for cell in ANY_DELIMITER.split(head[0])):
        raise RejectedDocument(
            "no-header",
            "The document has no header",
            "Its first line is a row. Upload the report with its header.",
        )
    raise RejectedDocument(
        "unknown-document",
        "The report type is unknown",
        f"{known_files.describe_header(head[0], known=COLUMN_NAMES)} {SUPPORTED_TYPES}",
    )


def _number_rows(
    cells: Iterator[list[str]], lines: tabular.Lines, *, width: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with their line. Raises RejectedDocument if the document was cut off."""
    # Short rows alone prove nothing, because empty cells at the end may be trimmed, nor does a missing line
    # end. A last line that has none and is shorter than every other was cut off.
    fewest = width
    for row in cells:
        if len(row) < fewest:
            if not any(cell.strip() for cell in row):
                continue
            if lines.last_line_is_open:
                raise RejectedDocument(
                    "document-cut-off",
                    "The document ends in the middle of a row",
                    f"Line {lines.number} ends after {len(row)} cells. Download the document again.",
                )
            fewest = len(row)
        yield lines.number, row


def _read_all(blocks: Iterator[bytes], *, max_bytes: int) -> bytes:
    """Return the whole document. Raises RejectedDocument for more than `max_bytes` bytes."""
    pieces = bytearray()
    for block in blocks:
        pieces += block
        if len(pieces) > max_bytes:
            raise RejectedDocument(
                "document-too-large",
                "The document is too large",
                f"A report of this type may have at most {max_bytes} bytes.",
            )
    return bytes(pieces)
