"""Format the log lines of all libraries: one JSON object a line, or plain text in a terminal.

Each line has the time, level, logger and message, the version, and the request or task during which it was
logged.
"""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from django.conf import settings
from django.utils.module_loading import import_string
from structlog.stdlib import ExtraAdder, ProcessorFormatter

from api.version import VERSION
from config.observability.log_redaction import Redactor

FIRST = ("time", "level", "logger", "event")
# The fields of a request's line.
FIELDS = ("method", "path", "route", "status", "milliseconds", "bytes", "bearer", "agency")
Line = MutableMapping[str, Any]


def configuration(*, level: str, shape: str) -> dict[str, Any]:
    """Return the logging configuration. `shape` is JSON, CONSOLE, or AUTO: CONSOLE in a terminal, otherwise
    JSON."""

    as_json = shape == "JSON" or (shape == "AUTO" and not sys.stderr.isatty())
    # Without the handlers that these loggers have by default.
    inherited: dict[str, Any] = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "config.observability.logs.formatter", "as_json": as_json}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
            "errors": {"class": "config.observability.logs.CountErrors", "level": "ERROR"},
        },
        "root": {"handlers": ["stderr", "errors"], "level": level},
        "loggers": {
            "django": inherited,
            # Responses below 500 are in the line of their request.
            "django.request": inherited | {"level": "ERROR"},
            "django.server": inherited,
            "gunicorn.error": inherited,
            # config/observability/request_log.py logs requests.
            "gunicorn.access": inherited | {"level": "WARNING"},
            # Logs every URL, and the URLs of chats are secret.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
        },
    }


class CountErrors(logging.Handler):
    """Count each logged error by its logger, so that an alarm can be raised."""

    def emit(self, record: logging.LogRecord) -> None:
        # A folder that cannot be written must not hide the error itself, which another handler prints.
        with suppress(OSError):
            # Imported at the first error: settings are complete only then, and most commands log none.
            import_string("config.observability.prometheus_counters.count_error")(logger=record.name)


def formatter(*, as_json: bool) -> logging.Formatter:
    """Return the formatter, which redacts secrets."""
    redactor = Redactor(known=secrets_of_settings())

    def redact(_: Any, __: str, line: Line) -> Line:
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
            # After exceptions and stacks became text, which may quote secrets.
            redact,
            add_version,
            sort_fields,
            structlog.processors.JSONRenderer() if as_json else console,
        ],
    )


def add_task(_: Any, __: str, line: Line) -> Line:
    """Add the ID of the task in a message of Celery."""
    data = getattr(line["_record"], "data", None)
    if isinstance(data, dict) and "id" in data and "name" in data:
        line.setdefault("task", data["name"])
        line.setdefault("task_id", data["id"])
    return line


def add_version(_: Any, __: str, line: Line) -> Line:
    """Add the version of the product."""
    line["version"] = VERSION
    return line


def sort_fields(_: Any, __: str, line: Line) -> Line:
    """Return the line with the time, level, logger and message first."""
    return {name: line[name] for name in FIRST if name in line} | dict(line)


def secrets_of_settings() -> list[str]:
    """Return the secret values of the settings, which must not appear in a log."""
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
