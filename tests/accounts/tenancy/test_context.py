"""Test the tenant context: what a transaction sees, during and after it."""

from concurrent.futures import ThreadPoolExecutor
from typing import cast
from uuid import UUID

import pytest
from django.db import DataError, connection, connections, transaction
from django.db.utils import ProgrammingError

from accounts.agencies import lifecycle as agencies
from accounts.models import Agency, ApiKey, SellerAccount
from accounts.tenancy import context
from tests.client import Client
from tests.conftest import NOON

MINE, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
def shops(acme: Client, rival: Client) -> None:
    """Create one account in each agency, and leave the tenant context empty."""
    acme.take_on(name="Acme's shop")
    rival.take_on(name="Rival's shop")
    context.set_agency(None)


def seen() -> dict[str, int]:
    """Return the rows that an unfiltered read shows, by table."""
    return {model.__name__: model.objects.count() for model in (Agency, ApiKey, SellerAccount)}


def test_context_missing_shows_nothing(shops: None) -> None:
    assert context.current_agency_id() is None
    assert seen() == {"Agency": 0, "ApiKey": 0, "SellerAccount": 0}


def test_context_shows_rows_of_agency_without_filter(shops: None, acme: Client, rival: Client) -> None:
    for client, name in ((acme, "Acme's shop"), (rival, "Rival's shop")):
        with context.agency(client.agency.pk):
            assert seen() == {"Agency": 1, "ApiKey": 1, "SellerAccount": 1}
            assert [account.name for account in SellerAccount.objects.all()] == [name]


def test_context_applies_to_raw_sql(shops: None, acme: Client) -> None:
    with context.agency(acme.agency.pk), connection.cursor() as cursor:
        cursor.execute("SELECT name FROM accounts_selleraccount ORDER BY name")
        names = cursor.fetchall()
        cursor.execute("UPDATE accounts_selleraccount SET name = 'taken'")
        changed = cursor.rowcount

    assert names == [("Acme's shop",)]
    assert changed == 1


def test_context_refuses_row_of_other_agency(acme: Client, rival: Client) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), context.agency(acme.agency.pk):
        agencies.create_account(
            agency=rival.agency,
            name="x",
            selling_partner_id="A1",
            home_marketplace="US",
            external_id=None,
            now=NOON,
        )


def test_context_refuses_moving_row_to_other_agency(acme: Client, rival: Client, shop: str) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), context.agency(acme.agency.pk):
        SellerAccount.objects.update(agency=rival.agency)


@pytest.mark.parametrize("outer", [None, OTHER])
def test_context_restores_outer_context(db: None, outer: UUID | None) -> None:
    context.set_agency(outer)

    with context.agency(MINE):
        inside = context.current_agency_id()

    assert (inside, context.current_agency_id()) == (MINE, outer)


def test_context_restores_nested_contexts(db: None) -> None:
    order: list[UUID | None] = []
    with context.agency(MINE):
        with context.agency(OTHER):
            with context.agency(MINE):
                order.append(context.current_agency_id())
            order.append(context.current_agency_id())
        order.append(context.current_agency_id())
    order.append(context.current_agency_id())

    assert order == [MINE, OTHER, MINE, None]


def test_context_is_restored_after_exception_and_rolls_back(acme: Client) -> None:
    def fail_inside() -> None:
        with context.agency(OTHER):
            agencies.create_agency(name="Half made", now=NOON)
            raise ZeroDivisionError

    with context.agency(acme.agency.pk):
        with pytest.raises(ZeroDivisionError):
            fail_inside()

        assert context.current_agency_id() == acme.agency.pk
    assert context.open_agency_ids() == [acme.agency.pk]


def test_context_is_restored_after_failed_statement(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        with pytest.raises(DataError), context.agency(OTHER), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

        assert context.current_agency_id() == acme.agency.pk


def test_context_ends_with_transaction(committed_db: None) -> None:
    with context.agency(MINE):
        inside = context.current_agency_id()
    with transaction.atomic():
        context.set_agency(OTHER)

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('underone.agency', true)")
        left = cursor.fetchone()
    assert inside == MINE
    assert left == ("",)  # what a reset leaves behind, and what the policies take for nobody
    assert context.current_agency_id() is None


def test_context_cannot_be_set_outside_transaction(committed_db: None) -> None:
    context.set_agency(MINE)

    assert context.current_agency_id() is None


def test_context_is_separate_per_connection(committed_db: None) -> None:
    made = [agencies.create_agency(name=name, now=NOON)[0] for name in ("Acme", "Rival")]

    def names_seen_by(agency: Agency) -> list[str]:
        try:
            rounds: list[str] = []
            for _ in range(20):
                with context.agency(agency.pk):
                    rounds += Agency.objects.values_list("name", flat=True)
            return rounds
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=2) as threads:
        answers = list(threads.map(names_seen_by, made))

    assert answers == [["Acme"] * 20, ["Rival"] * 20]


def test_open_agency_ids_need_no_context(acme: Client, rival: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM open_agency_ids()")
        columns = [column.name for column in cursor.description]

    assert context.current_agency_id() is None
    assert context.open_agency_ids() == sorted([acme.agency.pk, rival.agency.pk])
    assert columns == ["open_agency_ids"]


def test_open_agency_ids_are_same_within_context(acme: Client, rival: Client) -> None:
    with context.agency(acme.agency.pk):
        inside = context.open_agency_ids()

    assert inside == context.open_agency_ids()
    assert len(inside) == 2


@pytest.mark.parametrize(
    "hostile",
    [
        f"'; SET LOCAL underone.agency = '{OTHER}'; --",
        f"' || '{OTHER}",
        f"\\'; SET LOCAL underone.agency = '{OTHER}'; --",
        f"$$; SET LOCAL underone.agency = '{OTHER}'; --",
        "'",
        "\\",
        "DEFAULT",
        "%s",
    ],
)
def test_context_escapes_literals(acme: Client, hostile: str) -> None:
    acme.take_on()  # of no row nobody asks whose it is
    context.set_agency(cast("UUID", hostile))

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('underone.agency')")
        row = cursor.fetchone()
    assert row == (hostile,)
    with pytest.raises(DataError, match="invalid input syntax for type uuid"):
        seen()


def test_context_account_limit_ends_with_transaction(committed_db: None) -> None:
    with transaction.atomic():
        context.set_agency(OTHER, accounts=[OTHER])

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('underone.agency', true), current_setting('underone.accounts', true)"
        )
        assert not any(cursor.fetchone())
