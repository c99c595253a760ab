"""XML becomes records, in bounded memory. Pure: it takes blocks of bytes and knows no report.

Reports of Amazon's declare no entities, so a document type is refused unread: with it go entity bombs and external entities.
Nesting, names, one record's text and one unfinished tag are bounded.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from xml.parsers import expat

from ingestion.parsing.encodings import Encoding
from ingestion.parsing.refusals import Refused

DEEPEST = 64
LONGEST_RECORD = 1024 * 1024  # characters of texts and of the paths to them; an order of Amazon's has a few thousand
DECLARED = re.compile(r"""<\?xml[^>]{0,100}?\sencoding\s*=\s*["']([A-Za-z][\w.-]{0,39})["']""")
MOST_NAMES, LONGEST_NAME = 1000, 200  # expat keeps every name it ever saw; a report has some dozens
PIECE = 256 * 1024  # bytes that the parser gets at once: what it finds in them waits, many times as large
LONGEST_TAG = 4 * 1024 * 1024  # bytes that may wait for the end of a tag

Record = dict[str, str]
"""The texts of an element by their path in it (`FulfillmentData/FulfillmentChannel`); of repeated ones the first.

At `""` is the name of the element itself.
"""


def records(document: Iterable[bytes], *, names: Collection[str]) -> Iterator[tuple[int, Record]]:
    """Each element of these names, with its line. Raises Refused for what is no whole, plain XML."""
    reader = _Reader(frozenset(names))
    fed = 0
    for block in pieces(document):
        fed += len(block)
        reader.feed(block)
        if fed - reader.parser.CurrentByteIndex > LONGEST_TAG + len(block):
            raise _too_large(reader.parser.CurrentLineNumber)
        yield from reader.taken()
    reader.feed(b"", last=True)
    yield from reader.taken()


def pieces(document: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, in pieces that are fit for the parser."""
    return (block[at : at + PIECE] for block in document for at in range(0, len(block), PIECE))


def declared(beginning: str) -> Encoding:
    """The encoding that the XML declaration at the beginning of a document names; without one it is UTF-8."""
    named = DECLARED.match(beginning)
    if named is None:
        return Encoding("utf-8", "XML that declares no encoding is UTF-8.")
    return Encoding(named[1].lower()[:20], "The XML declaration says so.")


class _Reader:
    """Collects the records that the parser passes."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._wanted = wanted
        self._names: set[str] = set()
        self._depth = 0
        self._path: list[str] | None = None  # inside of a record: the names below it
        self._line = 0
        self._texts: list[str] = []
        self._length = 0
        self._record: Record = {}
        self._found: list[tuple[int, Record]] = []

    def feed(self, block: bytes, *, last: bool = False) -> None:
        try:
            self.parser.Parse(block, last)
        except (expat.ExpatError, LookupError, ValueError) as error:  # the latter two for an encoding that is none
            raise Refused(
                "invalid-xml", "The XML cannot be read", f"It is damaged or cut off ({error}). Download the document again."
            ) from None

    def taken(self) -> list[tuple[int, Record]]:
        """What was found since this was last asked."""
        found, self._found = self._found, []
        return found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if name not in self._names or not attributes.keys() <= self._names:
            self._note_names({name, *attributes})
        if self._depth > DEEPEST:
            raise Refused(
                "nested-too-deep",
                "The XML nests too deep",
                f"Line {self.parser.CurrentLineNumber} is more than {DEEPEST} elements deep; no report is.",
            )
        self._texts.clear()
        if self._path is not None:
            self._path.append(name)
        elif name in self._wanted:
            self._path, self._record, self._length, self._line = [], {"": name}, 0, self.parser.CurrentLineNumber

    def _note_names(self, names: set[str]) -> None:
        self._names |= names
        if len(self._names) > MOST_NAMES or max(map(len, names)) > LONGEST_NAME:
            raise Refused(
                "too-many-names",
                "The XML has too many names, or too long ones",
                f"Line {self.parser.CurrentLineNumber}: no report has over {MOST_NAMES} names of elements and attributes, "
                f"or one of over {LONGEST_NAME} characters. Send the report as it was downloaded.",
            )

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._path is None:
            return
        if not self._path:
            self._found.append((self._line, self._record))
            self._path = None
            return
        text = "".join(self._texts).strip()
        if text and (path := "/".join(self._path)) not in self._record:
            self._record[path] = text
            self._count(path)
        self._path.pop()
        self._texts.clear()

    def _text(self, text: str) -> None:
        if self._path is None:
            return
        self._count(text)
        self._texts.append(text)

    def _count(self, more: str) -> None:
        self._length += len(more)
        if self._length > LONGEST_RECORD:
            raise _too_large(self._line)

    def _doctype(self, *_: object) -> None:
        raise Refused(
            "document-type",
            "The XML declares a document type",
            "Reports have none, and entities are never resolved. Send the report as it was downloaded.",
        )


def _too_large(line: int) -> Refused:
    return Refused("line-too-long", "An element is too long", f"The element on line {line} is longer than any of a report.")
