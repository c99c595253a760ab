"""Define the Celery task that deletes uploads that a killed web process left behind."""

from celery import shared_task
from django.utils import timezone

from ingestion import retention


@shared_task
def sweep_uploads() -> None:
    """Delete the files of uploads that nobody writes to any more."""
    retention.sweep_uploads(now=timezone.now())
