"""Decide what a cell holds, and empty it. Pure."""

import re
from collections.abc import Callable

from ingestion.parsing import tabular
from ingestion.parsing.tabular import clean_cell
from ingestion.redaction.records import QUOTED
from ingestion.reports.report_type import ORDER_ID, ORDER_ID_LENGTH

# Invalid CSV both as a cell and after an open quote, so that the parser rejects the document.
BROKEN = '""-'
BLANKS = " \t\r\n"
NOTHING = frozenset({"", '""'})
# In characters, with what spreadsheets and people put around it.
MAX_ORDER_CELL = 100
LINE_CHARACTERS = re.compile(r"[^\r\n]+")
QUOTED_CELL = re.compile(QUOTED)
match_quoted = QUOTED_CELL.match
# As reports and spreadsheets write it.
ORDER_CELL = re.compile(
    rf"""{ORDER_ID.pattern}|"{ORDER_ID.pattern}"|="{ORDER_ID.pattern}"|'{ORDER_ID.pattern}"""
)
match_order_id = ORDER_CELL.fullmatch


def is_plain(cell: str) -> bool:
    """Return whether a cell, which is not empty, is its own text: the same in every encoding, and clean."""
    return cell.isascii() and cell[0] not in tabular.AROUND and cell[-1] not in tabular.AROUND


def holds_order_id(cell: str, read: Callable[[str], str]) -> bool:
    """Return whether a cell holds an order ID of Amazon, whatever is around it."""
    if match_order_id(cell):
        return True
    # Most cells are shorter or longer, and need no cleaning.
    return ORDER_ID_LENGTH < len(cell) < MAX_ORDER_CELL and bool(ORDER_ID.fullmatch(clean_cell(read(cell))))


def is_open(cell: str) -> bool:
    """Return whether a cell begins with a quote that is not closed."""
    return cell.startswith('"') and not match_quoted(cell)


def empty_cell(cell: str, *, is_quoted: bool) -> str:
    """Return an empty cell with the line ends of the cell. Invalid CSV remains invalid."""
    if not is_quoted:
        return ""
    quoted = match_quoted(cell)
    # The strict csv module refuses text behind a closing quote and a bare carriage return.
    if (quoted and quoted.end() < len(cell)) or (not quoted and "\r" in cell):
        return BROKEN
    # The line ends stay, so that the rows below keep their line numbers.
    return f'"{LINE_CHARACTERS.sub("", cell)}"' if "\n" in cell or "\r" in cell else ""
