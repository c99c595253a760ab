"""A table with the cells of its personal columns emptied, every other byte as it was. Pure.

The work is on letters that stand for bytes one to one (ISO-8859-1, or the halves of UTF-16): delimiters, quotes and line ends
are single bytes in every encoding that we read, cp932 included, so nothing has to be decoded to be kept as it is.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ingestion.parsing import tabular
from ingestion.reports import REPORT_TYPE_BY_NAME, documents, personal_columns, seller_feedback
from ingestion.reports.report_type import ORDER_ID, normalize_column

LONGEST = 4 * tabular.MAX_LINE_LENGTH  # in bytes: longer than any line that the reader takes, in every encoding
ORDER_COLUMNS = {"order-id", "amazon-order-id"}
LEGACY = {2: "Comments", 3: "Your Response", 8: "Rater Email"}
FREE_TEXT = {6: {2: "Comments", 3: "Your Response", 5: "Rater Email"}, 9: LEGACY, 10: LEGACY}
"""Where a feedback report has its personal columns, by the number of columns."""
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"(?!")')
CLOSING = re.compile(r'[^"]*(?:""[^"]*)*"(?!")')
BROKEN = '""-'  # what no reader of CSV takes, neither as a cell nor behind a quote that is open
ENDS = re.compile(r"[^\r\n]+")
TOO_LONG = "-" * (tabular.MAX_LINE_LENGTH + 1)
is_order_id = ORDER_ID.fullmatch
NOTHING = {"", '""'}
WHITE = ' \t\r\n"'


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is written and which cells of a row are personal, with the names of their columns.

    The columns are in order. `read` tells what letters say.
    """

    line_end: str
    delimiter: str
    is_quoted: bool
    width: int
    order_at: int | None
    columns: dict[int, str]
    has_header: bool
    read: Callable[[str], str]

    def blanked(self, texts: Iterable[str]) -> Iterator[str]:
        """The table's letters without what is personal.

        What the reader refuses it refuses still: in place of a NUL, of a line too long or of a quote never closed stands
        another, and nothing of what came behind.
        """
        rows = _Rows(self)
        rest = ""
        for text in texts:
            if "\0" in text:
                yield "\0"
                return
            *whole, rest = (rest + text).split(self.line_end)
            if len(rest) > LONGEST or (whole and _is_too_long(whole[0])):  # the others are within one block
                yield TOO_LONG
                return
            done = [row for line in whole if (row := rows.blanked(line)) is not None]
            if done:
                yield self.line_end.join(done) + self.line_end
            if rows.is_broken or rows.waiting > tabular.MAX_RECORD_LENGTH:
                yield BROKEN
                return
        yield from self._last(rows, rest)

    def _last(self, rows: "_Rows", rest: str) -> Iterator[str]:
        """What follows the last line end."""
        if _is_too_long(rest):
            yield TOO_LONG
            return
        last = rows.blanked(rest) if rest else ""
        if last is None or rows.waiting:
            yield BROKEN
        else:
            yield last


def _is_too_long(line: str) -> bool:
    """Whether the reader takes no line like that."""
    if len(line) <= tabular.MAX_LINE_LENGTH:
        return False
    is_bytes = max(line) <= "\xff"
    return len(line.encode("iso-8859-1").decode(errors="replace") if is_bytes else line) > tabular.MAX_LINE_LENGTH


class _Rows:
    """Lines as they come, made rows: one that a quote leaves open waits for the next."""

    def __init__(self, table: Table) -> None:
        self.waiting = 0  # letters of the lines of a row that is not whole
        self.is_broken = False
        self._read_table = table
        self._cell = _cell(table.delimiter)
        self._is_header_next = table.has_header
        self._cells: list[str] = []
        self._open: list[str] = []

    def blanked(self, line: str) -> str | None:
        """The row that ends with this line, without what is personal; None while a quote is open."""
        if self._is_header_next:
            self._is_header_next = not _has_content(line)
            is_wide = self._read_table.width > tabular.MAX_COLUMNS and _has_content(line)
            if is_wide or (
                self._read_table.is_quoted and any(_is_open(cell) for cell in _split(line, self._read_table.delimiter))
            ):
                self.is_broken = True  # its columns are not known, and no report has such a header
            return line
        if self.is_broken:
            return None
        body = line.removesuffix("\r")
        if not body and not self._open:
            return line  # a document may have a thousand million of them
        if not self._read_table.is_quoted or ('"' not in body and not self._open):
            return (
                self._read_table.delimiter.join(_redact_cells(body.split(self._read_table.delimiter), self._read_table))
                + line[len(body) :]
            )
        cells = self._take_cells(body, line)
        return (
            None if cells is None else self._read_table.delimiter.join(_redact_cells(cells, self._read_table)) + line[len(body) :]
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
            found = self._cell.match(body, at)
            cell = found[0] if found else ""
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


def detect_table_redactor(head: str, *, is_whole: bool, announced_type: str, read: Callable[[str], str]) -> Table | None:
    """The table that these letters begin, if it has personal columns.

    `is_whole`: nothing follows them. `read` tells what the letters of a line say.
    """
    beginning = next(filter(_has_content, head.split("\n")), "")
    line_end = "\r" if "\r" in beginning.removesuffix("\r") else "\n"
    lines = head.split(line_end)
    if not is_whole:
        lines.pop()
    first, *more = [line.removesuffix("\r") for line in lines if _has_content(line)][:2] or [""]
    if not first or "\0" in first:
        return None
    said = [read(line) for line in (first, *more)]
    recognised = documents.detect_table(said)
    kind = REPORT_TYPE_BY_NAME.get(announced_type) or recognised
    delimiter = "\t" if kind and kind.dialect in {"tsv", "tsv_or_csv"} and "\t" in first else tabular.detect_delimiter(first)
    is_quoted = delimiter != "\t" or (kind is not None and kind.dialect == "csv")
    header, row = ((_split(line, delimiter) if is_quoted else line.split(delimiter)) for line in (*said, "")[:2])
    names = [cell.strip(WHITE) for cell in header]
    is_header = recognised is not None or not ORDER_COLUMNS.isdisjoint(map(normalize_column, names[: tabular.MAX_COLUMNS]))
    is_row = not is_header and any(map(is_order_id, names))
    is_feedback = seller_feedback.REPORT_TYPE in {kind, recognised} or (
        recognised is None and seller_feedback.matches(names, [cell.strip(WHITE) for cell in row])
    )
    order_at, columns = _columns_by_first_row(names) if is_row else _columns_by_header(names, is_feedback=is_feedback)
    if not columns:
        return None
    return Table(line_end, delimiter, is_quoted, len(names), order_at, columns, not is_row, read)


def _columns_by_header(names: list[str], *, is_feedback: bool) -> tuple[int | None, dict[int, str]]:
    """Where the order id is and which columns are personal: by name, in feedback also by place, whatever its language.

    Where there are too many for the reader, nobody looks at their names: no row of them stays.
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
    """The same of a table that begins with a row: but for feedback nobody knows what stands where."""
    at = seller_feedback.ORDER_ID_AT.get(len(cells))
    if at is not None and is_order_id(cells[at]) and cells[1].isdecimal():
        return at, dict(FREE_TEXT[len(cells)])
    return None, {at: f"column {at + 1}" for at, cell in enumerate(cells) if not personal_columns.is_harmless(cell)}


def _cell(delimiter: str) -> re.Pattern[str]:
    """A cell of a line of CSV, quoted or not."""
    return re.compile(f"{QUOTED.pattern}[^{delimiter}]*|[^{delimiter}]*")


def _split(line: str, delimiter: str) -> list[str]:
    """The cells of a line of CSV whose quotes are closed."""
    cell, at, cells = _cell(delimiter), 0, []
    while at <= len(line) and (found := cell.match(line, at)):
        cells.append(found[0])
        at = found.end() + 1
    return cells


def _is_open(cell: str) -> bool:
    return cell.startswith('"') and not QUOTED.match(cell)


def _redact_cells(cells: list[str], table: Table) -> list[str]:
    """The cells of a row without what is personal.

    Where the order id is not in its place the row is shifted, where there are more cells than columns it may be, and without a
    header it may be anything: there only what tells of nobody stays. Of a row that said something, something stays: it must be
    counted, and may be a cut.
    """
    if table.order_at is not None and table.order_at < len(cells) <= table.width and is_order_id(cells[table.order_at]):
        return _redact_columns(cells, table)  # as nearly every row is
    said = [at for at, cell in enumerate(cells) if cell.strip(" \t\r\n") not in NOTHING]
    if not said:
        return cells
    is_known = table.has_header if table.order_at is None else _has_its_order(cells, table.order_at)
    if not is_known:
        going = [at for at in said if at in table.columns or not personal_columns.is_harmless(cells[at])]
    else:
        going = _personal_cells(cells, said, table)
    telling = {at for at in said if table.read(cells[at]).strip()}  # a blank of Unicode is one in no other encoding
    going = [at for at in going if at in telling]
    is_emptied = bool(going) and len(going) == len(telling)
    for at in going:
        cells[at] = _empty_cell(cells[at], table) if at < table.width else "-"
    if is_emptied:
        first = cells[going[0]]
        cells[going[0]] = first.replace('"', '"-', 1) if first else "-"
    return cells


def _redact_columns(cells: list[str], table: Table) -> list[str]:
    for at in table.columns:
        if at >= len(cells):
            break  # they are in order, and a row may be far shorter than its header
        if cells[at] not in NOTHING:
            cells[at] = _empty_cell(cells[at], table)
    return cells


def _has_its_order(cells: list[str], at: int) -> bool:
    return len(cells) > at and (not cells[at].strip(WHITE) or personal_columns.is_like_an_order_id(cells[at]))


def _personal_cells(cells: list[str], said: list[int], table: Table) -> list[int]:
    """The personal cells of a row; in one with more cells than columns also those that they may have moved to.

    What stands before the order id did not move, since the order id is in its place.
    """
    more = said[-1] - table.width + 1
    if more <= 0:
        return [at for at in said if at in table.columns]
    moved = [at for at in sorted(table.columns) if table.order_at is None or at > table.order_at]

    def may_be_personal(at: int) -> bool:
        before = bisect_right(moved, at) - 1
        return at >= table.width or (before >= 0 and at - moved[before] <= more)

    return [at for at in said if at in table.columns or (may_be_personal(at) and not personal_columns.is_harmless(cells[at]))]


def _empty_cell(cell: str, table: Table) -> str:
    """An empty cell. It has the lines that the cell had, and is no better CSV."""
    if not table.is_quoted:
        return ""
    quoted = QUOTED.match(cell)
    if (quoted and quoted.end() < len(cell)) or (not quoted and "\r" in cell):
        return BROKEN
    return f'"{ENDS.sub("", cell)}"' if "\n" in cell or "\r" in cell else ""


def _has_content(text: str) -> bool:
    """Whether a line is more than separators."""
    return bool(text.strip(" \t\r\n,;\"'"))
