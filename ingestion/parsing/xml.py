"""Read records from XML in bounded memory. Pure: knows blocks of bytes, but no report types.

Amazon's reports have no document type declaration, so one rejects the document. This excludes entity
expansion and external entities. Nesting, names, the text of a record and an unfinished tag are limited.
"""

import codecs
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from xml.parsers import expat

from ingestion.parsing.rejections import RejectedDocument

# Paths repeat the names of all open elements, so deep nesting multiplies them.
MAX_DEPTH = 64
# In characters of texts and paths. An order has a few thousand.
MAX_RECORD_LENGTH = 1024 * 1024
# expat stores every name it has seen. A report has a few dozen.
MAX_NAMES, MAX_NAME_LENGTH = 1000, 200
# Bytes fed to expat at once. The records found in them wait in memory, many times as large.
FEED_BYTES = 256 * 1024
# Bytes that may wait in expat for the end of a tag. It keeps an unfinished tag in memory, however long.
MAX_TAG_BYTES = 4 * 1024 * 1024
# The codecs that expat has itself. Documents in others are encoded anew as UTF-8.
OF_EXPAT = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "iso8859-1": "iso-8859-1",
    "ascii": "us-ascii",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be",
}
CAUSES = {
    expat.errors.XML_ERROR_NO_ELEMENTS: "the document ends before its elements are closed",
    expat.errors.XML_ERROR_UNCLOSED_TOKEN: "the document ends in the middle of a tag",
    expat.errors.XML_ERROR_PARTIAL_CHAR: "the document ends in the middle of a character",
    expat.errors.XML_ERROR_TAG_MISMATCH: "an element is closed by the end tag of another one",
    expat.errors.XML_ERROR_INVALID_TOKEN: "there is a character that XML does not allow there, such as a bare & or <",
    expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE: "an element has an attribute twice",
    expat.errors.XML_ERROR_UNDEFINED_ENTITY: "there is an entity that XML does not know, such as &nbsp;",
    expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: "the document goes on after its end, as joined files do",
    expat.errors.XML_ERROR_MISPLACED_XML_PI: "the XML declaration is not at the very beginning",
    expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION: "the document ends in the middle of a text",
    expat.errors.XML_ERROR_SYNTAX: "the text is not XML",
    expat.errors.XML_ERROR_UNBOUND_PREFIX: "an element has an unknown prefix",
}
"""The causes of damage in words, by the message of expat."""

Record = dict[str, str]
"""Map the path within an element (`FulfillmentData/FulfillmentChannel`) to its text; the first one if a path
repeats.

The key `""` holds the name of the element itself.
"""


def repeated(record: Record, name: str) -> list[str]:
    """Return the paths of all elements with this name directly in the record that have texts, in their order."""
    places = {path.partition("/")[0]: None for path in record}
    return [place for place in places if place == name or place.startswith(f"{name}[")]


def read_records(
    document: Iterable[bytes],
    *,
    names: Collection[str],
    numbered: Collection[str] = (),
    codec: str = "utf-8",
) -> Iterator[tuple[int, Record]]:
    """Yield each element with one of these names, and its line. `codec` is the true encoding of the document.

    `numbered` are elements that may be directly in a record several times: the path of the second is `OrderItem[2]`.

    Raises RejectedDocument for XML that is invalid or incomplete.
    """
    known = expat_encoding(codec)
    reader = _Reader(frozenset(names), frozenset(numbered), known or "utf-8")
    fed = 0
    for block in split_blocks(document if known else _encode_as_utf_8(document, codec)):
        fed += len(block)
        reader.feed(block)
        # expat calls no handler before a tag has ended, so only the distance to
        # its last event shows the waiting.
        if fed - reader.parser.CurrentByteIndex > MAX_TAG_BYTES + len(block):
            raise _too_large(reader.parser.CurrentLineNumber)
        yield from reader.take()
    reader.feed(b"", last=True)
    yield from reader.take()


def split_blocks(document: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in smaller blocks."""
    return (block[at : at + FEED_BYTES] for block in document for at in range(0, len(block), FEED_BYTES))


def expat_encoding(codec: str) -> str | None:
    """Return expat's name of an encoding, or None if it does not have it."""
    return OF_EXPAT.get(codecs.lookup(codec).name)


def _encode_as_utf_8(document: Iterable[bytes], codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    for block in document:
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", True).encode()  # noqa: FBT003  the codec's signature


class _Reader:
    """Collect records from the events of expat."""

    def __init__(self, element_names: frozenset[str], numbered: frozenset[str], encoding: str) -> None:
        # In place of the encoding that the document declares, which may be wrong.
        self.parser = expat.ParserCreate(encoding)
        # Otherwise expat calls `_text` for each line and each entity of one text.
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        # At the start of the declaration, before expat has read any entity that it defines.
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._element_names, self._numbered = element_names, numbered
        self._names: set[str] = set()
        self._depth = 0
        # The open elements within a record; None outside of records.
        self._path: list[str] | None = None
        self._line = 0
        self._texts: list[str] = []
        self._length = 0
        self._record: Record = {}
        # How many of the numbered elements are in the record.
        self._count_of: Counter[str] = Counter()
        self._records: list[tuple[int, Record]] = []

    def feed(self, block: bytes, *, last: bool = False) -> None:
        try:
            self.parser.Parse(block, last)
        except expat.ExpatError as error:
            cause = CAUSES.get(expat.errors.messages[error.code], "it is damaged")
            raise _invalid(cause, error.lineno) from None

    def take(self) -> list[tuple[int, Record]]:
        """Return the records found since the last call."""
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
            self._path.append(self._place(name) if not self._path and name in self._numbered else name)
        elif name in self._element_names:
            self._path, self._record, self._length, self._line = (
                [],
                {"": name},
                0,
                self.parser.CurrentLineNumber,
            )
            self._count_of.clear()

    def _place(self, name: str) -> str:
        self._count_of[name] += 1
        return name if self._count_of[name] == 1 else f"{name}[{self._count_of[name]}]"

    def _record_names(self, names: set[str]) -> None:
        self._names |= names
        if len(self._names) > MAX_NAMES or max(map(len, names)) > MAX_NAME_LENGTH:
            raise RejectedDocument(
                "too-many-names",
                "The XML has too many names, or names that are too long",
                f"Line {self.parser.CurrentLineNumber}: more than {MAX_NAMES} names of elements and "
                "attributes, or a name "
                f"of more than {MAX_NAME_LENGTH} characters. Upload the report as it was downloaded.",
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
            "Reports have none, and entities are not resolved. Upload the report as it was downloaded.",
        )


def _too_large(line: int) -> RejectedDocument:
    return RejectedDocument(
        "line-too-long",
        "An element is too long",
        f"The element on line {line} is longer than {MAX_RECORD_LENGTH} characters.",
    )


def _invalid(cause: str, line: int) -> RejectedDocument:
    return RejectedDocument(
        "invalid-xml",
        "The XML cannot be read",
        f"It is damaged or cut off. Line {line}: {cause}. Download the document again.",
    )
