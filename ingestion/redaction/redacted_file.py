"""Redact a document: remove names, addresses, e-mail addresses, phone numbers, tax IDs and free text. Pure.

A table is examined by its first lines, XML by its element names. A document without personal data stays as it
is, and nothing is kept of a file that is refused unread. Redaction keeps line numbers, and a document that the
parser rejects is still rejected after it. One that is too large is rejected here, as soon as that is known.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import IO

from ingestion.parsing import encodings, unpacking
from ingestion.parsing.rejections import RejectedDocument
from ingestion.parsing.unpacking import BLOCK, DamagedGzip, Incomplete, TooLarge
from ingestion.redaction import table as redaction_table
from ingestion.redaction import xml
from ingestion.redaction.table_format import TableFormat, detect_table_format
from ingestion.reports import detection

# ISO-8859-1 maps every byte to one character, so text decoded with it can be encoded back to the same bytes.
BYTES = "iso-8859-1"
WHOLE_FILE = "the whole file"
DECODED_MARKS = ("\ufeff", "\xef\xbb\xbf")
MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(slots=True)
class Redaction:
    """Rewrite a document without its personal data.

    `columns` lists the redacted headers or elements as written. For XML it is complete only after `blocks` is
    exhausted.
    """

    columns: list[str]
    _rewrite: Callable[[Iterator[bytes]], Iterator[bytes]]
    _most_bytes: int
    _replacement: bytes = b""

    def blocks(self, stream: IO[bytes]) -> Iterator[bytes]:
        """Yield the redacted document, compressed if it was. Raises RejectedDocument if it is too large."""
        if self._replacement:
            yield self._replacement
            return
        # What the worker would reject in the original it must reject in the redacted document as well, or a
        # part of a report would be loaded as if it were complete.
        packed = unpacking.is_packed(stream)
        packer = zlib.compressobj(wbits=31) if packed else None
        pack = packer.compress if packer else bytes
        try:
            for block in self._rewrite(_unpack_readable(stream, max_bytes=self._most_bytes)):
                yield pack(block)
        except DamagedGzip:
            if packer:
                # All redacted bytes, but not the end of the stream: the document stays cut off.
                yield packer.flush(zlib.Z_SYNC_FLUSH)
            return
        except TooLarge as error:
            # Here and not by the worker: a copy that is too large again would take seconds to write and to read.
            raise unpacking.rejection(error, max_bytes=self._most_bytes) from None
        if packer:
            yield packer.flush()


def build_redaction(
    stream: IO[bytes], *, announced_type: str, japanese: bool, max_bytes: int
) -> Redaction | None:
    """Return how to redact this document, or None if it has no personal data.

    `announced_type` is the report type that the sender stated; `japanese` says whether cp932 is likely. Only
    the first block of a table is read, but all of an XML document. Raises RejectedDocument for XML that is too
    large.
    """
    try:
        head, is_whole = _head(stream, max_bytes=max_bytes)
    except RejectedDocument:
        # No row of an archive that is refused is read, so nothing of it needs to be stored.
        return _without_content(unpacking.empty_archive(stream), max_bytes)
    binary = next((mark for mark in detection.BINARY if head.startswith(mark)), b"")
    if binary:
        return _without_content(binary, max_bytes)
    codec = _detect_codec(head)
    text = next(_decode_blocks(iter((head,)), codec), "")
    # JSON is stored as received: reports in JSON are about the account, not about buyers.
    first_character = text.lstrip("\ufeff\xef\xbb\xbf \t\r\n")[:1]
    if first_character in {"{", "[", ""}:
        return None
    if first_character == "<":
        return _build_xml_redaction(stream, codec, max_bytes, japanese=japanese)
    encoding = encodings.detect_encoding((head,), japanese=japanese, is_whole=is_whole)
    read = partial(_read, codec=codec, encoding=encoding.codec)
    detect = partial(detect_table_format, is_whole=is_whole, announced_type=announced_type, read=read)
    return _build_table_redaction(text, codec, max_bytes, detect=detect)


def _build_table_redaction(
    text: str, codec: str, max_bytes: int, *, detect: Callable[[str], TableFormat | None]
) -> Redaction | None:
    mark = next((mark for mark in DECODED_MARKS if text.startswith(mark)), "")
    # Without the mark, which would otherwise belong to the name of the first column.
    table = detect(text.removeprefix(mark))
    if table is None:
        return None

    def rewrite(blocks: Iterator[bytes]) -> Iterator[bytes]:
        texts = _decode_blocks(blocks, codec)
        # The mark is taken off again and written back, so that the stored document keeps all its other bytes.
        first = next(texts, "")
        pieces = redaction_table.redact(table, chain((first.removeprefix(mark),), texts))
        return (piece.encode(codec, "surrogatepass") for piece in chain((mark,), pieces))

    return Redaction(table.redacted_names, rewrite, max_bytes)


def _without_content(replacement: bytes, max_bytes: int) -> Redaction:
    """Return how to store a file that is refused: as what is refused for the same reason, and empty."""
    return Redaction([WHOLE_FILE], iter, max_bytes, replacement)


def _detect_codec(head: bytes) -> str:
    # Only UTF-16 matters here: in all other encodings, delimiters and line ends are single bytes.
    marked = next((codec for mark, codec in MARKS.items() if head.startswith(mark)), "")
    return marked or encodings.detect_utf_16(head) or BYTES


def _build_xml_redaction(
    stream: IO[bytes], codec: str, max_bytes: int, *, japanese: bool
) -> Redaction | None:
    columns: list[str] = []
    encoding = "utf-8"
    try:
        is_personal = xml.may_be_personal(
            _decode_blocks(_unpack_readable(stream, max_bytes=max_bytes), codec)
        )
        if is_personal:
            blocks = unpacking.unpack(stream, max_bytes=max_bytes)
            encoding = encodings.detect_encoding(blocks, japanese=japanese).codec
    except TooLarge as error:
        raise unpacking.rejection(error, max_bytes=max_bytes) from None
    except DamagedGzip:
        # What was read so far may hold personal data, so the document has to pass through the redactor.
        is_personal = True
    if not is_personal:
        return None

    def rewrite(blocks: Iterator[bytes]) -> Iterator[bytes]:
        document = xml.XmlRedactor(codec, encoding)
        yield from document.redact(blocks)
        # Only now are they complete: an element may first appear in the last record.
        columns.extend(document.columns)

    return Redaction(columns, rewrite, max_bytes)


def _unpack_readable(stream: IO[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """Yield all of the document that can be read, in blocks. Raises DamagedGzip or TooLarge after that."""
    try:
        yield from unpacking.unpack(stream, max_bytes=max_bytes)
    except Incomplete as error:
        yield error.rest
        raise


def _head(stream: IO[bytes], *, max_bytes: int) -> tuple[bytes, bool]:
    """Return the first block of the document, and whether it is the whole document."""
    head = b""
    try:
        for block in _unpack_readable(stream, max_bytes=max_bytes):
            head += block
            if len(head) >= BLOCK:
                return head, False
    except Incomplete:
        return head, False
    return head, True


def _decode_blocks(blocks: Iterator[bytes], codec: str) -> Iterator[str]:
    """Decode to one character for each byte, or for each two bytes of UTF-16.

    Encoding restores the same bytes.
    """
    if codec == BYTES:
        yield from (block.decode(BYTES) for block in blocks)
        return
    odd = b""
    for block in blocks:
        pairs = odd + block
        odd = pairs[len(pairs) & ~1 :]
        yield pairs[: len(pairs) & ~1].decode(codec, "surrogatepass")
    if odd:
        # The parser decodes half a character to this, too.
        yield "\ufffd"


def _read(text: str, *, codec: str, encoding: str) -> str:
    """Return a line or cell in the encoding that the parser will most likely detect."""
    # ASCII is the same in every encoding of a table, and most cells have nothing else.
    if codec != BYTES or text.isascii():
        return text
    return text.encode(BYTES).decode(encoding, errors="replace")
