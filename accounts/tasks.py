"""What the clock does for who may ask, and for what they were answered."""

from celery import shared_task
from django.utils import timezone

from accounts import keys, replays, scoping


@shared_task
def delete_kept_answers() -> None:
    """Delete the answers to writes that were kept long enough."""
    for agency_id in scoping.every_agency_id():
        replays.delete_old(agency_id=agency_id, now=timezone.now())


@shared_task
def delete_expired_tokens() -> None:
    """Delete the tokens whose time is over; keys stay, whatever became of them."""
    for agency_id in scoping.every_agency_id():
        with scoping.agency(agency_id):
            keys.delete_expired_tokens(agency_id=agency_id, now=timezone.now())
