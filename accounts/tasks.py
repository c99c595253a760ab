"""Work that requests leave to workers, and clock-driven work on who asks."""

from celery import shared_task
from django.core.management import call_command

from accounts.people import mail


@shared_task(autoretry_for=(OSError,), retry_backoff=5, retry_backoff_max=300, max_retries=8)
def write_to_people(*, sealed: str) -> None:
    """Write a mail to somebody; tried again for some minutes while the mail server is away."""
    mail.send(sealed=sealed)


@shared_task
def forget_old_sessions() -> None:
    """Sessions whose days are over go from the database; they opened nothing any more."""
    call_command("clearsessions", verbosity=0)
