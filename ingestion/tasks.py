"""Define the Celery tasks that load reports, delete old documents and erase accounts and agencies."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.utils import timezone

from accounts.tenancy import context
from ingestion import erasure, leases, loading, retention
from ingestion.redaction import originals

ERASURE_TIME_LIMIT = 4 * 3600  # seconds
# Before the task's own limit, at which it is killed.
LEASE_TIME_LIMIT = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 60)


@shared_task
def load_report() -> None:
    """Load the report whose turn it is, if there is one.

    Messages name no report, so that the agencies get their turn one after the other, however many messages the
    uploads of one of them have sent.
    """
    leased = leases.lease_report()
    if leased is None:
        return
    # Other workers may be idle. The task wakes one of them, and that one the next.
    wake_worker()
    report = loading.begin(leased, now=timezone.now())
    if report is not None:
        try:
            with leases.extended(leased, most=LEASE_TIME_LIMIT):
                loading.load(report=report, clock=timezone.now)
        except SoftTimeLimitExceeded:
            # Another attempt would take as long.
            loading.give_up(report, now=timezone.now())
    # The agency or the account may have been at its limit when others looked for a report.
    wake_worker()


@shared_task
def wake_worker() -> None:
    """Wake a worker if a report waits: after a lost message, or when the lease of a killed worker has ended."""
    if leases.report_is_waiting():
        load_report.delay()


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


# Acknowledged at its start: a broker takes a message that is acknowledged after hours for a lost one. RabbitMQ
# closes the connection after thirty minutes, and Valkey delivers the message again after twenty. The schedule
# queues the agency of a killed worker again.
@shared_task(
    time_limit=ERASURE_TIME_LIMIT,
    soft_time_limit=ERASURE_TIME_LIMIT - 60,
    acks_late=False,
    reject_on_worker_lost=False,
)
def erase_agency(*, agency_id: str) -> None:
    """Erase one closed agency if its time has come."""
    # The schedule queues the agency again each hour, so two runs may overlap. Each deletes what is left.
    erasure.erase_agency(agency_id=UUID(agency_id), now=timezone.now())


@shared_task
def delete_old_documents() -> None:
    """Delete documents past their agency's retention, and originals without a report. Facts stay."""
    for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
        retention.delete(agency_id=agency_id, now=timezone.now())
    originals.sweep(now=timezone.now())
