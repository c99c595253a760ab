"""What holds for every task, by Celery's own signals: its lines carry its name and the request that sent it."""

from logging.config import dictConfig
from typing import Any

from celery import Task, signals
from django.conf import settings
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

HEADER = "underone"
"""Of a task's message: what its sender was about."""
HANDED_ON = ("request_id", "trace_id")


@signals.setup_logging.connect
def log_as_the_settings_say(**_: Any) -> None:
    dictConfig(settings.LOGGING)


@signals.before_task_publish.connect
def send_along(*, headers: dict[str, Any], **_: Any) -> None:
    """The task's lines will carry the id of the request that sent it, also where another task did on its behalf."""
    about = get_contextvars()
    headers[HEADER] = {name: about[name] for name in HANDED_ON if name in about}


@signals.task_prerun.connect
def begin(*, task_id: str, task: "Task[..., Any]", **_: Any) -> None:
    clear_contextvars()
    bind_contextvars(task=task.name, task_id=task_id, **_sent_along(task))


@signals.task_postrun.connect
def end(**_: Any) -> None:
    clear_contextvars()


def _sent_along(task: "Task[..., Any]") -> dict[str, str]:
    """What came with the message. One of an older release has nothing, and strangers may have written to the broker."""
    said = getattr(task.request, HEADER, None)
    return {name: str(said[name]) for name in HANDED_ON if name in said} if isinstance(said, dict) else {}
