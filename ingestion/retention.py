"""Delete documents after the agency's retention period. Facts and figures stay (data_retention ends them)."""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage

from accounts import audit
from accounts.models import Agency
from accounts.tenancy import context
from ingestion.documents import stored_documents
from ingestion.models import Report

BATCH_SIZE = 100
# The file of an upload is written to as its bytes arrive, and read at once when it is complete. One that was not
# written to for so long belongs to a process that is gone.
MAX_UPLOAD_PAUSE = timedelta(minutes=30)
logger = logging.getLogger(__name__)


def delete(*, agency_id: UUID, now: datetime) -> int:
    """Delete the agency's documents that are past retention and return how many. Opens one transaction for
    each batch.

    1. Lock the next batch of reports. Queued and processing reports are skipped, and rows that another
       transaction has locked.
    2. Delete the files.
    3. Mark the rows as deleted.
    4. After the last batch, record the number in the audit log.
    """
    deleted, last = 0, UUID(int=0)
    while True:
        with context.agency(agency_id):
            reports = _old(agency_id, now, after=last)
            # Files before rows: if the process is killed in between, the next run finds the rows again and
            # deleting a missing file succeeds. The other order would leave files that nobody looks for.
            deleted_ids = [report.pk for report in reports if delete_files(report)]
            deleted += Report.objects.filter(agency_id=agency_id, pk__in=deleted_ids).update(
                document_deleted_at=now
            )
        if len(reports) < BATCH_SIZE:
            break
        # By position, not by what is left: a file that cannot be deleted would be in every
        # batch, and the loop would not end.
        last = reports[-1].pk
    if deleted:
        with context.agency(agency_id):
            audit.record_scheduled(
                agency_id=agency_id, what="documents.deleted", detail={"count": deleted}, now=now
            )
    return deleted


def sweep_uploads(*, now: datetime) -> int:
    """Delete unfinished uploads that killed web processes left in the upload folder. Return how many."""
    leftovers = [
        path
        for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*")
        if path.is_file() and path.stat().st_mtime < (now - MAX_UPLOAD_PAUSE).timestamp()
    ]
    for path in leftovers:
        # Workers on several machines may share the folder and sweep it at the same time.
        path.unlink(missing_ok=True)
    return len(leftovers)


def _old(agency_id: UUID, now: datetime, *, after: UUID) -> list[Report]:
    """Return the next batch of reports past retention, each locked until the transaction ends."""
    # Read again for each batch, because an admin may have extended it since the run began.
    retention = timedelta(days=Agency.objects.get(pk=agency_id).document_retention_days)
    old = Report.objects.filter(
        agency_id=agency_id, document_deleted_at=None, received_at__lt=now - retention, pk__gt=after
    )
    # skip_locked: a report that is being queued again keeps its document.
    unlocked = old.exclude(status__in=Report.IN_PROGRESS).select_for_update(skip_locked=True, of=("self",))
    return list(unlocked.order_by("pk")[:BATCH_SIZE])


def delete_files(report: Report) -> bool:
    """Delete the report's files and return whether that worked. Files that are missing are logged."""
    # One file that cannot be deleted must not keep all the others past their time.
    try:
        for name in filter(None, (report.document, report.original)):
            if not default_storage.exists(name):
                # Its time is over all the same. An interrupted run may have deleted it, or somebody by hand.
                stored_documents.log_missing(report.public_id, purpose="retention")
            default_storage.delete(name)
    except OSError:
        logger.exception("The document of %s could not be deleted", report.public_id)
        return False
    return True
