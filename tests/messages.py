"""Read the messages that wait on the real broker."""

from typing import Any

from config.celery import app


def take() -> list[tuple[str, dict[str, Any]]]:
    """Take every waiting message off the queue: the task's name and its words, oldest first."""
    taken: list[tuple[str, dict[str, Any]]] = []
    with app.connection_for_read() as broker, broker.SimpleQueue(app.conf.task_default_queue) as queue:
        while True:
            try:
                message = queue.get(block=False)
            except queue.Empty:
                return taken
            _, words, _ = message.payload
            taken.append((message.headers["task"], words))
            message.ack()
