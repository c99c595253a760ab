"""Redact a table: empty the cells of personal columns and keep every other byte. Pure.

The text is decoded with ISO-8859-1, one character for each byte (or UTF-16, one for each two). Delimiters,
quotes and line ends are single bytes in every supported encoding, including cp932, so the real encoding is
not needed and every byte is preserved.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ingestion.parsing import tabular
from ingestion.parsing.tabular import QUOTED, cell_pattern, clean_cell, has_content, split_line
from ingestion.reports import REPORT_TYPE_BY_NAME, headers, personal_columns, seller_feedback, table_layout
from ingestion.reports.report_type import ORDER_ID
from ingestion.reports.table_layout import TableLayout

# In bytes: longer than any line that the parser accepts, in every encoding.
MAX_LENGTH = 4 * tabular.MAX_LINE_LENGTH
ORDER_COLUMNS = frozenset({"order-id", "amazon-order-id"})
# Amazon translates the headers of feedback reports, so their columns are found by position.
LEGACY = {2: "Comments", 3: "Your Response", 8: "Rater Email"}
FREE_TEXT = {6: {2: "Comments", 3: "Your Response", 5: "Rater Email"}, 9: LEGACY, 10: LEGACY}
"""The personal columns of a feedback report by position, for each number of columns."""
CLOSING = re.compile(r'[^"]*(?:""[^"]*)*"(?!")')
# Invalid CSV both as a cell and after an open quote, so that the parser rejects the document.
BROKEN = '""-'
ENDS = re.compile(r"[^\r\n]+")
TOO_LONG = "-" * (tabular.MAX_LINE_LENGTH + 1)
is_order_id = ORDER_ID.fullmatch
NOTHING = {"", '""'}
BEFORE_HEADER = "lines before the header"


@dataclass(frozen=True, slots=True)
class TableRedactor:
    """Redact a table of one format.

    `columns` maps the positions of personal columns to their names, in order. `order_at` is the position of
    the order ID, if known. `read` decodes a line or cell as the parser would. `redacted_names` says what is
    removed.
    """

    line_end: str
    layout: TableLayout
    order_at: int | None
    columns: dict[int, str]
    has_header: bool
    read: Callable[[str], str]
    redacted_names: list[str]

    @property
    def delimiter(self) -> str:
        return self.layout.delimiter

    @property
    def is_quoted(self) -> bool:
        return self.layout.is_quoted

    @property
    def width(self) -> int:
        return len(self.layout.header)

    def known_names(self, cells: list[str]) -> set[str] | None:
        """Return the names of columns in a row that is a header again, or None for any other row."""
        texts = [clean_cell(self.read(cell)) for cell in cells[: tabular.MAX_COLUMNS]]
        if not self.has_header or not table_layout.is_header(texts, self.layout):
            return None
        return {*table_layout.known_names(texts), *self.layout.header}

    def redact(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield the redacted table.

        At a NUL, a line that is too long or a quote that is never closed, the output ends with another one,
        so that the parser rejects the redacted document for the same reason.
        """
        rows = _Rows(self)
        rest = ""
        for text in texts:
            # The parser rejects the document at a NUL, so nothing behind it is needed, and it is
            # no text that could be redacted.
            if "\0" in text:
                yield "\0"
                return
            *whole, rest = (rest + text).split(self.line_end)
            # Only the first line can be long: the others lie within one block.
            if len(rest) > MAX_LENGTH or (whole and _is_too_long(whole[0])):
                yield TOO_LONG
                return
            redacted = [row for line in whole if (row := rows.redact(line)) is not None]
            if redacted:
                yield self.line_end.join(redacted) + self.line_end
            if rows.is_broken or rows.waiting > tabular.MAX_RECORD_LENGTH:
                yield BROKEN
                return
        yield from self._last(rows, rest)

    def _last(self, rows: "_Rows", rest: str) -> Iterator[str]:
        """Yield the text after the last line end."""
        if _is_too_long(rest):
            yield TOO_LONG
            return
        last = rows.redact(rest) if rest else ""
        if last is None or rows.waiting:
            yield BROKEN
        else:
            yield last


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


class _Rows:
    """Join lines to rows and redact them. A line with an open quote waits for the next line."""

    def __init__(self, table: TableRedactor) -> None:
        # The characters of the unfinished row.
        self.waiting = 0
        self.is_broken = False
        self._read_table = table
        self._delimiter, self._is_quoted = table.delimiter, table.is_quoted
        self._cell = cell_pattern(table.delimiter)
        self._lines_to_header = table.layout.header_line if table.has_header else 0
        self._cells: list[str] = []
        self._open: list[str] = []

    def redact(self, line: str) -> str | None:
        """Return the redacted row that ends with this line, or None while a quote is open."""
        if self._lines_to_header:
            self._lines_to_header -= 1
            return self._redact_beginning(line)
        if self.is_broken:
            return None
        body = line.removesuffix("\r")
        if not body and not self._open:
            # Skip the work below: a document may have 10^9 empty lines.
            return line
        # Almost every line takes this way. It is many times as fast as the pattern below.
        if not self._is_quoted or ('"' not in body and not self._open):
            cells: list[str] | None = body.split(self._delimiter)
        else:
            cells = self._take_cells(body, line)
        if cells is None:
            return None
        return self._delimiter.join(_redact_cells(cells, self._read_table)) + line[len(body) :]

    def _redact_beginning(self, line: str) -> str:
        """Return a line up to the header. Those before it may be about anything."""
        if self._lines_to_header:
            text = self._read_table.read(line)
            is_kept = not has_content(text) or table_layout.states_delimiter(text)
            return line if is_kept else line[len(line.removesuffix("\r")) :]
        is_wide = self._read_table.width > tabular.MAX_COLUMNS
        if is_wide or (
            self._is_quoted
            and any(_is_open(cell) for cell in split_line(line, self._delimiter, is_quoted=True))
        ):
            # The columns are unknown, and no report has such a header.
            self.is_broken = True
        return line

    def _take_cells(self, body: str, line: str) -> list[str] | None:
        at = 0
        self.waiting += len(line) + 1
        if self._open:
            closing = CLOSING.match(body)
            if closing is None:
                self._open.append(line)
                return None
            at = self._until_delimiter(body, closing.end())
            self._cells.append(self._read_table.line_end.join([*self._open, body[:at]]))
            self._open, at = [], at + 1
        while at <= len(body):
            match = self._cell.match(body, at)
            cell = match[0] if match else ""
            if _is_open(cell):
                self._open.append(line[at:])
                return None
            self._cells.append(cell)
            at += len(cell) + 1
        cells, self._cells, self.waiting = self._cells, [], 0
        return cells

    def _until_delimiter(self, body: str, at: int) -> int:
        end = body.find(self._delimiter, at)
        return len(body) if end < 0 else end


def detect_table_redactor(
    head: str, *, is_whole: bool, announced_type: str, read: Callable[[str], str]
) -> TableRedactor | None:
    """Return how to redact the table that begins with `head`, or None if it has no personal columns.

    `is_whole`: `head` is the whole document. `read` decodes a line as the parser would.
    """
    beginning = next(filter(has_content, head.split("\n")), "")
    # The parser rejects a document with "\r" alone, but it is stored all the same, and must not keep names.
    line_end = "\r" if "\r" in beginning.removesuffix("\r") else "\n"
    lines = head.split(line_end)
    # The last line of a block may be cut in the middle.
    if not is_whole:
        lines.pop()
    # As the parser does, so that both find the same header: the sender's word decides for both.
    announced = REPORT_TYPE_BY_NAME.get(announced_type)
    layout = table_layout.find_layout((read(line.removesuffix("\r")) for line in lines), announced=announced)
    if layout is None or "\0" in beginning:
        return None
    names = layout.header
    is_header = layout.report_type is not None or not ORDER_COLUMNS.isdisjoint(map(headers.canonical, names))
    is_row = not is_header and any(map(is_order_id, names))
    is_feedback = seller_feedback.REPORT_TYPE in {announced, layout.report_type}
    order_at, columns = (
        _columns_by_first_row(names) if is_row else _columns_by_header(names, is_feedback=is_feedback)
    )
    has_text_before = not is_row and any(
        has_content(line) and not table_layout.states_delimiter(read(line))
        for line in lines[: layout.header_line - 1]
    )
    if not columns and not has_text_before:
        return None
    if not is_header:
        # Nothing proves that the line is a header, so its cells may be the names of persons.
        columns = {at: _label(at, name) for at, name in columns.items()}
    redacted = [BEFORE_HEADER] * has_text_before + list(columns.values())
    return TableRedactor(line_end, layout, order_at, columns, not is_row, read, redacted)


def _label(at: int, name: str) -> str:
    """Return the name of a column if it is known as one, or else its position."""
    words = headers.words_of(name)
    is_name = table_layout.known_names([name]) or all(map(personal_columns.is_personal, words))
    return name if words and is_name else f"column {at + 1}"


def _columns_by_header(names: list[str], *, is_feedback: bool) -> tuple[int | None, dict[int, str]]:
    """Return the position of the order ID and the personal columns: by name, in feedback also by position.

    If there are more columns than the parser accepts, all of them count as personal.
    """
    if len(names) > tabular.MAX_COLUMNS:
        return None, {at: f"column {at + 1}" for at in range(tabular.MAX_COLUMNS)}
    order_at = next((at for at, name in enumerate(names) if headers.canonical(name) in ORDER_COLUMNS), None)
    columns = {at: name for at, name in enumerate(names) if personal_columns.is_personal(name)}
    if is_feedback and len(names) in FREE_TEXT:
        columns |= {place: names[place] for place in FREE_TEXT[len(names)]}
        return seller_feedback.ORDER_ID_AT[len(names)], dict(sorted(columns.items()))
    return order_at, columns


def _columns_by_first_row(cells: list[str]) -> tuple[int | None, dict[int, str]]:
    """Return the same for a table without a header.

    Unless it is feedback, every cell of its first row that may be personal counts as a personal column.
    """
    at = seller_feedback.ORDER_ID_AT.get(len(cells))
    if at is not None and is_order_id(cells[at]) and cells[1].isdecimal():
        return at, dict(FREE_TEXT[len(cells)])
    return None, {
        at: f"column {at + 1}" for at, cell in enumerate(cells) if not personal_columns.is_harmless(cell)
    }


def _is_open(cell: str) -> bool:
    return cell.startswith('"') and not QUOTED.match(cell)


def _redact_cells(cells: list[str], table: TableRedactor) -> list[str]:
    """Return the cells of a row without personal data.

    A row is shifted if its order ID is not in its column, may be shifted if it has more cells than the
    header, and is unknown without a header. In these cases every cell is emptied that might be personal by
    its content. A row with content keeps some, because the parser must count it and may reject it as cut off.
    """
    if (
        table.order_at is not None
        and table.order_at < len(cells) <= table.width
        and is_order_id(cells[table.order_at])
    ):
        return _redact_columns(cells, table)
    filled = [at for at, cell in enumerate(cells) if cell.strip(" \t\r\n") not in NOTHING]
    if not filled:
        return cells
    # The parser skips a header that is repeated, and refuses a document with another one.
    names = table.known_names(cells)
    if names is not None:
        return [cell if clean_cell(table.read(cell)) in names else _empty_cell(cell, table) for cell in cells]
    # What spreadsheets put around a value is no part of it. It may be white space of Unicode, which is
    # content in no other encoding.
    texts = {at: clean_cell(table.read(cells[at])) for at in filled}
    is_known = (
        table.has_header if table.order_at is None else _has_order_in_place(texts, cells, table.order_at)
    )
    if not is_known:
        emptied = [at for at in filled if at in table.columns or not personal_columns.is_harmless(texts[at])]
    else:
        emptied = _personal_cells(texts, filled, table)
    significant = {at for at in filled if texts[at]}
    emptied = [at for at in emptied if at in significant]
    loses_all_content = bool(emptied) and len(emptied) == len(significant)
    for at in emptied:
        cells[at] = _empty_cell(cells[at], table) if at < table.width else "-"
    # The parser skips an empty row. A dash keeps it a row, so that its counts stay the same.
    if loses_all_content:
        first = cells[emptied[0]]
        cells[emptied[0]] = first.replace('"', '"-', 1) if first else "-"
    return cells


def _redact_columns(cells: list[str], table: TableRedactor) -> list[str]:
    for at in table.columns:
        # The columns are in order, and a row may be far shorter than its header.
        if at >= len(cells):
            break
        if cells[at] not in NOTHING:
            cells[at] = _empty_cell(cells[at], table)
    return cells


def _has_order_in_place(texts: dict[int, str], cells: list[str], at: int) -> bool:
    text = texts.get(at, "")
    return len(cells) > at and (not text or personal_columns.is_like_an_order_id(text))


def _personal_cells(texts: dict[int, str], filled: list[int], table: TableRedactor) -> list[int]:
    """Return the positions of the personal cells of a row.

    In a row with more cells than the header, these include the cells to which personal ones may have moved.
    Cells before the order ID did not move, because the order ID is in its column.
    """
    surplus = filled[-1] - table.width + 1
    if surplus <= 0:
        return [at for at in filled if at in table.columns]
    moved = [at for at in sorted(table.columns) if table.order_at is None or at > table.order_at]

    def may_be_personal(at: int) -> bool:
        before = bisect_right(moved, at) - 1
        return at >= table.width or (before >= 0 and at - moved[before] <= surplus)

    return [
        at
        for at in filled
        if at in table.columns or (may_be_personal(at) and not personal_columns.is_harmless(texts[at]))
    ]


def _empty_cell(cell: str, table: TableRedactor) -> str:
    """Return an empty cell with the line ends of the cell. Invalid CSV remains invalid."""
    if not table.is_quoted:
        return ""
    quoted = QUOTED.match(cell)
    # The strict csv module refuses text behind a closing quote and a bare carriage return.
    if (quoted and quoted.end() < len(cell)) or (not quoted and "\r" in cell):
        return BROKEN
    # The line ends stay, so that the rows below keep their line numbers.
    return f'"{ENDS.sub("", cell)}"' if "\n" in cell or "\r" in cell else ""
