"""Turn blocks of bytes into lines and cells in bounded memory. Pure: knows no report types.

1. `Lines` decodes and numbers the lines.
2. `split_rows` yields the cells.
3. `clean_cell` removes what spreadsheets and people put around a value.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator

from ingestion.parsing.rejections import RejectedDocument

# In characters. Amazon's lines have a few hundred; a file without line ends must not be read as a whole.
MAX_LINE_LENGTH = 1024 * 1024
# In characters. A record of CSV may span lines, so a quote that is never closed would take all the rest.
MAX_RECORD_LENGTH = 2 * MAX_LINE_LENGTH
# Amazon's reports have up to a hundred.
MAX_COLUMNS = 1000
# Spreadsheets write the one of their locale.
DELIMITERS = "\t,;"
# Zero-width characters and the byte-order mark are no white space for Python, and are invisible all the same.
BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\ufeff\u200b\u200c\u200d\u2060"
# A cell that neither begins nor ends with one of these is clean.
AROUND = frozenset(BLANKS + "\"'=")
# Each layer of quotes around a value was added by one program.
MAX_LAYERS = 3
SEPARATORS = BLANKS + ",;\"'"
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"(?!")')


class Lines:
    """Iterate over the lines of a document, numbered from 1 as in an editor.

    Afterwards `last_line_is_open` says whether the last line has no line end. Raises RejectedDocument for NUL
    characters, which binary files contain and PostgreSQL cannot store, and for a line that is too long.
    """

    def __init__(self, document: Iterable[bytes], codec: str) -> None:
        self._document = document
        # A byte-order mark is trusted without trying the bytes behind it. A letter that is damaged there
        # spoils a name, not the document.
        self._decode = codecs.getincrementaldecoder(codec)(errors="replace")
        self.last_line_is_open = False
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        rest = ""
        for block in self._document:
            # Only "\n" ends a line: `str.splitlines` would also split at characters
            # that may occur in product names.
            *whole, rest = (rest + self._text(block)).split("\n")
            # Only the first line can be long: the others lie within one block.
            if len(whole[0] if whole else rest) > MAX_LINE_LENGTH:
                raise RejectedDocument(
                    "line-too-long",
                    "A line is too long",
                    f"Line {self.number + 1} has more than {MAX_LINE_LENGTH} characters. Upload the report "
                    "as it was downloaded.",
                )
            for line in whole:
                self.number += 1
                yield line.removesuffix("\r")
        rest += self._decode.decode(b"", True)  # noqa: FBT003  the codec's signature
        if rest:
            self.number += 1
            self.last_line_is_open = True
            yield rest.removesuffix("\r")

    def _text(self, block: bytes) -> str:
        try:
            text = self._decode.decode(block)
        except UnicodeError:
            # UTF-16 without the byte-order mark that states its byte order
            raise RejectedDocument(
                "not-text", "The document is not text", "It is incomplete UTF-16. Download the report again."
            ) from None
        if "\0" in text:
            raise RejectedDocument(
                "not-text",
                "The document is not text",
                "It contains NUL bytes. Upload the report as it was downloaded.",
            )
        return text


def clean_cell(cell: str) -> str:
    """Return a cell without what is around its value.

    These are blanks of any kind, quotes around the whole cell, `="…"` as spreadsheets write a number that is a
    text, and the apostrophe before such a number.
    """
    if not cell or (cell[0] not in AROUND and cell[-1] not in AROUND):
        return cell
    text = cell.strip(BLANKS)
    for _ in range(MAX_LAYERS):
        inner = _without_layer(text)
        if inner == text:
            break
        text = inner
    return text


def _without_layer(text: str) -> str:
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[1:]
    if QUOTED.fullmatch(text):
        return text[1:-1].replace('""', '"').strip(BLANKS)
    return text.removeprefix("'").strip(BLANKS)


def has_content(line: str) -> bool:
    """Return whether a line contains more than separators."""
    return bool(line.strip(SEPARATORS))


def detect_delimiter(header: str) -> str:
    """Return the delimiter of a header."""
    return max(",;\t", key=header.count)


def split_line(line: str, delimiter: str, *, is_quoted: bool, max_cells: int = MAX_LINE_LENGTH) -> list[str]:
    """Return the first cells of one line with their quotes. In CSV, a quote that is never closed ends with the line."""
    if not is_quoted:
        return line.split(delimiter, max_cells)[:max_cells]
    pattern, at = cell_pattern(delimiter), 0
    cells: list[str] = []
    while at <= len(line) and len(cells) < max_cells and (match := pattern.match(line, at)):
        cells.append(match[0])
        at = match.end() + 1
    return cells


def cell_pattern(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of a CSV cell, quoted or not."""
    return re.compile(f"{QUOTED.pattern}[^{delimiter}]*|[^{delimiter}]*")


def split_rows(
    lines: Iterable[str], delimiter: str, *, is_quoted: bool, after: int = 0
) -> Iterator[list[str]]:
    """Yield the cells of each row. `after` is the number of lines before the first one.

    With quotes a row may span lines. Raises RejectedDocument for invalid quoting.
    """
    if is_quoted:
        return _split_csv(lines, delimiter, after)
    # Without the csv module, because no quote is special: Amazon quotes no cell, and product names contain
    # quotes, such as those of inches.
    return (line.split(delimiter) for line in lines)


def _split_csv(lines: Iterable[str], delimiter: str, after: int) -> Iterator[list[str]]:
    length = 0

    def bounded_lines() -> Iterator[str]:
        nonlocal length
        for line in lines:
            # The csv module has a limit for a cell, but none for a record of many cells.
            length += len(line) + 1
            if length > MAX_RECORD_LENGTH:
                raise csv.Error(f"a record has more than {MAX_RECORD_LENGTH} characters")
            yield line + "\n"

    # Strict, because the module otherwise reads on after a wrong quote and shifts the rest of the row.
    reader = csv.reader(bounded_lines(), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            length = 0
            yield record
    except csv.Error as error:
        raise RejectedDocument(
            "invalid-csv",
            "The CSV cannot be read",
            f"Near line {after + reader.line_num}: {error}. Check for a quote that is not closed.",
        ) from None
