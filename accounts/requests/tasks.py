"""Define the scheduled tasks of request records."""

from celery import shared_task
from django.utils import timezone

from accounts.requests import idempotency
from accounts.tenancy import context


@shared_task
def delete_idempotency_records() -> None:
    """Delete expired idempotency records."""
    for agency_id in context.open_agency_ids():
        idempotency.delete_expired(agency_id=agency_id, now=timezone.now())
