"""Unpack gzip in bounded memory, and limit the size of documents. Pure: knows streams, but no report types."""

import gzip
import zlib
from collections.abc import Iterator
from typing import IO

from ingestion.parsing.rejections import RejectedDocument

BLOCK = 1024 * 1024
GZIP = b"\x1f\x8b"


class Incomplete(Exception):
    """Raise when not all of a document can be read. `rest` is the readable beginning of the last block."""

    def __init__(self, reason: str, *, rest: bytes) -> None:
        super().__init__(reason)
        self.rest = rest


class DamagedGzip(Incomplete):
    """Raise where gzip data is damaged or breaks off."""


class TooLarge(Incomplete):
    """Raise when a document has more bytes than the limit."""


def read_blocks(stream: IO[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """Yield a document in blocks, unpacked if it is gzip.

    Raises RejectedDocument for damaged gzip, or after more than `max_bytes` bytes.
    """
    try:
        yield from unpack(stream, max_bytes=max_bytes)
    except TooLarge:
        raise RejectedDocument(
            "document-too-large",
            "The document is too large",
            f"It has more than {max_bytes} bytes when unpacked. Split it by date.",
        ) from None
    except DamagedGzip as error:
        raise RejectedDocument(
            "invalid-gzip",
            "The gzip file cannot be unpacked",
            f"It is damaged or was cut off ({error}). Compress the document again, or send it uncompressed.",
        ) from None


def unpack(stream: IO[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """Yield a document in blocks, unpacked if it is gzip. All blocks but the last have BLOCK bytes.

    Raises DamagedGzip where the gzip data breaks off, or TooLarge after more than `max_bytes` bytes.
    """
    source = gzip.GzipFile(fileobj=stream) if is_packed(stream) else stream
    seen = 0
    # The limit holds while the document is read: a few megabytes of gzip can unpack to gigabytes.
    while block := _read_packed(source) if isinstance(source, gzip.GzipFile) else source.read(BLOCK):
        if seen + len(block) > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes", rest=block[: max_bytes - seen])
        seen += len(block)
        yield block


def is_packed(stream: IO[bytes]) -> bool:
    """Return whether the document is gzip. Leaves the stream at its beginning."""
    # By the content, because neither a file name nor a content type says reliably what it is.
    stream.seek(0)
    packed = stream.read(2) == GZIP
    stream.seek(0)
    return packed


def _read_packed(source: gzip.GzipFile) -> bytes:
    """Return the next block, empty at the end. Raises DamagedGzip."""
    block = bytearray()
    try:
        # read1 returns what comes before the damage, which read would lose.
        while len(block) < BLOCK and (piece := source.read1(BLOCK - len(block))):
            block += piece
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedGzip(str(error), rest=bytes(block)) from None
    return bytes(block)
