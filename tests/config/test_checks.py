"""Test that `manage.py check --database default` refuses a role that bypasses row-level security."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from config.launcher.embedded import postgres, roles
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes
from config.launcher.embedded.roles import Role

pytestmark = pytest.mark.usefixtures("servers")

MIGHTY = Role(name="mighty", password="mighty")


@pytest.fixture(scope="module")
def superuser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server, and return the URL of its superuser."""
    home = Home(folder=tmp_path_factory.mktemp("checks") / "home")
    with Processes(home=home) as processes:
        yield postgres.start(home=home, processes=processes, durable=False)
    home.discard()


@pytest.fixture(scope="module")
def bypassing_role(superuser: str) -> str:
    """Return the URL of a role that bypasses row-level security."""
    with psycopg.connect(superuser) as session:
        session.execute("CREATE ROLE mighty LOGIN BYPASSRLS PASSWORD 'mighty'")
    return roles.build_url(superuser, role=MIGHTY)


def check(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", *words],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("role", ["owner_dsn", "superuser", "bypassing_role"])
def test_check_refuses_role_that_bypasses_row_level_security(
    request: pytest.FixtureRequest, django_db_setup: None, role: str
) -> None:
    answer = check(request.getfixturevalue(role), "--database", "default")

    assert answer.returncode == 1
    assert "underone.E001" in answer.stderr
    assert "HINT: Use the application role for all processes" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_check_accepts_application_role(django_db_setup: None) -> None:
    answer = check(os.environ["DATABASE_URL"], "--database", "default")

    assert (answer.returncode, answer.stderr) == (0, "")
    assert "no issues" in answer.stdout


def test_check_without_database_does_not_connect() -> None:
    answer = check("postgresql://nobody:x@127.0.0.1:1/nowhere")

    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize(
    ("server", "sender", "expected"),
    [
        ("", "", []),
        ("smtp://mail.example", "", ["underone.W001"]),
        ("smtp://mail.example", "Underone <alerts@agency.example>", []),
        ("", "Underone <alerts@agency.example>", []),
    ],
)
def test_check_warns_of_default_sender_with_mail_server(
    server: str, sender: str, expected: list[str]
) -> None:
    answer = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"EMAIL_URL": server, "EMAIL_FROM": sender},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0
    assert [code for code in ("underone.W001",) if code in answer.stderr] == expected


@pytest.mark.parametrize(
    ("broker", "store", "expected"),
    [
        ("redis://127.0.0.1:1/0", "", 0),
        ("amqp://127.0.0.1:1", "", 1),
        ("amqp://127.0.0.1:1", "redis://127.0.0.1:1/0", 0),
    ],
)
def test_check_requires_cache_with_rabbitmq(broker: str, store: str, expected: int) -> None:
    answer = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"BROKER_URL": broker, "CACHE_URL": store},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (answer.returncode, answer.stderr.count("underone.E003")) == (expected, expected)
    assert "Traceback" not in answer.stderr
