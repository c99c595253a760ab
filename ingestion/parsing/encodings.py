"""Detect the encoding of a document. Pure.

The encoding that Amazon states is not used, because it is often wrong
(https://github.com/amzn/selling-partner-api-models/issues/4955). That of an XML declaration is used if every byte
is valid in it.
"""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from ingestion.parsing.rejections import RejectedDocument

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
MARKED = "The document begins with a byte-order mark."
DECLARED = "The XML declaration states it."
UNMARKED = "The document is UTF-16 without its byte-order mark: the zero bytes show the byte order."
REASONS = {
    "utf-8": "Every byte of the document is valid UTF-8.",
    "cp932": "The document is not UTF-8, and every byte is valid cp932, which is usual for Japan.",
    "gb18030": "The document is not UTF-8, and its bytes are pairs of frequent Chinese characters of GB18030.",
    "cp1252": "The document is not UTF-8, and every byte is valid cp1252.",
    "iso-8859-1": "The document is neither UTF-8 nor cp1252. ISO-8859-1 has a character for every byte.",
}
DECLARATION = re.compile(rb"""\s*<\?xml[^>]{0,100}?\sencoding\s*=\s*["']([A-Za-z][\w.-]{0,39})["']""")
# Codecs of Python that are no encodings of text, or that a document without a mark cannot be in.
NEVER_DECLARED = re.compile(r"utf-?(16|32|7)|unicode|escape|punycode|idna|undefined|mbcs|oem", re.IGNORECASE)
# Bytes at the beginning in which the zero bytes of UTF-16 are counted.
START_BYTES, MIN_ZEROS = 4096, 4
# The frequent characters of Chinese and its punctuation, and any two bytes of GB18030.
FREQUENT = frozenset(
    bytes((first, second))
    for first in (*range(0xA1, 0xA4), *range(0xB0, 0xD8))
    for second in range(0xA1, 0xFF)
)
PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")
# Of ten pairs, so many are frequent in Chinese. In other languages a letter that is not ASCII stands alone, and
# the byte after it is one of ASCII.
MIN_FREQUENT = 0.7
ENOUGH_PAIRS = 100_000


@dataclass(frozen=True, slots=True)
class Encoding:
    """Name the codec of a document, and why it was chosen."""

    codec: str
    reason: str


def detect_encoding(document: Iterable[bytes], *, japanese: bool, is_whole: bool = True) -> Encoding:
    """Return the encoding of a document, given as all its blocks. Raises RejectedDocument if it is empty.

    The first of these that fits the whole document: byte-order mark, UTF-16 by its zero bytes, the encoding that
    an XML declaration states, strict UTF-8, cp932 for Japan, GB18030 if the text looks Chinese, cp1252, and
    ISO-8859-1 if even cp1252 has no character for a byte. Without `is_whole`, the last block may be cut.
    """
    source = iter(document)
    head = next(source, b"")
    if not head:
        raise RejectedDocument(
            "empty-document", "The document is empty", "It has no bytes. Request the report again."
        )
    if wide := _by_beginning(head):
        return wide
    declared = declared_codec(head)
    # In this order, because the earlier ones are stricter: text in another encoding is hardly ever valid
    # UTF-8 by accident, while almost every byte is valid cp1252.
    candidates = ("utf-8", *(("cp932",) if japanese else ()), "gb18030", "cp1252")
    decoders = {
        codec: codecs.getincrementaldecoder(codec)()
        for codec in (*((declared,) if declared else ()), *candidates)
    }
    pairs = _Pairs()
    # All of the document, because the first letter that is not ASCII may be in its last row.
    for block in chain((head,), source):
        _feed(decoders, block)
        if "utf-8" not in decoders and "gb18030" in decoders:
            pairs.count(block)
    if is_whole:
        _feed(decoders, b"", final=True)
    if not pairs.are_chinese:
        decoders.pop("gb18030", None)
    chosen = next(iter(decoders), "iso-8859-1")
    return Encoding(chosen, DECLARED if chosen == declared else REASONS[chosen])


def _by_beginning(head: bytes) -> Encoding | None:
    for mark, codec in MARKS:
        if head.startswith(mark):
            return Encoding(codec, MARKED)
    unmarked = detect_utf_16(head)
    return Encoding(unmarked, UNMARKED) if unmarked else None


def declared_codec(head: bytes) -> str:
    """Return the codec that an XML declaration states, or an empty text if it states none that is known."""
    declaration = DECLARATION.match(head)
    name = declaration[1].decode().lower()[:20] if declaration else ""
    if not name or NEVER_DECLARED.search(name):
        return ""
    try:
        # Also raised for codecs such as `zip` and `hex`, which are no encodings of text.
        b"<".decode(name)
    except (LookupError, ValueError):
        return ""
    return name


def stated_encoding(head: bytes) -> str:
    """Return the encoding that an XML declaration states, as written, or an empty text."""
    declaration = DECLARATION.match(head)
    return declaration[1].decode() if declaration else ""


def is_same(stated: str, codec: str) -> bool:
    """Return whether an encoding as an XML declaration states it is that of a codec."""
    try:
        names = {codecs.lookup(name).name.removesuffix("-sig") for name in (stated, codec)}
    except LookupError:
        return False
    # The declaration need not say in which order the bytes are.
    return len({"utf-16" if name.startswith("utf-16") else name for name in names}) == 1


def detect_utf_16(head: bytes) -> str:
    """Return the codec of UTF-16 that lost its byte-order mark, or an empty text.

    Its delimiters, digits and line ends have a zero byte each, always the second or always the first of two.
    """
    start = head[:START_BYTES]
    first, second = start[::2].count(0), start[1::2].count(0)
    # A binary file has zero bytes in both places. In UTF-16 a few characters, such as the Chinese number one,
    # have theirs in the other place.
    if max(first, second) <= max(len(start) // 20, 10 * min(first, second), MIN_ZEROS):
        return ""
    codec = "utf-16-be" if first > second else "utf-16-le"
    try:
        text = codecs.getincrementaldecoder(codec)().decode(start)
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else codec


class _Pairs:
    """Count the pairs of bytes that are frequent in Chinese."""

    def __init__(self) -> None:
        self.all = 0
        self.frequent = 0

    def count(self, block: bytes) -> None:
        if block.isascii() or self.all > ENOUGH_PAIRS:
            return
        pairs = PAIR.findall(block)
        self.all += len(pairs)
        self.frequent += sum(map(FREQUENT.__contains__, pairs))

    @property
    def are_chinese(self) -> bool:
        return self.all > 1 and self.frequent >= self.all * MIN_FREQUENT


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
