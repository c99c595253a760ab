"""Test that `manage.py check --database default` refuses a role that bypasses row-level security."""

import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db.utils import ConnectionHandler
from pytest_django import Settings

from config import checks
from config.launcher.embedded import postgres, roles
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes
from config.launcher.embedded.roles import Role
from tests.config.load_settings import settings_of

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


def check(url: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", *words],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": url} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def run_check(*, databases: list[str] | None = None) -> str:
    """Run the command in this process, and return its output. Raises SystemCheckError as the command does."""
    output = StringIO()
    call_command("check", databases=databases, stdout=output, stderr=output)
    return output.getvalue()


@pytest.mark.parametrize("role", ["owner_dsn", "superuser", "bypassing_role"])
def test_check_refuses_role_that_bypasses_row_level_security(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, db: None, role: str
) -> None:
    environ = os.environ | {"DATABASE_URL": request.getfixturevalue(role)}
    others = ConnectionHandler({"default": settings_of(environ)["DATABASES"]["default"]})
    monkeypatch.setattr(checks, "connections", others)

    with pytest.raises(SystemCheckError) as refused:
        run_check(databases=["default"])

    others.close_all()
    assert "underone.E001" in str(refused.value)
    assert "HINT: Use the application role for all processes" in str(refused.value)


def test_refusal_ends_process_without_traceback(owner_dsn: str, django_db_setup: None) -> None:
    answer = check(owner_dsn, "--database", "default")

    assert answer.returncode == 1
    assert "underone.E001" in answer.stderr
    assert "HINT: Use the application role for all processes" in answer.stderr
    assert "underone.E001" in answer.stderr
    assert "HINT: Use the application role for all processes" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.fixture
def unreadable_table(committed_db: None, owner_dsn: str) -> Iterator[None]:
    """Take rights on a table away that the check of the keys reads, as without docker/roles.sh."""
    role = settings.DATABASES["default"]["USER"]
    with psycopg.connect(owner_dsn) as owner:
        owner.execute(f"REVOKE SELECT ON mfa_authenticator FROM {role}")
    yield
    with psycopg.connect(owner_dsn) as owner:
        owner.execute(f"GRANT SELECT ON mfa_authenticator TO {role}")


def test_check_refuses_role_without_rights_on_tables(unreadable_table: None) -> None:
    answer = check(os.environ["DATABASE_URL"], "--database", "default")

    assert answer.returncode == 1
    assert "underone.E007) The role in DATABASE_URL cannot read and write 1 tables" in answer.stderr
    assert "HINT: Grant the rights of docker/roles.sh." in answer.stderr
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
    settings: Settings, server: str, sender: str, expected: list[str]
) -> None:
    loaded = settings_of(os.environ | {"EMAIL_URL": server, "EMAIL_FROM": sender})
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = loaded["EMAIL_HOST"], loaded["DEFAULT_FROM_EMAIL"]

    output = run_check()

    assert [code for code in ("underone.W001",) if code in output] == expected


@pytest.mark.parametrize(("https", "token", "expected"), [(True, "", 1), (True, "secret", 0), (False, "", 0)])
def test_check_warns_of_closed_metrics(
    settings: Settings,
    https: bool,
    token: str,
    expected: int,
) -> None:
    settings.HTTPS, settings.METRICS_TOKEN = https, token

    output = run_check()

    assert output.count("underone.W003") == expected


def test_check_refuses_sign_up_without_mail_server(settings: Settings, tmp_path: Path) -> None:
    settings.MAIL_SERVER = settings_of(os.environ | {"EMAIL_URL": ""})["MAIL_SERVER"]
    assert "underone.E010" not in run_check()
    settings.SIGN_UP = True

    with pytest.raises(SystemCheckError, match=r"underone\.E010"):
        run_check()

    settings.MAIL_SERVER = settings_of(os.environ | {"EMAIL_URL": f"folder:{tmp_path}"})["MAIL_SERVER"]
    assert "underone.E010" not in run_check()


@pytest.mark.parametrize(
    ("broker", "store", "expected"),
    [
        ("redis://127.0.0.1:1/0", "", 0),
        ("amqp://127.0.0.1:1", "", 1),
        ("amqp://127.0.0.1:1", "redis://127.0.0.1:1/0", 0),
    ],
)
def test_check_requires_cache_with_rabbitmq(
    settings: Settings, broker: str, store: str, expected: int
) -> None:
    settings.CACHE_URL = settings_of(os.environ | {"BROKER_URL": broker, "CACHE_URL": store})["CACHE_URL"]

    try:
        output = run_check()
    except SystemCheckError as refused:
        output = str(refused)
        assert expected

    assert output.count("underone.E003") == expected


def test_error_without_database_ends_process_without_traceback() -> None:
    answer = check(os.environ["DATABASE_URL"], BROKER_URL="amqp://127.0.0.1:1", CACHE_URL="")

    assert (answer.returncode, answer.stderr.count("underone.E003")) == (1, 1)
    assert "Traceback" not in answer.stderr
