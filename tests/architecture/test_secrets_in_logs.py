"""Test that secrets in the logs of a test run are found (tests/recorded_logs.py)."""

import base64
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.conf import settings

from accounts.api_keys import secrets as key_secrets
from accounts.tenancy import context
from tests.client import Client
from tests.recorded_logs import LogRecorder, environment_secrets, find_log_files, recorded_logs

LOGGER = logging.Logger("separate")  # not recorded for the whole run


@pytest.fixture
def recorder() -> Iterator[LogRecorder]:
    own = LogRecorder()
    LOGGER.addHandler(own)
    yield own
    LOGGER.removeHandler(own)


TEST_MODULE = """
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

def test_something(tmp_path):
    logging.getLogger("metrics").warning({message!r})
    (tmp_path / "web.log").write_text({log_line!r})
"""
KEY = "uo_live_AbCdEf123456_sKq7vZr2TnYw0HcXbD4mLfPe9uAjG1oI"


def run_pytest(folder: Path, *, message: str, log_line: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on one passing test that logs `message` and writes `log_line` to a log file."""
    (folder / "test_one.py").write_text(TEST_MODULE.format(message=message, log_line=log_line))
    (folder / "pytest.ini").write_text("[pytest]")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.recorded_logs",
            "-p",
            "no:django",
            "-p",
            "no:cacheprovider",
            "test_one.py",
        ],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(settings.BASE_DIR),
            "SECRET_KEY": "the-very-key-of-this-run",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_run_without_secret_passes(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, message="nothing", log_line="nothing").returncode == 0


@pytest.mark.parametrize(
    ("message", "log_line"),
    [
        (KEY, "nothing"),
        ("nothing", KEY),
        ("signed by the-very-key-of-this-run", ""),
        ("", "password=verysecret"),
    ],
)
def test_run_with_secret_in_log_fails_though_tests_pass(tmp_path: Path, message: str, log_line: str) -> None:
    result = run_pytest(tmp_path, message=message, log_line=log_line)

    assert result.returncode == 1
    assert "secrets were logged:" in result.stdout
    assert "1 passed, 1 error" in result.stdout


def test_recorder_is_attached_to_this_run() -> None:
    assert recorded_logs in logging.getLogger().handlers


def test_environment_has_secrets() -> None:
    ring = os.environ["SECRETS_KEYS"].split(",")[0].partition(":")[2]

    known = environment_secrets()

    assert {os.environ["SECRET_KEY"], ring, base64.b64decode(ring).hex()} <= set(known)
    assert len([secret for secret in known if secret in os.environ["DATABASE_URL"]]) == 1
    assert len([secret for secret in known if secret in os.environ["BROKER_URL"]]) == 1


@pytest.mark.parametrize(
    "message",
    [
        ("a key: %s", "uo_live_AbCdEf123456_sKq7vZr2TnYw0HcXbD4mLfPe9uAjG1oI"),
        ("a token: %s", "uo_tok_AbCdEf123456_sKq7vZr2TnYw0HcXbD4mLfPe9uAjG1oI"),
        ("endpoint %s", "whsec_sKq7vZr2TnYw0HcXbD4mLfPe9uAjG1oI="),
        ("called %s", "https://hooks.slack.com/services/T000/B000/verysecret"),
        ("%s", "Authorization: Bearer sKq7vZr2TnYw0HcX"),
        ("%s", "password=verysecret"),
        ("%s", "Atzr|IwEBIverysecret"),
    ],
)
def test_logged_secret_is_found_by_shape(recorder: LogRecorder, message: tuple[str, ...]) -> None:
    LOGGER.warning(*message)

    assert len(list(recorder.find_leaks(known=()))) >= 1


def test_environment_secrets_are_found_by_value(recorder: LogRecorder) -> None:
    for secret in environment_secrets():
        recorder.lines.clear()
        LOGGER.warning("x%sx", secret)

        assert [
            place
            for place in recorder.find_leaks(known=environment_secrets())
            if "a logger of this process" in place
        ]


def test_secret_in_traceback_is_found(recorder: LogRecorder) -> None:
    try:
        raise ValueError("uo_live_AbCdEf123456_" + "s" * 43)
    except ValueError:
        LOGGER.exception("it broke")

    assert any("s" * 30 in place for place in recorder.find_leaks(known=()))


def test_created_key_in_log_is_found(recorder: LogRecorder, acme: Client) -> None:
    with context.agency(acme.agency.pk):
        _, text = key_secrets.create(agency=acme.agency, name="One more", now=acme.agency.created_at)

    LOGGER.info("minted %s", text)

    assert len(list(recorder.find_leaks(known=()))) == 1


def test_secret_in_log_file_is_found_with_its_path(recorder: LogRecorder) -> None:
    with TemporaryDirectory() as folder:  # apart from the files of the run
        logs = Path(folder, "home", "logs")
        logs.mkdir(parents=True)
        (logs / "web.log").write_text("harmless\nwhsec_sKq7vZr2TnYw0HcX\n")
        recorder.folders.add(Path(folder))

        (finding,) = recorder.find_leaks(known=())

    assert "web.log" in finding
    assert "harmless" not in finding


def test_log_files_are_listed_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.log").touch()
    (tmp_path / "a" / "one.txt").touch()
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")

    assert find_log_files([tmp_path, tmp_path / "a", tmp_path / "nowhere"]) == [tmp_path / "a" / "one.log"]


def test_secret_in_problem_is_found(recorder: LogRecorder) -> None:
    recorder.problems.append(
        '{"type": "/problems/invalid-request", "detail": "whsec_sKq7vZr2TnYw0HcX is none"}'
    )

    assert len(list(recorder.find_leaks(known=()))) == 1


def test_problems_sent_to_client_are_recorded(acme: Client) -> None:
    before = len(recorded_logs.problems)

    acme.get("/v1/accounts/acct_unknown")
    acme.read("/v1/me")

    assert len(recorded_logs.problems) == before + 1
    assert "not-found" in recorded_logs.problems[-1]


def test_harmless_words_are_not_secrets(recorder: LogRecorder) -> None:
    LOGGER.info("Task webhooks.delivery.tasks.deliver[1d8215ee] succeeded in 0.1 s: None")
    LOGGER.info("GET /v1/webhook-endpoints/ep_019abc4e/rotate-secret 201")

    assert list(recorder.find_leaks(known=environment_secrets())) == []
