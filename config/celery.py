"""Configure Celery: the application, its queues, and all scheduled jobs."""

import os
from datetime import timedelta
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab

from config.observability import task_signals

# task_signals is imported for its handlers of Celery's signals.
__all__ = ["GuardedTask", "app", "task_signals"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class GuardedTask(Task):  # type: ignore[type-arg]
    """Turn MemoryError into an ordinary failure."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        # Celery ends the process on a MemoryError. With late acknowledgement the
        # message would then end the next one.
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
    "ingestion.api",
    "ingestion.data_retention",
    "ingestion.exports",
    "metrics",
    "webhooks.delivery",
]
app.autodiscover_tasks(TASK_PACKAGES)
# Hourly and daily jobs begin at different minutes, so that they do not all run at the same time.
app.conf.beat_schedule = {
    "wake workers for waiting reports": {
        "task": "ingestion.tasks.wake_worker",
        "schedule": timedelta(seconds=15),
    },
    "wake delivery workers": {
        "task": "webhooks.delivery.tasks.deliver",
        "schedule": timedelta(seconds=5),
    },
    "erase deleted accounts": {
        "task": "ingestion.tasks.erase_accounts",
        "schedule": crontab(minute="7"),
    },
    "queue exports that no worker holds": {
        "task": "ingestion.exports.tasks.resume_exports",
        "schedule": timedelta(seconds=60),
    },
    "erase closed agencies": {
        "task": "ingestion.tasks.erase_agencies",
        "schedule": crontab(minute="27"),
    },
    "delete expired exports": {
        "task": "ingestion.exports.tasks.expire_exports",
        "schedule": crontab(minute="47"),
    },
    "delete old reports": {
        "task": "ingestion.tasks.delete_old_documents",
        "schedule": crontab(minute="37"),
    },
    "end data past its retention": {
        "task": "ingestion.data_retention.tasks.end_data",
        "schedule": crontab(hour="2", minute="17"),
    },
    "delete old deliveries": {
        "task": "webhooks.delivery.tasks.delete_old_deliveries",
        "schedule": crontab(hour="3", minute="17"),
    },
    "delete old idempotency records": {
        "task": "accounts.requests.tasks.delete_idempotency_records",
        "schedule": crontab(minute="22"),
    },
    "delete expired tokens": {
        "task": "accounts.api_keys.tasks.delete_expired_tokens",
        "schedule": crontab(minute="52"),
    },
    "delete expired sessions": {
        "task": "accounts.people.tasks.delete_expired_sessions",
        "schedule": crontab(hour="3", minute="47"),
    },
    "delete old e-mails in files": {
        "task": "accounts.people.tasks.delete_old_mails",
        "schedule": crontab(hour="3", minute="57"),
    },
    "delete abandoned uploads": {
        "task": "ingestion.api.tasks.sweep_uploads",
        "schedule": crontab(minute="*/15"),
    },
    "move windows to the current day": {
        "task": "metrics.tasks.roll_forward",
        "schedule": crontab(minute="*/10"),
    },
}
