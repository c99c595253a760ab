"""Detect the encoding of a document. Pure.

The encoding that Amazon states is not used, because it is often wrong
(https://github.com/amzn/selling-partner-api-models/issues/4955).
"""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from ingestion.parsing.rejections import RejectedDocument

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
REASONS = {
    "utf-8": "Every byte of the document is valid UTF-8.",
    "cp932": "The document is not UTF-8, and every byte is valid cp932, which is usual for Japan.",
    "cp1252": "The document is not UTF-8, and every byte is valid cp1252.",
    "iso-8859-1": "The document is neither UTF-8 nor cp1252. ISO-8859-1 has a character for every byte.",
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """Name the codec of a document, and why it was chosen."""

    codec: str
    reason: str


def detect_encoding(document: Iterable[bytes], *, japanese: bool) -> Encoding:
    """Return the encoding of a document, given as all its blocks. Raises RejectedDocument if it is empty.

    The first of these that fits the whole document: byte-order mark, strict UTF-8, cp932 for Japan, cp1252,
    and ISO-8859-1 if even cp1252 has no character for a byte.
    """
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
    # ASCII is the same in all of them, except after the beginning of a character of several bytes.
    if block.isascii() and not final and not any(decoder.getstate()[0] for decoder in decoders.values()):
        return
    for codec in list(decoders):
        try:
            decoders[codec].decode(block, final)
        except UnicodeDecodeError:
            del decoders[codec]
