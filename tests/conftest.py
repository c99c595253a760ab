"""What every test may ask for: the migrated database, real commits, the owner's connection."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.hashers import ScryptPasswordHasher  # type: ignore[attr-defined]  # the stubs lack it
from django.db import connections
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from accounts.agencies import lifecycle as agencies
from tests.client import Client
from tests.servers import of_this_run, stack

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
superusers: list[psycopg.Connection] = []
"""The connection of the superuser, once it is open."""
SEEDED = "metrics_metricrule"  # reference rows that a migration wrote
GROWN = 4 * 1024**2
"""Bytes of all tables of ours from which on they are truncated."""
TABLES_OF_OURS = """
    SELECT tablename FROM pg_tables
    WHERE schemaname = 'public' AND tablename ~ '^(accounts|webhooks|metrics|ingestion|django_session)'
        AND tablename <> %(seeded)s
"""
POINTING_AT_OURS = """
    WITH RECURSIVE ours AS (
        SELECT name::regclass::oid AS id FROM unnest(%(ours)s::text[]) AS name
        UNION
        SELECT conrelid FROM pg_constraint JOIN ours ON confrelid = ours.id WHERE contype = 'f'
    )
    SELECT id::regclass::text FROM ours
"""
"""The tables that TRUNCATE … CASCADE would empty: those of packages that point at people are not ours by name."""

# The same examples each time, however slow the machine is; `HYPOTHESIS_PROFILE=default` tries others.
hypothesis.settings.register_profile(
    "tests",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Cases of bytes are numbered: packed ones hold the moment of packing, and every process must find the
    same cases."""

    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Let a password cost little: nobody guesses those of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScryptPasswordHasher, "work_factor", 2**4)
        yield


@pytest.fixture(scope="session")
def owner_dsn() -> str:
    """The connection string of the role that owns the tables."""
    return os.environ["DATABASE_OWNER_URL"]


@pytest.fixture(scope="session")
def django_db_setup(owner_dsn: str) -> None:
    """Migrate as the owner, then test as the application's role, on the same database and under row-level
    security."""

    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": owner_dsn},
        check=True,
    )


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker, owner_dsn: str) -> Iterator[None]:
    """Allow real commits, several connections and real workers, and delete every row afterwards."""
    yield from _commit(django_db_blocker, owner_dsn)


@pytest.fixture(scope="module")
def committed_module(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, owner_dsn: str
) -> Iterator[None]:
    """Allow fixtures to commit rows once for all tests of a module, and delete every row afterwards."""
    yield from _commit(django_db_blocker, owner_dsn)


@pytest.fixture
def unmarked_storage(owner_dsn: str) -> Iterator[None]:
    """Forget which storage of documents belongs to the installation: the processes of the test have another
    one."""
    _forget_storage(owner_dsn)
    yield
    _forget_storage(owner_dsn)


def _forget_storage(owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as owner:
        (is_migrated,) = owner.execute(
            "SELECT to_regclass('accounts_documentstorage') IS NOT NULL"
        ).fetchone() or (False,)
        if is_migrated:
            owner.execute("DELETE FROM accounts_documentstorage")


def _commit(blocker: DjangoDbBlocker, owner_dsn: str) -> Iterator[None]:
    # An earlier test may have had another folder of documents.
    _forget_storage(owner_dsn)
    with blocker.unblock():
        yield
        connections.close_all()
    empty(owner_dsn)


def empty(owner_dsn: str) -> None:
    """Delete every committed row of ours.

    On a server of this run the superuser deletes, past row-level security, triggers and foreign keys: new
    files for every table and index take longer than a whole test. Tables that have grown are truncated.
    """

    superuser_url = of_this_run[0].superuser_url
    if superuser_url is None:
        truncate(owner_dsn)
        return
    with _superuser(superuser_url) as superuser:
        tables = tables_of_ours(superuser)
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        # Processes that were killed may still have a statement under way.
        superuser.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
        sizes = sql.SQL("SELECT sum(pg_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name")
        (size,) = superuser.execute(sizes, [tables]).fetchone() or (0,)
        if size > GROWN:
            superuser.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
            return
        superuser.execute("SET LOCAL session_replication_role = replica")
        pointing = superuser.execute(POINTING_AT_OURS, {"ours": tables}).fetchall()
        statements = (sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for (table,) in pointing)
        superuser.execute(sql.SQL("; ").join(statements))


@contextmanager
def _superuser(url: str) -> Iterator[psycopg.Connection]:
    """Open a transaction of the superuser, on one connection for the whole run: each new one would read the
    catalogue of every table again."""

    if superusers and not _is_usable(superusers[0]):
        superusers.pop().close()
    if not superusers:
        superusers.append(psycopg.connect(url, autocommit=True))
        stack.callback(_close_superuser)
    with superusers[0].transaction():
        yield superusers[0]


def _is_usable(connection: psycopg.Connection) -> bool:
    """Return whether the server still answers: some tests end all of its processes."""
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _close_superuser() -> None:
    for connection in superusers:
        connection.close()


def truncate(owner_dsn: str) -> None:
    """Take out every committed row of ours as the tables' owner may."""
    with psycopg.connect(owner_dsn) as owner:
        if tables := tables_of_ours(owner):
            names = sql.SQL(", ").join(map(sql.Identifier, tables))
            owner.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))


def analyze(owner_dsn: str, *tables: str) -> None:
    """Let the server look at thousands of committed rows before others name them: until then it may take them
    for none."""

    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))


def tables_of_ours(owner: psycopg.Connection) -> list[str]:
    """The tables that hold rows of agencies."""
    return [name for (name,) in owner.execute(TABLES_OF_OURS, {"seeded": SEEDED})]


@pytest.fixture
def acme(db: None) -> Client:
    """An agency with a key."""
    return Client(*agencies.create_agency(name="Acme", now=NOON))


@pytest.fixture
def rival(db: None) -> Client:
    """Another agency, which must not see that anything of acme's exists."""
    return Client(*agencies.create_agency(name="Rival", now=NOON))


@pytest.fixture
def shop(acme: Client) -> str:
    """The id of a seller account of acme's, at home in the US."""
    return acme.take_on()
