"""Bytes become lines and cells, in bounded memory. Pure: it takes an open stream and knows no report.

Encoding is chosen by evidence, over the whole document: byte-order mark, strict UTF-8, cp932 for Japan, cp1252, and
ISO-8859-1 where even that has no character. Amazon's own label is often wrong
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
MAX_LINE_LENGTH = 1024 * 1024  # characters; a line of Amazon's has a few hundred
MAX_RECORD_LENGTH = 2 * MAX_LINE_LENGTH  # characters of the lines that the quotes of a CSV hold together
MAX_COLUMNS = 1000  # a report of Amazon's has at most about a hundred
GZIP = b"\x1f\x8b"
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
REASONS = {
    "utf-8": "Every byte of the document is valid UTF-8.",
    "cp932": "It is not UTF-8, and for Japan every byte is valid cp932.",
    "cp1252": "It is not UTF-8, and every byte is valid cp1252.",
    "iso-8859-1": "It is neither UTF-8 nor cp1252; ISO-8859-1 has a character for every byte.",
}


def blocks(stream: IO[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """The document's bytes, unpacked if gzip, in blocks. Raises Refused for broken gzip or more than `most` bytes."""
    packed = stream.read(2) == GZIP
    stream.seek(0)
    source = gzip.GzipFile(fileobj=stream) if packed else stream
    seen = 0
    try:
        while block := source.read(BLOCK):
            seen += len(block)
            if seen > max_bytes:
                raise RejectedDocument(
                    "document-too-large",
                    "The file is too large",
                    f"It has more than {max_bytes} bytes after decompression. Split it by date.",
                )
            yield block
    except (OSError, EOFError, zlib.error) as error:
        if not packed:
            raise
        raise RejectedDocument(
            "invalid-gzip",
            "The gzip file cannot be decompressed",
            f"It is damaged or incomplete ({error}). Compress the file again, or upload it uncompressed.",
        ) from None


def detect_encoding(document: Iterable[bytes], *, japanese: bool) -> Encoding:
    """The encoding of a whole document. Raises Refused if it is empty."""
    source = iter(document)
    head = next(source, b"")
    if not head:
        raise RejectedDocument("empty-document", "The file is empty", "It has no content. Request the report again.")
    for mark, codec in MARKS:
        if head.startswith(mark):
            return Encoding(codec, "The document begins with a byte-order mark.")
    candidates = ["utf-8", "cp932", "cp1252"] if japanese else ["utf-8", "cp1252"]
    decoders = {codec: codecs.getincrementaldecoder(codec)() for codec in candidates}
    for block in chain((head,), source):
        _feed(decoders, block)
    _feed(decoders, b"", final=True)
    chosen = next(iter(decoders), "iso-8859-1")
    return Encoding(chosen, REASONS[chosen])


def _feed(decoders: dict[str, codecs.IncrementalDecoder], block: bytes, *, final: bool = False) -> None:
    """Drop the decoders that this block contradicts."""
    for codec in list(decoders):
        try:
            decoders[codec].decode(block, final)
        except UnicodeDecodeError:
            del decoders[codec]


class Lines:
    """The lines of a document, numbered from 1 as an editor does, and whether the last one was ended.

    Raises Refused for what is not a string (NUL is in every binary file, and PostgreSQL has no place for it) or has no lines.
    """

    def __init__(self, document: Iterable[bytes], codec: str) -> None:
        self._document = document
        self._decode = codecs.getincrementaldecoder(codec)(errors="replace")
        self.last_line_is_open = False
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        rest = ""
        for block in self._document:
            *whole, rest = (rest + self._text(block)).split("\n")
            if len(whole[0] if whole else rest) > MAX_LINE_LENGTH:  # the others are within one block
                raise RejectedDocument(
                    "line-too-long",
                    "A line is too long",
                    f"Line {self.number + 1} has more than {MAX_LINE_LENGTH} characters. Upload the report as it was downloaded.",
                )
            for line in whole:
                self.number += 1
                yield line.removesuffix("\r")
        rest += self._decode.decode(b"", True)  # noqa: FBT003  the codec's own signature
        if rest:
            self.number += 1
            self.last_line_is_open = True
            yield rest.removesuffix("\r")

    def _text(self, block: bytes) -> str:
        try:
            text = self._decode.decode(block)
        except UnicodeError:  # a document of UTF-16 that lost the mark which says its byte order
            raise RejectedDocument(
                "not-text", "The file is not text", "It is incomplete UTF-16. Download the report again."
            ) from None
        if "\0" in text:
            raise RejectedDocument(
                "not-text", "The file is not text", "It contains NUL bytes. Upload the report as it was downloaded."
            )
        return text


def split_tsv(lines: Iterable[str]) -> Iterator[list[str]]:
    """The cells of each line. Amazon encloses nothing in quotes, and product names contain bare ones: none is special."""
    return (line.split("\t") for line in lines)


def detect_delimiter(header: str) -> str:
    """What separates the columns: spreadsheets write what their country uses."""
    return max(",;\t", key=header.count)


def split_tsv_or_csv(lines: Iterable[str]) -> Iterator[list[str]]:
    """The cells of a document of either form, by its header: with tabs in it nothing is quoted, else it is a CSV."""
    source = iter(lines)
    header = next((line for line in source if line.strip()), "")
    form = split_tsv if detect_delimiter(header) == "\t" else split_csv
    return form(chain((header,), source))


def split_csv(lines: Iterable[str]) -> Iterator[list[str]]:
    """The cells of each record of a CSV as spreadsheets write it, quoted where needed."""
    source = iter(lines)
    header = next((line for line in source if line.strip()), "")
    length = 0

    def fed() -> Iterator[str]:
        nonlocal length
        for line in chain((header,), source):
            length += len(line) + 1
            if length > MAX_RECORD_LENGTH:
                raise csv.Error(f"a record has more than {MAX_RECORD_LENGTH} characters")
            yield line + "\n"

    reader = csv.reader(fed(), delimiter=detect_delimiter(header), strict=True)
    try:
        for record in reader:
            length = 0
            yield record
    except csv.Error as error:
        raise RejectedDocument(
            "invalid-csv", "The CSV cannot be read", f"Near line {reader.line_num}: {error}. Check for an unclosed quote."
        ) from None
