"""Find the header of a table, and with it how the table is written. Pure.

The parser and the redaction ask the same question, so that what the one reads the other has redacted:

1. Skip a line `sep=;`, in which spreadsheets state the delimiter.
2. Take the first line that is the header of a report type. Up to ten lines may be before it, as in reports that
   begin with their title and period. No line that has an order ID is one of these.
3. Without such a line, take the first one that has known names of columns, or else the first one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ingestion.parsing import tabular
from ingestion.parsing.tabular import clean_cell
from ingestion.reports import REPORT_TYPES, headers, known_files, personal_columns
from ingestion.reports.report_type import ORDER_ID, ORDER_ID_LENGTH, ReportType

DIALECTS = frozenset({"csv", "tsv_or_csv"})
TABLE_TYPES = tuple(report_type for report_type in REPORT_TYPES if report_type.dialect in DIALECTS)
MAX_LINES_BEFORE = 10
# In characters. In bytes it is less than the block that the redaction looks at.
MAX_BEGINNING = 256 * 1024
STATED_DELIMITER = re.compile(r"""["']?sep=([,;\t])["']?""", re.IGNORECASE)
MIN_KNOWN_NAMES = 2
MAX_SHOWN_NAMES = 6
GENERAL_WORDS = """
    account action amount asin balance brand buyer carrier category charge code condition cost country credit currency day
    days default delivered delivery deposit description details discount due end estimated event expected fee fees fnsku
    gift id invoice item items list marketplace merchant method model number page paid payment payments period phone
    postal price product promise promotion purchase quantity rate reason received ref reference refund region report
    reporting sales service session sessions settlement ship shipment shipped shipping sku start state store tax time
    title total tracking transaction type unit units update url value view views wrap
"""


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Say where the header of a table is and how its cells are separated.

    `header_line` is numbered from 1. `report_type` is the type that the header proves, if any.
    """

    header_line: int
    delimiter: str
    is_quoted: bool
    header: list[str]
    first_row: list[str]
    report_type: ReportType | None


def find_layout(lines: Iterable[str], *, announced: ReportType | None = None) -> TableLayout | None:
    """Return the layout of a table with these first lines, or None if they are blank.

    `announced` is the type that the sender stated. Its header is looked for before that of any other.
    """
    beginning = list(_beginning(lines))
    if not beginning:
        return None
    stated = STATED_DELIMITER.fullmatch(beginning[0][1].strip(tabular.BLANKS))
    if stated and len(beginning) > 1:
        beginning.pop(0)
    delimiter = stated[1] if stated else ""
    candidates = [_Candidate(*pair, delimiter) for pair in beginning]
    types = (announced,) if announced in TABLE_TYPES else ()
    at, report_type = (
        _match(candidates, types) or _match(candidates, TABLE_TYPES) or (_best_guess(candidates), None)
    )
    return _layout(candidates, at, report_type, announced or report_type)


def states_delimiter(line: str) -> bool:
    """Return whether a line is one in which a spreadsheet states the delimiter."""
    return STATED_DELIMITER.fullmatch(line.strip(tabular.BLANKS)) is not None


def is_header(cells: Sequence[str], layout: TableLayout) -> bool:
    """Return whether a row is the header of the table once more, or another header of its report type."""
    if headers.is_repeated(layout.header, cells):
        return True
    texts = [cell for cell in cells if cell]
    return (
        layout.report_type is not None
        and layout.report_type.matches(cells, ())
        and 2 * len(known_names(texts)) >= len(texts)
        and not any(map(personal_columns.is_harmless, texts))
    )


def known_names(cells: Sequence[str]) -> list[str]:
    """Return the cells that are names of columns: of known ones, or made of words of their names.

    Nothing else of a document may be quoted, because it may be the name of a person.
    """
    names = (clean_cell(cell)[: headers.MAX_NAME_LENGTH] for cell in cells[: tabular.MAX_COLUMNS])
    return [name for name in names if headers.is_known(name) or _is_of_known_words(name)]


def show_names(cells: Sequence[str]) -> str:
    """Return the first known names of columns as a text, or an empty one."""
    names = known_names(cells)
    return ", ".join(names[:MAX_SHOWN_NAMES]) + (", …" if len(names) > MAX_SHOWN_NAMES else "")


def _is_of_known_words(name: str) -> bool:
    words = headers.words_of(name)
    # One word alone may be a surname: it has to be the whole name of a column.
    return headers.spell(name) in NAMES if len(words) == 1 else bool(words) and WORDS.issuperset(words)


COLUMN_NAMES = (
    *(column.name for report_type in TABLE_TYPES for column in report_type.columns),
    *(cell for report_type in TABLE_TYPES for cell in re.split("[\t,]", report_type.example.splitlines()[0])),
    *headers.SPELLINGS,
    *(name for table in known_files.TABLES for columns in table.headers for name in columns),
)
NAMES = frozenset(map(headers.spell, COLUMN_NAMES))
WORDS = frozenset(word for name in (*COLUMN_NAMES, *GENERAL_WORDS.split()) for word in headers.words_of(name))


@dataclass(slots=True)
class _Candidate:
    """Hold a line that may be the header.

    Each report type asks for its cells, so they are split once.
    """

    number: int
    line: str
    stated_delimiter: str
    split: dict[str, list[str]] = field(default_factory=dict)

    @property
    def delimiter(self) -> str:
        return self.stated_delimiter or tabular.detect_delimiter(self.line)

    def cells(self, delimiter: str = "") -> list[str]:
        """Return the clean cells, at most MAX_COLUMNS and one, without the empty ones at the end."""
        delimiter = delimiter or self.delimiter
        if delimiter not in self.split:
            cells = tabular.split_line(
                self.line, delimiter, is_quoted=delimiter != "\t", max_cells=tabular.MAX_COLUMNS + 1
            )
            self.split[delimiter] = headers.shorten([clean_cell(cell) for cell in cells])
        return self.split[delimiter]

    def has_order_id(self) -> bool:
        # Splitting takes much longer, and most lines have none.
        if not ORDER_ID.search(self.line):
            return False
        return any(
            len(cell) >= ORDER_ID_LENGTH and ORDER_ID.fullmatch(clean_cell(cell))
            for cell in re.split("[\t,;]", self.line)
        )


def _beginning(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the first lines with content and their numbers: the header's candidates and one row."""
    length = count = 0
    for number, line in enumerate(lines, start=1):
        length += len(line) + 1
        if line and tabular.has_content(line):
            yield number, line
            count += 1
        # A line `sep=` and the first row are two more.
        if length > MAX_BEGINNING or count > MAX_LINES_BEFORE + 2:
            return


def _match(candidates: list[_Candidate], types: Sequence[ReportType]) -> tuple[int, ReportType] | None:
    """Return the place and type of the first line that is the header of one of these types."""
    for at, candidate in enumerate(candidates[: MAX_LINES_BEFORE + 1]):
        delimiter = candidate.delimiter
        header = candidate.cells()[: tabular.MAX_COLUMNS]
        row = candidates[at + 1].cells(delimiter) if at + 1 < len(candidates) else []
        for report_type in types:
            if report_type.matches(header, row):
                return at, report_type
        # Skipping a row would lose it.
        if candidate.has_order_id():
            return None
    return None


def _best_guess(candidates: list[_Candidate]) -> int:
    for at, candidate in enumerate(candidates[: MAX_LINES_BEFORE + 1]):
        cells = candidate.cells()
        names = {*known_names(cells), *filter(personal_columns.is_personal, cells)}
        if len(names) >= MIN_KNOWN_NAMES:
            return at
        if candidate.has_order_id():
            break
    return 0


def _layout(
    candidates: list[_Candidate], at: int, report_type: ReportType | None, read_as: ReportType | None
) -> TableLayout:
    candidate, delimiter = candidates[at], candidates[at].delimiter
    return TableLayout(
        header_line=candidate.number,
        delimiter=delimiter,
        # Spreadsheets quote cells whatever the delimiter is. Amazon quotes none in files with tabs.
        is_quoted=delimiter != "\t" or (read_as is not None and read_as.dialect == "csv"),
        header=candidate.cells(),
        first_row=candidates[at + 1].cells(delimiter) if at + 1 < len(candidates) else [],
        report_type=report_type,
    )
