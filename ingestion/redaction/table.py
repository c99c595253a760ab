"""Redact a table: empty the cells of personal columns and keep every other byte. Pure.

1. `table_format` finds the header and the personal columns.   2. `records` splits the text into rows.
3. `rows` redacts them.
"""

from collections.abc import Iterable, Iterator

from ingestion.parsing import tabular
from ingestion.parsing.tabular import has_content
from ingestion.redaction.cells import BROKEN, is_open
from ingestion.redaction.records import Records
from ingestion.redaction.rows import RowRedactor
from ingestion.redaction.table_format import TableFormat
from ingestion.reports import table_layout

# In bytes: longer than any line that the parser accepts, in every encoding.
MAX_LENGTH = 4 * tabular.MAX_LINE_LENGTH
TOO_LONG = "-" * (tabular.MAX_LINE_LENGTH + 1)


def redact(table: TableFormat, texts: Iterable[str]) -> Iterator[str]:
    """Yield the redacted table.

    At a NUL, a line that is too long or a quote that is never closed, the output ends with another one,
    so that the parser rejects the redacted document for the same reason.
    """
    redactor = _Redactor(table)
    for text in texts:
        # The parser rejects the document at a NUL, so nothing behind it is needed, and it is
        # no text that could be redacted.
        if "\0" in text:
            yield "\0"
            return
        yield from redactor.redact(text)
        if redactor.is_ended:
            return
    yield from redactor.redact_rest()


class _Redactor:
    """Redact a table in blocks."""

    def __init__(self, table: TableFormat) -> None:
        self.is_ended = False
        self._table = table
        self._end = table.line_end
        self._records = Records(line_end=table.line_end, delimiter=table.delimiter, is_quoted=table.is_quoted)
        self._rows = RowRedactor(table, self._records)
        self._lines_to_header = table.layout.header_line if table.has_header else 0
        self._is_broken = False

    def redact(self, text: str) -> Iterator[str]:
        """Yield the rows that end in this block. Sets `is_ended` where the parser stops reading."""
        records = self._records
        line = self._first_line(text)
        if len(line) > MAX_LENGTH or (self._end in text and _is_too_long(line)):
            self.is_ended = True
            yield TOO_LONG
            return
        records.rest += text
        self._rows.earn(len(text))
        redacted = self._redact_beginning() if self._lines_to_header else []
        if not self._lines_to_header and not self._is_broken:
            redacted += self._rows.redact(records.take())
        if redacted:
            yield self._end.join(redacted) + self._end
        if self._is_broken or records.open_lines > tabular.MAX_RECORD_LENGTH:
            self.is_ended = True
            yield BROKEN

    def redact_rest(self) -> Iterator[str]:
        """Yield the text after the last line end."""
        rest = self._records.rest
        if _is_too_long(rest[self._records.open_lines :]):
            yield TOO_LONG
        elif self._lines_to_header:
            yield self._redact_beginning_line(rest)
        elif not rest or self._records.is_finished():
            yield from self._rows.redact([rest])
        else:
            yield BROKEN

    def _first_line(self, text: str) -> str:
        """Return the first line of a block, with the beginning that it has in earlier blocks.

        Only this one can be long: the others lie within one block.
        """
        stop = text.find(self._end)
        return self._records.rest[self._records.open_lines :] + (text if stop < 0 else text[:stop])

    def _redact_beginning(self) -> list[str]:
        """Return the lines up to the header, as far as they end in the text so far."""
        return [self._redact_beginning_line(line) for line in self._records.take_lines(self._lines_to_header)]

    def _redact_beginning_line(self, line: str) -> str:
        """Return a line up to the header. Those before it may be about anything."""
        self._lines_to_header -= 1
        if self._lines_to_header:
            text = self._table.read(line)
            is_kept = not has_content(text) or table_layout.states_delimiter(text)
            return line if is_kept else line[len(line.removesuffix("\r")) :]
        # The columns are unknown, and no report has such a header.
        self._is_broken = self._table.width > tabular.MAX_COLUMNS or (
            self._table.is_quoted and is_open(self._records.cells(line)[-1])
        )
        self._rows.keep(line)
        return line


def _is_too_long(line: str) -> bool:
    """Return whether the parser rejects a line of this length."""
    if len(line) <= tabular.MAX_LINE_LENGTH:
        return False
    # A character may have four bytes here, so a line over the limit in bytes may be within it in characters.
    # Counting them is the rare case.
    is_bytes = max(line) <= "\xff"
    return (
        len(line.encode("iso-8859-1").decode(errors="replace") if is_bytes else line)
        > tabular.MAX_LINE_LENGTH
    )
