"""What the clock does for agencies."""

from celery import shared_task
from django.utils import timezone

from accounts import replays, scoping


@shared_task
def delete_kept_answers() -> None:
    """Delete the answers to writes that were kept long enough."""
    for agency_id in scoping.every_agency_id():
        replays.delete_old(agency_id=agency_id, now=timezone.now())
