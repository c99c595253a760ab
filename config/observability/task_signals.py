"""What holds for every task, by Celery's own signals: its lines carry its name and the request that sent it."""

import time
from collections import deque
from logging.config import dictConfig
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import Task, current_app, signals
from celery.exceptions import TimeLimitExceeded
from django.conf import settings
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from config.observability import heartbeats, meters

HEADER = "underone"
"""Of a task's message: what its sender was about."""
HANDED_ON = ("request_id", "trace_id")
OUTCOMES = {"SUCCESS": "succeeded", "FAILURE": "failed", "RETRY": "retried", "REJECTED": "rejected", "IGNORED": "ignored"}

ended: deque[str] = deque(maxlen=1000)
"""Tasks that were ended with their process. Celery tells twice of one that took too long."""


@signals.setup_logging.connect
def log_as_the_settings_say(**_: Any) -> None:
    dictConfig(settings.LOGGING)


@signals.before_task_publish.connect
def send_along(*, headers: dict[str, Any], **_: Any) -> None:
    """The task's lines will carry the id of the request that sent it, also where another task did on its behalf."""
    about = get_contextvars()
    headers[HEADER] = {name: about[name] for name in HANDED_ON if name in about} | {"sent_at": time.time()}


@signals.task_prerun.connect
def begin(*, task_id: str, task: "Task[..., Any]", **_: Any) -> None:
    said = _sent_along(task)
    clear_contextvars()
    bind_contextvars(task=task.name, task_id=task_id, **{name: str(said[name]) for name in HANDED_ON if name in said})
    if isinstance(said.get("sent_at"), float):
        meters.count_wait(task=task.name, seconds=time.time() - said["sent_at"])
    task.request.update(underone_began=time.perf_counter())


@signals.task_postrun.connect
def end(*, task: "Task[..., Any]", state: str | None, **_: Any) -> None:
    began = getattr(task.request, "underone_began", None)
    seconds = None if began is None else time.perf_counter() - began
    meters.count_task(task=task.name, outcome=OUTCOMES.get(state or "", "failed"), seconds=seconds)
    clear_contextvars()


@signals.task_failure.connect
def count_what_was_ended(*, sender: "Task[..., Any]", task_id: str, exception: BaseException, **_: Any) -> None:
    """The process that worked on it is gone, so it has counted nothing: this is the worker's first process."""
    if isinstance(exception, (TimeLimitExceeded, WorkerLostError)) and task_id not in ended:
        ended.append(task_id)
        meters.count_task(task=sender.name, outcome="killed", seconds=None)


@signals.heartbeat_sent.connect
def show_that_its_queues_have_a_worker(**_: Any) -> None:
    for queue in current_app.amqp.queues.consume_from:
        heartbeats.beat(heartbeats.QUEUE + queue)


@signals.beat_init.connect
def show_that_the_clock_hands_out_jobs(**_: Any) -> None:
    """From now on, as this process is the clock's."""
    signals.after_task_publish.connect(tick)


def tick(**_: Any) -> None:
    heartbeats.beat(heartbeats.CLOCK)


def _sent_along(task: "Task[..., Any]") -> dict[str, Any]:
    """What came with the message. One of an older release has nothing, and strangers may have written to the broker."""
    said = getattr(task.request, HEADER, None)
    return said if isinstance(said, dict) else {}
