"""Define the Celery tasks that load reports, delete old documents and erase accounts and agencies."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts.tenancy import context, locks
from ingestion import erasure, loading, retention
from ingestion.models import Report
from ingestion.parsing.rejections import RejectedDocument

ERASURE_TIME_LIMIT = 4 * 3600  # seconds
# A message in a long queue looks the same as a lost one. Sending another is harmless, because the session
# lock and the report's status make it do nothing.
QUEUED_TOO_LONG = timedelta(minutes=2)
# A worker marks the report as processing while it holds the lock, so a free lock means that it was killed or
# failed. The seconds let the message that was just sent reach a worker.
UNLOCKED_TOO_LONG = timedelta(seconds=10)


@shared_task
def load_report(*, agency_id: str, report_id: str) -> None:
    """Load one report. If two workers get it, the one with the lock loads it."""
    with locks.session_lock(UUID(report_id)) as is_acquired:
        report = loading.claim(agency_id=UUID(agency_id), report_id=UUID(report_id)) if is_acquired else None
        if report is None:
            # The message is not put back: if another worker has the lock, it does the work, and if that
            # worker is killed, `resume_reports` sends the report again.
            return
        try:
            reader = loading.stage(report)
            loading.record(report=report, reader=reader, now=timezone.now())
        except RejectedDocument as rejection:
            loading.reject(report=report, rejection=rejection, now=timezone.now())


@shared_task
def resume_reports() -> None:
    """Queue again the reports that a lost message or a killed worker left behind."""
    for agency_id in context.open_agency_ids():
        for report_id in _claim_abandoned(agency_id):
            load_report.delay(agency_id=str(agency_id), report_id=str(report_id))


@shared_task
def erase_accounts() -> None:
    """Erase deleted accounts, including those of closed agencies."""
    # Closed agencies too: an account deleted before its agency was closed is erased within
    # the hour, not with the agency.
    for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
        erasure.erase_accounts(agency_id=agency_id, now=timezone.now())


@shared_task
def erase_agencies() -> None:
    """Queue one `erase_agency` task for each closed agency."""
    for agency_id in context.closed_agency_ids():
        # A task for each, so that one large agency does not delay the others or
        # exceed the time limit for all.
        erase_agency.delay(agency_id=str(agency_id))


@shared_task(time_limit=ERASURE_TIME_LIMIT, soft_time_limit=ERASURE_TIME_LIMIT - 60)
def erase_agency(*, agency_id: str) -> None:
    """Erase one closed agency if its time has come."""
    # The time limit is longer than the broker's visibility timeout, and the schedule queues the agency again
    # each hour, so two runs may overlap. Each deletes what is left.
    erasure.erase_agency(agency_id=UUID(agency_id), now=timezone.now())


@shared_task
def delete_old_documents() -> None:
    """Delete documents past their agency's retention, and abandoned uploads. Facts stay."""
    for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
        retention.delete(agency_id=agency_id, now=timezone.now())
    retention.sweep_uploads(now=timezone.now())


def _claim_abandoned(agency_id: UUID) -> list[UUID]:
    """Return the agency's abandoned reports and set their `handed_out_at` to now, so that the next run waits
    again.
    """
    now = timezone.now()
    with context.agency(agency_id):
        open_reports = Report.objects.filter(agency_id=agency_id, account__deleted_at=None)
        waiting = open_reports.filter(status=Report.Status.QUEUED, handed_out_at__lt=now - QUEUED_TOO_LONG)
        begun = open_reports.filter(
            status=Report.Status.PROCESSING, handed_out_at__lt=now - UNLOCKED_TOO_LONG
        )
        # A processing report is abandoned if no worker holds its session lock.
        abandoned = list(waiting.values_list("pk", flat=True)) + [
            pk for pk in begun.values_list("pk", flat=True) if locks.is_free(pk)
        ]
        Report.objects.filter(agency_id=agency_id, pk__in=abandoned).update(handed_out_at=now)
    return abandoned
