"""Test XML in bounded memory: records by element, and the rejection of invalid XML."""

import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from ingestion.parsing import encodings, xml
from ingestion.parsing.rejections import RejectedDocument
from ingestion.parsing.xml import Record

BLOCK = 64 * 1024


def of(document: bytes, *, name: str = "Order", size: int = BLOCK) -> list[tuple[int, Record]]:
    return list(
        xml.read_records(
            (document[start : start + size] for start in range(0, len(document), size)), names=[name]
        )
    )


def repeated(
    block: bytes, *, times: int, before: bytes = b"<a><Order>", after: bytes = b""
) -> Iterator[bytes]:
    yield before
    for _ in range(times):
        yield block
    yield after


@pytest.mark.parametrize("size", [1, 2, 3, 7, BLOCK])
def test_record_has_its_line_and_first_text_of_each_path(size: int) -> None:
    document = b"""<?xml version="1.0"?>
<Envelope><Header><Id>no record</Id></Header>
<Order><Id> 1 </Id><Item><Sku>a</Sku></Item><Item><Sku>b</Sku><Empty/></Item></Order>

<Order kind="x"><Id>A &amp; B<![CDATA[ <c>]]></Id></Order><Order/>
</Envelope>"""

    assert of(document, size=size) == [
        (3, {"": "Order", "Id": "1", "Item/Sku": "a"}),
        (5, {"": "Order", "Id": "A & B <c>"}),
        (5, {"": "Order"}),
    ]


def test_numbered_elements_have_paths_of_their_own() -> None:
    document = b"""<a><Order><Item><Sku>a</Sku><Item>x</Item></Item><Item/><Id>1</Id><Item><Sku>c</Sku></Item>
<Items><Item>y</Item></Items></Order><Order><Item>d</Item></Order></a>"""

    records = [record for _, record in xml.read_records([document], names=["Order"], numbered=["Item"])]

    assert records == [
        {"": "Order", "Item/Sku": "a", "Item/Item": "x", "Id": "1", "Item[3]/Sku": "c", "Items/Item": "y"},
        {"": "Order", "Item": "d"},
    ]
    assert [xml.repeated(record, "Item") for record in records] == [["Item", "Item[3]"], ["Item"]]
    endless = repeated(b"<Item><a>x</a></Item>" * 1_000, times=1_000)
    with pytest.raises(RejectedDocument, match="is longer than"):
        list(xml.read_records(endless, names=["Order"], numbered=["Item"]))


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        ("Ölverkäufer", "utf-8", "UTF-8"),
        ("Ölverkäufer", "iso-8859-1", "ISO-8859-1"),
        ("12 € – Ölverkäufer", "cp1252", "windows-1252"),
        ("Ölverkäufer", "utf-16", "UTF-16"),
    ],
)
def test_declared_encoding_is_used(text: str, codec: str, name: str) -> None:
    document = f'<?xml version="1.0" encoding="{name}"?><a><Order><Id>{text}</Id></Order></a>'

    encoding = encodings.detect_encoding([document.encode(codec)], japanese=False)

    assert list(xml.read_records([document.encode(codec)], names=["Order"], codec=encoding.codec)) == [
        (1, {"": "Order", "Id": text})
    ]
    assert encodings.is_same(name, encoding.codec)


@pytest.mark.parametrize(
    ("text", "codec", "name", "read_as"),
    [
        ("Bücher", "cp1252", "UTF-8", "cp1252"),
        ("Bücher", "utf-8", "utf-16", "utf-8"),
        ("Bücher", "utf-8", "no-such-encoding", "utf-8"),
        ("Bücher", "utf-8-sig", "ISO-8859-1", "utf-8-sig"),
        ("注文", "cp932", "Shift_JIS", "shift_jis"),
        ("订单编号", "gb18030", "UTF-8", "gb18030"),
        ("Bücher", "utf-16-le", "utf-16", "utf-16-le"),
        ("Bücher", "utf-16-be", "UTF-8", "utf-16-be"),
    ],
)
def test_xml_is_read_in_true_encoding_whatever_it_declares(
    text: str, codec: str, name: str, read_as: str
) -> None:
    document = f'<?xml version="1.0" encoding="{name}"?>\n<a><Order><Id>{text}</Id></Order></a>'.encode(codec)

    encoding = encodings.detect_encoding([document], japanese=False)

    assert encoding.codec == read_as
    assert list(xml.read_records([document], names=["Order"], codec=encoding.codec)) == [
        (2, {"": "Order", "Id": text})
    ]


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        (b"<a><Order>\n<Id>1</Id></Order>", "Line 2: the document ends before its elements are closed"),
        (b"<a>\n<Order><Id>1</Id></a>", "Line 2: an element is closed by the end tag of another one"),
        (b"<a>\n\nBooks & more</a>", "Line 3: there is a character that XML does not allow there"),
        (b"<a>&nbsp;</a>", "Line 1: there is an entity that XML does not know"),
        (b"<a/>\n<b/>", "Line 2: the document goes on after its end"),
    ],
)
def test_damage_of_xml_is_said_in_words(document: bytes, cause: str) -> None:
    with pytest.raises(RejectedDocument, match=cause):
        of(document)


@pytest.mark.parametrize(
    ("document", "slug"),
    [
        (b"", "invalid-xml"),
        (b"plain", "invalid-xml"),
        (b"<a><Order><Id>1</Id></Order>", "invalid-xml"),
        (b"<a><Order><Id>1</Id></a>", "invalid-xml"),
        (b"<a><Order><Id>1</I", "invalid-xml"),
        (b"<a/><b/>", "invalid-xml"),
        (b"<a>&nothing;</a>", "invalid-xml"),
        (b"<a>\xff</a>", "invalid-xml"),
        (b"<a>\0</a>", "invalid-xml"),
        (b'<?xml version="1.0" encoding="cp932"?><a>\x83</a>', "invalid-xml"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document-type"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "document-type"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>', "document-type"),
        (b"<a>" * 65, "nested-too-deep"),
        (b"<a><Order>" + b"<b>" * 100, "nested-too-deep"),
    ],
)
def test_invalid_xml_is_rejected(document: bytes, slug: str) -> None:
    with pytest.raises(RejectedDocument) as refused:
        of(document)

    assert refused.value.slug == slug


BOMB = b"<!DOCTYPE a [" + b"".join(
    b'<!ENTITY l%d "%s">' % (n + 1, b"&l%d;" % n * 10) if n else b'<!ENTITY l1 "lol">' for n in range(10)
)


def named(shape: bytes) -> Iterator[bytes]:
    """Yield elements or attributes with distinct names."""
    yield b"<a><Order>"
    for start in range(0, 3_000_000, 1000):
        yield b"".join(shape.replace(b"#", b"%d" % n) for n in range(start, start + 1000))


DEEP = [f"<{'A' * 200}>".encode() * depth for depth in range(60)]


def ended(tags: bytes) -> bytes:
    return tags.replace(b"<", b"</")


def leaves(count: int) -> bytes:
    """Yield elements with distinct paths of few names."""
    return b"".join(
        b"<m%d>%s</m%d>" % (m, b"".join(b"<n%d>x</n%d>" % (n, n) for n in range(200)), m)
        for m in range(count)
    )


def test_path_counts_once_however_often_it_comes() -> None:
    document = b"<a><Order>" + DEEP[58] + b"<n>x</n>" * 20_000 + ended(DEEP[58]) + b"</Order></a>"

    ((_, record),) = of(document)

    assert [len(path) for path in record] == [0, 58 * 201 + 1]


def test_records_of_one_block_use_little_memory() -> None:
    record = b"<Order>" + DEEP[20] + leaves(1) + ended(DEEP[20]) + b"</Order>"
    block = record * (1024**2 // len(record))
    tracemalloc.start()
    try:
        text_count = sum(
            len(texts) - 1 for _, texts in xml.read_records([b"<a>", block, b"</a>"], names=["Order"])
        )
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert text_count == 200 * (len(block) // len(record))
    assert most < 40 * 1024**2


@pytest.mark.parametrize(
    ("blocks", "slug"),
    [
        pytest.param(lambda: iter([b"<a><Order>" + DEEP[58] + leaves(99)]), "line-too-long", id="long paths"),
        pytest.param(lambda: named(b"<n#>x</n#>"), "too-many-names", id="millions of element names"),
        pytest.param(lambda: named(b"<n b#='x'/>"), "too-many-names", id="millions of attribute names"),
        pytest.param(lambda: iter([b"<a><" + b"n" * 201 + b"/></a>"]), "too-many-names", id="a long name"),
        pytest.param(lambda: iter([BOMB, b"]><a>&l9;</a>"]), "document-type", id="entity bomb"),
        pytest.param(
            lambda: repeated(b"<a>" * 20_000, times=17_000), "nested-too-deep", id="a gigabyte of nesting"
        ),
        pytest.param(lambda: repeated(b"x" * BLOCK, times=4_000), "line-too-long", id="250 MB of text"),
        pytest.param(
            lambda: repeated(b"x" * BLOCK, times=4_000, before=b"<a b='"),
            "line-too-long",
            id="250 MB in a tag",
        ),
        pytest.param(
            lambda: repeated(b"x" * BLOCK, times=4_000, before=b"<a><!--"),
            "line-too-long",
            id="250 MB of comment",
        ),
    ],
)
def test_oversized_xml_is_rejected_in_little_memory(blocks: Callable[[], Iterator[bytes]], slug: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(RejectedDocument) as refused:
            list(xml.read_records(blocks(), names=["Order"]))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert refused.value.slug == slug
    assert most < 30 * 1024**2
