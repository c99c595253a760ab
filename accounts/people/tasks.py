"""Work that requests leave to workers, and clock-driven work on who asks and what they were answered."""

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from accounts.api_keys import secrets as key_secrets
from accounts.people import mail
from accounts.requests import idempotency
from accounts.tenancy import context


@shared_task(autoretry_for=(OSError,), retry_backoff=5, retry_backoff_max=300, max_retries=8)
def write_to_people(*, sealed: str) -> None:
    """Write a mail to somebody; tried again for some minutes while the mail server is away."""
    mail.send(sealed=sealed)


@shared_task
def forget_old_sessions() -> None:
    """Sessions whose days are over go from the database; they opened nothing any more."""
    call_command("clearsessions", verbosity=0)


@shared_task
def delete_kept_answers() -> None:
    """Delete the answers to writes that were kept long enough."""
    for agency_id in context.every_agency_id():
        idempotency.delete_old(agency_id=agency_id, now=timezone.now())


@shared_task
def delete_expired_tokens() -> None:
    """Delete the tokens whose time is over; keys stay, whatever became of them."""
    for agency_id in context.every_agency_id():
        key_secrets.delete_expired_tokens(agency_id=agency_id, now=timezone.now())
