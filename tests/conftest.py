"""What every test may ask for: the migrated database, real commits, the owner's connection."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

SEEDED = "metrics_metricrule"  # reference rows that a migration wrote
TABLES_OF_OURS = """
    SELECT tablename FROM pg_tables
    WHERE schemaname = 'public' AND tablename ~ '^(accounts|metrics|ingestion)_' AND tablename <> %(seeded)s
"""


@pytest.fixture(scope="session")
def owner_dsn() -> str:
    """The connection string of the role that owns the tables."""
    return os.environ["DATABASE_OWNER_URL"]


@pytest.fixture(scope="session")
def django_db_setup(owner_dsn: str) -> None:
    """Migrate as the owner, then test as the application's role, on the same database and under row-level security."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": owner_dsn},
        check=True,
    )


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker, owner_dsn: str) -> Iterator[None]:
    """For tests with real commits, several connections or real workers; every row of ours is gone afterwards."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
    with psycopg.connect(owner_dsn) as connection:
        names = [name for (name,) in connection.execute(TABLES_OF_OURS, {"seeded": SEEDED})]
        if names:
            tables = sql.SQL(", ").join(map(sql.Identifier, names))
            connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(tables))
