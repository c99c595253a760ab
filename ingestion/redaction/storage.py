"""A document as it is kept: without what is personal in it, unless its agency keeps documents as they come."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple, cast

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile

from accounts.models import Agency
from ingestion.parsing import tabular
from ingestion.parsing.encodings import Encoding
from ingestion.parsing.rejections import RejectedDocument
from ingestion.redaction import redacted_file

MAX_COLUMNS, MAX_COLUMN_LENGTH = 50, 100


class StoredDocument(NamedTuple):
    """Where the storage keeps a document, the columns that were blanked in it, and if any were: the encoding it came in.

    What is blanked may have been all that told the encoding.
    """

    document: str
    columns: list[str]
    encoding: Encoding | None


def keep(*, content: "File[bytes]", name: str, agency: Agency, announced_type: str, marketplace: str) -> StoredDocument:
    """The document as it is kept now."""
    if not agency.keeps_personal_columns:
        rewriting = redacted_file.build_redaction(
            cast("IO[bytes]", content),
            announced_type=announced_type,
            japanese=marketplace == "JP",
            max_bytes=settings.REPORT_MAX_BYTES,
        )
        content.seek(0)
        if rewriting is not None:
            with _rewritten(content, rewriting) as blanked:
                if rewriting.columns:
                    encoding = _encoding(content, japanese=marketplace == "JP")
                    return StoredDocument(default_storage.save(name, blanked), _shown(rewriting.columns), encoding)
            content.seek(0)
    return StoredDocument(default_storage.save(name, content), [], None)


def _encoding(content: "File[bytes]", *, japanese: bool) -> Encoding | None:
    """None of what cannot be read: the worker will say why."""
    content.seek(0)
    try:
        return tabular.detect_encoding(
            tabular.blocks(cast("IO[bytes]", content), max_bytes=settings.REPORT_MAX_BYTES), japanese=japanese
        )
    except RejectedDocument:
        return None


@contextmanager
def _rewritten(content: "File[bytes]", rewriting: redacted_file.Redaction) -> Iterator["File[bytes]"]:
    """The document without what is personal, in a file that the storage moves and does not copy."""
    with TemporaryUploadedFile("kept", "application/octet-stream", 0, None) as blanked:
        for block in rewriting.blocks(cast("IO[bytes]", content)):
            blanked.write(block)
        blanked.flush()
        blanked.seek(0)
        yield blanked


def _shown(columns: list[str]) -> list[str]:
    """Names that a report can show: not too many, none too long, no character that PostgreSQL has no place for."""
    names = dict.fromkeys(name[:MAX_COLUMN_LENGTH].encode(errors="replace").decode().replace("\0", "") for name in columns)
    return list(names)[:MAX_COLUMNS]
