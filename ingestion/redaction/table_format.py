"""Detect how a table is written, and which of its columns are personal. Pure.

The text is decoded with ISO-8859-1, one character for each byte (or UTF-16, one for each two). Delimiters,
quotes and line ends are single bytes in every supported encoding, including cp932, so the real encoding is
not needed and every byte is preserved.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ingestion.parsing import tabular
from ingestion.parsing.tabular import has_content
from ingestion.reports import REPORT_TYPE_BY_NAME, headers, personal_columns, seller_feedback, table_layout
from ingestion.reports.report_type import ORDER_ID
from ingestion.reports.table_layout import TableLayout

ORDER_COLUMNS = frozenset({"order-id", "amazon-order-id"})
# Of buyer messages. No other table has the column.
RECEIVED_AT = frozenset({headers.canonical("received_at")})
# Amazon translates the headers of feedback reports, so their columns are found by position.
LEGACY = {2: "Comments", 3: "Your Response", 8: "Rater Email"}
FREE_TEXT = {6: {2: "Comments", 3: "Your Response", 5: "Rater Email"}, 9: LEGACY, 10: LEGACY}
"""The personal columns of a feedback report by position, for each number of columns."""
is_order_id = ORDER_ID.fullmatch
BEFORE_HEADER = "lines before the header"


@dataclass(frozen=True, slots=True)
class TableFormat:
    """Describe a table that has personal columns.

    `columns` maps the positions of personal columns to their names, in order. `order_at` is the position of
    the order ID, if known. `moment_at` is that of a moment in every row, if rows may end before the order ID:
    then it shows that a row is not shifted. `read` decodes a line or cell as the parser would. `redacted_names` says what is
    removed.
    """

    line_end: str
    layout: TableLayout
    order_at: int | None
    moment_at: int | None
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


def detect_table_format(
    head: str, *, is_whole: bool, announced_type: str, read: Callable[[str], str]
) -> TableFormat | None:
    """Return the format of the table that begins with `head`, or None if it has no personal columns.

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
    layout = table_layout.find_layout(
        (line and read(line.removesuffix("\r")) for line in lines), announced=announced
    )
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
    moment_at = _find(names, RECEIVED_AT)
    return TableFormat(line_end, layout, order_at, moment_at, columns, not is_row, read, redacted)


def _find(names: list[str], columns: Collection[str]) -> int | None:
    """Return the position of the first column that is one of these."""
    return next((at for at, name in enumerate(names) if headers.canonical(name) in columns), None)


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
    order_at = _find(names, ORDER_COLUMNS)
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
