"""Test creating, updating, closing and reopening agencies, and creating and deleting accounts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, connections, transaction
from django.db.models import ProtectedError

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.models import AccountStatus, Actor, Agency, AuditEntry, SellerAccount
from accounts.tenancy import context
from tests.client import Client
from tests.conftest import NOON

LATER = NOON + timedelta(days=1)


def create_account(agency: Agency, **fields: Any) -> SellerAccount:
    """Create an account as the API does, in the agency's tenant context."""
    usual: dict[str, Any] = {
        "name": "Nordwind",
        "selling_partner_id": "A2NORDWIND",
        "home_marketplace": "DE",
        "external_id": None,
        "now": NOON,
    }
    return agencies.create_account(agency=agency, **usual | fields)


def test_new_agency_has_one_valid_key(db: None) -> None:
    agency, text = agencies.create_agency(name="Acme", now=NOON)

    key = key_secrets.authenticate(text=text, now=LATER)

    assert (key.agency_id, key.name, key.role, key.is_limited) == (agency.pk, "first key", "admin", False)
    assert (agency.name, agency.created_at) == ("Acme", NOON)
    assert not agency.counts_pending_and_cancelled


def test_create_agency_leaves_tenant_context_unchanged(db: None) -> None:
    agencies.create_agency(name="Acme", now=NOON)

    assert context.current_agency_id() is None


def test_agency_name_need_not_be_unique(db: None) -> None:
    made = [agencies.create_agency(name="Acme", now=NOON)[0] for _ in range(2)]

    assert context.open_agency_ids() == sorted(agency.pk for agency in made)


def test_agency_with_long_name_is_not_created(db: None) -> None:
    with pytest.raises(DataError):
        agencies.create_agency(name="x" * 201, now=NOON)

    assert context.open_agency_ids() == []


def test_new_account_has_home_marketplace_and_no_data(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        account = create_account(acme.agency, external_id="crm-1")
        account.refresh_from_db()

    assert (account.agency_id, account.external_id, account.created_at) == (acme.agency.pk, "crm-1", NOON)
    assert (account.home_marketplace, account.marketplaces) == ("DE", ["DE"])
    assert (account.status, account.deleted_at, account.last_recorded_at) == (
        AccountStatus.NO_DATA,
        None,
        None,
    )


def test_create_account_twice_is_refused_and_transaction_continues(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        create_account(acme.agency)
        with pytest.raises(agencies.AccountExists):
            create_account(acme.agency, name="Another name")

        assert [account.name for account in SellerAccount.objects.all()] == ["Nordwind"]


def test_selling_partner_can_be_in_two_agencies(acme: Client, rival: Client) -> None:
    for client in (acme, rival):
        with context.agency(client.agency.pk):
            create_account(client.agency)

            assert SellerAccount.objects.count() == 1


def test_deleted_account_can_be_created_again(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        first = create_account(acme.agency)
        agencies.delete_account(account=first, now=LATER)
        second = create_account(acme.agency)

        assert second.pk != first.pk
        assert list(SellerAccount.objects.present()) == [second]


@pytest.mark.parametrize("field", ["name", "selling_partner_id", "created_at"])
def test_create_account_raises_other_database_errors(acme: Client, field: str) -> None:
    wrong = {"now" if field == "created_at" else field: None}

    with context.agency(acme.agency.pk), pytest.raises(IntegrityError, match=field):
        create_account(acme.agency, **wrong)


def test_create_account_twice_at_once_creates_one(committed_db: None) -> None:
    agency, _ = agencies.create_agency(name="Acme", now=NOON)

    def attempt(name: str) -> str:
        try:
            with context.agency(agency.pk):
                return create_account(agency, name=name).name
        except agencies.AccountExists:
            return "refused"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=4) as threads:
        answers = list(threads.map(attempt, "abcd"))

    with context.agency(agency.pk):
        stored_name = SellerAccount.objects.get().name
    assert sorted(answers) == sorted([stored_name, "refused", "refused", "refused"])


def test_delete_account_hides_one_account(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        deleted, present = (
            create_account(acme.agency),
            create_account(acme.agency, selling_partner_id="A9KEPT"),
        )

        agencies.delete_account(account=deleted, now=LATER)

        assert list(SellerAccount.objects.present()) == [present]
        assert SellerAccount.objects.get(pk=deleted.pk).deleted_at == LATER


def test_delete_account_twice_keeps_first_time(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        account = create_account(acme.agency)

        for moment in (NOON, LATER):
            agencies.delete_account(account=account, now=moment)

        assert SellerAccount.objects.get().deleted_at == NOON


def test_agency_with_audit_entries_cannot_be_deleted(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        with pytest.raises(ProtectedError):
            Agency.objects.get().delete()
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM accounts_agency; SET CONSTRAINTS ALL IMMEDIATE")

    assert context.open_agency_ids() == [acme.agency.pk]


def list_audit_entries(agency: Agency, what: str) -> list[tuple[str, Any, Any]]:
    """Return the actor and the changes of each entry, oldest first."""
    with context.agency(agency.pk):
        entries = AuditEntry.objects.filter(what=what).order_by("pk")
        return [(entry.who, entry.before, entry.after) for entry in entries]


def test_agency_and_account_changes_are_recorded_in_audit_log(acme: Client) -> None:
    fields = {
        "name": "Nordwind",
        "selling_partner_id": "A2NORDWIND",
        "home_marketplace": "DE",
        "external_id": None,
    }
    with context.agency(acme.agency.pk):
        account = create_account(acme.agency, actor=Actor("key_1", "mine"))
        agencies.update(
            instance=account,
            fields={"name": "Nordwind", "external_id": "crm-1"},
            actor=Actor("key_1", "mine"),
            now=NOON,
        )
        agencies.update(
            instance=acme.agency,
            fields={"document_retention_days": 7},
            actor=Actor("key_1", "mine"),
            now=NOON,
        )
        agencies.delete_account(account=account, actor=Actor("key_2", "other"), now=LATER)

    assert list_audit_entries(acme.agency, "agency.opened") == [("underone", None, {"name": "Acme"})]
    assert list_audit_entries(acme.agency, "account.created") == [("key_1 mine", None, fields)]
    assert list_audit_entries(acme.agency, "account.changed") == [
        ("key_1 mine", {"external_id": None}, {"external_id": "crm-1"})
    ]
    assert list_audit_entries(acme.agency, "agency.changed") == [
        ("key_1 mine", {"document_retention_days": 30}, {"document_retention_days": 7})
    ]
    assert list_audit_entries(acme.agency, "account.deleted") == [
        ("key_2 other", fields | {"external_id": "crm-1"}, None)
    ]


def test_update_with_equal_values_is_not_recorded(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        account = create_account(acme.agency)
        agencies.update(instance=account, fields={"name": "Nordwind"}, now=NOON)
        agencies.update(instance=account, fields={}, now=NOON)
        for moment in (NOON, LATER):
            agencies.delete_account(account=account, now=moment)
        with pytest.raises(agencies.AccountExists):
            create_account(acme.agency, selling_partner_id="A2KEPT") and create_account(
                acme.agency, selling_partner_id="A2KEPT"
            )

    assert list_audit_entries(acme.agency, "account.changed") == []
    assert [len(list_audit_entries(acme.agency, f"account.{what}")) for what in ("created", "deleted")] == [
        2,
        1,
    ]


def closed(client: Client, *, at: datetime = NOON) -> Agency:
    with context.agency(client.agency.pk):
        return agencies.close(agency=client.agency, by="key_1", actor=Actor("key_1", "mine"), now=at)


def test_closed_agency_can_be_reopened_for_seven_days(acme: Client, rival: Client) -> None:
    agency = closed(acme)

    assert (agency.closed_at, agency.closed_by, agency.erased_from) == (
        NOON,
        "key_1",
        NOON + timedelta(days=7),
    )
    assert (context.open_agency_ids(), context.closed_agency_ids()) == ([rival.agency.pk], [acme.agency.pk])

    with context.agency(acme.agency.pk):
        agencies.reopen(agency=agency, now=NOON + timedelta(days=7) - timedelta(microseconds=1))

    assert (len(context.open_agency_ids()), context.closed_agency_ids()) == (2, [])
    assert [actor for actor, *_ in list_audit_entries(acme.agency, "agency.reopened")] == ["underone"]


def test_close_twice_keeps_first_time_and_one_entry(acme: Client) -> None:
    first, second = closed(acme), closed(acme, at=LATER)

    assert (first.erased_from, second.erased_from) == (second.erased_from, NOON + timedelta(days=7))
    assert len(list_audit_entries(acme.agency, "agency.closed")) == 1


def test_reopen_of_erasing_or_open_agency_is_refused(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        with pytest.raises(agencies.NotClosed):
            agencies.reopen(agency=acme.agency, now=NOON)
        closed(acme)
        with pytest.raises(agencies.ErasureStarted):
            agencies.reopen(agency=acme.agency, now=NOON + timedelta(days=7))


@pytest.mark.parametrize("columns", ["closed_at = now()", "erased_at = now()", "closed_by = 'key_1'"])
def test_closed_agency_needs_all_its_columns(acme: Client, columns: str) -> None:
    refused = pytest.raises(IntegrityError, match="accounts_agency_closed_complete")
    with refused, context.agency(acme.agency.pk), connection.cursor() as cursor:
        cursor.execute(f"UPDATE accounts_agency SET {columns}")
