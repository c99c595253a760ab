"""Turn bytes into lines and cells in bounded memory. Pure: knows streams, but no report types.

1. `blocks` unpacks gzip and limits the size.
2. `detect_encoding` chooses the encoding from the whole document: byte-order mark, strict UTF-8, cp932 for
   Japan, cp1252, and ISO-8859-1 if even cp1252 has no character for a byte.
3. `Lines` decodes and numbers the lines.
4. `split_tsv`, `split_csv` or `split_tsv_or_csv` yields the cells.

The encoding that Amazon states is not used, because it is often wrong
(https://github.com/amzn/selling-partner-api-models/issues/4955).
"""

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO

from ingestion.parsing.encodings import Encoding
from ingestion.parsing.rejections import RejectedDocument

BLOCK = 1024 * 1024
# In characters. Amazon's lines have a few hundred; a file without line ends must not be read as a whole.
MAX_LINE_LENGTH = 1024 * 1024
# In characters. A record of CSV may span lines, so a quote that is never closed would take all the rest.
MAX_RECORD_LENGTH = 2 * MAX_LINE_LENGTH
# Amazon's reports have up to a hundred.
MAX_COLUMNS = 1000
GZIP = b"\x1f\x8b"
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
REASONS = {
    "utf-8": "Every byte of the document is valid UTF-8.",
    "cp932": "The document is not UTF-8, and every byte is valid cp932, which is usual for Japan.",
    "cp1252": "The document is not UTF-8, and every byte is valid cp1252.",
    "iso-8859-1": "The document is neither UTF-8 nor cp1252. ISO-8859-1 has a character for every byte.",
}


def blocks(stream: IO[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """Yield the document in blocks, unpacked if it is gzip.

    Raises RejectedDocument for damaged gzip, or after more than `max_bytes` bytes.
    """
    # By the content, because neither a file name nor a content type says reliably what it is.
    packed = stream.read(2) == GZIP
    stream.seek(0)
    source = gzip.GzipFile(fileobj=stream) if packed else stream
    seen = 0
    try:
        # The limit holds for the unpacked bytes and while they are read: a few megabytes
        # of gzip can unpack to gigabytes.
        while block := source.read(BLOCK):
            seen += len(block)
            if seen > max_bytes:
                raise RejectedDocument(
                    "document-too-large",
                    "The document is too large",
                    f"It has more than {max_bytes} bytes when unpacked. Split it by date.",
                )
            yield block
    except (OSError, EOFError, zlib.error) as error:
        if not packed:
            raise
        raise RejectedDocument(
            "invalid-gzip",
            "The gzip file cannot be unpacked",
            f"It is damaged or was cut off ({error}). Compress the document again, or send it uncompressed.",
        ) from None


def detect_encoding(document: Iterable[bytes], *, japanese: bool) -> Encoding:
    """Return the encoding of a document, given as all its blocks. Raises RejectedDocument if it is empty."""
    source = iter(document)
    head = next(source, b"")
    if not head:
        raise RejectedDocument(
            "empty-document", "The document is empty", "It has no bytes. Request the report again."
        )
    for mark, codec in MARKS:
        if head.startswith(mark):
            return Encoding(codec, "The document begins with a byte-order mark.")
    # In this order, because the earlier ones are stricter: text in another encoding is hardly ever valid
    # UTF-8 by accident, while almost every byte is valid cp1252.
    candidates = ["utf-8", "cp932", "cp1252"] if japanese else ["utf-8", "cp1252"]
    decoders = {codec: codecs.getincrementaldecoder(codec)() for codec in candidates}
    # All of the document, because the first letter that is not ASCII may be in its last row.
    for block in chain((head,), source):
        _feed(decoders, block)
    _feed(decoders, b"", final=True)
    chosen = next(iter(decoders), "iso-8859-1")
    return Encoding(chosen, REASONS[chosen])


def _feed(decoders: dict[str, codecs.IncrementalDecoder], block: bytes, *, final: bool = False) -> None:
    """Remove the decoders that cannot decode this block."""
    for codec in list(decoders):
        try:
            decoders[codec].decode(block, final)
        except UnicodeDecodeError:
            del decoders[codec]


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
