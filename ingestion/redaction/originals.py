"""Keep received documents apart until a worker has redacted them.

An original may contain personal data, so no response and no export contains it. Originals are in a folder of
their own, which is nearly empty: a worker replaces an original by its redacted document before it reads it.
"""

import logging
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage

from accounts.tenancy import context
from ingestion.models import Report
from ingestion.redaction import storage

FOLDER = "originals"
# A request stores the original just before it commits the row that refers to it.
MAX_ORPHAN_AGE = timedelta(hours=1)

log = logging.getLogger(__name__)


def store(report: Report, content: "File[bytes]") -> None:
    """Store the document as it was received, and set the report's original."""
    # A name of its own each time: a document sent again never meets the file of an earlier attempt.
    name = f"{folder(report.agency_id, report.account_id)}/{report.public_id}-{secrets.token_hex(4)}"
    report.original, report.document = default_storage.save(name, content), ""


def redact(report: Report) -> bool:
    """Replace the original by the redacted document. Return False if the lease of the report was lost.

    1. store the redacted document   2. update the report's row   3. delete the original

    Opens a transaction. May be repeated after an interruption at any point. Raises RejectedDocument, and changes
    nothing, if the document is too large.
    """
    if not report.original:
        return True
    stored = _store_redacted(report)
    original, report.original, report.document = report.original, "", stored.document
    report.blanked_columns = stored.columns
    report.encoding, report.encoding_reason = (
        (stored.encoding.codec, stored.encoding.reason) if stored.encoding else ("", "")
    )
    fields = ("original", "document", "blanked_columns", "encoding", "encoding_reason")
    with context.agency(report.agency_id):
        leased = Report.objects.filter(
            agency_id=report.agency_id,
            pk=report.pk,
            status=Report.Status.PROCESSING,
            attempts=report.attempts,
        )
        is_leased = leased.update(**{name: getattr(report, name) for name in fields})
    # Nothing refers to the one or the other any more.
    delete(original if is_leased else stored.document)
    return bool(is_leased)


def delete(name: str) -> None:
    """Delete a file that no row refers to any more. A failure is logged; `sweep` tries originals again."""
    try:
        default_storage.delete(name)
    except OSError:
        log.exception("%s could not be deleted", name)


def sweep(*, now: datetime) -> int:
    """Delete originals to which no report refers, left by killed processes. Return how many."""
    deleted = 0
    for name in storage.files(FOLDER):
        if default_storage.get_modified_time(name) > now - MAX_ORPHAN_AGE:
            continue
        agency_id = UUID(hex=name.split("/")[1])
        with context.agency(agency_id):
            is_needed = Report.objects.filter(agency_id=agency_id, original=name).exists()
        if not is_needed:
            delete(name)
            deleted += 1
    return deleted


def folder(agency_id: UUID, account_id: UUID | None = None) -> str:
    """Return the folder of an agency's or account's originals."""
    return f"{FOLDER}/{agency_id.hex}" + (f"/{account_id.hex}" if account_id else "")


def _store_redacted(report: Report) -> storage.StoredDocument:
    name = report.original.removeprefix(f"{FOLDER}/")
    # Attempts that were interrupted have left theirs. Each has a name of its own: an attempt that has lost its
    # lease without knowing must not touch the file of the one that has it.
    for attempt in range(1, report.attempts):
        default_storage.delete(f"{name}-{attempt}")
    with default_storage.open(report.original) as content:
        return storage.store(
            content=content,
            name=f"{name}-{report.attempts}",
            agency=report.agency,
            announced_type=report.announced_type,
            marketplace=report.marketplace,
        )
