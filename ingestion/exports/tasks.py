"""Work on exports that requests leave to workers, or that the clock starts."""

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts.tenancy import context, locks
from ingestion.exports import lifecycle as exports
from ingestion.models import Export

log = logging.getLogger(__name__)

HOURS = 4 * 3600  # seconds that a big agency may take
QUEUED_TOO_LONG = timedelta(minutes=2)


@shared_task(time_limit=HOURS, soft_time_limit=HOURS - 60)
def make_export(*, agency_id: str, export_id: str) -> None:
    """Make one archive. Handed out twice, or to two workers at once, it is made once."""
    with locks.session_lock(UUID(export_id)) as is_held:
        export = exports.claim(agency_id=UUID(agency_id), export_id=UUID(export_id)) if is_held else None
        if export is not None:
            try:
                exports.make(export=export, now=timezone.now())
            except exports.Taken:
                log.info("%s is not kept: an account was erased meanwhile, or it was taken over", export.public_id)


@shared_task
def resume_exports() -> None:
    """Queue again the exports that a lost message or a killed worker left behind."""
    for agency_id in context.open_agency_ids():
        for export_id in _left_behind(agency_id):
            make_export.delay(agency_id=str(agency_id), export_id=str(export_id))


@shared_task
def expire_exports() -> None:
    """Delete the archives that have expired."""
    for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
        exports.expire(agency_id=agency_id, now=timezone.now())


def _left_behind(agency_id: UUID) -> list[UUID]:
    now = timezone.now()
    with context.agency(agency_id):
        under_way = Export.objects.filter(
            agency_id=agency_id, status__in=exports.UNDER_WAY, handed_out_at__lt=now - QUEUED_TOO_LONG
        )
        left = [pk for pk in under_way.values_list("pk", flat=True) if locks.is_free(pk)]
        Export.objects.filter(agency_id=agency_id, pk__in=left).update(handed_out_at=now)
    return left
