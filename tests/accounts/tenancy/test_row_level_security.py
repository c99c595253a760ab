"""Test the SQL of row-level security for the application role and the owner."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import scalar_row

from accounts.agencies import lifecycle as agencies
from accounts.models import SellerAccount
from accounts.tenancy import context, row_level_security
from api import identifiers
from tests.conftest import NOON

MINE, OTHER = identifiers.uuid7(), identifiers.uuid7()
TABLE = """
DROP TABLE IF EXISTS walled_thing;
CREATE TABLE walled_thing (agency_id uuid NOT NULL, account_id uuid, word text NOT NULL);
"""


@contextmanager
def session(url: str, agency: UUID | None = None) -> Iterator[psycopg.Connection]:
    """Open a transaction of the role of `url` in one tenant context, or none."""
    with psycopg.connect(url) as connection:
        if agency:
            connection.execute(sql.SQL("SET LOCAL underone.agency = {}").format(str(agency)))
        yield connection


def words(connection: psycopg.Connection) -> list[str]:
    return (
        connection.cursor(row_factory=scalar_row)
        .execute("SELECT word FROM walled_thing ORDER BY word")
        .fetchall()
    )


@pytest.fixture
def application_dsn(committed_db: None) -> str:
    """Return the connection string of the application role."""
    return os.environ["DATABASE_URL"]


@pytest.fixture
def plain_table(application_dsn: str, owner_dsn: str) -> Iterator[None]:
    """Create a table with a row of each agency, without row-level security."""
    with session(owner_dsn) as owner:
        owner.execute(TABLE)
        for agency, word in ((MINE, "mine"), (OTHER, "theirs")):
            owner.execute("INSERT INTO walled_thing (agency_id, word) VALUES (%s, %s)", [agency, word])
    yield
    with session(owner_dsn) as owner:
        owner.execute("DROP TABLE walled_thing")


@pytest.fixture
def isolated_table(plain_table: None, owner_dsn: str) -> None:
    """Add row-level security to the table."""
    with session(owner_dsn) as owner:
        owner.execute(str(row_level_security.isolate("walled_thing").sql).encode())


def test_table_without_policy_shows_everything(plain_table: None, application_dsn: str) -> None:
    with session(application_dsn, MINE) as application:
        assert words(application) == ["mine", "theirs"]


def test_policy_is_forced_for_each_command(isolated_table: None, owner_dsn: str) -> None:
    with session(owner_dsn) as owner:
        switches = owner.execute(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'walled_thing'"
        ).fetchone()
        policies = owner.execute(
            "SELECT policyname, permissive, roles, cmd, qual = with_check FROM pg_policies WHERE tablename = "
            "'walled_thing'"
        ).fetchall()

    assert switches == (True, True)
    assert policies == [("agency_isolation", "PERMISSIVE", ["public"], "ALL", True)]


@pytest.mark.parametrize("role", ["DATABASE_URL", "DATABASE_OWNER_URL"])
@pytest.mark.parametrize(
    ("agency", "seen"), [(None, []), (MINE, ["mine"]), (OTHER, ["theirs"]), (identifiers.uuid7(), [])]
)
def test_policy_shows_rows_of_agency_only(
    isolated_table: None, role: str, agency: UUID | None, seen: list[str]
) -> None:
    with session(os.environ[role], agency) as connected:
        assert words(connected) == seen


def test_policy_shows_nothing_after_reset(isolated_table: None, application_dsn: str) -> None:
    with session(application_dsn, MINE) as application:
        application.execute("RESET underone.agency")

        assert words(application) == []


def test_policy_limits_changes_to_rows_of_agency(isolated_table: None, application_dsn: str) -> None:
    with session(application_dsn, MINE) as application:
        changed = application.execute("UPDATE walled_thing SET word = upper(word)").rowcount
        deleted = application.execute("DELETE FROM walled_thing WHERE word <> 'MINE'").rowcount

    with session(application_dsn, OTHER) as application:
        assert (changed, deleted, words(application)) == (1, 0, ["theirs"])


@pytest.mark.parametrize("role", ["DATABASE_URL", "DATABASE_OWNER_URL"])
@pytest.mark.parametrize("agency", [None, MINE])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO walled_thing (agency_id, word) VALUES (%(other)s, 'x')",
        "INSERT INTO walled_thing (agency_id, word) SELECT %(other)s, 'x' FROM generate_series(1, 3)",
        "MERGE INTO walled_thing USING (SELECT %(other)s::uuid AS id) AS new ON agency_id = id AND word = "
        "'y' "
        "WHEN NOT MATCHED THEN INSERT (agency_id, word) VALUES (id, 'x')",
    ],
)
def test_policy_refuses_row_of_other_agency(
    isolated_table: None, role: str, agency: UUID | None, statement: str
) -> None:
    with (
        session(os.environ[role], agency) as connected,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level"),
    ):
        connected.execute(statement.encode(), {"other": OTHER})


def test_policy_refuses_moving_row(isolated_table: None, application_dsn: str) -> None:
    with (
        session(application_dsn, MINE) as application,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level"),
    ):
        application.execute("UPDATE walled_thing SET agency_id = %s", [OTHER])


def test_policy_fails_for_malformed_setting(isolated_table: None, application_dsn: str) -> None:
    with session(application_dsn) as application:
        application.execute("SET LOCAL underone.agency = 'everyone'")

        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            words(application)


@pytest.mark.parametrize(
    "statement", ["TRUNCATE walled_thing", "ALTER TABLE walled_thing NO FORCE ROW LEVEL SECURITY"]
)
def test_policy_cannot_be_removed_by_application_role(
    isolated_table: None, application_dsn: str, statement: str
) -> None:
    with session(application_dsn, MINE) as application, pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(statement.encode())


def test_policy_raises_when_row_security_is_off(isolated_table: None, application_dsn: str) -> None:
    with session(application_dsn, MINE) as application:
        application.execute("SET LOCAL row_security = off")

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            words(application)


def test_policy_is_removed_by_reverse_migration(
    isolated_table: None, application_dsn: str, owner_dsn: str
) -> None:
    with session(owner_dsn) as owner:
        owner.execute(str(row_level_security.isolate("walled_thing").reverse_sql).encode())

    with session(application_dsn) as application:
        assert words(application) == ["mine", "theirs"]


def test_policy_can_use_other_column(plain_table: None, application_dsn: str, owner_dsn: str) -> None:
    with session(owner_dsn) as owner:
        owner.execute("UPDATE walled_thing SET account_id = agency_id")
        owner.execute("ALTER TABLE walled_thing DROP COLUMN agency_id")
        owner.execute(str(row_level_security.isolate("walled_thing", column="account_id").sql).encode())

    with session(application_dsn, OTHER) as application:
        assert words(application) == ["theirs"]


@pytest.fixture
def table_with_account(plain_table: None, owner_dsn: str) -> SellerAccount:
    """Reference accounts from the table, and create an account."""
    agency, _ = agencies.create_agency(name="Acme", now=NOON)
    with context.agency(agency.pk):
        account = agencies.create_account(
            agency=agency,
            name="Shop",
            selling_partner_id="A1",
            home_marketplace="US",
            external_id=None,
            now=NOON,
        )
    with session(owner_dsn) as owner:
        owner.execute(str(row_level_security.account_key("walled_thing").sql).encode())
        owner.execute("INSERT INTO walled_thing VALUES (%s, %s, 'of the account')", [agency.pk, account.pk])
    return account


def test_account_key_requires_account_of_same_agency(
    table_with_account: SellerAccount, application_dsn: str
) -> None:
    for agency, account in (
        (OTHER, table_with_account.pk),
        (table_with_account.agency_id, identifiers.uuid7()),
    ):
        with session(application_dsn) as application, pytest.raises(psycopg.errors.ForeignKeyViolation):
            application.execute("INSERT INTO walled_thing VALUES (%s, %s, 'x')", [agency, account])


def test_account_key_deletes_row_with_account(
    table_with_account: SellerAccount, application_dsn: str
) -> None:
    with context.agency(table_with_account.agency_id):
        table_with_account.delete()

    with session(application_dsn) as application:
        assert words(application) == ["mine", "theirs"]


def test_account_key_is_removed_by_reverse_migration(
    table_with_account: SellerAccount, application_dsn: str, owner_dsn: str
) -> None:
    with session(owner_dsn) as owner:
        owner.execute(str(row_level_security.account_key("walled_thing").reverse_sql).encode())

    with session(application_dsn) as application:
        application.execute("INSERT INTO walled_thing VALUES (%s, %s, 'free')", [OTHER, identifiers.uuid7()])
        assert "free" in words(application)


@pytest.fixture
def shared_table(plain_table: None, owner_dsn: str) -> None:
    """Make the table shared by all agencies."""
    with session(owner_dsn) as owner:
        owner.execute(str(row_level_security.read_only("walled_thing").sql).encode())


@pytest.mark.parametrize("agency", [None, MINE, OTHER])
def test_read_only_table_is_read_by_all_roles(
    shared_table: None, application_dsn: str, agency: UUID | None
) -> None:
    with session(application_dsn, agency) as application:
        assert words(application) == ["mine", "theirs"]


@pytest.mark.parametrize("agency", [None, MINE])
def test_read_only_table_is_changed_by_owner_only(
    shared_table: None, application_dsn: str, owner_dsn: str, agency: UUID | None
) -> None:
    with session(application_dsn, agency) as application:
        changed = application.execute("UPDATE walled_thing SET word = 'x'").rowcount
        deleted = application.execute("DELETE FROM walled_thing").rowcount
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level"):
            application.execute("INSERT INTO walled_thing (agency_id, word) VALUES (%s, 'x')", [MINE])

    with session(owner_dsn) as owner:
        assert (changed, deleted) == (0, 0)
        assert owner.execute("UPDATE walled_thing SET word = 'x'").rowcount == 2


def test_read_only_policy_is_removed_by_reverse_migration(
    shared_table: None, application_dsn: str, owner_dsn: str
) -> None:
    with session(owner_dsn) as owner:
        owner.execute(str(row_level_security.read_only("walled_thing").reverse_sql).encode())

    with session(application_dsn) as application:
        assert application.execute("DELETE FROM walled_thing").rowcount == 2
