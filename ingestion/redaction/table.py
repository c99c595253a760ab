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
from ingestion.reports import REPORT_TYPE_BY_NAME, documents, personal_columns, seller_feedback
from ingestion.reports.report_type import ORDER_ID, ReportType, normalize_column

# In bytes: longer than any line that the parser accepts, in every encoding.
MAX_LENGTH = 4 * tabular.MAX_LINE_LENGTH
ORDER_COLUMNS = {"order-id", "amazon-order-id"}
# Amazon translates the headers of feedback reports, so their columns are found by position.
LEGACY = {2: "Comments", 3: "Your Response", 8: "Rater Email"}
FREE_TEXT = {6: {2: "Comments", 3: "Your Response", 5: "Rater Email"}, 9: LEGACY, 10: LEGACY}
"""The personal columns of a feedback report by position, for each number of columns."""
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"(?!")')
CLOSING = re.compile(r'[^"]*(?:""[^"]*)*"(?!")')
# Invalid CSV both as a cell and after an open quote, so that the parser rejects the document.
BROKEN = '""-'
ENDS = re.compile(r"[^\r\n]+")
TOO_LONG = "-" * (tabular.MAX_LINE_LENGTH + 1)
is_order_id = ORDER_ID.fullmatch
NOTHING = {"", '""'}
WHITE = ' \t\r\n"'


@dataclass(frozen=True, slots=True)
class TableRedactor:
    """Redact a table of one format.

    `columns` maps the positions of personal columns to their names, in order. `order_at` is the position of
    the order ID, if known. `read` decodes a line or cell as the parser would.
    """

    line_end: str
    delimiter: str
    is_quoted: bool
    width: int
    order_at: int | None
    columns: dict[int, str]
    has_header: bool
    read: Callable[[str], str]

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
        self._cell = _cell(table.delimiter)
        self._is_header_next = table.has_header
        self._cells: list[str] = []
        self._open: list[str] = []

    def redact(self, line: str) -> str | None:
        """Return the redacted row that ends with this line, or None while a quote is open."""
        if self._is_header_next:
            self._is_header_next = not _has_content(line)
            is_wide = self._read_table.width > tabular.MAX_COLUMNS and _has_content(line)
            if is_wide or (
                self._read_table.is_quoted
                and any(_is_open(cell) for cell in _split(line, self._read_table.delimiter))
            ):
                # The columns are unknown, and no report has such a header.
                self.is_broken = True
            return line
        if self.is_broken:
            return None
        body = line.removesuffix("\r")
        if not body and not self._open:
            # Skip the work below: a document may have 10^9 empty lines.
            return line
        # Almost every line takes this way. It is many times as fast as the pattern below.
        if not self._read_table.is_quoted or ('"' not in body and not self._open):
            return (
                self._read_table.delimiter.join(
                    _redact_cells(body.split(self._read_table.delimiter), self._read_table)
                )
                + line[len(body) :]
            )
        cells = self._take_cells(body, line)
        return (
            None
            if cells is None
            else self._read_table.delimiter.join(_redact_cells(cells, self._read_table)) + line[len(body) :]
        )

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
        end = body.find(self._read_table.delimiter, at)
        return len(body) if end < 0 else end


def detect_table_redactor(
    head: str, *, is_whole: bool, announced_type: str, read: Callable[[str], str]
) -> TableRedactor | None:
    """Return how to redact the table that begins with `head`, or None if it has no personal columns.

    `is_whole`: `head` is the whole document. `read` decodes a line as the parser would.
    """
    beginning = next(filter(_has_content, head.split("\n")), "")
    # The parser rejects a document with "\r" alone, but it is stored all the same, and must not keep names.
    line_end = "\r" if "\r" in beginning.removesuffix("\r") else "\n"
    lines = head.split(line_end)
    # The last line of a block may be cut in the middle.
    if not is_whole:
        lines.pop()
    first, *more = [line.removesuffix("\r") for line in lines if _has_content(line)][:2] or [""]
    if not first or "\0" in first:
        return None
    decoded = [read(line) for line in (first, *more)]
    detected = documents.detect_table(decoded)
    # The sender's word decides how the parser splits the lines, so it decides here too.
    report_type = REPORT_TYPE_BY_NAME.get(announced_type) or detected
    delimiter = _delimiter(first, report_type)
    is_quoted = delimiter != "\t" or (report_type is not None and report_type.dialect == "csv")
    header, row = (
        (_split(line, delimiter) if is_quoted else line.split(delimiter)) for line in (*decoded, "")[:2]
    )
    names = [cell.strip(WHITE) for cell in header]
    normalized = map(normalize_column, names[: tabular.MAX_COLUMNS])
    is_header = detected is not None or not ORDER_COLUMNS.isdisjoint(normalized)
    is_row = not is_header and any(map(is_order_id, names))
    is_feedback = seller_feedback.REPORT_TYPE in {report_type, detected} or (
        detected is None and seller_feedback.matches(names, [cell.strip(WHITE) for cell in row])
    )
    order_at, columns = (
        _columns_by_first_row(names) if is_row else _columns_by_header(names, is_feedback=is_feedback)
    )
    if not columns:
        return None
    return TableRedactor(line_end, delimiter, is_quoted, len(names), order_at, columns, not is_row, read)


def _delimiter(first: str, report_type: ReportType | None) -> str:
    if report_type and report_type.dialect in {"tsv", "tsv_or_csv"} and "\t" in first:
        return "\t"
    return tabular.detect_delimiter(first)


def _columns_by_header(names: list[str], *, is_feedback: bool) -> tuple[int | None, dict[int, str]]:
    """Return the position of the order ID and the personal columns: by name, in feedback also by position.

    If there are more columns than the parser accepts, all of them count as personal.
    """
    if len(names) > tabular.MAX_COLUMNS:
        return None, {at: f"column {at + 1}" for at in range(tabular.MAX_COLUMNS)}
    order_at = next((at for at, name in enumerate(names) if normalize_column(name) in ORDER_COLUMNS), None)
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


def _cell(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of a CSV cell, quoted or not."""
    return re.compile(f"{QUOTED.pattern}[^{delimiter}]*|[^{delimiter}]*")


def _split(line: str, delimiter: str) -> list[str]:
    """Return the cells of a CSV line whose quotes are closed."""
    cell, at, cells = _cell(delimiter), 0, []
    while at <= len(line) and (match := cell.match(line, at)):
        cells.append(match[0])
        at = match.end() + 1
    return cells


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
    is_known = table.has_header if table.order_at is None else _has_order_in_place(cells, table.order_at)
    if not is_known:
        emptied = [at for at in filled if at in table.columns or not personal_columns.is_harmless(cells[at])]
    else:
        emptied = _personal_cells(cells, filled, table)
    # A cell may hold only white space of Unicode, which is content in no other encoding.
    significant = {at for at in filled if table.read(cells[at]).strip()}
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


def _has_order_in_place(cells: list[str], at: int) -> bool:
    return len(cells) > at and (not cells[at].strip(WHITE) or personal_columns.is_like_an_order_id(cells[at]))


def _personal_cells(cells: list[str], filled: list[int], table: TableRedactor) -> list[int]:
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
        if at in table.columns or (may_be_personal(at) and not personal_columns.is_harmless(cells[at]))
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


def _has_content(text: str) -> bool:
    """Return whether a line contains more than separators."""
    return bool(text.strip(" \t\r\n,;\"'"))
