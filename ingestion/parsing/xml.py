"""XML becomes records, in bounded memory. Pure: it takes blocks of bytes and knows no report.

Reports of Amazon's declare no entities, so a document type is refused unread: with it go entity bombs and external entities.
Nesting, names, one record's text and one unfinished tag are bounded.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from xml.parsers import expat

from ingestion.parsing.encodings import Encoding
from ingestion.parsing.rejections import RejectedDocument

MAX_DEPTH = 64
MAX_RECORD_LENGTH = 1024 * 1024  # characters of texts and of the paths to them; an order of Amazon's has a few thousand
DECLARED = re.compile(r"""<\?xml[^>]{0,100}?\sencoding\s*=\s*["']([A-Za-z][\w.-]{0,39})["']""")
MAX_NAMES, MAX_NAME_LENGTH = 1000, 200  # expat keeps every name it ever saw; a report has some dozens
PIECE = 256 * 1024  # bytes that the parser gets at once: what it finds in them waits, many times as large
MAX_TAG_BYTES = 4 * 1024 * 1024  # bytes that may wait for the end of a tag

Record = dict[str, str]
"""The texts of an element by their path in it (`FulfillmentData/FulfillmentChannel`); of repeated ones the first.

At `""` is the name of the element itself.
"""


def read_records(document: Iterable[bytes], *, names: Collection[str]) -> Iterator[tuple[int, Record]]:
    """Each element of these names, with its line. Raises Refused for what is no whole, plain XML."""
    reader = _Reader(frozenset(names))
    fed = 0
    for block in split_blocks(document):
        fed += len(block)
        reader.feed(block)
        if fed - reader.parser.CurrentByteIndex > MAX_TAG_BYTES + len(block):
            raise _too_large(reader.parser.CurrentLineNumber)
        yield from reader.take()
    reader.feed(b"", last=True)
    yield from reader.take()


def split_blocks(document: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, in pieces that are fit for the parser."""
    return (block[at : at + PIECE] for block in document for at in range(0, len(block), PIECE))


def declared_encoding(beginning: str) -> Encoding:
    """The encoding that the XML declaration at the beginning of a document names; without one it is UTF-8."""
    declaration = DECLARED.match(beginning)
    if declaration is None:
        return Encoding("utf-8", "XML that declares no encoding is UTF-8.")
    return Encoding(declaration[1].lower()[:20], "The XML declaration says so.")


class _Reader:
    """Collects the records that the parser passes."""

    def __init__(self, element_names: frozenset[str]) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._element_names = element_names
        self._names: set[str] = set()
        self._depth = 0
        self._path: list[str] | None = None  # inside of a record: the names below it
        self._line = 0
        self._texts: list[str] = []
        self._length = 0
        self._record: Record = {}
        self._records: list[tuple[int, Record]] = []

    def feed(self, block: bytes, *, last: bool = False) -> None:
        try:
            self.parser.Parse(block, last)
        except (expat.ExpatError, LookupError, ValueError) as error:  # the latter two for an encoding that is none
            raise RejectedDocument(
                "invalid-xml", "The XML cannot be read", f"It is damaged or incomplete ({error}). Download the report again."
            ) from None

    def take(self) -> list[tuple[int, Record]]:
        """What was found since this was last asked."""
        records, self._records = self._records, []
        return records

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if name not in self._names or not attributes.keys() <= self._names:
            self._record_names({name, *attributes})
        if self._depth > MAX_DEPTH:
            raise RejectedDocument(
                "nested-too-deep",
                "The XML is nested too deeply",
                f"Line {self.parser.CurrentLineNumber} is nested more than {MAX_DEPTH} elements deep.",
            )
        self._texts.clear()
        if self._path is not None:
            self._path.append(name)
        elif name in self._element_names:
            self._path, self._record, self._length, self._line = [], {"": name}, 0, self.parser.CurrentLineNumber

    def _record_names(self, names: set[str]) -> None:
        self._names |= names
        if len(self._names) > MAX_NAMES or max(map(len, names)) > MAX_NAME_LENGTH:
            raise RejectedDocument(
                "too-many-names",
                "The XML has too many or too long names",
                f"Line {self.parser.CurrentLineNumber}: a report has at most {MAX_NAMES} names of elements and attributes, "
                f"each of at most {MAX_NAME_LENGTH} characters. Upload the report as it was downloaded.",
            )

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._path is None:
            return
        if not self._path:
            self._records.append((self._line, self._record))
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
        if self._length > MAX_RECORD_LENGTH:
            raise _too_large(self._line)

    def _doctype(self, *_: object) -> None:
        raise RejectedDocument(
            "document-type",
            "The XML declares a document type",
            "Reports have no document type declaration, and entities are not resolved. Upload the report as it was downloaded.",
        )


def _too_large(line: int) -> RejectedDocument:
    return RejectedDocument("line-too-long", "An element is too long", f"The element on line {line} is too long.")
