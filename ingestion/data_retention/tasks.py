"""Define the Celery tasks that end data: one task for each agency, which gives way to the others."""

from time import monotonic
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts import audit
from accounts.tenancy import context
from ingestion.data_retention import sweep

BATCHES_PER_RUN = 50
SECONDS_PER_RUN = 300


@shared_task
def end_data() -> None:
    """Queue one `end_agency_data` task for each agency that is not erased."""
    # A closed agency keeps its data for a while: the retention applies to it as well.
    for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
        end_agency_data.delay(agency_id=str(agency_id))


@shared_task
def end_agency_data(*, agency_id: str) -> None:
    """Delete data of the agency that has ended, and queue the task again if there is more.

    An agency with much to delete returns to the end of the queue after some batches or minutes, so it does not
    delay the others and stays far from the time limit.
    """
    now, deleted, began = timezone.now(), 0, monotonic()
    for batch, count in enumerate(sweep.batches(agency_id=UUID(agency_id), now=now), start=1):
        deleted += count
        if batch == BATCHES_PER_RUN or monotonic() - began > SECONDS_PER_RUN:
            end_agency_data.delay(agency_id=agency_id)
            break
    if deleted:
        with context.agency(UUID(agency_id)):
            audit.record_scheduled(
                agency_id=UUID(agency_id), what="data.deleted", detail={"count": deleted}, now=now
            )
