"""Redact XML: remove the text of personal elements and keep every other byte. Pure.

expat reports the byte index of each start tag, text and end tag in any encoding. The bytes from the start of
a personal text to the next tag are cut, except line ends.
"""

import re
from collections.abc import Iterable, Iterator
from xml.parsers import expat

from ingestion.parsing import xml
from ingestion.reports import personal_columns

TAG = re.compile(r"<([^\s<>/!?]{1,200})(?:\s[^<>]*)?>?(\s*(?:[^<\s]|<!\[CDATA\[))?")
# The characters that are kept for a tag that the next block completes.
MAX_TAG_LENGTH = 1000
# Their names come from the document and are held in memory.
MAX_ELEMENTS = 100


def personal_names(texts: Iterable[str]) -> set[str]:
    """Return the names, as written, of elements that may have personal text. If there are none, no redaction
    is needed.

    A quick search without parsing: it may find too many names, but never too few.
    """
    names: set[str] = set()
    has_address, rest = False, ""
    for more in texts:
        text = rest + more
        for name, has_text in set(TAG.findall(text)):
            has_address = has_address or personal_columns.is_address(name)
            if (
                personal_columns.is_personal(name)
                and (has_text or not personal_columns.is_envelope(name))
                and len(names) < MAX_ELEMENTS
            ):
                names.add(name)
        start = text.rfind("<")
        rest = text[start:] if 0 <= len(text) - start <= MAX_TAG_LENGTH and start >= 0 else ""
    # `Name` is the name of a buyer only within an address or person. Elsewhere it is
    # that of a product, for example.
    if not has_address:
        names = {name for name in names if name.rpartition(":")[2].lower() != "name"}
    return names


class XmlRedactor:
    """Redact one XML document. Afterwards `columns` lists the redacted elements in order of appearance."""

    def __init__(self, codec: str, encoding: str) -> None:
        """`codec` is that of the redaction, with a character for each byte, and `encoding` the true one."""
        self.columns: dict[str, None] = {}
        self._codec = codec
        # In encodings that expat does not have, no byte of a longer character is one of the markup, so the
        # document may be parsed with a character for each byte.
        self._parser = parser = expat.ParserCreate(xml.expat_encoding(encoding) or "iso-8859-1")
        # A text ends at whatever comes next, so every kind of event has a handler,
        # even those that are never cut.
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartCdataSectionHandler = parser.EndCdataSectionHandler = self._other
        parser.CommentHandler = parser.ProcessingInstructionHandler = parser.DefaultHandlerExpand = (
            self._other
        )
        # Open elements: name, whether its text is personal, whether it is within an address.
        self._path: list[tuple[str, bool, bool]] = []
        self._names: set[str] = set()
        self._text_from: int | None = None
        self._settled = 0
        self._cuts: list[tuple[int, int]] = []

    def redact(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the redacted document.

        Where the XML cannot be parsed, the output ends with an unfinished tag, so that the parser rejects it,
        too.
        """
        pending, base, fed = b"", 0, 0
        try:
            for block in xml.split_blocks(blocks):
                pending += block
                fed += len(block)
                self._parser.Parse(block, False)  # noqa: FBT003  expat's signature
                yield self._without_cuts(pending, base)
                # A personal text may continue in the next block, so its beginning waits
                # until expat has found its end.
                pending, base = pending[self._settled - base :], self._settled
                if len(pending) > xml.MAX_TAG_BYTES + len(block):
                    yield self._encode("<")
                    return
            self._parser.Parse(b"", True)  # noqa: FBT003
            # expat reports no event at the end of the document.
            self._settle(fed)
            yield self._without_cuts(pending, base)
        except _Doctype:
            yield self._without_cuts(pending, base) + self._encode("<!DOCTYPE x>")
        except (expat.ExpatError, LookupError, ValueError):
            yield self._without_cuts(pending, base) + self._encode("<")

    def _without_cuts(self, pending: bytes, base: int) -> bytes:
        """Return the settled part of the pending bytes without the cuts.

        `base` is the index of their first byte.
        """
        cuts, self._cuts = self._cuts, []
        pieces, at = [], 0
        for start, end in cuts:
            pieces += [pending[at : start - base], self._line_ends(pending[start - base : end - base])]
            at = end - base
        return b"".join([*pieces, pending[at : self._settled - base]])

    def _line_ends(self, text: bytes) -> bytes:
        if self._codec == "iso-8859-1":
            # In this codec a line end is one byte wherever it occurs, so the bytes need no decoding.
            return re.sub(rb"[^\r\n]+", b"", text)
        return re.sub("[^\r\n]+", "", text.decode(self._codec, "surrogatepass")).encode(self._codec)

    def _encode(self, text: str) -> bytes:
        return text.encode(self._codec)

    def _settle(self, at: int) -> None:
        """Mark all bytes before this index as known, and end the current personal text there."""
        if self._text_from is not None:
            self._cuts.append((self._text_from, at))
            self._text_from = None
        self._settled = at

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._settle(self._parser.CurrentByteIndex)
        if name not in self._names or not attributes.keys() <= self._names:
            self._names |= {name, *attributes}
        # expat stores every name it has seen, so their number and length are limited.
        is_long = any(len(each) > xml.MAX_NAME_LENGTH for each in (name, *attributes))
        if is_long or len(self._names) > xml.MAX_NAMES or len(self._path) > xml.MAX_DEPTH:
            raise ValueError("The XML has too many names, or too long ones.")
        parent = self._path[-1] if self._path else ("", False, False)
        is_address = personal_columns.is_address(name)
        in_address = parent[2] or is_address
        is_own = personal_columns.is_personal(name) and (
            in_address or name.rpartition(":")[2].lower() != "name"
        )
        # Elements within a personal one are personal too, except the parts of an address that stay.
        inherits = (
            parent[1] and not personal_columns.is_envelope(parent[0]) and not personal_columns.is_place(name)
        )
        self._path.append((name, is_own or inherits, in_address))

    def _end(self, _name: str) -> None:
        self._settle(self._parser.CurrentByteIndex)
        self._path.pop()

    def _text(self, text: str) -> None:
        self._settle(self._parser.CurrentByteIndex)
        if self._path and self._path[-1][1] and not text.isspace():
            self._text_from = self._parser.CurrentByteIndex
            if len(self.columns) < MAX_ELEMENTS:
                self.columns[self._path[-1][0]] = None

    def _other(self, *_: object) -> None:
        self._settle(self._parser.CurrentByteIndex)

    def _doctype(self, *_: object) -> None:
        self._settle(self._parser.CurrentByteIndex)
        raise _Doctype


class _Doctype(Exception):
    """Signal a document type declaration. Reports have none, so reading stops there."""
