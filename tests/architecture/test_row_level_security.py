"""Test row-level security by reading and writing rows of other agencies."""

import queue
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from uuid import UUID

import pytest
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import IntegrityError, ProgrammingError

from accounts.agencies import lifecycle as agencies
from accounts.models import SellerAccount
from accounts.tenancy import context
from tests.architecture.agency_data import create_agency_data
from tests.architecture.statements import count_touched, rows
from tests.client import Client
from tests.conftest import NOON

APPEND_ONLY = (
    "metrics_dailycounts",
    "metrics_pastorder",
    "metrics_pastdefect",
    "metrics_sourceload",
    "metrics_denominatorrule",
    "metrics_threshold",
    "metrics_appliedthresholds",
    "metrics_breachaction",
)
OWN_COLUMNS = (
    "SELECT attname::text FROM pg_attribute "
    "WHERE attrelid = %s::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped"
)


@pytest.fixture(scope="module")
def two_agencies(committed_module: None) -> tuple[Client, Client]:
    """Create two agencies with rows in every table once, committed. Each test's changes are rolled back."""
    return create_two_agencies()


@pytest.fixture
def acme(two_agencies: tuple[Client, Client], db: None) -> Client:
    return two_agencies[0]


@pytest.fixture
def rival(two_agencies: tuple[Client, Client], db: None) -> Client:
    return two_agencies[1]


def create_two_agencies() -> tuple[Client, Client]:
    acme, rival = (Client(*agencies.create_agency(name=name, now=NOON)) for name in ("acme", "rival"))
    for client in (acme, rival):
        create_agency_data(client, name=client.agency.name)
    return acme, rival


def build_copy_statement(table: str) -> str:
    """Return the statement that inserts a row again, without generated columns."""
    columns = rows(OWN_COLUMNS, table)
    fields = ", ".join(f"(it).{column}" for column in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {fields} FROM (SELECT jsonb_populate_record(NULL::{table}, %(row)s) AS it) AS copied "
    )


def agencies_shown(tables: list[str]) -> dict[str, list[UUID]]:
    """Return the agencies whose rows each table shows."""
    return {table: rows(f"SELECT DISTINCT agency_id FROM {table}") for table in tables}


def test_tables_show_only_rows_of_agency_in_context(tables: list[str], acme: Client, rival: Client) -> None:
    without_agency = agencies_shown(tables)
    with context.agency(acme.agency.pk):
        acme_sees = agencies_shown(tables)
    with context.agency(rival.agency.pk):
        rival_sees = agencies_shown(tables)

    assert without_agency == {table: [] for table in tables}
    assert acme_sees == {table: [acme.agency.pk] for table in tables}
    assert rival_sees == {table: [rival.agency.pk] for table in tables}


def test_tables_show_no_row_for_invalid_agency(acme: Client, tables: list[str]) -> None:
    for setting in ("''", "'00000000-0000-0000-0000-000000000000'", "DEFAULT"):
        count_touched(f"SET LOCAL underone.agency = {setting}")

        assert agencies_shown(tables) == {table: [] for table in tables}, setting
        assert rows("SELECT id FROM accounts_agency") == [], setting


def test_uncommitted_rows_are_hidden_too(tables: list[str]) -> None:
    clients = create_two_agencies()
    context.set_agency(None)

    assert agencies_shown(tables) == {table: [] for table in tables}
    for client in clients:
        with context.agency(client.agency.pk):
            assert agencies_shown(tables) == {table: [client.agency.pk] for table in tables}


def test_rows_of_another_agency_cannot_be_changed(tables: list[str], acme: Client, rival: Client) -> None:
    agencies_of = {"own": rival.agency.pk, "other": acme.agency.pk}
    statements = ("UPDATE {table} SET agency_id = agency_id", "DELETE FROM {table}")
    conditions = ("WHERE agency_id = %(other)s", "WHERE agency_id <> %(own)s")

    for statement, condition in product(statements, conditions):
        with context.agency(rival.agency.pk):
            changed = {
                table: count_touched(f"{statement} {condition}".format(table=table), agencies_of)
                for table in tables
            }

        assert changed == dict.fromkeys(tables, 0), (statement, condition)


def test_rows_of_another_agency_cannot_be_upserted(acme: Client, rival: Client) -> None:
    with context.agency(acme.agency.pk):
        (row,) = rows("SELECT to_jsonb(it)::text FROM metrics_order AS it LIMIT 1")
    upsert = (
        build_copy_statement("metrics_order")
        + "ON CONFLICT (agency_id, account_id, order_id) DO UPDATE SET status = 1"
    )

    with context.agency(rival.agency.pk), pytest.raises(ProgrammingError, match="row-level security"):
        count_touched(upsert, {"row": row})


def test_row_of_another_agency_cannot_be_inserted(tables: list[str], acme: Client, rival: Client) -> None:
    with context.agency(acme.agency.pk):
        copied = {table: rows(f"SELECT to_jsonb(it)::text FROM {table} AS it LIMIT 1")[0] for table in tables}

    for table, row in copied.items():
        for agency in (rival.agency.pk, None):
            with expect_error(ProgrammingError, "row-level security"), transaction.atomic():
                context.set_agency(agency)
                count_touched(build_copy_statement(table), {"row": row})


def test_own_row_cannot_be_moved_to_another_agency(tables: list[str], acme: Client, rival: Client) -> None:
    for table in tables:
        with (
            context.agency(rival.agency.pk),
            expect_error(DatabaseError, "row-level security|keeps versions|is never changed"),
        ):
            count_touched(f"UPDATE {table} SET agency_id = %(other)s", {"other": acme.agency.pk})


def test_own_row_cannot_reference_account_of_another_agency(
    tables: list[str], acme: Client, rival: Client
) -> None:
    with context.agency(acme.agency.pk):
        account = SellerAccount.objects.get().pk
    naming = rows("SELECT attrelid::regclass::text FROM pg_attribute WHERE attname = 'account_id'")

    for table in set(naming) & set(tables):
        with context.agency(rival.agency.pk), expect_error(IntegrityError, "account_fk"):
            (row,) = rows(
                "SELECT (to_jsonb(it) || jsonb_build_object('id', gen_random_uuid(), 'key', "
                "gen_random_uuid(), 'line', 99, "
                f"'account_id', %s::text))::text FROM {table} AS it LIMIT 1",
                str(account),
            )
            count_touched(build_copy_statement(table), {"row": row})


@contextmanager
def expect_error(error: type[DatabaseError], match: str) -> Iterator[None]:
    """Expect the database to refuse the block, and roll it back."""
    with pytest.raises(error, match=match), transaction.atomic():
        yield


def test_versions_cannot_be_changed_by_their_agency(acme: Client) -> None:
    for table in APPEND_ONLY:
        with context.agency(acme.agency.pk), expect_error(DatabaseError, "keeps versions"):
            count_touched(f"UPDATE {table} SET recorded_at = recorded_at")


def test_key_prefix_lookup_shows_one_row_and_changes_none(db: None) -> None:
    acme, rival = (Client(*agencies.create_agency(name=name, now=NOON)) for name in ("Acme", "Rival"))
    with context.agency(acme.agency.pk):
        (prefix,) = rows("SELECT prefix FROM accounts_apikey")
    context.set_agency(None)

    shown = {}
    for named in (prefix, prefix[:-1], prefix + "x", "%", "", prefix.upper()):
        context.set_local(key_prefix=named)
        shown[named] = rows("SELECT prefix FROM accounts_apikeyprefix")
    context.set_local(key_prefix=prefix)
    statements = (
        "UPDATE accounts_apikeyprefix SET key_id = gen_random_uuid()",
        "DELETE FROM accounts_apikeyprefix",
    )
    changed = tuple(count_touched(statement) for statement in statements)

    assert {named: prefixes for named, prefixes in shown.items() if prefixes} == {prefix: [prefix]}
    assert changed == (0, 0)
    with context.agency(rival.agency.pk):
        assert sorted(rows("SELECT agency_id FROM accounts_apikeyprefix")) == sorted(
            [acme.agency.pk, rival.agency.pk]
        )
        assert rows("SELECT agency_id FROM accounts_apikey") == [rival.agency.pk]


@pytest.fixture
def pool(committed_db: None) -> Iterator["queue.Queue[BaseDatabaseWrapper]"]:
    """Provide a pool of three connections."""
    pooled = [connections.create_connection("default") for _ in range(3)]
    free: queue.Queue[BaseDatabaseWrapper] = queue.Queue()
    for each in pooled:
        each.inc_thread_sharing()
        free.put(each)
    yield free
    for each in pooled:
        each.close()


@contextmanager
def use_connection(free: "queue.Queue[BaseDatabaseWrapper]") -> Iterator[None]:
    """Use the next free connection in this thread, exclusively."""
    connection = connections["default"] = free.get()
    try:
        yield
    finally:
        del connections["default"]
        free.put(connection)


def test_context_is_reset_on_pooled_connections(
    pool: "queue.Queue[BaseDatabaseWrapper]",
) -> None:
    opened = [agencies.create_agency(name=name, now=NOON) for name in ("acme", "rival")]
    for agency, key in opened:
        Client(agency, key).take_on(name=f"Shop of {agency.name}")

    def read_as_random_agency(seed: int) -> set[tuple[str, ...]]:
        """Return the names that requests of random agencies see, and those seen after a request or failure."""

        chance, names_seen = random.Random(seed), set()
        for _ in range(30):
            agency, key = chance.choice(opened)
            with use_connection(pool):
                names = [account["name"] for account in Client(agency, key).read("/v1/accounts")["data"]]
            with use_connection(pool), pytest.raises(ZeroDivisionError), context.agency(agency.pk):
                raise ZeroDivisionError
            with use_connection(pool):
                names_seen.add((agency.name, *names, *rows("SELECT name FROM accounts_selleraccount")))
        return names_seen

    with ThreadPoolExecutor(max_workers=8) as threads:
        names_by_agency = set().union(*threads.map(read_as_random_agency, range(8)))

    assert names_by_agency == {("acme", "Shop of acme"), ("rival", "Shop of rival")}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE metrics_metricrule SET limit_numerator = 50",
        "DELETE FROM metrics_metricrule",
        "UPDATE django_migrations SET name = 'none'",
        "DELETE FROM django_migrations",
    ],
)
def test_shared_tables_are_written_by_migrations_alone(db: None, statement: str) -> None:
    assert count_touched(statement) == 0


def test_metric_rules_cannot_be_inserted(db: None) -> None:
    row = (
        "(metric, marketplace, effective_from, window_days, window_offset, comparator, source_title, source_url, "
        "checked_on)"
    )

    with pytest.raises(ProgrammingError, match="row-level security"):
        count_touched(
            f"INSERT INTO metrics_metricrule {row} VALUES ('order_defect_rate', 'US', '2026-01-01', 60, 15, "
            "'', 'us', '', '2026-01-01')"
        )
