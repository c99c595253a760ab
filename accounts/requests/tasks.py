"""Clock-driven work on the records of requests."""

from celery import shared_task
from django.utils import timezone

from accounts.requests import idempotency
from accounts.tenancy import context


@shared_task
def delete_idempotency_records() -> None:
    """Delete idempotency records that have expired."""
    for agency_id in context.every_agency_id():
        idempotency.delete_old(agency_id=agency_id, now=timezone.now())
