"""Workers are told that something is due. A message that is lost costs seconds only: the clock looks too."""

from celery import current_app
from django.db import connection, transaction


def after_commit() -> None:
    """Wake a worker once when the transaction is through, however many events it wrote."""
    if not any(_send in hook for hook in connection.run_on_commit):
        transaction.on_commit(_send, robust=True)


def _send() -> None:
    current_app.send_task("webhooks.tasks.deliver", queue="webhooks", retry=False)
