"""A pytest plugin: throw-away servers for the whole run, up before Django reads its settings."""

import atexit
import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from config.launcher.embedded import roles, servers
from config.launcher.embedded.home import Home, HomeInUse
from config.launcher.embedded.processes import Processes
from config.launcher.embedded.roles import Role

PREFIX = "underone-tests-"
BEFORE = "UNDERONE_TESTS_BEFORE"
stack = contextlib.ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """A wrapper runs before every plain hook, and one of those reads the settings."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        atexit.register(stack.close)
        start()
    return (yield)


def pytest_unconfigure() -> None:
    stack.close()


def start() -> None:
    """Point the environment at servers that live as long as `stack`."""
    _forget_the_controller_s()
    _sweep()
    home = Home(folder=Path(tempfile.mkdtemp(prefix=PREFIX)))
    stack.callback(home.discard)
    processes = stack.enter_context(Processes(home=home))
    before = dict(os.environ)
    if os.environ.get("DATABASE_URL"):
        os.environ |= _database_on(os.environ["DATABASE_URL"])
    os.environ |= servers.start(home=home, processes=processes, environ=os.environ, durable=False)
    os.environ |= {"RATE_LIMIT_BEARER": "0", "RATE_LIMIT_AGENCY": "0", "RATE_LIMIT_FAILURES": "0"}  # tests ask more than agencies
    os.environ["UPLOAD_FOLDER"] = str(home.folder / "uploads")
    os.environ[BEFORE] = json.dumps({name: before.get(name) for name in os.environ if os.environ[name] != before.get(name)})


def _forget_the_controller_s() -> None:
    """A process that shares the tests out has servers of its own; one that runs a share of them takes others."""
    for name, value in json.loads(os.environ.pop(BEFORE, "{}")).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _database_on(url: str) -> dict[str, str]:
    """A fresh database with roles of its own on a server we were given; all of it goes when the run ends."""
    run = f"underone_test_{secrets.token_hex(4)}"
    owner, application = (Role(name=f"{run}_{part}", password=secrets.token_urlsafe()) for part in ("owner", "app"))
    stack.callback(_drop, url, run)
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
