"""Handle Celery's signals: set the logging context, and count metrics and heartbeats of every task."""

import time
from collections import deque
from logging.config import dictConfig
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import Task, current_app, signals
from celery.exceptions import TimeLimitExceeded
from django.conf import settings
from django.utils.module_loading import import_string
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from config.observability import heartbeats, machines, prometheus_counters

# The header of a task's message that carries the logging context of its sender.
HEADER = "underone"
CONTEXT = ("request_id", "trace_id")
OUTCOMES = {
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "RETRY": "retried",
    "REJECTED": "rejected",
    "IGNORED": "ignored",
}

# The IDs of killed tasks: Celery sends task_failure twice for a task that exceeds its time limit.
killed: deque[str] = deque(maxlen=1000)


@signals.setup_logging.connect
def configure_logging(**_: Any) -> None:
    """Configure logging by the settings instead of by Celery."""
    dictConfig(settings.LOGGING)


@signals.worker_init.connect
@signals.beat_init.connect
def verify_installation(**_: Any) -> None:
    """End the worker or scheduler with a message if it does not fit its installation."""
    # Models can be imported only after `django.setup`, which has run by now.
    import_string("config.startup.verify")()


@signals.before_task_publish.connect
def add_context_header(*, headers: dict[str, Any], **_: Any) -> None:
    """Add the request ID and trace ID to the message, so that the task logs them, even if another task sent
    it."""

    context = get_contextvars()
    headers[HEADER] = {name: context[name] for name in CONTEXT if name in context} | {"sent_at": time.time()}


@signals.task_prerun.connect
def start_task(*, task_id: str, task: "Task[..., Any]", **_: Any) -> None:
    """Set the logging context, and count how long the task waited."""
    header = _read_header(task)
    # A pool process runs one task after the other: what an earlier one has bound must not reach this one's
    # lines.
    clear_contextvars()
    bind_contextvars(
        task=task.name, task_id=task_id, **{name: str(header[name]) for name in CONTEXT if name in header}
    )
    if isinstance(header.get("sent_at"), float):
        prometheus_counters.count_wait(task=task.name, seconds=time.time() - header["sent_at"])
    task.request.update(underone_began=time.perf_counter())


@signals.task_postrun.connect
def end_task(*, task: "Task[..., Any]", state: str | None, **_: Any) -> None:
    """Count the task with its duration and outcome."""
    began = getattr(task.request, "underone_began", None)
    seconds = None if began is None else time.perf_counter() - began
    prometheus_counters.count_task(
        task=task.name, outcome=OUTCOMES.get(state or "", "failed"), seconds=seconds
    )
    clear_contextvars()


@signals.task_failure.connect
def count_killed_task(*, sender: "Task[..., Any]", task_id: str, exception: BaseException, **_: Any) -> None:
    """Count a task whose process was killed.

    The worker's main process counts it, because the killed process could not.
    """

    if isinstance(exception, (TimeLimitExceeded, WorkerLostError)) and task_id not in killed:
        killed.append(task_id)
        prometheus_counters.count_task(task=sender.name, outcome="killed", seconds=None)


@signals.heartbeat_sent.connect
def beat_queues(**_: Any) -> None:
    """Record a heartbeat of every queue that this worker serves."""
    for queue in current_app.amqp.queues.consume_from:
        heartbeats.beat(heartbeats.QUEUE + queue)
    machines.publish_if_due(now=time.time())


@signals.beat_init.connect
def watch_scheduler(**_: Any) -> None:
    """Record a heartbeat of the scheduler at each task it sends. Runs in the scheduler's process only."""
    # Connected here only: web processes and workers send tasks as well, and are not the scheduler.
    signals.after_task_publish.connect(beat_scheduler)


def beat_scheduler(**_: Any) -> None:
    """Record a heartbeat of the scheduler."""
    heartbeats.beat(heartbeats.SCHEDULER)
    machines.publish_if_due(now=time.time())


def _read_header(task: "Task[..., Any]") -> dict[str, Any]:
    """Return the header of the task's message; {} for a message of an older release or with a malformed
    header."""

    header = getattr(task.request, HEADER, None)
    return header if isinstance(header, dict) else {}
