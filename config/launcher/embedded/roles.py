"""Create the database roles.

The owner owns the tables and migrates. The application role serves requests and is subject to row-level
security. The backup role reads all rows and writes none.
"""

from dataclasses import dataclass
from typing import LiteralString
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

OWNER, APPLICATION, BACKUP = "underone_owner", "underone_app", "underone_backup"


class CannotProvision(SystemExit):
    """Raise when the given URL cannot be used to create the roles."""


@dataclass(frozen=True)
class Role:
    name: str
    password: str


@dataclass(frozen=True)
class Access:
    """Store the URLs of one database for the owner, for the application and for backups."""

    owner_url: str
    application_url: str
    # None if only an administrator of the server could create the role.
    backup_url: str | None = None


def provision(
    *, admin_url: str, database: str, owner: Role, application: Role, backup: Role | None = None
) -> Access:
    """Create the roles and the database, and grant the application its rights. Safe to repeat.

    `admin_url` belongs to a role that may create roles and, if `database` does not exist, databases. Raises
    CannotProvision if it may not.
    """

    try:
        with _connect(admin_url) as connection:
            for role in (owner, application):
                _make_role(connection, role=role)
            _join(connection, role=owner)
            _make_database(connection, database=database, owner=owner)
            has_backup = backup is not None and _make_backup_role(connection, role=backup)
        # Rights on a schema can be granted only from inside its database.
        with _connect(build_url(admin_url, database=database)) as connection:
            _grant(connection, database=database, owner=owner, application=application)
    except psycopg.errors.InsufficientPrivilege as error:
        raise CannotProvision(
            f"The role in DATABASE_URL cannot create {owner.name} and {application.name}: {error}"
        ) from error
    return Access(
        owner_url=build_url(admin_url, database=database, role=owner),
        application_url=build_url(admin_url, database=database, role=application),
        backup_url=build_url(admin_url, database=database, role=backup) if has_backup else None,
    )


def can_create_roles(*, url: str) -> bool:
    """Return whether the role of `url` may create roles."""
    with _connect(url) as connection:
        query = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        return bool(_row(connection, query)[0])


def missing(*, url: str, name: str) -> bool:
    """Return whether the server of `url` has no role called `name`."""
    with _connect(url) as connection:
        return not _exists(
            connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(name)s)", name=name
        )


def build_url(url: str, *, database: str | None = None, role: Role | None = None) -> str:
    """Return `url` with another database and another role."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    login = (
        f"{quote(role.name, safe='')}:{quote(role.password, safe='')}"
        if role
        else parts.netloc.rpartition("@")[0]
    )
    path = f"/{quote(database, safe='')}" if database else parts.path
    return urlunsplit(parts._replace(netloc=f"{login}@{address}" if login else address, path=path))


def database_name(url: str) -> str:
    """Return the name of the database of `url`."""
    return unquote(urlsplit(url).path.strip("/"))


def _connect(url: str) -> psycopg.Connection:
    try:
        # CREATE DATABASE cannot run in a transaction.
        return psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise CannotProvision(f"Cannot connect to the database server: {error}") from error


def _make_role(connection: psycopg.Connection, *, role: Role) -> None:
    """Create `role`, or set its password and limits again."""
    # The server receives only a verifier: it could log the statement, and the password with it.
    verifier = connection.pgconn.encrypt_password(
        role.password.encode(), role.name.encode(), b"scram-sha-256"
    ).decode()
    exists = _exists(
        connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(name)s)", name=role.name
    )
    # ALTER does not name NOSUPERUSER and NOBYPASSRLS, which only a superuser may. A role with these powers is
    # refused below.
    statement = (
        "ALTER ROLE {name} LOGIN NOCREATEDB NOCREATEROLE PASSWORD {password}"
        if exists
        else "CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {password}"
    )
    connection.execute(
        sql.SQL(statement).format(name=sql.Identifier(role.name), password=sql.Literal(verifier))
    )
    _check_powers(connection, role=role)


def _make_backup_role(connection: psycopg.Connection, *, role: Role) -> bool:
    """Create the role that reads all rows, or set its password again. Return whether that is allowed."""
    verifier = connection.pgconn.encrypt_password(
        role.password.encode(), role.name.encode(), b"scram-sha-256"
    ).decode()
    exists = _exists(
        connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(name)s)", name=role.name
    )
    names = {"name": sql.Identifier(role.name), "password": sql.Literal(verifier)}
    try:
        # BYPASSRLS: a dump under row-level security fails or has no rows.
        for statement in ALTER_BACKUP_ROLE if exists else CREATE_BACKUP_ROLE:
            connection.execute(sql.SQL(statement).format(**names))
    except psycopg.errors.InsufficientPrivilege:
        # On many servers only a superuser may. docs/backups.md says what to ask for.
        return False
    return True


def _check_powers(connection: psycopg.Connection, *, role: Role) -> None:
    query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %(name)s"
    if _row(connection, query, name=role.name)[0]:
        raise CannotProvision(
            f"The role {role.name} bypasses row-level security. Run ALTER ROLE {role.name} NOSUPERUSER "
            "NOBYPASSRLS first."
        )


def _join(connection: psycopg.Connection, *, role: Role) -> None:
    """Allow the current role, unless it is a superuser, to transfer ownership to `role`."""
    if not _row(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")[0]:
        connection.execute(sql.SQL("GRANT {role} TO CURRENT_USER").format(role=sql.Identifier(role.name)))


def _make_database(connection: psycopg.Connection, *, database: str, owner: Role) -> None:
    exists = _exists(
        connection, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %(name)s)", name=database
    )
    statement = (
        "ALTER DATABASE {database} OWNER TO {owner}"
        if exists
        # Of template0: other templates fix the encoding.
        else "CREATE DATABASE {database} OWNER {owner} ENCODING 'UTF8' TEMPLATE template0"
    )
    connection.execute(
        sql.SQL(statement).format(database=sql.Identifier(database), owner=sql.Identifier(owner.name))
    )


CREATE_BACKUP_ROLE: tuple[LiteralString, ...] = (
    "CREATE ROLE {name} LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {password}",
    "GRANT pg_read_all_data TO {name}",
)
ALTER_BACKUP_ROLE: tuple[LiteralString, ...] = (
    "ALTER ROLE {name} LOGIN BYPASSRLS PASSWORD {password}",
    "GRANT pg_read_all_data TO {name}",
)
RIGHTS: tuple[LiteralString, ...] = (
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE, CREATE ON SCHEMA public TO {owner}",
    "GRANT USAGE ON SCHEMA public TO {application}",
    # Bulk loading stages rows in temporary tables. TRUNCATE stays out: row-level security does not guard it.
    "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {application}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "
    "{application}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {application}",
)


def _grant(connection: psycopg.Connection, *, database: str, owner: Role, application: Role) -> None:
    names = {"owner": owner.name, "application": application.name, "database": database}
    for right in RIGHTS:
        connection.execute(
            sql.SQL(right).format(**{word: sql.Identifier(name) for word, name in names.items()})
        )


def _exists(connection: psycopg.Connection, query: LiteralString, **values: str) -> bool:
    return bool(_row(connection, query, **values)[0])


def _row(connection: psycopg.Connection, query: LiteralString, **values: str) -> tuple[object, ...]:
    row = connection.execute(query, values).fetchone()
    return row or ()
