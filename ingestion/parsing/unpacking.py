"""Unpack gzip and ZIP in bounded memory, and limit the size of documents. Pure: knows streams, but no report
types.

A document may be packed with gzip twice, as some programs pack what is packed already, or be the only file in a
ZIP archive. An archive is read as far as its list of files is short, its file is not encrypted and its size is
within the limit. Names in an archive are never used as paths.
"""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, cast

from ingestion.parsing.rejections import RejectedDocument

BLOCK = 1024 * 1024
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
# Programs pack a file twice by mistake, not three times.
MAX_GZIP_LAYERS = 2
# Unpacked bytes for each packed byte, and the unpacked bytes that are always allowed. Reports unpack to 10 to 30 times
# their size; a file of one character unpacks to a thousand times its size.
MAX_RATIO, ALWAYS_UNPACKED = 200, 16 * 1024**2
# The same for a layer within another. What is packed already hardly shrinks again, and gzip reads over zeros and empty
# members, one after the other, without unpacking a byte.
MAX_LAYER_RATIO, ALWAYS_IN_LAYER = 4, 1024**2
# The list of files is read into memory before the first file.
MAX_ARCHIVE_FILES, MAX_ARCHIVE_LIST_BYTES = 100, 64 * 1024
# The record at the end of an archive, with a comment of the greatest length.
END_OF_ARCHIVE, LARGE_ARCHIVE = b"PK\x05\x06", b"PK\x06\x07"
END_RECORD = struct.Struct("<4s4H2LH")
END_LENGTH = END_RECORD.size + 65535
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
ENCRYPTED = 0x1
# What operating systems add.
ADDED_FOLDER, ADDED_FILES = "__MACOSX/", frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
TEXT_SUFFIXES = frozenset({"txt", "csv", "tsv", "tab", "xml", "json", "gz"})
WORKBOOK = frozenset({"[Content_Types].xml", "mimetype"})
DAMAGES = (OSError, EOFError, zlib.error, zipfile.BadZipFile, struct.error, NotImplementedError, RuntimeError)
Packed = gzip.GzipFile | zipfile.ZipExtFile
SPREADSHEET_DETAIL = "It is an Excel workbook or a ZIP archive. Save the sheet as CSV or tab-delimited text and upload that file."


class Incomplete(Exception):
    """Raise when not all of a document can be read. `rest` is the readable beginning of the last block."""

    def __init__(self, reason: str, *, rest: bytes) -> None:
        super().__init__(reason)
        self.rest = rest


class DamagedGzip(Incomplete):
    """Raise where packed data is damaged or breaks off."""


class TooLarge(Incomplete):
    """Raise when a document has more bytes than the limit."""


class TooCompressed(TooLarge):
    """Raise when packed data unpacks to more bytes than its size allows."""


def read_blocks(stream: IO[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """Yield a document in blocks, unpacked.

    Raises RejectedDocument for an archive that is not one text file, for damaged data, for data that unpacks to far
    more than its size, or after more than `max_bytes` bytes.
    """
    try:
        yield from unpack(stream, max_bytes=max_bytes)
    except Incomplete as error:
        raise rejection(error, max_bytes=max_bytes) from None


def rejection(error: Incomplete, *, max_bytes: int) -> RejectedDocument:
    """Return the error that rejects a document of which not all can be read."""
    if isinstance(error, TooCompressed):
        return RejectedDocument(
            "compression-ratio",
            "The packed file unpacks to too much",
            "It unpacks to far more than a report of its size. Upload the report as it was downloaded, or send it "
            "uncompressed.",
        )
    if isinstance(error, TooLarge):
        return RejectedDocument(
            "document-too-large",
            "The document is too large",
            f"It has more than {max_bytes} bytes when unpacked. Split it by date.",
        )
    return RejectedDocument(
        "invalid-gzip",
        "The packed file cannot be unpacked",
        f"It is damaged or was cut off ({error}). Compress the document again, or send it uncompressed.",
    )


def unpack(stream: IO[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """Yield a document in blocks, unpacked. All blocks but the last have BLOCK bytes.

    Raises DamagedGzip where the packed data breaks off, TooLarge after more than `max_bytes` bytes, TooCompressed
    after more than the packed size allows, or RejectedDocument for an archive that is not one text file.
    """
    packed = _open_layers(stream)
    allowed = _allowed(stream, MAX_RATIO, ALWAYS_UNPACKED)
    error, most = (
        (TooCompressed, allowed) if packed is not None and allowed < max_bytes else (TooLarge, max_bytes)
    )
    seen = 0
    # The limit holds while the document is read: a few megabytes of gzip can unpack to gigabytes.
    while block := stream.read(BLOCK) if packed is None else _read_packed(packed):
        if seen + len(block) > most:
            raise error(f"more than {most} bytes", rest=block[: most - seen])
        seen += len(block)
        yield block


def is_packed(stream: IO[bytes]) -> bool:
    """Return whether the document is packed. Leaves the stream at its beginning."""
    beginning = _beginning(stream)
    return beginning.startswith(GZIP) or beginning == ZIP


def _beginning(stream: IO[bytes]) -> bytes:
    # By the content, because neither a file name nor a content type says reliably what it is.
    stream.seek(0)
    beginning = stream.read(len(ZIP))
    stream.seek(0)
    return beginning


class _Layer:
    """Limit the bytes of a packed layer within another one."""

    def __init__(self, packed: Packed, most: int) -> None:
        self._packed = packed
        self._most = self._left = most

    def read(self, size: int) -> bytes:
        """Return the next bytes. Raises TooCompressed after more than the limit."""
        piece = self._packed.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise TooCompressed(f"more than {self._most} bytes", rest=b"")
        return piece


def _allowed(stream: IO[bytes], ratio: int, always: int) -> int:
    """Return how many bytes a packed stream may unpack to. Leaves its position as it was."""
    at = stream.tell()
    size = stream.seek(0, io.SEEK_END)
    stream.seek(at)
    return max(ratio * size, always)


def _open_layers(stream: IO[bytes]) -> Packed | None:
    """Return the innermost packed stream, or None if nothing is packed. Raises RejectedDocument."""
    packed: Packed | None = None
    most = _allowed(stream, MAX_LAYER_RATIO, ALWAYS_IN_LAYER)
    beginning = _beginning(stream)
    if beginning == ZIP:
        packed = _open_archive(stream)
        beginning = _peek(packed)
    for _ in range(MAX_GZIP_LAYERS):
        if not beginning.startswith(GZIP):
            break
        source = cast("IO[bytes]", _Layer(packed, most)) if packed else stream
        packed = gzip.GzipFile(fileobj=source, mode="rb")
        beginning = _peek(packed)
    if beginning.startswith(GZIP):
        raise RejectedDocument(
            "invalid-gzip",
            "The packed file cannot be unpacked",
            f"It is packed with gzip more than {MAX_GZIP_LAYERS} times. Unpack it and upload the report itself.",
        )
    return packed


def _peek(packed: Packed) -> bytes:
    """Return the first bytes. Raises DamagedGzip if there are none because of damage."""
    try:
        return packed.peek(len(ZIP))[: len(ZIP)]
    except DAMAGES as error:
        raise DamagedGzip(_cause(error), rest=b"") from None


def _open_archive(stream: IO[bytes]) -> zipfile.ZipExtFile:
    """Open the only text file of a ZIP archive. Raises RejectedDocument."""
    if not _is_short_list(stream):
        raise _not_a_document(SPREADSHEET_DETAIL)
    try:
        archive = zipfile.ZipFile(stream)
        files = [info for info in archive.infolist() if not info.is_dir() and not _is_added(info.filename)]
        if {info.filename for info in files} & WORKBOOK:
            raise _not_a_document(SPREADSHEET_DETAIL)
        texts = files if len(files) == 1 else [info for info in files if _is_text(info.filename)]
        if len(texts) != 1:
            raise _not_a_document(
                f"It is a ZIP archive with {len(files)} files. Unpack it and upload each report by itself."
            )
        if texts[0].flag_bits & ENCRYPTED or texts[0].compress_type not in METHODS:
            raise _not_a_document(
                "It is a ZIP archive with a password or with an unusual compression. Unpack it and upload the "
                "report itself."
            )
        return cast("zipfile.ZipExtFile", archive.open(texts[0]))
    except DAMAGES:
        raise _not_a_document(
            "It is a damaged ZIP archive. Unpack it and upload the report itself."
        ) from None


def empty_archive(stream: IO[bytes]) -> bytes:
    """Return a file without content that is refused for the same reason as this one, which was refused."""
    if _beginning(stream) != ZIP:
        return gzip.compress(gzip.compress(gzip.compress(b"")))
    out = io.BytesIO()
    try:
        if not _is_short_list(stream):
            return ZIP
        with zipfile.ZipFile(out, "w") as copy:
            for number, info in enumerate(zipfile.ZipFile(stream).infolist()):
                _add_empty(copy, info, number)
    except DAMAGES:
        return ZIP
    return out.getvalue()


def _add_empty(copy: zipfile.ZipFile, info: zipfile.ZipInfo, number: int) -> None:
    if info.is_dir() or _is_added(info.filename):
        return
    # A name may be that of a person.
    name = f"{number}.txt" if _is_text(info.filename) else f"{number}.bin"
    is_unusual = info.flag_bits & ENCRYPTED or info.compress_type not in METHODS
    copy.writestr(
        info.filename if info.filename in WORKBOOK else name,
        b"",
        zipfile.ZIP_BZIP2 if is_unusual else zipfile.ZIP_STORED,
    )


def _is_short_list(stream: IO[bytes]) -> bool:
    """Return whether the list of files of an archive is short enough to be read into memory."""
    size = stream.seek(0, 2)
    stream.seek(max(size - END_LENGTH, 0))
    ending = stream.read(END_LENGTH)
    stream.seek(0)
    at = ending.rfind(END_OF_ARCHIVE)
    # An archive with 64-bit sizes states them elsewhere, and a report needs none.
    if at < 0 or len(ending) - at < END_RECORD.size or ending[max(at - 20, 0) : at].startswith(LARGE_ARCHIVE):
        return False
    _, _, _, _, files, list_bytes, _, _ = END_RECORD.unpack_from(ending, at)
    return bool(files <= MAX_ARCHIVE_FILES and list_bytes <= MAX_ARCHIVE_LIST_BYTES)


def _is_added(name: str) -> bool:
    return name.startswith(ADDED_FOLDER) or name.rpartition("/")[2] in ADDED_FILES


def _is_text(name: str) -> bool:
    base, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return not dot or not base or suffix.lower() in TEXT_SUFFIXES


def _not_a_document(detail: str) -> RejectedDocument:
    return RejectedDocument("spreadsheet", "The document is not text", detail)


def _read_packed(packed: Packed) -> bytes:
    """Return the next block, empty at the end. Raises DamagedGzip."""
    block = bytearray()
    try:
        # read1 returns what comes before the damage, which read would lose.
        while len(block) < BLOCK and (piece := packed.read1(BLOCK - len(block))):
            block += piece
    except TooCompressed as error:
        raise TooCompressed(str(error), rest=bytes(block)) from None
    except DAMAGES as error:
        raise DamagedGzip(_cause(error), rest=bytes(block)) from None
    return bytes(block)


def _cause(error: Exception) -> str:
    """Return the cause without the name of a file, which zipfile quotes."""
    return "its check sum differs" if isinstance(error, zipfile.BadZipFile) else str(error)
