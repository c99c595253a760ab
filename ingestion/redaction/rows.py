"""Redact the rows of a table, at a cost that is bounded by their length. Pure.

1. A regular row has its order ID in its column: the cells of the personal columns are emptied, a run of
   columns at a time.
2. Every other row is looked at cell by cell (`irregular_rows`), as long as the document can afford it: it earns
   work with each character, and spends it for each such row and cell.
3. A document that consists of such rows runs out of it. Rows with too few characters for an order then lose
   all content, and the longer ones whatever their columns do not prove harmless. No report has such rows: the
   parser rejects them before and after.
"""

import re
from collections.abc import Callable

from ingestion.parsing import tabular
from ingestion.redaction.cells import (
    BLANKS,
    BROKEN,
    LINE_CHARACTERS,
    NOTHING,
    empty_cell,
    holds_order_id,
)
from ingestion.redaction.irregular_rows import IrregularRows
from ingestion.redaction.records import Records
from ingestion.redaction.table_format import TableFormat
from ingestion.reports import personal_columns
from ingestion.reports.report_type import ORDER_ID_LENGTH

# In characters. Looking at a row cell by cell takes as long as handling so many characters of regular rows.
ROW_COST, CELL_COST, NAME_COST = 30, 10, 40
EARNED = 0.25
# So that a small document, or one that begins with its worst rows, is looked at as a whole.
FIRST_ALLOWANCE = 128 * 1024
BATCH = 1000
# The seller's own ID of an order, which FBA reports have. A number is the name of no column.
OWN_ORDER = re.compile(r"#?[0-9]{1,6}")
match_own_order = OWN_ORDER.fullmatch
# A row without content, and the dash that remains of one.
UNCHANGED = frozenset({"", "-"})


class RowRedactor:
    """Redact rows of one table in the order of the document."""

    def __init__(self, table: TableFormat, records: Records) -> None:
        self._table, self._records = table, records
        self._delimiter, self._width, self._order_at = table.delimiter, table.width, table.order_at
        self._runs = _runs(list(table.columns))
        self._irregular = IrregularRows(table)
        self._allowance: float = FIRST_ALLOWANCE
        self._blanks = table.delimiter + BLANKS
        # What is left of cells without a letter or digit. None of it says anything of a person.
        self._marks = self._blanks + '"'
        self._unchanged = set(UNCHANGED)

    def earn(self, characters: int) -> None:
        """Add the work that a document may cause with so many characters."""
        self._allowance += characters * EARNED

    def keep(self, row: str) -> None:
        """Keep this row wherever it occurs again: it is the header."""
        self._unchanged.add(row)

    def redact(self, rows: list[str]) -> list[str]:
        """Return the redacted rows."""
        redacted: list[str] = []
        # In batches, so that a document that runs out of work within a block takes the short way soon.
        for at in range(0, len(rows), BATCH):
            redacted += self._redact_batch(rows[at : at + BATCH])
        return redacted

    def _redact_batch(self, rows: list[str]) -> list[str]:
        unchanged, redact_row = self._unchanged, self._redact_row
        if self._allowance < ROW_COST + CELL_COST:
            marks, redact_short = self._marks, self._short_redactor(rows)
            return [
                row
                if row in unchanged
                else redact_row(row)
                if len(row) >= ORDER_ID_LENGTH
                else redact_short(row)
                if row.strip(marks)
                else row
                for row in rows
            ]
        blanks = self._blanks
        return [
            row
            if row in unchanged or (len(row) < ORDER_ID_LENGTH and not row.strip(blanks))
            else redact_row(row)
            for row in rows
        ]

    def _short_redactor(self, rows: list[str]) -> Callable[[str], str]:
        """Return the function that redacts the rows of a batch that are too short for an order."""
        # Asked once for all rows, because the rows may be of two bytes.
        text = "".join(rows)
        if "\r" in text or "\n" in text:
            return self._redact_short
        is_simple = not self._table.is_quoted or '"' not in text
        if is_simple or self._records.are_valid(self._table.line_end.join(rows)):
            return _dash
        return self._redact_short

    def _redact_short(self, row: str) -> str:
        body = row.removesuffix("\r")
        is_plain = '"' not in body and "\r" not in body
        return (_dash(body) if is_plain else self._without_content([body], body)) + row[len(body) :]

    def _redact_row(self, row: str) -> str:
        body = row[:-1] if row[-1] == "\r" else row
        cells = self._records.cells(body) if '"' in body else body.split(self._delimiter)
        # Spreadsheets pad rows. What is padded is no cell.
        is_narrow = len(cells) <= self._width or not "".join(cells[self._width :]).strip(self._marks)
        if is_narrow and self._has_order(cells):
            self._empty_columns(cells, body)
        elif body.strip(self._blanks):
            return self._redact_irregular(cells, body, is_narrow=is_narrow) + row[len(body) :]
        else:
            return row
        return self._delimiter.join(cells) + row[len(body) :]

    def _has_order(self, cells: list[str]) -> bool:
        """Return whether the cell of the order ID holds one of Amazon's or, as a number, one of the seller's."""
        at = self._order_at
        if at is None or at >= len(cells):
            return False
        cell = cells[at]
        return holds_order_id(cell, self._table.read) or bool(match_own_order(cell))

    def _empty_columns(self, cells: list[str], body: str) -> None:
        """Empty the cells of the personal columns."""
        is_plain = '"' not in body and "\r" not in body and "\n" not in body
        is_quoted = self._table.is_quoted
        for start, stop in self._runs:
            run = cells[start:stop]
            if not run:
                # The runs are in order, and a row may be far shorter than its header.
                return
            if is_plain:
                cells[start:stop] = [""] * len(run)
            else:
                cells[start:stop] = [
                    cell if cell in NOTHING else empty_cell(cell, is_quoted=is_quoted) for cell in run
                ]

    def _redact_irregular(self, cells: list[str], body: str, *, is_narrow: bool) -> str:
        cost = ROW_COST + CELL_COST * len(cells)
        if len(cells) > tabular.MAX_COLUMNS and not is_narrow:
            return self._without_content(cells, body)
        if self._allowance < cost:
            # What is left is given up, so that the rows behind this one take the short way at once.
            self._allowance = 0
            return self._redact_cheaply(cells, body, is_narrow=is_narrow)
        redacted = self._irregular.redact(cells)
        self._allowance -= cost + NAME_COST * self._irregular.compared_names
        return self._delimiter.join(redacted)

    def _redact_cheaply(self, cells: list[str], body: str, *, is_narrow: bool) -> str:
        """Return a row for which the document has no work left."""
        if not body.strip(self._marks):
            return body
        if len(body) < ORDER_ID_LENGTH or not is_narrow or not self._is_known(cells):
            return self._without_content(cells, body)
        self._empty_columns(cells, body)
        row = self._delimiter.join(cells)
        return row if row.strip(self._marks) else self._without_content(cells, body)

    def _is_known(self, cells: list[str]) -> bool:
        """Return whether a row may be one of the columns of the header."""
        if self._order_at is None:
            return self._table.has_header
        if len(cells) <= self._order_at:
            at = self._table.moment_at
            return at is not None and at < len(cells) and personal_columns.is_moment(cells[at])
        order = cells[self._order_at]
        return order in NOTHING or personal_columns.NUMBERED.fullmatch(order.strip('"')) is not None

    def _without_content(self, cells: list[str], body: str) -> str:
        """Return as many cells as there are, without content. A dash keeps it a row, which is rejected."""
        if self._table.is_quoted and ('"' in body or "\r" in body or "\n" in body):
            if not self._records.is_valid(body):
                return BROKEN
            if "\n" in body or "\r" in body:
                # The line ends stay, so that the rows below keep their line numbers.
                return f'"-{LINE_CHARACTERS.sub("", body)}"'
        # In the last cell, because the parser counts the cells up to the last one with content.
        return self._delimiter * (len(cells) - 1) + "-"


def _dash(_row: str) -> str:
    return "-"


def _runs(columns: list[int]) -> list[tuple[int, int]]:
    """Return the ranges of columns that stand side by side, each as its first position and the one behind it."""
    runs: list[tuple[int, int]] = []
    for at in columns:
        if runs and runs[-1][1] == at:
            runs[-1] = (runs[-1][0], at + 1)
        else:
            runs.append((at, at + 1))
    return runs
