"""What listens to a whole run finds every secret that is told (tests/overheard.py)."""

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
from tests.overheard import Overheard, files_in, overheard, secrets_of_the_run

NOBODY = logging.Logger("nobody")  # whose words are not part of the run


@pytest.fixture
def listener() -> Iterator[Overheard]:
    own = Overheard()
    NOBODY.addHandler(own)
    yield own
    NOBODY.removeHandler(own)


TELLING = """
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

def test_something(tmp_path):
    logging.getLogger("metrics").warning({words!r})
    (tmp_path / "web.log").write_text({line!r})
"""
KEY = "uo_live_AbCdEf123456_sKq7vZr2TnYw0HcXbD4mLfPe9uAjG1oI"


def run(folder: Path, *, words: str, line: str) -> subprocess.CompletedProcess[str]:
    """A run of one test, which passes, that says these words and whose process writes this line into its
    log."""
    (folder / "test_one.py").write_text(TELLING.format(words=words, line=line))
    (folder / "pytest.ini").write_text("[pytest]")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.overheard",
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


def test_a_run_that_tells_nothing_passes(tmp_path: Path) -> None:
    assert run(tmp_path, words="nothing", line="nothing").returncode == 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (KEY, "nothing"),
        ("nothing", KEY),
        ("signed by the-very-key-of-this-run", ""),
        ("", "password=verysecret"),
    ],
)
def test_a_run_that_tells_a_secret_fails_though_its_tests_pass(tmp_path: Path, words: str, line: str) -> None:
    answer = run(tmp_path, words=words, line=line)

    assert answer.returncode == 1
    assert "secrets were told:" in answer.stdout
    assert "1 passed, 1 error" in answer.stdout


def test_this_run_is_listened_to() -> None:
    assert overheard in logging.getLogger().handlers


def test_the_run_has_secrets_to_look_for() -> None:
    ring = os.environ["SECRETS_KEYS"].split(",")[0].partition(":")[2]

    known = secrets_of_the_run()

    assert {os.environ["SECRET_KEY"], ring, base64.b64decode(ring).hex()} <= set(known)
    assert len([secret for secret in known if secret in os.environ["DATABASE_URL"]]) == 1
    assert len([secret for secret in known if secret in os.environ["BROKER_URL"]]) == 1


@pytest.mark.parametrize(
    "words",
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
def test_a_secret_that_is_logged_is_found_by_its_shape(listener: Overheard, words: tuple[str, ...]) -> None:
    NOBODY.warning(*words)

    assert len(list(listener.telling(known=()))) >= 1


def test_every_secret_of_the_run_is_found_by_its_value(listener: Overheard) -> None:
    for secret in secrets_of_the_run():
        listener.lines.clear()
        NOBODY.warning("x%sx", secret)

        assert [
            place
            for place in listener.telling(known=secrets_of_the_run())
            if "a logger of this process" in place
        ]


def test_a_secret_in_a_traceback_is_found(listener: Overheard) -> None:
    try:
        raise ValueError("uo_live_AbCdEf123456_" + "s" * 43)
    except ValueError:
        NOBODY.exception("it broke")

    assert any("s" * 30 in place for place in listener.telling(known=()))


def test_a_key_that_is_minted_and_logged_is_found(listener: Overheard, acme: Client) -> None:
    with context.agency(acme.agency.pk):
        _, text = key_secrets.create(agency=acme.agency, name="One more", now=acme.agency.created_at)

    NOBODY.info("minted %s", text)

    assert len(list(listener.telling(known=()))) == 1


def test_a_secret_in_a_log_file_is_found_with_its_place(listener: Overheard) -> None:
    with TemporaryDirectory() as folder:  # apart from the files of the run
        logs = Path(folder, "home", "logs")
        logs.mkdir(parents=True)
        (logs / "web.log").write_text("harmless\nwhsec_sKq7vZr2TnYw0HcX\n")
        listener.folders.add(Path(folder))

        (finding,) = listener.telling(known=())

    assert "web.log" in finding
    assert "harmless" not in finding


def test_every_log_file_is_looked_at_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.log").touch()
    (tmp_path / "a" / "one.txt").touch()
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")

    assert files_in([tmp_path, tmp_path / "a", tmp_path / "nowhere"]) == [tmp_path / "a" / "one.log"]


def test_a_secret_in_a_problem_is_found(listener: Overheard) -> None:
    listener.problems.append(
        '{"type": "/problems/invalid-request", "detail": "whsec_sKq7vZr2TnYw0HcX is none"}'
    )

    assert len(list(listener.telling(known=()))) == 1


def test_what_a_client_is_refused_with_is_listened_to(acme: Client) -> None:
    before = len(overheard.problems)

    acme.get("/v1/accounts/acct_unknown")
    acme.read("/v1/me")

    assert len(overheard.problems) == before + 1
    assert "not-found" in overheard.problems[-1]


def test_harmless_words_are_not_taken_for_secrets(listener: Overheard) -> None:
    NOBODY.info("Task webhooks.delivery.tasks.deliver[1d8215ee] succeeded in 0.1 s: None")
    NOBODY.info("GET /v1/webhook-endpoints/ep_019abc4e/rotate-secret 201")

    assert list(listener.telling(known=secrets_of_the_run())) == []
