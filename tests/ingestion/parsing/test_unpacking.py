import gzip
import io
import time
import zipfile
from collections.abc import Callable

import pytest

from ingestion.parsing import unpacking
from ingestion.parsing.rejections import RejectedDocument

MOST = 10_000


def unpacked(document: bytes, *, most: int = MOST) -> bytes:
    return b"".join(unpacking.read_blocks(io.BytesIO(document), max_bytes=most))


def test_plain_document_comes_as_it_is() -> None:
    assert unpacked(b"plain") == b"plain"


@pytest.mark.parametrize("document", [b"", b"\x1f", b"\x1f\x8c not gzip"])
def test_plain_bytes_are_not_unpacked(document: bytes) -> None:
    assert unpacked(document) == document


def test_gzip_is_unpacked_all_of_its_members() -> None:
    assert unpacked(gzip.compress(b"one\n") + gzip.compress(b"two\n")) == b"one\ntwo\n"


@pytest.mark.parametrize(
    "document",
    [
        gzip.compress(b"a report" * 100)[:-9],
        gzip.compress(b"a report" * 100)[:30],
        gzip.compress(b"a report" * 100)[:2],
        b"\x1f\x8bnothing of the kind",
        gzip.compress(b"a report") + b"trailing rubbish",
        gzip.compress(b"a report")[:-8] + bytes(8),
        b"\x1f\x8b\x08\x00" + bytes(6) + b"\xff" * 50,
    ],
)
def test_damaged_gzip_is_rejected(document: bytes) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        unpacked(document)

    assert rejection.value.slug == "invalid-gzip"
    assert "again" in rejection.value.detail


@pytest.mark.parametrize("document", [b"x" * (MOST + 1), gzip.compress(b"x" * (MOST + 1))])
def test_size_limit_applies_to_plain_and_packed_bytes(document: bytes) -> None:
    with pytest.raises(RejectedDocument) as rejection:
        unpacked(document)

    assert rejection.value.slug == "document-too-large"


@pytest.mark.parametrize("document", [b"x" * MOST, gzip.compress(b"x" * MOST)])
def test_size_limit_is_inclusive(document: bytes) -> None:
    assert len(unpacked(document)) == MOST


@pytest.mark.parametrize("packed", [False, True])
def test_document_that_is_too_large_comes_up_to_the_limit(packed: bool) -> None:
    document = b"x" * (MOST + 1)
    blocks = unpacking.unpack(io.BytesIO(gzip.compress(document) if packed else document), max_bytes=MOST)

    with pytest.raises(unpacking.TooLarge) as error:
        list(blocks)

    assert error.value.rest == b"x" * MOST


def test_damaged_gzip_comes_up_to_the_damage() -> None:
    document = gzip.compress(b"a report")[:-8] + bytes(8)

    with pytest.raises(unpacking.DamagedGzip) as error:
        list(unpacking.unpack(io.BytesIO(document), max_bytes=MOST))

    assert error.value.rest == b"a report"


@pytest.mark.parametrize("length", [0, 1, unpacking.BLOCK, 2 * unpacking.BLOCK + 1])
def test_blocks_of_packed_and_plain_documents_are_equal(length: int) -> None:
    document = bytes(length)
    plain, packed = (
        list(unpacking.unpack(io.BytesIO(each), max_bytes=length))
        for each in (document, gzip.compress(document))
    )

    assert plain == packed
    assert [len(block) for block in plain[:-1]] == [unpacking.BLOCK] * (len(plain) - 1)


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.txt", content)
    return out.getvalue()


LINES = b"\n" * (unpacking.ALWAYS_UNPACKED + 1)
MEMBER = gzip.compress(b"", mtime=0)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(gzip.compress(LINES), id="gzip"),
        pytest.param(gzip.compress(gzip.compress(LINES)), id="gzip in gzip"),
        pytest.param(zipped(LINES), id="ZIP"),
        pytest.param(zipped(gzip.compress(LINES)), id="gzip in ZIP"),
        pytest.param(gzip.compress(LINES[::2]) + gzip.compress(LINES[1::2]), id="two members"),
        pytest.param(
            gzip.compress(gzip.compress(b"a report") + bytes(unpacking.ALWAYS_IN_LAYER)), id="zeros within"
        ),
        pytest.param(
            gzip.compress(MEMBER * (unpacking.ALWAYS_IN_LAYER // len(MEMBER) + 1)), id="empty members"
        ),
    ],
)
def test_document_that_unpacks_to_far_more_than_its_size_is_rejected_early(document: bytes) -> None:
    began = time.thread_time()

    with pytest.raises(RejectedDocument) as rejection:
        unpacked(document, most=1024**3)

    assert rejection.value.slug == "compression-ratio"
    assert "uncompressed" in rejection.value.detail
    assert time.thread_time() - began < 5


@pytest.mark.parametrize("pack", [gzip.compress, zipped])
def test_repetitive_report_is_unpacked(pack: Callable[[bytes], bytes]) -> None:
    rows = b"".join(b"%03d-1234567-1234567\tShipped\t2026-11-01\n" % (n % 1000) for n in range(500_000))
    assert len(rows) > unpacking.ALWAYS_UNPACKED
    document = pack(rows)

    assert len(unpacked(document, most=1024**3)) == len(rows)
    assert len(rows) > 15 * len(document)


def test_document_that_unpacks_to_too_much_comes_up_to_the_limit() -> None:
    with pytest.raises(unpacking.TooCompressed) as error:
        for _ in unpacking.unpack(io.BytesIO(gzip.compress(LINES)), max_bytes=1024**3):
            pass

    assert len(error.value.rest) == unpacking.ALWAYS_UNPACKED % unpacking.BLOCK
