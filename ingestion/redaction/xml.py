"""Redact XML: remove the text of personal elements and keep every other byte. Pure.

expat reports the byte index of each start tag, text and end tag in any encoding. The bytes from the start of
a personal text to the next tag are cut, except line ends.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple
from xml.parsers import expat

from ingestion.parsing import xml
from ingestion.reports import personal_columns

# The codec with a character for each byte.
BYTES = "iso-8859-1"
TAG = re.compile(r"<([^\s<>/!?]{1,200})(?:\s[^<>]*)?>?(\s*(?:[^<\s]|<!\[CDATA\[))?")
# The characters that are kept for a tag that the next block completes.
MAX_TAG_LENGTH = 1000
# Their names come from the document and are held in memory.
MAX_ELEMENTS = 100


def may_be_personal(texts: Iterable[str]) -> bool:
    """Return whether elements may have personal text. If none has, no redaction is needed.

    A quick search without parsing: it may find too much, but never too little.
    """
    has_address, has_name, rest = False, False, ""
    for more in texts:
        text = rest + more
        for name, has_text in set(TAG.findall(text)):
            has_address = has_address or personal_columns.is_address(name)
            if personal_columns.is_personal(name) and (has_text or not personal_columns.is_envelope(name)):
                # `Name` is the name of a buyer only within an address or person. Elsewhere it is
                # that of a product, for example.
                if not _is_name(name):
                    return True
                has_name = True
        if has_address and has_name:
            return True
        start = text.rfind("<")
        rest = text[start:] if 0 <= len(text) - start <= MAX_TAG_LENGTH and start >= 0 else ""
    return False


def _is_name(element: str) -> bool:
    return element.rpartition(":")[2].lower() == "name"


class _Place(NamedTuple):
    """Say whether elements here are personal whatever their names are, and whether they are in an address.

    `elements` are those that were seen here, by name.
    """

    is_personal: bool
    is_address: bool
    elements: "dict[str, _Element]"


class _Element(NamedTuple):
    """Say whether the text of an element in its place is personal, and which place it is for those in it."""

    name: str
    is_personal: bool
    place: _Place


class XmlRedactor:
    """Redact one XML document. Afterwards `columns` lists the redacted elements in order of appearance.

    expat calls Python for each start and end tag, and only in a personal element for its text, once: a call for
    each line or entity would take many times as long as reading it.
    """

    def __init__(self, codec: str, encoding: str) -> None:
        """`codec` is that of the redaction, with a character for each byte, and `encoding` the true one."""
        self.columns: dict[str, None] = {}
        self._codec = codec
        # In encodings that expat does not have, no byte of a longer character is one of the markup, so the
        # document may be parsed with a character for each byte.
        self._parser = parser = expat.ParserCreate(xml.expat_encoding(encoding) or "iso-8859-1")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        # A text ends at whatever comes next.
        parser.StartCdataSectionHandler = parser.EndCdataSectionHandler = self._other
        parser.CommentHandler = parser.ProcessingInstructionHandler = self._other
        # A report has the same few elements in the same few places.
        self._places = {
            (is_personal, is_address): _Place(is_personal, is_address, {})
            for is_personal in (False, True)
            for is_address in (False, True)
        }
        self._outside = self._places[False, False]
        # The open elements from the first one on that is personal or an address.
        self._path: list[_Element] = []
        # The elements that are neither, outside of those that are.
        self._plain: set[str] = set()
        self._depth = 0
        self._names: set[str] = set()
        self._listens = False
        self._text_from: int | None = None
        # The bytes that are not yet given out, and the index of their first one.
        self._pending, self._base = b"", 0
        self._cuts: list[tuple[int, int]] = []

    def redact(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the redacted document.

        Where the XML cannot be parsed, the output ends with an unfinished tag, so that the parser rejects it,
        too.
        """
        try:
            for block in xml.split_blocks(blocks):
                self._pending += block
                self._parser.Parse(block, False)  # noqa: FBT003  expat's signature
                # A personal text may continue in the next block, so its beginning waits
                # until expat has found its end.
                yield self._take(
                    self._parser.CurrentByteIndex if self._text_from is None else self._text_from
                )
                if len(self._pending) > xml.MAX_TAG_BYTES + len(block):
                    yield self._encode("<")
                    return
            self._parser.Parse(b"", True)  # noqa: FBT003
            # expat reports no event at the end of the document.
            yield self._take(self._base + len(self._pending))
        except _Doctype:
            yield self._take_known() + self._encode("<!DOCTYPE x>")
        except (expat.ExpatError, LookupError, ValueError):
            yield self._take_known() + self._encode("<")

    def _take_known(self) -> bytes:
        """Return the bytes before the place at which parsing ended."""
        end = self._parser.CurrentByteIndex if self._text_from is None else self._text_from
        return self._take(max(end, self._base))

    def _take(self, end: int) -> bytes:
        """Return the pending bytes before an index, without the cuts."""
        pending, base = self._pending, self._base
        cuts, self._cuts = self._cuts, []
        pieces, at = [], 0
        for start, stop in cuts:
            pieces += [pending[at : start - base], self._line_ends(pending[start - base : stop - base])]
            at = stop - base
        pieces.append(pending[at : end - base])
        self._pending, self._base = pending[end - base :], end
        return b"".join(pieces)

    def _line_ends(self, text: bytes) -> bytes:
        if self._codec == BYTES:
            # In this codec a line end is one byte wherever it occurs, so the bytes need no decoding.
            return b"" if b"\n" not in text and b"\r" not in text else re.sub(rb"[^\r\n]+", b"", text)
        return re.sub("[^\r\n]+", "", text.decode(self._codec, "surrogatepass")).encode(self._codec)

    def _encode(self, text: str) -> bytes:
        return text.encode(self._codec)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > xml.MAX_DEPTH + 1:
            raise ValueError("The XML is nested too deeply.")
        if attributes and not attributes.keys() <= self._names:
            self._learn_names(attributes)
        # Almost every element is of this kind.
        if name in self._plain and not self._path:
            return
        if self._text_from is not None:
            self._end_text()
        place = self._path[-1].place if self._path else self._outside
        element = place.elements.get(name) or self._learn(name, place)
        if self._path or element.is_personal or element.place is not self._outside:
            self._path.append(element)
            self._listen(element.is_personal)
        else:
            self._plain.add(name)

    def _learn(self, name: str, parent: _Place) -> _Element:
        """Return what an element is in this place."""
        self._learn_names((name,))
        is_address = parent.is_address or personal_columns.is_address(name)
        is_own = personal_columns.is_personal(name) and (is_address or not _is_name(name))
        # Elements within a personal one are personal too, except the parts of an address that stay.
        is_personal = is_own or (parent.is_personal and not personal_columns.is_place(name))
        inherits = is_personal and not personal_columns.is_envelope(name)
        element = _Element(name, is_personal, self._places[inherits, is_address])
        parent.elements[name] = element
        return element

    def _learn_names(self, names: Collection[str]) -> None:
        # expat stores every name it has seen, so their number and length are limited.
        self._names.update(names)
        if len(self._names) > xml.MAX_NAMES or max(map(len, names)) > xml.MAX_NAME_LENGTH:
            raise ValueError("The XML has too many names, or too long ones.")

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if not self._path:
            return
        if self._text_from is not None:
            self._end_text()
        self._path.pop()
        self._listen(bool(self._path) and self._path[-1].is_personal)

    def _listen(self, listens: bool) -> None:  # noqa: FBT001
        """Be told of the next text or not."""
        if listens is not self._listens:
            self._listens = listens
            self._parser.CharacterDataHandler = self._text if listens else None

    def _text(self, _text: str) -> None:
        self._text_from = self._parser.CurrentByteIndex
        # Its end is where the next event is, so more of it need not be told.
        self._listen(False)  # noqa: FBT003

    def _end_text(self) -> None:
        """Cut the text that ends here, unless it is only white space."""
        start, end = self._text_from or 0, self._parser.CurrentByteIndex
        self._text_from = None
        text = self._pending[start - self._base : end - self._base]
        readable = text if self._codec == BYTES else text.decode(self._codec, "surrogatepass")
        if not readable.isspace():
            self._cuts.append((start, end))
            name = self._path[-1].name
            if name not in self.columns and len(self.columns) < MAX_ELEMENTS:
                self.columns[name] = None

    def _other(self, *_: object) -> None:
        if self._text_from is not None:
            self._end_text()
            self._listen(self._path[-1].is_personal)

    def _doctype(self, *_: object) -> None:
        raise _Doctype


class _Doctype(Exception):
    """Signal a document type declaration. Reports have none, so reading stops there."""
