"""Open stored documents, and report those that the storage does not have although they are kept.

A missing document is an error, never a document whose days are over: a folder may not be mounted, or a file may
have been deleted by hand. Each is logged as an error of this module, which `/metrics` counts.
"""

import logging
from datetime import datetime, timedelta

from django.core.files.base import File
from django.core.files.storage import default_storage
from rest_framework.exceptions import APIException

from ingestion.models import Report

logger = logging.getLogger("underone.documents")


class DocumentMissing(APIException):
    """Raise when the storage does not have a document that is kept."""

    status_code = 500
    default_code = "document-missing"
    default_detail = (
        "The document should be stored, but the storage does not have it. Its facts are still counted. The "
        "operator of this server has been notified."
    )


class DocumentNotReady(APIException):
    """Raise when a document is downloaded that no worker has redacted yet."""

    status_code = 409
    default_code = "document-not-ready"
    default_detail = (
        "The document is not redacted yet. Download it when the report has been loaded or rejected."
    )
    wait = 4.0


def open_or_none(report: Report, *, now: datetime) -> "File[bytes] | None":
    """Return the report's document, open, or None if its retention is over. Requires a transaction.

    Raises DocumentNotReady if no worker has redacted the document yet, and DocumentMissing, after logging the
    error, if the document is kept.
    """
    if not report.document:
        raise DocumentNotReady
    try:
        return default_storage.open(report.document)
    except FileNotFoundError:
        # The lock waits for a transaction that has just deleted the file, or stored it under another name.
        rows = Report.objects.filter(agency_id=report.agency_id, pk=report.pk)
        current = rows.select_for_update(of=("self",)).first()
    if current is None or is_past_retention(current, now=now):
        return None
    if not current.document:
        # It was sent again meanwhile.
        raise DocumentNotReady
    try:
        return default_storage.open(current.document)
    except FileNotFoundError:
        log_missing(report.public_id, purpose="download")
        raise DocumentMissing from None


def open_to_load(report: Report) -> "File[bytes]":
    """Return the report's document, open. Raises FileNotFoundError, after logging the error."""
    try:
        return default_storage.open(report.document)
    except FileNotFoundError:
        log_missing(report.public_id, purpose="loading")
        raise


def is_past_retention(report: Report, *, now: datetime) -> bool:
    """Return whether the document is marked as deleted, or may be deleted at any moment."""
    # Retention deletes the file before it marks the row.
    if report.document_deleted_at is not None:
        return True
    return report.received_at < now - timedelta(days=report.agency.document_retention_days)


def log_missing(public_id: str, *, purpose: str) -> None:
    """Log that the storage lacks the document of a report, or the archive of an export."""
    logger.error("The stored file of %s is missing: %s", public_id, purpose)
