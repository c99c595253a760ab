"""A kept document becomes (line, fact) pairs: encoding chosen, kind recognised, rows parsed. Pure but for the open stream."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import chain, islice
from typing import IO, Any

from ingestion.parsing import tabular, xml
from ingestion.parsing.encodings import Encoding
from ingestion.parsing.refusals import BadRow, Refused, RejectedLine, without_addresses
from ingestion.reports import BY_REPORT_TYPE, KINDS
from ingestion.reports.kind import ORDER_ID, Kind, Parse, Setting
from metrics.rules.facts import Fact

MOST_REJECTED = 100_000
BEGINNING = 64 * 1024
ANY_DELIMITER = re.compile("[\t,;]")
CELLS = {"tsv": tabular.tab_separated, "csv": tabular.comma_separated, "tsv_or_csv": tabular.separated}
TABLES = tuple(kind for kind in KINDS if kind.dialect in CELLS)
BINARY = {
    b"PK\x03\x04": (
        "spreadsheet",
        "It is an Excel workbook or a ZIP archive. Save the sheet as CSV or tab-delimited text and send that.",
    ),
    b"\xd0\xcf\x11\xe0": ("spreadsheet", "It is an Excel workbook. Save the sheet as CSV or tab-delimited text and send that."),
    b"%PDF": ("not-text", "It is a PDF. Download the report as CSV or tab-delimited text and send that."),
}
LONG_NUMBER = re.compile(r"\d(?:[ ./()-]{0,2}\d){6,}")  # a phone number or an id, which no header has
WHAT_IS_READ = f"Send one of: {', '.join(dict.fromkeys(kind.title for kind in KINDS if kind.is_uploaded))}."
Opening = Callable[[], AbstractContextManager[IO[bytes]]]


class Reading:
    """One pass over a document.

    After `facts()` is exhausted: `read` rows were seen, `rejected` of them could not be used, `encoding`, `kind` and
    `setting.warnings` say how it was understood.
    """

    def __init__(
        self, opening: Opening, *, announced_type: str, setting: Setting, most_bytes: int, encoding: Encoding | None = None
    ) -> None:
        """`encoding` is that of the document as it came, where it was found then."""
        self.setting = setting
        self.rejected: list[RejectedLine] = []
        self.read = 0
        self._opening = opening
        self._most_bytes = most_bytes
        with opening() as stream:
            blocks = tabular.blocks(stream, most=most_bytes)
            head = next(blocks, b"")
            _forbid_binary(head)
            self.encoding = encoding or tabular.detect(chain((head,), blocks), japanese=setting.marketplace == "JP")
        self.kind = BY_REPORT_TYPE[announced_type] if announced_type else self._recognised()
        if self.kind.dialect == "xml":
            self.encoding = self._declared()
        self.report_type = announced_type or self.kind.report_types[0]

    def facts(self) -> Iterator[tuple[int, Fact]]:
        """Each fact with the line of its row. Raises Refused, at any point, when the document must not be used.

        May be asked again: the document is then read anew.
        """
        self.read = 0
        self.rejected.clear()
        self.setting.warnings.clear()
        with self._opening() as stream:
            source = tabular.blocks(stream, most=self._most_bytes)
            most = min(self._most_bytes, self.kind.largest)
            if self.kind.statements is not None:
                pairs = self.kind.statements(_whole(source, most=most), self.setting)
                yield from self._parsed(pairs, self.kind.begin((), self.setting))
            elif self.kind.rows is not None:
                rows = self.kind.rows(_whole(source, most=most))
                yield from self._parsed(enumerate(rows, start=1), self.kind.begin((), self.setting))
            elif self.kind.dialect == "xml":
                yield from self._parsed(xml.records(source, names=self.kind.elements), self.kind.begin((), self.setting))
            else:
                yield from self._table(tabular.Lines(source, self.encoding.codec))
        if self.setting.period and not self.kind.uses_period:
            self.setting.warnings.append("The period that was given with the document is not used for this kind.")
        if not self.read:
            self.setting.warnings.append("The document has no rows: nothing happened in its period.")
        elif len(self.rejected) == self.read:
            first = self.rejected[0]
            raise Refused(
                "no-usable-row",
                "No row of the document can be used",
                f"All {self.read} rows were rejected; the first, line {first.line}: {first.reason}",
                rejected=tuple(self.rejected),
            )

    def facts_of(self, fact_type: type[Fact]) -> Iterator[tuple[int, Fact]]:
        """Those of one type, in a pass of their own."""
        if self.kind.facts == (fact_type,):
            return self.facts()
        return (pair for pair in self.facts() if type(pair[1]) is fact_type)

    def _recognised(self) -> Kind:
        beginning = self._beginning()
        if beginning[:1] in {"<", "{", "["}:
            return _recognised_by_beginning(beginning)
        return _recognised_table(self._first_lines())

    def _declared(self) -> Encoding:
        """The encoding of XML. Raises Refused for XML that does not begin as its kind does: it would seem to have no rows."""
        beginning = self._beginning()
        if beginning.startswith("<") and not self.kind.recognises((beginning,), ()):
            raise Refused(
                "unknown-document",
                "The document is not of the announced kind",
                f"It is XML, but none of the kind {self.kind.report_types[0]}. Leave report_type out, or name the right one.",
            )
        return xml.declared(beginning)

    def _beginning(self) -> str:
        """What the document begins with, up to a few thousand characters."""
        with self._opening() as stream:
            block = next(tabular.blocks(stream, most=self._most_bytes), b"")
        return block[:BEGINNING].decode(self.encoding.codec, errors="ignore").lstrip("\ufeff \t\r\n")

    def _first_lines(self) -> list[str]:
        """The first two lines that say something."""
        with self._opening() as stream:
            lines = tabular.Lines(tabular.blocks(stream, most=self._most_bytes), self.encoding.codec)
            return list(islice((line for line in lines if line.strip()), 2))

    def _table(self, lines: tabular.Lines) -> Iterator[tuple[int, Fact]]:
        cells = CELLS[self.kind.dialect](lines)
        header = _header(cells)
        parse = self.kind.begin(header, self.setting)
        yield from self._parsed(_numbered(cells, lines, width=len(header)), parse)

    def _parsed(self, rows: Iterable[tuple[int, Any]], parse: Parse) -> Iterator[tuple[int, Fact]]:
        for line, row in rows:
            self.read += 1
            try:
                said = parse(row)
            except BadRow as bad:
                self._reject(RejectedLine(line, bad.reason[:300]))
                continue
            if type(said) is list:
                yield from ((line, fact) for fact in said)
            else:
                yield line, said  # type: ignore[misc]  # no fact is a list

    def _reject(self, row: RejectedLine) -> None:
        self.rejected.append(row)
        if len(self.rejected) > MOST_REJECTED:
            raise Refused(
                "too-many-rejected-rows",
                "Too many rows cannot be used",
                f"More than {MOST_REJECTED} rows were rejected; the first, line {self.rejected[0].line}: "
                f"{self.rejected[0].reason}",
            )


def _header(cells: Iterator[list[str]]) -> list[str]:
    """The first row that says something. Raises Refused if there is none, or no report has one like it."""
    header = next((row for row in cells if any(cell.strip() for cell in row)), None)
    if header is None:
        raise _empty()
    if any("\r" in cell for cell in header):
        raise Refused(
            "line-ends",
            "The lines end in a way that no report's do",
            "They end in a carriage return alone, as on very old computers. Save the document with usual line ends.",
        )
    if len(header) > tabular.MOST_COLUMNS:
        raise Refused(
            "too-many-columns",
            "The header has too many columns",
            f"It has {len(header)}; no report has over {tabular.MOST_COLUMNS}. Send the report as it was downloaded.",
        )
    return header


def _empty() -> Refused:
    """A new one each time: an exception that is raised again keeps every frame it ever passed."""
    return Refused("empty-document", "The document is empty", "It has nothing but blank lines. Request the report again.")


def _forbid_binary(head: bytes) -> None:
    """Raises Refused for files of programs, which a spreadsheet saves unless it is told otherwise."""
    for mark, (slug, detail) in BINARY.items():
        if head.startswith(mark):
            raise Refused(slug, "The document is not text", detail)


def _recognised_by_beginning(beginning: str) -> Kind:
    """The kind of XML or JSON that begins so. Raises Refused."""
    dialect = "xml" if beginning.startswith("<") else "json"
    for kind in KINDS:
        if kind.dialect == dialect and kind.recognises((beginning,), ()):
            return kind
    raise Refused(
        "unknown-document",
        "The document is not of a known kind",
        f"It is {dialect.upper()}, but no report that we read. {WHAT_IS_READ}",
    )


def kind_of_table(head: list[str]) -> Kind | None:
    """The kind of table that begins with these lines, the header first: by as many columns as any may have."""
    most = tabular.MOST_COLUMNS
    for kind in TABLES:
        delimiter = "\t" if kind.dialect == "tsv" else tabular.delimiter(head[0])
        header, first_row = (line.split(delimiter, most)[:most] for line in (*head, "")[:2])
        if kind.recognises(header, first_row):
            return kind
    return None


def _recognised_table(head: list[str]) -> Kind:
    """The kind whose header the document begins with. Raises Refused, saying what was found instead."""
    if not head:
        raise _empty()
    kind = kind_of_table(head)
    if kind is not None:
        return kind
    first = LONG_NUMBER.sub("…", without_addresses(head[0].strip()[:1000]))
    if any(ORDER_ID.fullmatch(cell.strip(' "')) for cell in ANY_DELIMITER.split(head[0])):
        raise Refused("no-header", "The document has no header", "Its first line is a row. Send the report with its header.")
    raise Refused(
        "unknown-document",
        "The document is not of a known kind",
        f"Its first line is no header of a report: {first[:100]!r}. {WHAT_IS_READ}",
    )


def _numbered(cells: Iterator[list[str]], lines: tabular.Lines, *, width: int) -> Iterator[tuple[int, list[str]]]:
    """Rows with their line. Raises Refused if the last line was not ended and is shorter than every other: a cut."""
    fewest = width
    for row in cells:
        if len(row) < fewest:
            if not any(cell.strip() for cell in row):
                continue
            if lines.last_is_open:
                raise Refused(
                    "document-cut-off",
                    "The document ends in the middle of a row",
                    f"Line {lines.number} breaks off after {len(row)} cells. Download the document again.",
                )
            fewest = len(row)
        yield lines.number, row


def _whole(blocks: Iterator[bytes], *, most: int) -> bytes:
    """The document in one piece. Raises Refused for more than `most` bytes."""
    pieces = bytearray()
    for block in blocks:
        pieces += block
        if len(pieces) > most:
            raise Refused("document-too-large", "The document is too large", f"One of this kind has at most {most} bytes.")
    return bytes(pieces)
