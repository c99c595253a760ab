"""Define the tasks of users: sending e-mails, and deleting expired sessions."""

from celery import shared_task
from django.core.management import call_command

from accounts.people import mail


# Exceptions of smtplib are OSErrors too. The message expires with the secret that it contains.
@shared_task(autoretry_for=(OSError,), retry_backoff=5, retry_backoff_max=300, max_retries=8)
def send_mail(*, encrypted: str) -> None:
    """Send an e-mail to a user. Retried for some minutes while the mail server is unavailable."""
    mail.send(encrypted=encrypted)


@shared_task
def delete_expired_sessions() -> None:
    """Delete expired sessions from the database."""
    call_command("clearsessions", verbosity=0)
