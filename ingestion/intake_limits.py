"""Limit what an agency can have under way and stored, and keep a reserve of free disk space.

The limits are checked before a body is read and again before its report is created. Without a lock, requests at
the same moment can exceed them by one each.
"""

import shutil
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Sum
from rest_framework.exceptions import APIException

from accounts.models import Agency
from ingestion.models import Report


class TooManyReportsWaiting(APIException):
    """Raise when REPORTS_MAX_WAITING reports of the agency wait to be loaded."""

    status_code = 429
    default_code = "too-many-reports-waiting"
    default_detail = (
        "Too many reports of this agency wait to be loaded. Upload the document again after the time in "
        "Retry-After. `GET /v1/agency` shows the limit."
    )
    wait = 59.0


class DocumentStorageFull(APIException):
    """Raise when the stored documents of the agency would exceed DOCUMENTS_MAX_BYTES."""

    status_code = 409
    default_code = "document-storage-full"
    default_detail = (
        "The stored documents of this agency have reached the limit of this server, which `GET /v1/agency` shows. "
        "Shorten `document_retention_days`, or delete accounts that you no longer need. Facts are not affected."
    )


class InsufficientStorage(APIException):
    """Raise when the server's disk has less free space than DISK_RESERVE_BYTES."""

    status_code = 507
    default_code = "insufficient-storage"
    default_detail = (
        "The server has too little free disk space for uploads. Nothing was stored. Try again later, or tell the "
        "operator of the server."
    )


PROBLEMS = (TooManyReportsWaiting, DocumentStorageFull, InsufficientStorage)


def check(*, agency: Agency, size: int) -> None:
    """Raise one of PROBLEMS if a document of `size` bytes cannot be received now."""
    reports = Report.objects.filter(agency=agency)
    if reports.filter(status__in=Report.IN_PROGRESS).count() >= settings.REPORTS_MAX_WAITING:
        raise TooManyReportsWaiting
    stored = reports.filter(document_deleted_at=None).aggregate(bytes=Sum("size"))["bytes"] or 0
    if stored + size > settings.DOCUMENTS_MAX_BYTES:
        raise DocumentStorageFull
    # The upload, and its redacted copy while the original is still there.
    for folder in _local_folders():
        if shutil.disk_usage(folder).free - 2 * size < settings.DISK_RESERVE_BYTES:
            raise InsufficientStorage


def _local_folders() -> set[str]:
    """Return the folders of uploads and documents that are on a local disk."""
    folders = {str(settings.FILE_UPLOAD_TEMP_DIR)}
    # Object storage has no paths.
    with suppress(NotImplementedError):
        folders.add(default_storage.path(""))
    return {folder for folder in folders if Path(folder).is_dir()}
