"""Define the tasks of users: sending e-mails, and deleting expired sessions and old e-mails in files."""

from typing import Any

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from accounts.people import mail

# Seconds. The broker delivers a message again that no worker has acknowledged for `visibility_timeout`.
LONGEST_WAIT = 600


# Exceptions of smtplib are OSErrors too. The message expires with the secret that it contains.
@shared_task(bind=True, autoretry_for=(OSError,), retry_backoff=5, retry_backoff_max=300, max_retries=8)
def send_mail(self: Any, *, encrypted: str) -> None:
    """Send an e-mail to a user. Retried for some minutes while the mail server is unavailable.

    A mail over a limit waits until it may be sent or expires.
    """
    now = timezone.now()
    try:
        mail.send(encrypted=encrypted, now=now)
    except mail.MailLimitReached as error:
        # A new message instead of a retry: retries are for failures of the mail server.
        wait = min((error.free_at - now).total_seconds(), LONGEST_WAIT)
        self.apply_async(kwargs={"encrypted": encrypted}, countdown=wait, expires=self.request.expires)


@shared_task
def delete_expired_sessions() -> None:
    """Delete expired sessions from the database."""
    call_command("clearsessions", verbosity=0)


@shared_task
def delete_old_mails() -> None:
    """Delete old e-mails of an installation that writes them to files."""
    mail.delete_old_files(now=timezone.now())
