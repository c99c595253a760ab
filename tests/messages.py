"""Read the messages that wait on the real broker."""

from typing import Any

from config.celery import app

QUEUES = ("celery", "reports", "short")


def take() -> list[tuple[str, dict[str, Any]]]:
    """Take every waiting message off the queues: the task's name and its words, oldest first in each queue."""
    return [message for name in QUEUES for message in _take(name)]


def _take(name: str) -> list[tuple[str, dict[str, Any]]]:
    taken: list[tuple[str, dict[str, Any]]] = []
    with app.connection_for_read() as broker, broker.SimpleQueue(name) as queue:
        while True:
            try:
                message = queue.get(block=False)
            except queue.Empty:
                return taken
            _, words, _ = message.payload
            taken.append((message.headers["task"], words))
            message.ack()
