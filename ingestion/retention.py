"""Documents go when their agency's days for them are over; facts and numbers stay."""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage

from accounts import audit
from accounts.models import Agency
from accounts.tenancy import context
from ingestion.models import Report

AT_ONCE = 100
MAX_UPLOAD_DURATION = timedelta(days=1)
UNDER_WAY = (Report.Status.QUEUED, Report.Status.PROCESSING)
logger = logging.getLogger(__name__)


def delete(*, agency_id: UUID, now: datetime) -> int:
    """Delete the agency's old documents; returns how many. Never those of reports that a worker has yet to finish.

    The file goes first and its row says so in the same transaction: killed between the two, the next run finds a row whose
    file is gone already and says it then. The row is held meanwhile, so that nobody looks at the document again.
    """
    deleted, last = 0, UUID(int=0)
    while True:
        with context.agency(agency_id):
            reports = _old(agency_id, now, after=last)
            gone = [report.pk for report in reports if _is_gone(report)]
            deleted += Report.objects.filter(agency_id=agency_id, pk__in=gone).update(document_deleted_at=now)
        if len(reports) < AT_ONCE:
            break
        last = reports[-1].pk
    if deleted:
        with context.agency(agency_id):
            audit.record_scheduled(agency_id=agency_id, what="documents.deleted", detail={"count": deleted}, now=now)
    return deleted


def sweep_uploads(*, now: datetime) -> int:
    """Delete what killed web processes left in the folder that uploads stream to; returns how many files."""
    left = [
        path
        for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*")
        if path.is_file() and path.stat().st_mtime < (now - MAX_UPLOAD_DURATION).timestamp()
    ]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _old(agency_id: UUID, now: datetime, *, after: UUID) -> list[Report]:
    """The next reports whose documents are kept no longer, each held until the transaction ends."""
    kept = timedelta(days=Agency.objects.get(pk=agency_id).document_retention_days)
    old = Report.objects.filter(agency_id=agency_id, document_deleted_at=None, received_at__lt=now - kept, pk__gt=after)
    free = old.exclude(status__in=UNDER_WAY).select_for_update(skip_locked=True, of=("self",))
    return list(free.order_by("pk")[:AT_ONCE])


def _is_gone(report: Report) -> bool:
    """Delete the file. One that cannot be deleted now holds up no other."""
    try:
        default_storage.delete(report.document)
    except OSError:
        logger.exception("The document of %s could not be deleted", report.public_id)
        return False
    return True
