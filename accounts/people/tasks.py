"""Work on people that requests leave to workers, or that the clock starts."""

from celery import shared_task
from django.core.management import call_command

from accounts.people import mail


@shared_task(autoretry_for=(OSError,), retry_backoff=5, retry_backoff_max=300, max_retries=8)
def write_to_people(*, sealed: str) -> None:
    """Send a mail to a person; retried for some minutes while the mail server is away."""
    mail.send(sealed=sealed)


@shared_task
def forget_old_sessions() -> None:
    """Delete expired sessions from the database."""
    call_command("clearsessions", verbosity=0)
