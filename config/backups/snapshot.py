"""Read one snapshot of the database with the backup role, which row-level security does not limit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

# Without these rights, forced row-level security makes a dump fail, or leaves out every row.
RIGHTS = """
SELECT rolsuper OR (rolbypassrls AND pg_has_role(current_user, 'pg_read_all_data', 'USAGE'))
FROM pg_roles WHERE rolname = current_user
"""
TABLES = (
    "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
)
OWNER = (
    "SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = 'public.django_migrations'::regclass"
)
# The names of all files in the storage that rows refer to. tests/config/test_backups.py finds columns that are
# missing here.
STORED_NAMES = """
SELECT document AS name FROM ingestion_report WHERE document_deleted_at IS NULL AND document <> ''
UNION ALL
SELECT original FROM ingestion_report WHERE document_deleted_at IS NULL AND original <> ''
UNION ALL
SELECT document FROM ingestion_export WHERE status = 'ready' AND document <> ''
"""


class CannotRead(Exception):
    """Raise when the backup role cannot read the whole database."""


@dataclass(frozen=True)
class Snapshot:
    """Describe one moment of the database, as long as its transaction is open."""

    connection: psycopg.Connection
    # What pg_dump needs to read the same moment.
    name: str
    moment: datetime
    server_version: int

    def migrations(self) -> list[str]:
        """Return the applied migrations as "app.name"."""
        rows = self.connection.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
        return [f"{app}.{name}" for app, name in rows]

    def owner_role(self) -> str:
        """Return the role that owns the tables."""
        return str(_value(self.connection, OWNER))

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        return count_rows(self.connection)

    def stored_names(self) -> Iterator[str]:
        """Yield the names of all stored files, without holding them in memory."""
        with self.connection.cursor(name="stored_names") as cursor:
            for (name,) in cursor.execute(STORED_NAMES):
                yield str(name)


@contextmanager
def open_snapshot(url: str) -> Iterator[Snapshot]:
    """Open a read-only transaction that sees one moment. Raises CannotRead."""
    try:
        connection = psycopg.connect(url, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise CannotRead(f"The database of DATABASE_BACKUP_URL does not answer: {error}") from None
    with connection:
        _check_rights(connection)
        connection.rollback()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        name = str(_value(connection, "SELECT pg_export_snapshot()"))
        row = connection.execute("SELECT now(), current_setting('server_version_num')::int").fetchone()
        assert row is not None  # noqa: S101  a SELECT without FROM returns a row
        yield Snapshot(connection, name, *row)


def count_rows(connection: psycopg.Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    tables = sorted(name for (name,) in connection.execute(TABLES))
    return {
        table: int(
            str(
                _value(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", table)))
            )
        )
        for table in tables
    }


def still_stored(url: str, names: list[str]) -> list[str]:
    """Return those of the names that rows refer to now, and not only in an earlier snapshot."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        query = f"SELECT DISTINCT name FROM ({STORED_NAMES}) AS stored WHERE name = ANY(%s) ORDER BY name"
        return [str(name) for (name,) in connection.execute(query, [names])]


def _check_rights(connection: psycopg.Connection) -> None:
    if not _value(connection, RIGHTS):
        raise CannotRead(
            "The role in DATABASE_BACKUP_URL cannot read all rows. It needs BYPASSRLS and the role "
            "pg_read_all_data; docs/backups.md shows how to create it."
        )


def _value(connection: psycopg.Connection, query: str | sql.Composable) -> object:
    row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    return row[0] if row else None
