"""Wake a delivery worker when a delivery is due.

A lost message delays deliveries only by seconds, because the scheduler also wakes a worker.
"""

from celery import current_app
from django.db import connection, transaction

# A message that waited longer is useless: the scheduler has sent others since.
EXPIRES_SECONDS = 60


def wake_worker_on_commit() -> None:
    """Wake a worker once when the transaction commits, even if it publishes several events."""
    # run_on_commit is Django's list of the transaction's hooks; it has no public reader
    # (tests/webhooks/events/test_publishing.py fails when it changes).
    if not any(wake_worker in hook for hook in connection.run_on_commit):
        # Robust: the change is committed by then, so a broker that is away must not fail the request.
        transaction.on_commit(wake_worker, robust=True)


def wake_worker() -> None:
    """Wake a worker now."""
    # No retry: it would block the request for a message that the scheduler sends soon anyway.
    current_app.send_task(
        "webhooks.delivery.tasks.deliver", queue="webhooks", retry=False, expires=EXPIRES_SECONDS
    )
