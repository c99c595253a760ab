"""A pytest plugin: temporary servers for the run, started only when one of the chosen tests needs them.

1. Before Django reads its settings, the environment names the servers: their ports and passwords are chosen, nothing runs yet.
2. When the tests are collected, the servers start if one of the tests uses them. The process that shares the tests out to others
   runs none and starts none.
3. When the run ends, the servers stop and everything they wrote is deleted.

`--pure` chooses the tests that need no servers.
"""

import atexit
import contextlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from config.launcher.embedded import postgres, roles, servers
from config.launcher.embedded.home import Home, HomeInUse
from config.launcher.embedded.ports import LOOPBACK, choose_port
from config.launcher.embedded.processes import Processes
from config.launcher.embedded.roles import APPLICATION, BACKUP, OWNER, Access, Role
from config.launcher.embedded.secret import get_or_create_key_ring, get_or_create_secret

PREFIX = "underone-tests-"
BEFORE = "UNDERONE_TESTS_BEFORE"
NEED_SERVERS = {"django_db_setup", "owner_dsn", "servers", "processes"}
"""Fixtures of tests that need servers; `db`, `committed_db` and what is built on them use the first."""
stack = contextlib.ExitStack()


@dataclass(kw_only=True)
class Servers:
    """Manage the servers of this run. They are named from the beginning and started by `start`."""

    home: Home
    given: dict[str, str]
    """The environment before the run."""
    named: dict[str, str]
    is_started: bool = False

    def start(self) -> None:
        """Start what was named. Raises RuntimeError when another process took a port meanwhile."""
        if self.is_started:
            return
        self.is_started = True
        processes = stack.enter_context(Processes(home=self.home))
        environ = self.given
        if "DATABASE_URL" in self.given:
            environ = self.given | _database_on(self.given["DATABASE_URL"], home=self.home)
        started = servers.start(home=self.home, processes=processes, environ=environ, durable=False)
        if any(self.named[name] != value for name, value in started.items()):
            raise RuntimeError("Another process took the port of a server. Run the tests again.")

    @property
    def superuser_url(self) -> str | None:
        """Return the superuser's URL of the run's database, None on a server that was given."""
        return (
            None
            if "DATABASE_URL" in self.given
            else roles.build_url(_superuser_url(self.home), database=servers.DATABASE)
        )


of_this_run: list[Servers] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--pure`."""
    parser.addoption("--pure", action="store_true", help="run only the tests that need no servers")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Name the servers. A wrapper runs before every plain hook, and one of those reads the settings."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        atexit.register(stack.close)
        of_this_run[:] = [name_servers()]
    return (yield)


LONGEST = frozenset(
    """
    test_schemathesis test_recount test_several_machines test_restore_drill test_killed_processes test_fair_loading test_up
    test_clients test_spectral test_patterns test_sixty_noisy_days test_values test_smoke test_large_agency test_readme_story
    test_document_storage test_web_worker test_chaos test_demo_causes
    """.split()  # noqa: SIM905  many words read better as text
)
"""The files that take more than twenty seconds."""


def needs_servers(item: pytest.Item) -> bool:
    """Return whether the test uses a fixture that needs servers, or Django's marker."""
    names = set(getattr(item, "fixturenames", ()))
    return bool(names & NEED_SERVERS) or item.get_closest_marker("django_db") is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that need servers if only pure ones are asked for, and begin with the longest files."""
    if config.getoption("pure"):
        left_out = [item for item in items if needs_servers(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not needs_servers(item)]
    # Otherwise one process of a parallel run would end minutes after the others.
    items.sort(key=lambda item: item.path.stem not in LONGEST)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the servers if one of the tests needs them."""
    if not session.config.getoption("collectonly") and any(map(needs_servers, session.items)):
        of_this_run[0].start()


@pytest.fixture(scope="session", name="servers")
def servers_of_the_run() -> Servers:
    """Return the servers of this run, for tests without a database fixture."""
    return of_this_run[0]


def pytest_unconfigure() -> None:
    stack.close()


def name_servers() -> Servers:
    """Set the environment to servers that live as long as `stack`."""
    _forget_the_controller_s()
    _keep_what_is_compiled()
    _sweep()
    home = Home(folder=Path(tempfile.mkdtemp(prefix=PREFIX)))
    stack.callback(home.discard)
    given = dict(os.environ)
    access = _access(home, given)
    named = {
        "DATABASE_URL": access.application_url,
        "DATABASE_OWNER_URL": access.owner_url,
        **({"DATABASE_BACKUP_URL": access.backup_url} if access.backup_url else {}),
        "BROKER_URL": given.get("BROKER_URL") or _broker_url(home),
        "SECRET_KEY": given.get("SECRET_KEY") or get_or_create_secret(home=home, name="secret_key"),
        "SECRETS_KEYS": given.get("SECRETS_KEYS") or get_or_create_key_ring(home=home, name="secrets_keys"),
        "UNDERONE_HOME": str(home.folder),
    }
    # Tests ask more than agencies.
    unlimited = {"RATE_LIMIT_BEARER": "0", "RATE_LIMIT_AGENCY": "0", "RATE_LIMIT_FAILURES": "0"}
    os.environ |= named | unlimited | {"UPLOAD_FOLDER": str(home.folder / "uploads")}
    os.environ[BEFORE] = json.dumps(
        {name: given.get(name) for name in os.environ if os.environ[name] != given.get(name)}
    )
    return Servers(home=home, given=given, named=named)


def _access(home: Home, given: dict[str, str]) -> Access:
    """Return the URLs that the owner and the application will have."""
    if url := given.get("DATABASE_URL"):
        run = home.read_value("run") or f"underone_test_{secrets.token_hex(4)}"
        home.store_value("run", run)
        database, names = run, (f"{run}_owner", f"{run}_app")
    else:
        url, database, names = _superuser_url(home), servers.DATABASE, (OWNER, APPLICATION)
    owner, application = (
        Role(name=name, password=get_or_create_secret(home=home, name=f"{part}_password"))
        for name, part in zip(names, (OWNER, APPLICATION), strict=True)
    )
    return Access(
        owner_url=roles.build_url(url, database=database, role=owner),
        application_url=roles.build_url(url, database=database, role=application),
        backup_url=None if "DATABASE_URL" in given else _backup_url(home, url, database),
    )


def _backup_url(home: Home, url: str, database: str) -> str:
    """Return the URL that the backup role of the run's own server will have."""
    password = get_or_create_secret(home=home, name=f"{BACKUP}_password")
    return roles.build_url(url, database=database, role=Role(name=BACKUP, password=password))


def _superuser_url(home: Home) -> str:
    password, port = get_or_create_secret(home=home, name="postgres_password"), port_of_run(home, "postgres")
    return f"postgresql://{postgres.SUPERUSER}:{password}@{LOOPBACK}:{port}/postgres"


def _broker_url(home: Home) -> str:
    password, port = get_or_create_secret(home=home, name="valkey_password"), port_of_run(home, "valkey")
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def port_of_run(home: Home, server: str) -> int:
    """Return the port that was chosen for a server, also while the server listens on it."""
    return int(home.read_value(f"{server}_port") or choose_port(home=home, server=server))


def _keep_what_is_compiled() -> None:
    """Compile each module once for all processes, also where the environment says otherwise, as in an image:
    the tests start hundreds of processes."""

    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def _forget_the_controller_s() -> None:
    """Drop the servers of the controlling process: worker processes have their own."""
    for name, value in json.loads(os.environ.pop(BEFORE, "{}")).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _database_on(url: str, *, home: Home) -> dict[str, str]:
    """Create the run's database and roles on a server that was given; all of it goes when the run ends."""
    run = str(home.read_value("run"))
    stack.callback(_drop, url, run)
    owner, application = (
        Role(name=f"{run}_{part}", password=get_or_create_secret(home=home, name=f"{name}_password"))
        for part, name in (("owner", OWNER), ("app", APPLICATION))
    )
    access = roles.provision(admin_url=url, database=run, owner=owner, application=application)
    return {"DATABASE_URL": access.application_url, "DATABASE_OWNER_URL": access.owner_url}


def _drop(url: str, run: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(run)))
        for part in ("app", "owner"):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(f"{run}_{part}")))


def _sweep() -> None:
    """Stop and remove what a killed run left behind; a running one holds its folder and is left alone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if not (folder / "lock").exists():
            continue  # just being made
        with contextlib.suppress(HomeInUse, PermissionError):
            home = Home(folder=folder)
            Processes(home=home)
            home.discard()
