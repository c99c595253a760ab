"""Test that a misspelt environment variable stops every process that reads settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config import env, variables
from tests.config.load_settings import complaint_of

NAMES = ("SECRET_KEY", "SECRETS_KEYS", "DATABASE_URL", "BROKER_URL")
BARE = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
COMPLAINT = (
    "CLOSED_AGENCY_DAY is not a variable of Underone. Did you mean CLOSED_AGENCY_DAYS? Rename or remove it; "
    "docker/env.example lists all variables.\n"
)
PROCESSES = {
    "manage.py": ["manage.py", "check"],
    "gunicorn": [
        *("-m", "gunicorn", "config.wsgi:application", "--check-config"),
        "--config=python:config.web.gunicorn_settings",
    ],
    "wsgi": ["-c", "import config.wsgi"],
    "worker": ["-m", "celery", "-A", "config.celery", "--skip-checks", "worker", "--queues=celery"],
    "beat": ["-m", "celery", "-A", "config.celery", "--skip-checks", "beat", "--schedule={home}/beat"],
    "make up": ["-m", "config.launcher.up"],
    "make demo": ["-m", "config.launcher.up", "--demo"],
    "make smoke": ["-m", "config.launcher.smoke"],
}


def run(words: list[str], home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {name: os.environ[name] for name in NAMES}
    return subprocess.run(
        [sys.executable, *(word.format(home=home) for word in words)],
        cwd=settings.BASE_DIR,
        env=BARE | environ | {"UNDERONE_HOME": str(home)} | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", PROCESSES)
def test_misspelt_variable_stops_process(servers: None, tmp_path: Path, name: str) -> None:
    stopped = run(PROCESSES[name], tmp_path / "home", CLOSED_AGENCY_DAY="30")

    assert stopped.returncode == 1
    assert stopped.stderr.endswith(COMPLAINT), stopped.stderr
    assert "Starting" not in stopped.stdout


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("DATABSE_URL", "DATABASE_URL"),
        ("DATABASE_URLS", "DATABASE_URL"),
        ("DATABASE_ULR", "DATABASE_URL"),
        ("DATABAZE_URL", "DATABASE_URL"),
        ("SECRET_KEYZ", "SECRET_KEY"),
        ("EBUG", "DEBUG"),
        ("DEBU", "DEBUG"),
        ("EDBUG", "DEBUG"),
        ("DEBGU", "DEBUG"),
        ("LOG_LEVLE", "LOG_LEVEL"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("WEB_WORKER", "WEB_WORKERS"),
    ],
)
def test_name_one_letter_away_is_a_misspelling(name: str, known: str) -> None:
    message = variables.misspelling([name, "PATH", known])

    assert message is not None
    assert message.startswith(f"{name} is not a variable of Underone. Did you mean {known}? ")


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "DATABASE", "DB_URL", "debug", "LOGS", "REPORT_BYTES"),
        *("KUBERNETES_PORT", "PGPASSWORD", "DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "DEBBUGG"),
    ],
)
def test_other_names_are_left_alone(name: str) -> None:
    assert variables.misspelling([name]) is None


def test_names_of_product_are_left_alone() -> None:
    assert variables.misspelling(variables.NAMES) is None


def test_misspelt_name_is_told_before_missing_one_and_without_its_value() -> None:
    complaint = complaint_of({"SECRET_KEI": "very-secret"})

    assert complaint.startswith("SECRET_KEI is not a variable of Underone. Did you mean SECRET_KEY? ")
    assert "very-secret" not in complaint


def test_bad_variable_ends_process_with_its_message_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNUP", "true")

    with pytest.raises(env.BadVariable, match="SIGNUP is not a variable"):
        env.check_names()
