"""The wall as it stands when somebody runs at it."""

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
from tests.architecture.furnishing import furnish
from tests.architecture.statements import TENANT_TABLES, rows, touched
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


def copy_of_a_row(table: str) -> str:
    """The statement that writes a row again, but for what the database computes by itself."""
    columns = rows(OWN_COLUMNS, table)
    fields = ", ".join(f"(it).{column}" for column in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {fields} FROM (SELECT jsonb_populate_record(NULL::{table}, %(row)s) AS it) AS copied "
    )


def seen(tables: list[str]) -> dict[str, list[UUID]]:
    """Whose rows each table shows."""
    return {table: rows(f"SELECT DISTINCT agency_id FROM {table}") for table in tables}


def test_without_an_agency_no_table_shows_a_row_and_with_one_it_shows_that_agency_s(
    both: None, tables: list[str], acme: Client, rival: Client
) -> None:
    nobody_sees = seen(tables)
    with context.agency(acme.agency.pk):
        acme_sees = seen(tables)
    with context.agency(rival.agency.pk):
        rival_sees = seen(tables)

    assert nobody_sees == {table: [] for table in tables}
    assert acme_sees == {table: [acme.agency.pk] for table in tables}
    assert rival_sees == {table: [rival.agency.pk] for table in tables}


def test_an_agency_that_is_none_sees_nothing(both: None, tables: list[str]) -> None:
    for setting in ("''", "'00000000-0000-0000-0000-000000000000'", "DEFAULT"):
        touched(f"SET LOCAL underone.agency = {setting}")

        assert seen(tables) == {table: [] for table in tables}, setting
        assert rows("SELECT id FROM accounts_agency") == [], setting


def test_committed_rows_are_behind_the_wall_like_others(committed_db: None) -> None:
    clients = [Client(*agencies.create_agency(name=name, now=NOON)) for name in ("acme", "rival")]
    for client in clients:
        furnish(client, name=client.agency.name)
    tables = rows(TENANT_TABLES)

    assert seen(tables) == {table: [] for table in tables}
    for client in clients:
        with context.agency(client.agency.pk):
            assert seen(tables) == {table: [client.agency.pk] for table in tables}


def test_another_agency_s_rows_are_out_of_reach(
    both: None, tables: list[str], acme: Client, rival: Client
) -> None:
    agencies_of = {"own": rival.agency.pk, "other": acme.agency.pk}
    statements = ("UPDATE {table} SET agency_id = agency_id", "DELETE FROM {table}")
    conditions = ("WHERE agency_id = %(other)s", "WHERE agency_id <> %(own)s")

    for statement, condition in product(statements, conditions):
        with context.agency(rival.agency.pk):
            changed = {
                table: touched(f"{statement} {condition}".format(table=table), agencies_of)
                for table in tables
            }

        assert changed == dict.fromkeys(tables, 0), (statement, condition)


def test_another_agency_s_rows_are_out_of_reach_for_upserts(both: None, acme: Client, rival: Client) -> None:
    with context.agency(acme.agency.pk):
        (row,) = rows("SELECT to_jsonb(it)::text FROM metrics_order AS it LIMIT 1")
    upsert = (
        copy_of_a_row("metrics_order")
        + "ON CONFLICT (agency_id, account_id, order_id) DO UPDATE SET status = 1"
    )

    with context.agency(rival.agency.pk), pytest.raises(ProgrammingError, match="row-level security"):
        touched(upsert, {"row": row})


def test_a_row_of_another_agency_s_is_not_accepted(
    both: None, tables: list[str], acme: Client, rival: Client
) -> None:
    with context.agency(acme.agency.pk):
        copied = {table: rows(f"SELECT to_jsonb(it)::text FROM {table} AS it LIMIT 1")[0] for table in tables}

    for table, row in copied.items():
        for agency in (rival.agency.pk, None):
            with refused(ProgrammingError, "row-level security"), transaction.atomic():
                context.set_agency(agency)
                touched(copy_of_a_row(table), {"row": row})


def test_an_own_row_cannot_be_given_to_another_agency(
    both: None, tables: list[str], acme: Client, rival: Client
) -> None:
    for table in tables:
        with (
            context.agency(rival.agency.pk),
            refused(DatabaseError, "row-level security|keeps versions|is never changed"),
        ):
            touched(f"UPDATE {table} SET agency_id = %(other)s", {"other": acme.agency.pk})


def test_an_own_row_cannot_name_another_agency_s_account(
    both: None, tables: list[str], acme: Client, rival: Client
) -> None:
    with context.agency(acme.agency.pk):
        account = SellerAccount.objects.get().pk
    naming = rows("SELECT attrelid::regclass::text FROM pg_attribute WHERE attname = 'account_id'")

    for table in set(naming) & set(tables):
        with context.agency(rival.agency.pk), refused(IntegrityError, "account_fk"):
            (row,) = rows(
                "SELECT (to_jsonb(it) || jsonb_build_object('id', gen_random_uuid(), 'key', "
                "gen_random_uuid(), 'line', 99, "
                f"'account_id', %s::text))::text FROM {table} AS it LIMIT 1",
                str(account),
            )
            touched(copy_of_a_row(table), {"row": row})


@contextmanager
def refused(error: type[DatabaseError], match: str) -> Iterator[None]:
    """The database refuses what happens in this block, which is then as if it had not happened."""
    with pytest.raises(error, match=match), transaction.atomic():
        yield


def test_a_version_is_never_changed_not_even_by_its_agency(both: None, acme: Client) -> None:
    for table in APPEND_ONLY:
        with context.agency(acme.agency.pk), refused(DatabaseError, "keeps versions"):
            touched(f"UPDATE {table} SET recorded_at = recorded_at")


def test_who_names_the_prefix_of_a_key_sees_that_one_row_and_changes_nothing(
    acme: Client, rival: Client
) -> None:
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
    changed = tuple(touched(statement) for statement in statements)

    assert {named: seen for named, seen in shown.items() if seen} == {prefix: [prefix]}
    assert changed == (0, 0)
    with context.agency(rival.agency.pk):
        assert sorted(rows("SELECT agency_id FROM accounts_apikeyprefix")) == sorted(
            [acme.agency.pk, rival.agency.pk]
        )
        assert rows("SELECT agency_id FROM accounts_apikey") == [rival.agency.pk]


@pytest.fixture
def pool(committed_db: None) -> Iterator["queue.Queue[BaseDatabaseWrapper]"]:
    """Three connections that whoever is next gets."""
    pooled = [connections.create_connection("default") for _ in range(3)]
    free: queue.Queue[BaseDatabaseWrapper] = queue.Queue()
    for each in pooled:
        each.inc_thread_sharing()
        free.put(each)
    yield free
    for each in pooled:
        each.close()


@contextmanager
def borrowed(free: "queue.Queue[BaseDatabaseWrapper]") -> Iterator[None]:
    """This thread uses the connection that is free next, and nobody else does meanwhile."""
    connection = connections["default"] = free.get()
    try:
        yield
    finally:
        del connections["default"]
        free.put(connection)


def test_an_agency_never_shows_to_the_next_one_on_a_pooled_connection(
    pool: "queue.Queue[BaseDatabaseWrapper]",
) -> None:
    opened = [agencies.create_agency(name=name, now=NOON) for name in ("acme", "rival")]
    for agency, key in opened:
        Client(agency, key).take_on(name=f"Shop of {agency.name}")

    def ask(seed: int) -> set[tuple[str, ...]]:
        """Thirty times, as one of the two at random: what a request sees, and nobody after it and after a
        failure."""

        chance, names_seen = random.Random(seed), set()
        for _ in range(30):
            agency, key = chance.choice(opened)
            with borrowed(pool):
                names = [account["name"] for account in Client(agency, key).read("/v1/accounts")["data"]]
            with borrowed(pool), pytest.raises(ZeroDivisionError), context.agency(agency.pk):
                raise ZeroDivisionError
            with borrowed(pool):
                names_seen.add((agency.name, *names, *rows("SELECT name FROM accounts_selleraccount")))
        return names_seen

    with ThreadPoolExecutor(max_workers=8) as threads:
        answers = set().union(*threads.map(ask, range(8)))

    assert answers == {("acme", "Shop of acme"), ("rival", "Shop of rival")}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE metrics_metricrule SET limit_numerator = 50",
        "DELETE FROM metrics_metricrule",
        "UPDATE django_migrations SET name = 'none'",
        "DELETE FROM django_migrations",
    ],
)
def test_what_belongs_to_all_is_written_by_migrations_alone(db: None, statement: str) -> None:
    assert touched(statement) == 0


def test_no_rule_of_amazon_s_can_be_added(db: None) -> None:
    row = "(metric, marketplace, effective_from, window_days, window_offset, comparator, source)"

    with pytest.raises(ProgrammingError, match="row-level security"):
        touched(
            f"INSERT INTO metrics_metricrule {row} VALUES ('order_defect_rate', 'US', '2026-01-01', 60, 15, "
            "'', 'us')"
        )
