"""Define the Celery tasks that build and expire exports."""

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts.tenancy import context, leases
from ingestion.exports import lifecycle as exports
from ingestion.models import Export

log = logging.getLogger(__name__)

BUILD_TIME_LIMIT = 4 * 3600  # seconds
QUEUED_TOO_LONG = timedelta(minutes=2)


# Acknowledged at its start: a broker takes a message that is acknowledged after hours for a lost one.
# `resume_exports` queues the export of a killed worker again.
@shared_task(
    time_limit=BUILD_TIME_LIMIT,
    soft_time_limit=BUILD_TIME_LIMIT - 60,
    acks_late=False,
    reject_on_worker_lost=False,
)
def make_export(*, agency_id: str, export_id: str) -> None:
    """Build one export, unless another worker has leased it."""
    export = exports.claim(agency_id=UUID(agency_id), export_id=UUID(export_id))
    if export is None:
        return
    extended = leases.extended(
        Export._meta.db_table,  # noqa: SLF001  Django's documented API
        agency_id=export.agency_id,
        row_id=export.pk,
        attempt=export.attempts,
        status=Export.Status.RUNNING,
    )
    try:
        with extended:
            exports.build(export=export, now=timezone.now())
    except exports.ClaimLost:
        # The archive is gone already. Another claim builds the export
        # again, or it is not wanted any more.
        log.info("%s was discarded: an account was erased, or another worker claimed it", export.public_id)


@shared_task
def resume_exports() -> None:
    """Queue again the exports that a lost message or a killed worker left behind."""
    for agency_id in context.open_agency_ids():
        for export_id in _claim_abandoned(agency_id):
            make_export.delay(agency_id=str(agency_id), export_id=str(export_id))


@shared_task
def expire_exports() -> None:
    """Delete the archives that have expired."""
    for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
        exports.expire(agency_id=agency_id, now=timezone.now())


def _claim_abandoned(agency_id: UUID) -> list[UUID]:
    """Return the agency's abandoned exports and set their `handed_out_at` to now, so that the next run waits
    again.
    """
    now = timezone.now()
    with context.agency(agency_id):
        waiting = exports.abandoned(agency_id).filter(handed_out_at__lt=now - QUEUED_TOO_LONG)
        abandoned = list(waiting.values_list("pk", flat=True))
        Export.objects.filter(agency_id=agency_id, pk__in=abandoned).update(handed_out_at=now)
    return abandoned
