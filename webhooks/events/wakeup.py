"""Workers are told that something is due. A message that is lost costs seconds only: the clock looks too."""

from celery import current_app
from django.db import connection, transaction

KEPT_SECONDS = 60  # a message that waited longer tells nothing that the clock does not


def after_commit() -> None:
    """Wake a worker once when the transaction is through, however many events it wrote."""
    if not any(at_once in hook for hook in connection.run_on_commit):
        transaction.on_commit(at_once, robust=True)


def at_once() -> None:
    """Wake a worker at once."""
    current_app.send_task("webhooks.delivery.tasks.deliver", queue="webhooks", retry=False, expires=KEPT_SECONDS)
