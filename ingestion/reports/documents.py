"""Read a document into (line, fact) pairs. Pure, apart from the stream it opens.

1. Reject binary files, and detect the encoding.
2. Use the announced report type, or detect it from the header or the beginning.
3. Split the document into rows and parse each. Invalid rows are collected; a RejectedDocument ends
   everything. One that takes far more CPU time than its size explains is given up.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import chain, islice
from typing import IO, Any

from ingestion.parsing import cpu_time, encodings, tabular, unpacking, xml
from ingestion.parsing.encodings import Encoding
from ingestion.parsing.rejections import InvalidRow, RejectedDocument, RejectedLine
from ingestion.parsing.tabular import clean_cell
from ingestion.reports import REPORT_TYPE_BY_NAME, detection, headers, table_layout
from ingestion.reports.multi_channel import SetApart
from ingestion.reports.report_type import ORDER_ID, ParseContext, ReportType, RowParser
from ingestion.reports.table_layout import TableLayout
from metrics.rules.facts import Fact

# Each is held in memory and stored with its reason, and a document with so many is hardly of its report type.
MAX_REJECTED_ROWS = 100_000
START_BYTES = 64 * 1024
MAX_REASON_LENGTH = 300
BLANK = "The row is blank."
OpenDocument = Callable[[], AbstractContextManager[IO[bytes]]]


class DocumentReader:
    """Read one document.

    After `facts()` is exhausted, `read` is the number of rows, `set_apart` that of rows of multi-channel
    orders, `rejected` lists the rows that could not be used, and `parse_context.warnings` lists what was unusual.
    `fact_types` are the types of facts to record.
    """

    def __init__(
        self,
        open_document: OpenDocument,
        *,
        announced_type: str,
        parse_context: ParseContext,
        max_bytes: int,
        max_cpu_seconds: float = cpu_time.MAX_SECONDS,
        encoding: Encoding | None = None,
    ) -> None:
        """Detect the encoding and report type. Raises RejectedDocument.

        `open_document` opens the document anew on each call. `encoding` is that of the original document, if
        it was redacted. `max_cpu_seconds` ends the reading of a large document; a smaller one has less.
        """
        self.parse_context = parse_context
        self.rejected: list[RejectedLine] = []
        self.read = self.set_apart = 0
        self._opening = open_document
        self._most_bytes = max_bytes
        # From here on, whatever is done with the facts between two rows.
        self._cpu = cpu_time.CpuLimit(max_seconds=max_cpu_seconds)
        with open_document() as stream:
            # Detecting the encoding reads all of the document, so damaged gzip and documents that are too
            # large are rejected here, before a row is parsed.
            blocks = self._blocks(stream)
            head = next(blocks, b"")
            detection.reject_binary(head)
            self.encoding = encoding or encodings.detect_encoding(
                chain((head,), blocks), japanese=parse_context.marketplace == "JP"
            )
        self._stated_encoding = encodings.stated_encoding(head)
        self._layout: TableLayout | None = None
        self.report_type = self._find_type(REPORT_TYPE_BY_NAME.get(announced_type))
        self.type_name = announced_type or self.report_type.names[0]
        self.fact_types = self.report_type.fact_types

    def facts(self) -> Iterator[tuple[int, Fact]]:
        """Yield each fact with the line of its row. Raises RejectedDocument at any point.

        Each call reads the document again.
        """
        # A report with several types of facts is read once for each. Its rows must not be counted twice.
        self.read = self.set_apart = 0
        self.rejected.clear()
        self.parse_context.warnings.clear()
        with self._opening() as stream:
            source = self._blocks(stream)
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
                records = xml.read_records(
                    source,
                    names=self.report_type.elements,
                    numbered=self.report_type.items,
                    codec=self.encoding.codec,
                )
                yield from self._parse_rows(
                    _number(records), self.report_type.build_parser((), self.parse_context)
                )
                self._warn_of_encoding()
            else:
                yield from self._read_table(tabular.Lines(source, self.encoding.codec))
        if self.parse_context.period and not self.report_type.uses_period:
            self.parse_context.warnings.append("The period was ignored: this report type does not use one.")
        if not self.read:
            self.parse_context.warnings.append("The document has no rows.")
        self.require_used_row()

    def require_used_row(self) -> None:
        """Raise RejectedDocument if every row is rejected, apart from those that are set apart."""
        if self.rejected and len(self.rejected) + self.set_apart == self.read:
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

    def _blocks(self, stream: IO[bytes]) -> Iterator[bytes]:
        return self._cpu.blocks(unpacking.read_blocks(stream, max_bytes=self._most_bytes))

    def _find_type(self, announced: ReportType | None) -> ReportType:
        """Return the report type, and set the layout of a table. Raises RejectedDocument."""
        beginning = self._beginning()
        form = detection.detect_form(beginning)
        if form == "table":
            self._layout = self._find_layout(announced)
        if announced is None:
            return detection.detect_type(form, beginning, self._layout)
        detection.check_announced(announced, form, beginning, self._layout)
        return announced

    def _beginning(self) -> str:
        """Return the beginning of the document, up to START_BYTES."""
        with self._opening() as stream:
            block = next(self._blocks(stream), b"")
        # The block may end in the middle of a character.
        return block[:START_BYTES].decode(self.encoding.codec, errors="ignore").lstrip("\ufeff \t\r\n")

    def _find_layout(self, announced: ReportType | None) -> TableLayout:
        with self._opening() as stream:
            lines = tabular.Lines(self._blocks(stream), self.encoding.codec)
            layout = table_layout.find_layout(lines, announced=announced)
        if layout is None:
            raise detection.empty_document()
        return layout

    def _warn_of_encoding(self) -> None:
        """Warn if the declaration of the XML is wrong."""
        if self._stated_encoding and not encodings.is_same(self._stated_encoding, self.encoding.codec):
            self.parse_context.warnings.append(
                f"The XML declares the encoding {self._stated_encoding} and is not in it. It was read as "
                f"{self.encoding.codec}."
            )

    def _read_table(self, lines: tabular.Lines) -> Iterator[tuple[int, Fact]]:
        layout = self._layout or self._find_layout(self.report_type)
        rest = iter(lines)
        for _ in islice(rest, layout.header_line - 1):
            pass
        cells = tabular.split_rows(
            rest, layout.delimiter, is_quoted=layout.is_quoted, after=layout.header_line - 1
        )
        header = _header(cells)
        parse = self.report_type.build_parser(header, self.parse_context)
        repeated: list[int] = []
        yield from self._parse_table(cells, lines, layout, parse, repeated)
        if repeated:
            self.parse_context.warnings.append(
                f"The header is repeated in {len(repeated)} lines, the first of them line {repeated[0]}. These "
                "lines were skipped."
            )

    def _parse_table(
        self,
        rows: Iterator[list[str]],
        lines: tabular.Lines,
        layout: TableLayout,
        parse: RowParser,
        repeated: list[int],
    ) -> Iterator[tuple[int, Fact]]:
        """Yield the facts of a table's rows, and collect the lines that repeat its header."""
        width = len(layout.header)
        widths = _Widths(width)
        # Without empty rows, which take longest for their length: a document may be a million of them.
        for row in self._cpu.rows(filter(any, rows)):
            # The number of cells first: in a shifted row each cell may be valid in the wrong column.
            if len(row) != width and (reason := widths.check(row, lines)):
                if reason is not BLANK:
                    self._reject(lines.number, reason)
                continue
            try:
                facts = parse(row)
            except SetApart as apart:
                yield from self._set_apart(lines.number, apart)
                continue
            except InvalidRow as error:
                if not _is_no_row(row, lines.number, layout, repeated):
                    self._reject(lines.number, error.reason)
                continue
            self.read += 1
            # Comparing the type is faster than isinstance, and this runs once for every row.
            if type(facts) is list:
                yield from ((lines.number, fact) for fact in facts)
            else:
                yield lines.number, facts  # type: ignore[misc]

    def _parse_rows(self, rows: Iterable[tuple[int, Any]], parse: RowParser) -> Iterator[tuple[int, Fact]]:
        for line, row in self._cpu.rows(rows):
            try:
                facts = parse(row)
            except SetApart as apart:
                yield from self._set_apart(line, apart)
                continue
            except InvalidRow as error:
                self._reject(line, error.reason)
                continue
            self.read += 1
            # Comparing the type is faster than isinstance, and this runs once for every row.
            if type(facts) is list:
                yield from ((line, fact) for fact in facts)
            else:
                yield line, facts  # type: ignore[misc]

    def _set_apart(self, line: int, apart: SetApart) -> Iterator[tuple[int, Fact]]:
        self.read += 1
        self.set_apart += 1
        yield from ((line, fact) for fact in apart.facts)

    def _reject(self, line: int, reason: str) -> None:
        self.read += 1
        self.reject(RejectedLine(line, reason[:MAX_REASON_LENGTH]))

    def reject(self, row: RejectedLine) -> None:
        """Count a row that was read as rejected. Raises RejectedDocument if there are too many."""
        self.rejected.append(row)
        if len(self.rejected) > MAX_REJECTED_ROWS:
            raise RejectedDocument(
                "too-many-rejected-rows",
                "Too many rows were rejected",
                f"More than {MAX_REJECTED_ROWS} rows were rejected. Line {self.rejected[0].line}: "
                f"{self.rejected[0].reason}",
            )


class _Widths:
    """Check rows that have more or fewer cells than the header."""

    def __init__(self, width: int) -> None:
        self._width = self._fewest = width

    def check(self, row: Sequence[str], lines: tabular.Lines) -> str:
        """Return why a row cannot be used, or an empty text. Raises RejectedDocument if it was cut off.

        Cells beyond the header may be blank, and cells may be missing at the end, where spreadsheets trim them.
        """
        cells = _count_cells(row)
        if not cells:
            return BLANK
        if cells > self._width:
            return f"The row has {cells} cells; the header has {self._width}."
        # Short rows alone prove nothing, nor does a missing line end. A last line that has none and is shorter
        # than every other was cut off.
        if len(row) < self._fewest:
            if lines.last_line_is_open:
                raise RejectedDocument(
                    "document-cut-off",
                    "The document ends in the middle of a row",
                    f"Line {lines.number} ends after {len(row)} cells. Download the document again.",
                )
            self._fewest = len(row)
        return ""


def _header(cells: Iterator[list[str]]) -> list[str]:
    """Return the clean cells of the header. Raises RejectedDocument if it cannot be one."""
    header = next(cells, [])
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
    names = headers.shorten([clean_cell(cell) for cell in header])
    # A first row would silently be taken for the header of a report whose columns are read by position.
    if any(map(ORDER_ID.fullmatch, names)):
        raise detection.no_header()
    return names


def _number(records: Iterable[tuple[int, xml.Record]]) -> Iterator[tuple[int, xml.Record]]:
    """Yield records with the lines on which they begin, or the next numbers where several begin on one line."""
    last = 0
    for line, record in records:
        last = max(line, last + 1)
        yield last, record


def _count_cells(row: Sequence[str]) -> int:
    """Return the number of cells up to the last one with content."""
    return next((at for at in range(len(row), 0, -1) if clean_cell(row[at - 1])), 0)


def _is_no_row(row: Sequence[str], line: int, layout: TableLayout, repeated: list[int]) -> bool:
    """Return whether a rejected row is blank or the header again. Raises RejectedDocument for another header.

    Monthly files that were joined have one before the rows of each month.
    """
    if not _count_cells(row):
        return True
    if headers.is_repeated(layout.header, row):
        repeated.append(line)
        return True
    if table_layout.is_header([clean_cell(cell) for cell in row], layout):
        raise RejectedDocument(
            "not-one-report",
            "The document has several reports",
            f"Line {line} is another header, with other columns or in another order. Upload each report by itself.",
        )
    return False


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
