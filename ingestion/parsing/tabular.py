"""Turn blocks of bytes into lines and cells in bounded memory. Pure: knows no report types.

1. `Lines` decodes and numbers the lines.
2. `split_tsv`, `split_csv` or `split_tsv_or_csv` yields the cells.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator
from itertools import chain

from ingestion.parsing.rejections import RejectedDocument

# In characters. Amazon's lines have a few hundred; a file without line ends must not be read as a whole.
MAX_LINE_LENGTH = 1024 * 1024
# In characters. A record of CSV may span lines, so a quote that is never closed would take all the rest.
MAX_RECORD_LENGTH = 2 * MAX_LINE_LENGTH
# Amazon's reports have up to a hundred.
MAX_COLUMNS = 1000


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


def split_tsv(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the cells of each line."""
    # Without the csv module, because no quote is special: Amazon quotes no cell, and product names contain
    # quotes, such as those of inches.
    return (line.split("\t") for line in lines)


def detect_delimiter(header: str) -> str:
    """Return the delimiter of a header. Spreadsheets write the one of their locale."""
    return max(",;\t", key=header.count)


def split_tsv_or_csv(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the cells of each line: as TSV if the header contains mostly tabs, otherwise as CSV."""
    source = iter(lines)
    header = next((line for line in source if line.strip()), "")
    split = split_tsv if detect_delimiter(header) == "\t" else split_csv
    return split(chain((header,), source))


def split_csv(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the cells of each CSV record, with any delimiter. Raises RejectedDocument for invalid quoting."""
    source = iter(lines)
    header = next((line for line in source if line.strip()), "")
    length = 0

    def bounded_lines() -> Iterator[str]:
        nonlocal length
        for line in chain((header,), source):
            # The csv module has a limit for a cell, but none for a record of many cells.
            length += len(line) + 1
            if length > MAX_RECORD_LENGTH:
                raise csv.Error(f"a record has more than {MAX_RECORD_LENGTH} characters")
            yield line + "\n"

    # Strict, because the module otherwise reads on after a wrong quote and shifts the rest of the row.
    reader = csv.reader(bounded_lines(), delimiter=detect_delimiter(header), strict=True)
    try:
        for record in reader:
            length = 0
            yield record
    except csv.Error as error:
        raise RejectedDocument(
            "invalid-csv",
            "The CSV cannot be read",
            f"Near line {reader.line_num}: {error}. Check for a quote that is not closed.",
        ) from None
