"""Redact a table by the definition: a line and a cell at a time, without regard to time.

The product gives the same bytes in a small part of the time.
"""

import re
from bisect import bisect_right

from ingestion.parsing import tabular
from ingestion.parsing.tabular import cell_pattern, clean_cell, has_content
from ingestion.redaction.table_format import TableFormat
from ingestion.reports import personal_columns, table_layout
from ingestion.reports.report_type import ORDER_ID

CLOSING = re.compile(r'[^"]*(?:""[^"]*)*"(?!")')
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"(?!")')
BROKEN = '""-'
NOTHING = {"", '""'}
OWN_ORDER = re.compile("#?[0-9]{1,6}")


def redact(table: TableFormat, text: str) -> str:
    """Return the redacted text of a whole table of less than a block."""
    if "\0" in text:
        return "\0"
    rows = _Rows(table)
    *whole, rest = text.split(table.line_end)
    redacted = [row for line in whole if (row := rows.redact(line)) is not None]
    out = "".join(row + table.line_end for row in redacted)
    if rows.is_broken:
        return out + BROKEN
    last = rows.redact(rest) if rest else ""
    return out + (BROKEN if last is None or rows.is_waiting else last)


class _Rows:
    """Join lines to rows and redact them. A line with an open quote waits for the next line."""

    def __init__(self, table: TableFormat) -> None:
        self.is_broken = self.is_waiting = False
        self._table = table
        self._cell = cell_pattern(table.delimiter)
        self._lines_to_header = table.layout.header_line if table.has_header else 0
        self._cells: list[str] = []
        self._open: list[str] = []

    def redact(self, line: str) -> str | None:
        """Return the redacted row that ends with this line, or None while a quote is open."""
        table = self._table
        if self._lines_to_header:
            self._lines_to_header -= 1
            return self._redact_beginning(line)
        if self.is_broken:
            return None
        body = line.removesuffix("\r")
        cells = self._take_cells(body, line) if table.is_quoted else body.split(table.delimiter)
        if cells is None:
            return None
        return table.delimiter.join(redact_cells(cells, table)) + line[len(body) :]

    def _redact_beginning(self, line: str) -> str:
        if self._lines_to_header:
            text = self._table.read(line)
            is_kept = not has_content(text) or table_layout.states_delimiter(text)
            return line if is_kept else line[len(line.removesuffix("\r")) :]
        cells = tabular.split_line(line, self._table.delimiter, is_quoted=True)
        if self._table.width > tabular.MAX_COLUMNS or (self._table.is_quoted and any(map(_is_open, cells))):
            self.is_broken = True
        return line

    def _take_cells(self, body: str, line: str) -> list[str] | None:
        at = 0
        self.is_waiting = True
        if self._open:
            closing = CLOSING.match(body)
            if closing is None:
                self._open.append(line)
                return None
            end = body.find(self._table.delimiter, closing.end())
            at = len(body) if end < 0 else end
            self._cells.append(self._table.line_end.join([*self._open, body[:at]]))
            self._open, at = [], at + 1
        while at <= len(body):
            match = self._cell.match(body, at)
            cell = match[0] if match else ""
            if _is_open(cell):
                self._open.append(line[at:])
                return None
            self._cells.append(cell)
            at += len(cell) + 1
        cells, self._cells, self.is_waiting = self._cells, [], False
        return cells


def redact_cells(cells: list[str], table: TableFormat) -> list[str]:
    """Return the cells of a row without personal data."""
    if _is_regular(cells, table):
        return [
            _empty_cell(cell, table) if at in table.columns and cell not in NOTHING else cell
            for at, cell in enumerate(cells)
        ]
    filled = [at for at, cell in enumerate(cells) if cell.strip(" \t\r\n") not in NOTHING]
    if not filled:
        return cells
    names = _known_names(cells, table)
    if names is not None:
        return [cell if clean_cell(table.read(cell)) in names else _empty_cell(cell, table) for cell in cells]
    texts = {at: clean_cell(table.read(cells[at])) for at in filled}
    emptied = [at for at in _personal_cells(texts, cells, table) if texts[at]]
    loses_all_content = bool(emptied) and len(emptied) == sum(map(bool, texts.values()))
    for at in emptied:
        cells[at] = _empty_cell(cells[at], table) if at < table.width else "-"
    if loses_all_content:
        first = cells[emptied[0]]
        cells[emptied[0]] = first.replace('"', '"-', 1) if first else "-"
    return cells


def _is_regular(cells: list[str], table: TableFormat) -> bool:
    if table.order_at is None or table.order_at >= len(cells):
        return False
    if "".join(cells[table.width :]).strip(f'{table.delimiter} \t\r\n"'):
        return False
    order = cells[table.order_at]
    return bool(OWN_ORDER.fullmatch(order) or ORDER_ID.fullmatch(clean_cell(table.read(order))))


def _known_names(cells: list[str], table: TableFormat) -> set[str] | None:
    texts = [clean_cell(table.read(cell)) for cell in cells[: tabular.MAX_COLUMNS]]
    if not table.has_header or not table_layout.is_header(texts, table.layout):
        return None
    return {*table_layout.known_names(texts), *table.layout.header}


def _personal_cells(texts: dict[int, str], cells: list[str], table: TableFormat) -> list[int]:
    def may_be_personal(at: int) -> bool:
        before = bisect_right(moved, at) - 1
        return at >= table.width or (before >= 0 and at - moved[before] <= surplus)

    filled = list(texts)
    surplus = filled[-1] - table.width + 1
    moved = [at for at in sorted(table.columns) if table.order_at is None or at > table.order_at]
    if not _is_known(texts, cells, table):
        return [at for at in filled if at in table.columns or not personal_columns.is_harmless(texts[at])]
    if surplus <= 0:
        return [at for at in filled if at in table.columns]
    return [
        at
        for at in filled
        if at in table.columns or (may_be_personal(at) and not personal_columns.is_harmless(texts[at]))
    ]


def _is_known(texts: dict[int, str], cells: list[str], table: TableFormat) -> bool:
    if table.order_at is None:
        return table.has_header
    if len(cells) <= table.order_at:
        return personal_columns.is_moment(
            texts.get(table.moment_at, "") if table.moment_at is not None else ""
        )
    text = texts.get(table.order_at, "")
    return not text or personal_columns.is_like_an_order_id(text)


def _is_open(cell: str) -> bool:
    return cell.startswith('"') and not QUOTED.match(cell)


def _empty_cell(cell: str, table: TableFormat) -> str:
    if not table.is_quoted:
        return ""
    quoted = QUOTED.match(cell)
    if (quoted and quoted.end() < len(cell)) or (not quoted and "\r" in cell):
        return BROKEN
    return '"' + re.sub(r"[^\r\n]+", "", cell) + '"' if "\n" in cell or "\r" in cell else ""
