"""Choose the settings of Celery that depend on the kind of message broker: Valkey and Redis, or RabbitMQ."""

from typing import Any

from kombu import Queue

RABBITMQ = ("amqp://", "amqps://")


def transport_options(url: str) -> dict[str, Any]:
    """Return the options of the connection."""
    if url.startswith(RABBITMQ):
        # A message is sent once RabbitMQ has it on the disks of most nodes.
        return {"confirm_publish": True}
    return {
        # Seconds until an unacknowledged message is delivered again: more than CELERY_TASK_TIME_LIMIT, or a task
        # that still runs would start a second time.
        "visibility_timeout": 1200,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_keepalive": True,
        "socket_connect_timeout": 5,
        # A broker that hangs must not block requests.
        "socket_timeout": 30,
        "health_check_interval": 25,
    }


def queues(url: str, *names: str) -> list[Queue]:
    """Return the queues of these names."""
    # RabbitMQ copies a quorum queue to several nodes, and loses no message with one of them.
    arguments = {"x-queue-type": "quorum"} if url.startswith(RABBITMQ) else None
    # Without routing keys, each queue would also receive the messages of the others.
    return [Queue(name, routing_key=name, queue_arguments=arguments) for name in names]
