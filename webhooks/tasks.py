"""Clock-driven work on events."""

from celery import shared_task
from django.utils import timezone

from accounts import scoping
from webhooks import retention


@shared_task
def delete_old_deliveries() -> None:
    """Delete the deliveries whose days are over; the events stay."""
    for agency_id in scoping.every_agency_id():
        retention.delete(agency_id=agency_id, now=timezone.now())
