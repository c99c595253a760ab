"""Test the format of log lines of all loggers, and that none contains a secret."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import structlog
from django.conf import settings

from api.version import VERSION
from config.observability import logs
from config.observability.log_redaction import BLANK

KEY = "uo_live_AbCdEf123456_sKq7vZr2TnYw0HcXbD4mLfPe9uAjG1oI"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class LogStream:
    """Log with a separate logger, which is not recorded for the whole run."""

    def __init__(self, *, as_json: bool) -> None:
        self.output = StringIO()
        handler = logging.StreamHandler(self.output)
        handler.setFormatter(logs.formatter(as_json=as_json))
        self.logger = logging.Logger("anybody.of.us")
        self.logger.addHandler(handler)

    @property
    def text(self) -> str:
        return self.output.getvalue()

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.text.splitlines()
        return dict(json.loads(line))


@pytest.fixture
def log_stream() -> Iterator[LogStream]:
    yield LogStream(as_json=True)
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def console() -> LogStream:
    return LogStream(as_json=False)


def test_line_is_one_object_with_time_level_logger_and_message(log_stream: LogStream) -> None:
    log_stream.logger.warning("account %s could not be refreshed", "acct_1")

    assert list(log_stream.line) == ["time", "level", "logger", "event", "version"]
    assert RFC_3339.fullmatch(log_stream.line["time"])
    assert abs((datetime.now(UTC) - datetime.fromisoformat(log_stream.line["time"])).total_seconds()) < 60
    assert log_stream.line | {"time": ""} == {
        "time": "",
        "level": "warning",
        "version": VERSION,
        "logger": "anybody.of.us",
        "event": "account acct_1 could not be refreshed",
    }


def test_line_has_request_or_task_id(log_stream: LogStream) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req_1", task="a.b"):
        log_stream.logger.info("inside")

    assert (log_stream.line["request_id"], log_stream.line["task"]) == ("req_1", "a.b")


def test_line_of_request_has_known_fields_only(log_stream: LogStream) -> None:
    log_stream.logger.info(
        "GET /v1/me 200", extra={"status": 200, "route": "/v1/me", "request": object(), "password": "x"}
    )

    assert log_stream.line["status"] == 200
    assert log_stream.line["route"] == "/v1/me"
    assert not {"request", "password"} & set(log_stream.line)


def test_line_of_celery_has_task(log_stream: LogStream) -> None:
    context = {"id": "1d8215ee", "name": "webhooks.delivery.tasks.deliver", "args": "()", "kwargs": "{}"}

    log_stream.logger.info("Task %(name)s[%(id)s] received", context, extra={"data": context})

    assert log_stream.line["event"] == "Task webhooks.delivery.tasks.deliver[1d8215ee] received"
    assert (log_stream.line["task"], log_stream.line["task_id"]) == (
        "webhooks.delivery.tasks.deliver",
        "1d8215ee",
    )
    assert not {"data", "args", "kwargs"} & set(log_stream.line)


PASSWORD = "verysecret"


def fail(password: str) -> None:
    raise ValueError(f"cannot sign in with {KEY} and password={password}")


def test_exception_is_in_the_line_without_secrets(log_stream: LogStream) -> None:
    try:
        fail(PASSWORD)
    except ValueError:
        log_stream.logger.exception("a request of %s broke", KEY)

    assert log_stream.line["level"] == "error"
    assert log_stream.line["event"] == f"a request of uo_live_{BLANK} broke"
    assert "in fail" in log_stream.line["exception"]
    assert (
        f"ValueError: cannot sign in with uo_live_{BLANK} and password={BLANK}"
        in log_stream.line["exception"]
    )
    assert PASSWORD not in log_stream.text


def test_text_line_has_no_secrets(console: LogStream) -> None:
    try:
        fail(PASSWORD)
    except ValueError:
        console.logger.exception("a request of %s broke", KEY, extra={"status": 500})

    first, *rest = console.text.splitlines()
    assert f"a request of uo_live_{BLANK} broke" in first
    assert "anybody.of.us" in first
    assert "status" in first
    assert any("ValueError: cannot sign in" in line for line in rest)
    assert PASSWORD not in console.text
    assert "sKq7" not in console.text


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_of_settings_are_redacted(as_json: bool) -> None:
    log_stream = LogStream(as_json=as_json)
    password = str(settings.DATABASES["default"]["PASSWORD"])

    log_stream.logger.error("signed with %s, connected with %s", settings.SECRET_KEY, password)

    assert settings.SECRET_KEY not in log_stream.text
    assert password not in log_stream.text
    assert log_stream.text.count(BLANK) == 2


def test_secrets_of_settings_are_keys_and_passwords() -> None:
    known = logs.secrets_of_settings()

    assert settings.SECRET_KEY in known
    assert settings.DATABASES["default"]["PASSWORD"] in known
    assert [value for value in known if value in str(settings.CELERY_BROKER_URL)]
    assert all(known)


@pytest.mark.parametrize("text", ["line\nof two", 'quotes " and {braces}', "李梅", "\x1b[31mred"])
def test_line_has_no_line_breaks(log_stream: LogStream, text: str) -> None:
    log_stream.logger.info("%s", text)

    assert log_stream.line["event"] == text


@pytest.mark.parametrize(
    ("shape", "on_terminal", "as_json"),
    [
        ("JSON", True, True),
        ("JSON", False, True),
        ("CONSOLE", True, False),
        ("CONSOLE", False, False),
        ("AUTO", True, False),
        ("AUTO", False, True),
    ],
)
def test_format_is_text_on_terminal_by_default(
    monkeypatch: pytest.MonkeyPatch, shape: str, on_terminal: bool, as_json: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: on_terminal)

    described = logs.configuration(level="INFO", shape=shape)

    assert described["formatters"]["line"]["as_json"] is as_json


@pytest.mark.parametrize(
    "name", ["django", "django.request", "django.server", "gunicorn.error", "celery", "httpx"]
)
def test_loggers_of_libraries_propagate_to_root(name: str) -> None:
    logger = logging.getLogger(name)

    assert [handler for handler in logger.handlers if not isinstance(handler, logging.NullHandler)] == []
    assert logger.propagate


@pytest.mark.parametrize("name", ["httpx", "httpcore", "gunicorn.access"])
def test_noisy_loggers_log_warnings_only(name: str) -> None:
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    assert logging.getLogger(name).isEnabledFor(logging.WARNING)
