"""What workers do with documents, and with what is erased."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts.tenancy import context, locks
from ingestion import erasure, loading, retention
from ingestion.models import Report
from ingestion.parsing.rejections import RejectedDocument

HOURS = 4 * 3600  # seconds that a big agency may take
QUEUED_TOO_LONG = timedelta(minutes=2)
HELD_BY_NOBODY = timedelta(seconds=10)


@shared_task
def load_report(*, agency_id: str, report_id: str) -> None:
    """Load one report. Handed out twice, or by two workers at once, it is loaded once."""
    with locks.session_lock(UUID(report_id)) as is_held:
        report = loading.claim(agency_id=UUID(agency_id), report_id=UUID(report_id)) if is_held else None
        if report is None:
            return
        try:
            reader = loading.read(report)
        except RejectedDocument as refused:
            loading.refuse(report=report, refused=refused, now=timezone.now())
        else:
            loading.commit(report=report, reader=reader, now=timezone.now())


@shared_task
def resume_reports() -> None:
    """Hand out again what a lost message or a killed worker left behind."""
    for agency_id in context.open_agency_ids():
        for report_id in _left_behind(agency_id):
            load_report.delay(agency_id=str(agency_id), report_id=str(report_id))


@shared_task
def erase_accounts() -> None:
    """Erase what belongs to accounts that were handed back, also of agencies that were closed since."""
    for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
        erasure.erase(agency_id=agency_id, now=timezone.now())


@shared_task
def erase_agencies() -> None:
    """Erase the closed agencies whose time has come, each by a task of its own."""
    for agency_id in context.closed_agency_ids():
        erase_agency.delay(agency_id=str(agency_id))


@shared_task(time_limit=HOURS, soft_time_limit=HOURS - 60)
def erase_agency(*, agency_id: str) -> None:
    """Erase one closed agency, if its time has come. Handed out twice, each finds less to do."""
    erasure.erase_agency(agency_id=UUID(agency_id), now=timezone.now())


@shared_task
def delete_old_documents() -> None:
    """Delete the documents that their agencies keep no longer; what they said of orders stays."""
    for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
        retention.delete(agency_id=agency_id, now=timezone.now())
    retention.sweep_uploads(now=timezone.now())


def _left_behind(agency_id: UUID) -> list[UUID]:
    now = timezone.now()
    with context.agency(agency_id):
        open_reports = Report.objects.filter(agency_id=agency_id, account__deleted_at=None)
        waiting = open_reports.filter(status=Report.Status.QUEUED, handed_out_at__lt=now - QUEUED_TOO_LONG)
        begun = open_reports.filter(status=Report.Status.PROCESSING, handed_out_at__lt=now - HELD_BY_NOBODY)
        left = list(waiting.values_list("pk", flat=True)) + [pk for pk in begun.values_list("pk", flat=True) if locks.is_free(pk)]
        Report.objects.filter(agency_id=agency_id, pk__in=left).update(handed_out_at=now)
    return left
