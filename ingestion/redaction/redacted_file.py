"""What a document says of persons goes before it is kept: names, addresses, phone numbers, tax ids, free text. Pure.

A table is known by its first lines, XML by the names in it. A document without anything personal, and one that cannot be read,
is left as it is. Line numbers stay, and what the reader refuses it refuses still.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import IO

from ingestion.parsing import tabular
from ingestion.redaction import table as redaction_table
from ingestion.redaction import xml

BYTES = "iso-8859-1"  # a letter for every byte
LETTERS_OF_MARKS = ("\ufeff", "\xef\xbb\xbf")
MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}


class TruncatedGzip(Exception):
    """The gzip file cannot be decompressed any further."""


class TooLarge(Exception):
    """Unpacked it is larger than any document may be."""


@dataclass(slots=True)
class Redaction:
    """How a document is rewritten. `columns` are the headers or elements, as written; complete once it was rewritten."""

    columns: list[str]
    _rewrite: Callable[[Iterator[bytes]], Iterator[bytes]]
    _most_bytes: int

    def blocks(self, stream: IO[bytes]) -> Iterator[bytes]:
        """The document without what is personal, packed as it was.

        Damaged gzip stays damaged, and what unpacks to too much still does.
        """
        packed = _is_packed(stream)
        packer = zlib.compressobj(wbits=31) if packed else None
        pack = packer.compress if packer else bytes
        try:
            for block in self._rewrite(_unpacked(stream, max_bytes=self._most_bytes)):
                yield pack(block)
        except TruncatedGzip:
            if packer:
                yield packer.flush(zlib.Z_SYNC_FLUSH)
            return
        except TooLarge:
            for _ in range(self._most_bytes // tabular.BLOCK + 1):
                yield pack(b"\n" * tabular.BLOCK)
        if packer:
            yield packer.flush()


def build_redaction(stream: IO[bytes], *, announced_type: str, japanese: bool, max_bytes: int) -> Redaction | None:
    """How to rewrite this document; None if nothing in it is personal or it cannot be read.

    `announced_type` is what its sender calls it, `japanese` whether cp932 is likely. Of a table the first block is read.
    """
    head, is_whole = _head(stream, max_bytes=max_bytes)
    codec = next((codec for mark, codec in MARKS.items() if head.startswith(mark)), BYTES)
    text = next(_letters(iter((head,)), codec), "")
    begins = text.lstrip("\ufeff\xef\xbb\xbf \t\r\n")[:1]
    if begins in {"{", "[", ""}:
        return None
    if begins == "<":
        return _of_markup(stream, codec, max_bytes)
    read = partial(_read, codec=codec, japanese=japanese)
    mark = next((mark for mark in LETTERS_OF_MARKS if text.startswith(mark)), "")
    unmarked = text.removeprefix(mark)
    table = redaction_table.detect_table_redactor(unmarked, is_whole=is_whole, announced_type=announced_type, read=read)
    if table is None:
        return None

    def rewrite(blocks: Iterator[bytes]) -> Iterator[bytes]:
        letters = _letters(blocks, codec)
        first = next(letters, "")
        pieces = table.blanked(chain((first.removeprefix(mark),), letters))
        return (piece.encode(codec, "surrogatepass") for piece in chain((mark,), pieces))

    return Redaction(list(table.columns.values()), rewrite, max_bytes)


def _of_markup(stream: IO[bytes], codec: str, max_bytes: int) -> Redaction | None:
    columns: list[str] = []
    try:
        names = xml.personal_names(_letters(_unpacked(stream, max_bytes=max_bytes), codec))
    except (TruncatedGzip, TooLarge):
        names = {"unknown"}
    if not names:
        return None

    def rewrite(blocks: Iterator[bytes]) -> Iterator[bytes]:
        document = xml.XmlRedactor(codec)
        yield from document.blanked(blocks)
        columns.extend(document.columns)

    return Redaction(columns, rewrite, max_bytes)


def _is_packed(stream: IO[bytes]) -> bool:
    stream.seek(0)
    packed = stream.read(2) == tabular.GZIP
    stream.seek(0)
    return packed


def _unpacked(stream: IO[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """The document's bytes up to where they break off. Raises BrokenOff there, or TooLarge."""
    if not _is_packed(stream):
        while block := stream.read(tabular.BLOCK):
            yield block
        return
    seen = 0
    source = gzip.GzipFile(fileobj=stream)
    while True:
        try:
            block = source.read1(tabular.BLOCK)
        except (OSError, EOFError, zlib.error):
            raise TruncatedGzip from None
        if not block:
            return
        seen += len(block)
        if seen > max_bytes:
            raise TooLarge
        yield block


def _head(stream: IO[bytes], *, max_bytes: int) -> tuple[bytes, bool]:
    """The first block of the document, and whether there is no more."""
    head = b""
    try:
        for block in _unpacked(stream, max_bytes=max_bytes):
            head += block
            if len(head) >= tabular.BLOCK:
                return head, False
    except (TruncatedGzip, TooLarge):
        return head, False
    return head, True


def _letters(blocks: Iterator[bytes], codec: str) -> Iterator[str]:
    """A letter for every byte, or of UTF-16 for every two; each can be made bytes again as they were."""
    if codec == BYTES:
        yield from (block.decode(BYTES) for block in blocks)
        return
    odd = b""
    for block in blocks:
        pairs = odd + block
        odd = pairs[len(pairs) & ~1 :]
        yield pairs[: len(pairs) & ~1].decode(codec, "surrogatepass")
    if odd:
        yield "\ufffd"  # as the reader sees half a letter


def _read(line: str, *, codec: str, japanese: bool) -> str:
    """What the letters of a line say, as the reader will most likely see it."""
    if codec != BYTES:
        return line.lstrip("\ufeff")
    for guess in ("utf-8-sig", "cp932" if japanese else "cp1252"):
        try:
            return line.encode(BYTES).decode(guess)
        except UnicodeDecodeError:
            continue
    return line
