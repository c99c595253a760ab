"""XML without the texts of its personal elements, every other byte as it was. Pure.

The parser says at which byte everything begins, in any encoding; what lies between the beginning of a personal text and what
follows it goes, but for its line ends.
"""

import re
from collections.abc import Iterable, Iterator
from xml.parsers import expat

from ingestion.parsing import xml
from ingestion.reports import personal_columns

TAG = re.compile(r"<([^\s<>/!?]{1,200})(?:\s[^<>]*)?>?(\s*(?:[^<\s]|<!\[CDATA\[))?")
MAX_TAG_LETTERS = 1000  # letters that may wait for the rest of a tag
MAX_ELEMENTS = 100


def personal_names(texts: Iterable[str]) -> set[str]:
    """The names of elements that may have a personal text, as written: none, and nothing has to be rewritten."""
    found: set[str] = set()
    has_address, rest = False, ""
    for more in texts:
        text = rest + more
        for name, says in set(TAG.findall(text)):
            has_address = has_address or personal_columns.is_address(name)
            if (
                personal_columns.is_personal(name)
                and (says or not personal_columns.is_envelope(name))
                and len(found) < MAX_ELEMENTS
            ):
                found.add(name)
        start = text.rfind("<")
        rest = text[start:] if 0 <= len(text) - start <= MAX_TAG_LETTERS and start >= 0 else ""
    if not has_address:
        found = {name for name in found if name.rpartition(":")[2].lower() != "name"}
    return found


class XmlRedactor:
    """Takes the bytes of a document and gives them back without what is personal; `columns` are the elements it emptied."""

    def __init__(self, codec: str) -> None:
        self.columns: dict[str, None] = {}
        self._codec = codec
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartCdataSectionHandler = parser.EndCdataSectionHandler = self._other
        parser.CommentHandler = parser.ProcessingInstructionHandler = parser.DefaultHandlerExpand = self._other
        self._path: list[tuple[str, bool, bool]] = []  # name, whether its text is personal, whether it is in an address
        self._names: set[str] = set()
        self._text_from: int | None = None
        self._settled = 0
        self._cuts: list[tuple[int, int]] = []

    def blanked(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The document without what is personal. XML that cannot be read ends where it breaks, and cannot be read still."""
        held, base, fed = b"", 0, 0
        try:
            for block in xml.split_blocks(blocks):
                held += block
                fed += len(block)
                self._parser.Parse(block, False)  # noqa: FBT003  the parser's own signature
                yield self._without_cuts(held, base)
                held, base = held[self._settled - base :], self._settled
                if len(held) > xml.MAX_TAG_BYTES + len(block):
                    yield self._letters("<")
                    return
            self._parser.Parse(b"", True)  # noqa: FBT003
            self._settle(fed)
            yield self._without_cuts(held, base)
        except _Doctype:
            yield self._without_cuts(held, base) + self._letters("<!DOCTYPE x>")
        except (expat.ExpatError, LookupError, ValueError):
            yield self._without_cuts(held, base) + self._letters("<")

    def _without_cuts(self, held: bytes, base: int) -> bytes:
        """What is settled of the held bytes, of which the first is the document's byte number `base`."""
        cuts, self._cuts = self._cuts, []
        pieces, at = [], 0
        for start, end in cuts:
            pieces += [held[at : start - base], self._line_ends(held[start - base : end - base])]
            at = end - base
        return b"".join([*pieces, held[at : self._settled - base]])

    def _line_ends(self, text: bytes) -> bytes:
        if self._codec == "iso-8859-1":
            return re.sub(rb"[^\r\n]+", b"", text)
        return re.sub("[^\r\n]+", "", text.decode(self._codec, "surrogatepass")).encode(self._codec)

    def _letters(self, text: str) -> bytes:
        return text.encode(self._codec)

    def _settle(self, at: int) -> None:
        """All before this byte is known."""
        if self._text_from is not None:
            self._cuts.append((self._text_from, at))
            self._text_from = None
        self._settled = at

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._settle(self._parser.CurrentByteIndex)
        if name not in self._names or not attributes.keys() <= self._names:
            self._names |= {name, *attributes}
        is_long = any(len(each) > xml.MAX_NAME_LENGTH for each in (name, *attributes))
        if is_long or len(self._names) > xml.MAX_NAMES or len(self._path) > xml.MAX_DEPTH:
            raise ValueError("The parser keeps every name it ever saw; no report has so many, or such long ones.")
        above = self._path[-1] if self._path else ("", False, False)
        is_address = personal_columns.is_address(name)
        in_address = above[2] or is_address
        is_own = personal_columns.is_personal(name) and (in_address or name.rpartition(":")[2].lower() != "name")
        inherits = above[1] and not personal_columns.is_envelope(above[0]) and not personal_columns.is_place(name)
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
    """A document type, which no report declares: nothing behind it is read."""
