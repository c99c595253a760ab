"""Redact the rows that are not as their header says. Pure.

A row is shifted if its order ID is not in its column, may be shifted if it has more cells than the header, and
is unknown without a header. One that ends before its order ID, which is optional in a file of messages, is not
shifted if its moment is in its column. In these cases every cell is emptied that might be personal by its content. A row
with content keeps some, because the parser must count it and may reject it as cut off.
"""

from bisect import bisect_right

from ingestion.parsing import tabular
from ingestion.parsing.tabular import clean_cell
from ingestion.redaction.cells import BLANKS, NOTHING, empty_cell, is_plain
from ingestion.redaction.table_format import TableFormat
from ingestion.reports import personal_columns, table_layout

match_harmless = personal_columns.HARMLESS.fullmatch
HARMLESS_BEGINNINGS = frozenset("0123456789+-ynftYNFT")
"""The characters of ASCII with which a harmless text begins."""
Texts = dict[int, str]
"""Map the positions of cells that are not blank to their clean texts, which may be empty."""


class IrregularRows:
    """Redact rows of one table, one at a time."""

    def __init__(self, table: TableFormat) -> None:
        self._table = table
        self._width, self._order_at = table.width, table.order_at
        # Cells before the order ID did not move if the order ID is in its column.
        self._movable = [at for at in sorted(table.columns) if table.order_at is None or at > table.order_at]
        self._report_type = table.layout.report_type
        # The cells of the last row that were compared with names of columns, which takes long.
        self.compared_names = 0

    def redact(self, cells: list[str]) -> list[str]:
        """Return the cells of a row without personal data. Changes the list."""
        texts, harmless = self._read_cells(cells)
        self.compared_names = 0
        if not texts:
            return cells
        # The parser skips a header that is repeated, and refuses a document with another one.
        names = self._header_names(cells, texts, harmless)
        if names is not None:
            return [
                cell if texts.get(at, "") in names else self._empty(cell) for at, cell in enumerate(cells)
            ]
        emptied = self._personal_cells(cells, texts, harmless)
        return self._without(cells, [at for at in emptied if texts[at]], sum(map(bool, texts.values())))

    def _read_cells(self, cells: list[str]) -> tuple[Texts, set[int]]:
        """Return the texts of the cells that are not blank, and the positions of those that are harmless."""
        texts: Texts = {}
        harmless: set[int] = set()
        for at, cell in enumerate(cells):
            if cell in NOTHING:
                continue
            if is_plain(cell):
                texts[at] = cell
                if cell[0] in HARMLESS_BEGINNINGS and match_harmless(cell):
                    harmless.add(at)
            elif cell.strip(BLANKS) not in NOTHING:
                # What spreadsheets put around a value is no part of it. It may be white space of Unicode,
                # which is content in no other encoding.
                texts[at] = text = clean_cell(self._table.read(cell))
                if text and personal_columns.is_harmless(text):
                    harmless.add(at)
        return texts, harmless

    def _without(self, cells: list[str], emptied: list[int], filled: int) -> list[str]:
        for at in emptied:
            cells[at] = self._empty(cells[at]) if at < self._width else "-"
        # The parser skips an empty row. A dash keeps it a row, so that its counts stay the same.
        if emptied and len(emptied) == filled:
            first = cells[emptied[0]]
            cells[emptied[0]] = first.replace('"', '"-', 1) if first else "-"
        return cells

    def _empty(self, cell: str) -> str:
        return empty_cell(cell, is_quoted=self._table.is_quoted)

    def _header_names(self, cells: list[str], texts: Texts, harmless: set[int]) -> set[str] | None:
        """Return the names of columns in a row that is a header again, or None for any other row."""
        if not self._table.has_header or not self._may_be_header(texts, harmless):
            return None
        self.compared_names = len(texts)
        row = [texts.get(at, "") for at in range(min(len(cells), tabular.MAX_COLUMNS))]
        if not table_layout.is_header(row, self._table.layout):
            return None
        return {*table_layout.known_names(row), *self._table.layout.header}

    def _may_be_header(self, texts: Texts, harmless: set[int]) -> bool:
        """Return whether a row can be a header, which is cheaper to ask than whether it is one."""
        last = max((at for at, text in texts.items() if text), default=0)
        # Another header of the report type has no cell that is harmless, and more than one column.
        is_other = self._report_type is not None and not harmless and len(texts) > 1
        return last + 1 == self._width or is_other

    def _personal_cells(self, cells: list[str], texts: Texts, harmless: set[int]) -> list[int]:
        """Return the positions of the cells that may be personal, in order."""
        columns = self._table.columns
        if not self._is_known(cells, texts):
            return [at for at in texts if at in columns or at not in harmless]
        surplus = max(texts) - self._width + 1
        if surplus <= 0:
            return [at for at in texts if at in columns]
        return [
            at for at in texts if at in columns or (at not in harmless and self._may_have_moved(at, surplus))
        ]

    def _is_known(self, cells: list[str], texts: Texts) -> bool:
        """Return whether the cells are in the columns of the header, as far as it can be seen."""
        if self._order_at is None:
            return self._table.has_header
        if len(cells) <= self._order_at:
            at = self._table.moment_at
            return at is not None and personal_columns.is_moment(texts.get(at, ""))
        text = texts.get(self._order_at, "")
        return not text or personal_columns.is_like_an_order_id(text)

    def _may_have_moved(self, at: int, surplus: int) -> bool:
        """Return whether a personal cell may have moved to this position."""
        before = bisect_right(self._movable, at) - 1
        return at >= self._width or (before >= 0 and at - self._movable[before] <= surplus)
