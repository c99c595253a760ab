"""The two database roles: one owns the tables and migrates, the other serves and is bound by row-level
security."""

from dataclasses import dataclass
from typing import LiteralString
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

OWNER, APPLICATION = "underone_owner", "underone_app"


class CannotProvision(SystemExit):
    """The roles cannot be made with what we were given."""


@dataclass(frozen=True)
class Role:
    name: str
    password: str


@dataclass(frozen=True)
class Access:
    """The owner's and the application's URL of one database."""

    owner_url: str
    application_url: str


def provision(*, admin_url: str, database: str, owner: Role, application: Role) -> Access:
    """Make the two roles, the database and the application's rights on what the owner creates; safe to
    repeat.

    `admin_url` names a role that may create roles and, when `database` is missing, databases. Raises
    CannotProvision when it may not.
    """

    try:
        with _connect(admin_url) as connection:
            for role in (owner, application):
                _make_role(connection, role=role)
            _join(connection, role=owner)
            _make_database(connection, database=database, owner=owner)
        with _connect(url_of(admin_url, database=database)) as connection:
            _grant(connection, database=database, owner=owner, application=application)
    except psycopg.errors.InsufficientPrivilege as error:
        raise CannotProvision(
            f"The role in DATABASE_URL cannot create {owner.name} and {application.name}: {error}"
        ) from error
    return Access(
        owner_url=url_of(admin_url, database=database, role=owner),
        application_url=url_of(admin_url, database=database, role=application),
    )


def can_create_roles(*, url: str) -> bool:
    """Whether the role of `url` may make other roles."""
    with _connect(url) as connection:
        query = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        return bool(_row(connection, query)[0])


def missing(*, url: str, name: str) -> bool:
    """Whether the server of `url` has no role called `name`."""
    with _connect(url) as connection:
        return not _exists(
            connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(name)s)", name=name
        )


def url_of(url: str, *, database: str | None = None, role: Role | None = None) -> str:
    """`url` with another database and another role."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    login = (
        f"{quote(role.name, safe='')}:{quote(role.password, safe='')}"
        if role
        else parts.netloc.rpartition("@")[0]
    )
    path = f"/{quote(database, safe='')}" if database else parts.path
    return urlunsplit(parts._replace(netloc=f"{login}@{address}" if login else address, path=path))


def database_of(url: str) -> str:
    """The name of the database that `url` points to."""
    return unquote(urlsplit(url).path.strip("/"))


def _connect(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise CannotProvision(f"Cannot connect to the database server: {error}") from error


def _make_role(connection: psycopg.Connection, *, role: Role) -> None:
    """Make `role`, or give it its password and limits again. The server sees the password's verifier only."""
    verifier = connection.pgconn.encrypt_password(
        role.password.encode(), role.name.encode(), b"scram-sha-256"
    ).decode()
    exists = _exists(
        connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(name)s)", name=role.name
    )
    # Taking away powers that only a superuser may name is left to CREATE; a role that has them by now is
    # refused below.
    statement = (
        "ALTER ROLE {name} LOGIN NOCREATEDB NOCREATEROLE PASSWORD {password}"
        if exists
        else "CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {password}"
    )
    connection.execute(
        sql.SQL(statement).format(name=sql.Identifier(role.name), password=sql.Literal(verifier))
    )
    _refuse_powers(connection, role=role)


def _refuse_powers(connection: psycopg.Connection, *, role: Role) -> None:
    query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %(name)s"
    if _row(connection, query, name=role.name)[0]:
        raise CannotProvision(
            f"The role {role.name} bypasses row-level security. Run ALTER ROLE {role.name} NOSUPERUSER "
            "NOBYPASSRLS first."
        )


def _join(connection: psycopg.Connection, *, role: Role) -> None:
    """Let a role that is no superuser hand things over to `role`."""
    if not _row(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")[0]:
        connection.execute(sql.SQL("GRANT {role} TO CURRENT_USER").format(role=sql.Identifier(role.name)))


def _make_database(connection: psycopg.Connection, *, database: str, owner: Role) -> None:
    exists = _exists(
        connection, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %(name)s)", name=database
    )
    statement = (
        "ALTER DATABASE {database} OWNER TO {owner}"
        if exists
        else "CREATE DATABASE {database} OWNER {owner} ENCODING 'UTF8' TEMPLATE template0"
    )
    connection.execute(
        sql.SQL(statement).format(database=sql.Identifier(database), owner=sql.Identifier(owner.name))
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
