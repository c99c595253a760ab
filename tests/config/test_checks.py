"""`manage.py check --database default` refuses to serve as a role that stands above the wall."""

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
    """The URL of the superuser of a server of our own."""
    home = Home(folder=tmp_path_factory.mktemp("checks") / "home")
    with Processes(home=home) as processes:
        yield postgres.start(home=home, processes=processes, durable=False)
    home.discard()


@pytest.fixture(scope="module")
def above_the_wall(superuser: str) -> str:
    """The URL of an ordinary role that row-level security does not bind."""
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


@pytest.mark.parametrize("role", ["owner_dsn", "superuser", "above_the_wall"])
def test_a_role_that_the_wall_does_not_bind_is_refused_with_what_to_do(
    request: pytest.FixtureRequest, django_db_setup: None, role: str
) -> None:
    answer = check(request.getfixturevalue(role), "--database", "default")

    assert answer.returncode == 1
    assert "underone.E001" in answer.stderr
    assert "HINT: Use the application role for all processes" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_role_that_serves_is_fine(django_db_setup: None) -> None:
    answer = check(os.environ["DATABASE_URL"], "--database", "default")

    assert (answer.returncode, answer.stderr) == (0, "")
    assert "no issues" in answer.stdout


def test_without_a_database_nothing_is_asked_of_one() -> None:
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
def test_who_sends_e_mail_through_a_server_says_from_whom(
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
def test_where_rabbitmq_carries_the_messages_a_store_is_asked_for(
    broker: str, store: str, expected: int
) -> None:
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
