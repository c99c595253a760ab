"""What a line of the log looks like, whoever writes it: ours, Django's, the web server's, Celery's.

One JSON object a line, or in a terminal a line for people: when, how bad, who, what, and in the course of which request or task.
"""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from django.conf import settings
from structlog.stdlib import ExtraAdder, ProcessorFormatter

from config.observability.log_redaction import Redactor

FIRST = ("time", "level", "logger", "event")
FIELDS = ("method", "path", "route", "status", "milliseconds", "bytes", "bearer", "agency")
"""What a line may say of a request beside its words."""
Line = MutableMapping[str, Any]


def configuration(*, level: str, shape: str) -> dict[str, Any]:
    """Python's description of the logging of a process. `shape` is JSON, CONSOLE, or AUTO: JSON where nobody looks on."""
    as_json = shape == "JSON" or (shape == "AUTO" and not sys.stderr.isatty())
    ours = {"handlers": [], "propagate": True}  # instead of the handlers of their own that they come with
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "config.observability.logs.formatter", "as_json": as_json}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": ours,
            "django.request": ours | {"level": "ERROR"},  # what was refused is in the line of its request
            "django.server": ours,
            "gunicorn.error": ours,
            "gunicorn.access": ours | {"level": "WARNING"},  # config/observability/request_log.py tells more of each request
            "httpx": {"level": "WARNING"},  # tells every address that is called, and those of chats are secret
            "httpcore": {"level": "WARNING"},
        },
    }


def formatter(*, as_json: bool) -> logging.Formatter:
    """What makes a line of a record, without secrets."""
    redactor = Redactor(known=secrets_of_settings())

    def blank(_: Any, __: str, line: Line) -> Line:
        return {name: redactor.value({name: value})[name] for name, value in line.items()}

    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, timestamp_key="time"
    )
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            ExtraAdder(allow=FIELDS),
            add_task,
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            blank,
            in_order,
            structlog.processors.JSONRenderer() if as_json else console,
        ],
    )


def add_task(_: Any, __: str, line: Line) -> Line:
    """Celery says beside its words which task it speaks of."""
    said = getattr(line["_record"], "data", None)
    if isinstance(said, dict) and "id" in said and "name" in said:
        line.setdefault("task", said["name"])
        line.setdefault("task_id", said["id"])
    return line


def in_order(_: Any, __: str, line: Line) -> Line:
    """When, how bad, who and what come first."""
    return {name: line[name] for name in FIRST if name in line} | dict(line)


def secrets_of_settings() -> list[str]:
    """The values that this process knows and nobody may read in a log."""
    urls = (settings.CELERY_BROKER_URL,)
    return [
        value
        for value in (
            settings.SECRET_KEY,
            *settings.SECRET_KEY_FALLBACKS,
            settings.EMAIL_HOST_PASSWORD,
            settings.METRICS_TOKEN,
            *(database["PASSWORD"] for database in settings.DATABASES.values()),
            *_passwords(urls),
        )
        if value
    ]


def _passwords(urls: tuple[str, ...]) -> Iterator[str]:
    for url in urls:
        yield unquote(urlsplit(url).password or "")
