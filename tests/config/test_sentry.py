"""Test that errors are sent to SENTRY_DSN without private data."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

from config.observability.log_redaction import BLANK
from tests import stopwatch
from tests.config.collectors import Collector, collecting
from tests.config.failing_views import KEY

pytestmark = pytest.mark.usefixtures("servers")

ASK = """
import django, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.conf import settings
settings.ROOT_URLCONF = "tests.config.failing_views"
from django.test import Client
answer = Client(raise_request_exception=False).post(
    "/fail?token=verysecret-query", {"password": "verysecret-body"}, content_type="application/json",
    headers={"Authorization": sys.argv[1], "Cookie": "session=verysecret-cookie", "X-Request-Id": "req_of_the_mistake"},
)
print(answer.status_code)
"""
# The client of Valkey imports the interface of OpenTelemetry by itself.
LOADED = (
    "import django, sys; django.setup(); print([name for name in ('sentry_sdk', 'opentelemetry.instrumentation') "
    "if name in sys.modules])"
)


def ask(**environ: str) -> subprocess.CompletedProcess[str]:
    """Run a process that answers one request with an error."""
    return subprocess.run(
        [sys.executable, "-c", ASK, f"Bearer {KEY}"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"ALLOWED_HOSTS": "testserver"} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def dsn(port: int) -> str:
    return f"http://public@127.0.0.1:{port}/1"


@pytest.fixture(scope="module")
def sentry() -> Iterator[Collector]:
    """Return a collector with the event of one error."""
    with collecting() as collector:
        response = ask(
            SENTRY_DSN=dsn(collector.port), SENTRY_ENVIRONMENT="trial", SENTRY_TRACES_SAMPLE_RATE="1"
        )
        assert response.stdout.strip() == "500", response.stderr
        yield collector


def test_event_has_place_of_error(sentry: Collector) -> None:
    (event,) = sentry.events()

    (exception,) = event["exception"]["values"]
    assert exception["type"] == "ValueError"
    assert exception["stacktrace"]["frames"][-1]["function"] == "fail"
    assert event["environment"] == "trial"
    assert event["transaction"] == "/fail"
    assert event["tags"]["request_id"] == "req_of_the_mistake"


def test_event_message_is_redacted(sentry: Collector) -> None:
    (event,) = sentry.events()

    assert (
        event["exception"]["values"][0]["value"]
        == f"cannot tell https://hooks.slack.com/{BLANK} with uo_live_{BLANK}"
    )


@pytest.mark.parametrize(
    "secret",
    [
        "verysecret-query",
        "verysecret-body",
        "verysecret-cookie",
        "local-verysecret",
        "B000/verysecret",
        KEY,
        "sKq7vZr2",
    ],
)
def test_event_has_no_body_query_cookies_keys_or_variables(sentry: Collector, secret: str) -> None:
    assert sentry.came
    assert secret not in sentry.everything


def test_event_has_no_secret_of_settings(sentry: Collector) -> None:
    for name in ("SECRET_KEY", "SECRETS_KEYS", "DATABASE_URL", "BROKER_URL"):
        assert os.environ[name] not in sentry.everything


def test_event_frames_have_no_variables(sentry: Collector) -> None:
    (event,) = sentry.events()

    assert [
        frame
        for each in event["exception"]["values"]
        for frame in each["stacktrace"]["frames"]
        if frame.get("vars")
    ] == []


@pytest.mark.parametrize("variable", ["SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_unreachable_sentry_does_not_affect_requests(variable: str) -> None:
    with stopwatch.running() as watch:
        response = ask(**{variable: dsn(1) if variable == "SENTRY_DSN" else "http://127.0.0.1:1"})

    assert (response.returncode, response.stdout.strip()) == (0, "500")
    assert watch.seconds < 20


def test_sentry_is_imported_only_if_configured() -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == "[]"
