"""The Celery application, its queues, and every clock-driven job on one page."""

import os
from datetime import timedelta
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab

from config.observability import task_signals

__all__ = ["GuardedTask", "app", "task_signals"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class GuardedTask(Task):  # type: ignore[type-arg]
    """Turns MemoryError into an ordinary failure: with late acknowledgement it would end this worker and the next one too."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except MemoryError as error:
            raise RuntimeError("The task ran out of memory") from error


app = Celery("underone", task_cls=GuardedTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
# Tasks stand beside their subject; only metrics and ingestion have some at their top.
TASK_PACKAGES = [
    "accounts.api_keys",
    "accounts.people",
    "accounts.requests",
    "ingestion",
    "ingestion.exports",
    "metrics",
    "webhooks.delivery",
]
app.autodiscover_tasks(TASK_PACKAGES)
app.conf.beat_schedule = {
    "reports that no worker holds are handed out again": {
        "task": "ingestion.tasks.resume_reports",
        "schedule": timedelta(seconds=15),
    },
    "couriers look at what is due": {
        "task": "webhooks.delivery.tasks.deliver",
        "schedule": timedelta(seconds=5),
    },
    "handed-back accounts are erased": {
        "task": "ingestion.tasks.erase_accounts",
        "schedule": crontab(minute="7"),
    },
    "archives that no worker holds are handed out again": {
        "task": "ingestion.exports.tasks.resume_exports",
        "schedule": timedelta(seconds=60),
    },
    "closed agencies are erased when their time has come": {
        "task": "ingestion.tasks.erase_agencies",
        "schedule": crontab(minute="27"),
    },
    "archives whose days are over are deleted": {
        "task": "ingestion.exports.tasks.expire_exports",
        "schedule": crontab(minute="47"),
    },
    "documents older than their agency keeps them are deleted": {
        "task": "ingestion.tasks.delete_old_documents",
        "schedule": crontab(minute="37"),
    },
    "deliveries whose days are over are deleted": {
        "task": "webhooks.delivery.tasks.delete_old_deliveries",
        "schedule": crontab(hour="3", minute="17"),
    },
    "answers that were kept for a day are deleted": {
        "task": "accounts.requests.tasks.delete_kept_answers",
        "schedule": crontab(minute="22"),
    },
    "tokens whose time is over are deleted": {
        "task": "accounts.api_keys.tasks.delete_expired_tokens",
        "schedule": crontab(minute="52"),
    },
    "sessions whose days are over are forgotten": {
        "task": "accounts.people.tasks.forget_old_sessions",
        "schedule": crontab(hour="3", minute="47"),
    },
    "windows slide when nothing arrives": {
        "task": "metrics.tasks.roll_forward",
        "schedule": crontab(minute="*/10"),
    },
}
