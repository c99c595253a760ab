"""Store documents, redacted unless the agency keeps personal columns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple, cast

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile

from accounts.models import Agency
from ingestion.parsing import encodings, unpacking
from ingestion.parsing.encodings import Encoding
from ingestion.parsing.rejections import RejectedDocument
from ingestion.redaction import redacted_file

# The names come from the document and are stored with its report, so their number and length are limited.
MAX_COLUMNS, MAX_COLUMN_LENGTH = 50, 100


class StoredDocument(NamedTuple):
    """Describe a stored document: its name in the storage, its redacted columns and original encoding."""

    document: str
    columns: list[str]
    # Set only if something was redacted, because the redacted text may have been the only evidence of it.
    encoding: Encoding | None


def store(
    *, content: "File[bytes]", name: str, agency: Agency, announced_type: str, marketplace: str
) -> StoredDocument:
    """Store the document under `name` and return where and how it is stored.

    Raises RejectedDocument, and stores nothing, if it is too large to be redacted.
    """
    if not agency.keeps_personal_columns:
        redaction = redacted_file.build_redaction(
            cast("IO[bytes]", content),
            announced_type=announced_type,
            japanese=marketplace == "JP",
            max_bytes=settings.REPORT_MAX_BYTES,
        )
        content.seek(0)
        if redaction is not None:
            with _redacted_copy(content, redaction) as redacted:
                if redaction.columns:
                    encoding = _encoding(content, japanese=marketplace == "JP")
                    return StoredDocument(
                        default_storage.save(name, redacted), _displayable(redaction.columns), encoding
                    )
            content.seek(0)
    return StoredDocument(default_storage.save(name, content), [], None)


def files(folder: str) -> Iterator[str]:
    """Yield the names of all files in a folder of the storage and below it."""
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for subfolder in folders:
        yield from files(f"{folder}/{subfolder}")
    yield from (f"{folder}/{name}" for name in names)


def _encoding(content: "File[bytes]", *, japanese: bool) -> Encoding | None:
    """Return the document's encoding, or None if it cannot be read.

    The worker then rejects it with the reason.
    """
    content.seek(0)
    try:
        return encodings.detect_encoding(
            unpacking.read_blocks(cast("IO[bytes]", content), max_bytes=settings.REPORT_MAX_BYTES),
            japanese=japanese,
        )
    except RejectedDocument:
        return None


@contextmanager
def _redacted_copy(content: "File[bytes]", redaction: redacted_file.Redaction) -> Iterator["File[bytes]"]:
    """Yield the redacted document as a temporary file, which the storage moves instead of copying it."""
    with TemporaryUploadedFile("redacted", "application/octet-stream", 0, None) as redacted:
        for block in redaction.blocks(cast("IO[bytes]", content)):
            redacted.write(block)
        redacted.flush()
        redacted.seek(0)
        yield redacted


def _displayable(columns: list[str]) -> list[str]:
    """Return at most MAX_COLUMNS names.

    They are shortened, without characters that PostgreSQL cannot store.
    """
    names = dict.fromkeys(
        name[:MAX_COLUMN_LENGTH].encode(errors="replace").decode().replace("\0", "") for name in columns
    )
    return list(names)[:MAX_COLUMNS]
