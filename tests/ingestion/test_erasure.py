"""Test the erasure of deleted accounts: documents, then every row."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from pytest_django.fixtures import Settings

from accounts.models import ApiKey, Role, SellerAccount
from accounts.tenancy import context as tenant_context
from api import identifiers
from ingestion import erasure
from ingestion.models import Report
from tests.architecture import statements
from tests.architecture.agency_data import create_agency_data
from tests.architecture.statements import TENANT_TABLES
from tests.client import Client
from tests.clock import NOW

# Deleted accounts can be restored for seven days.
LATER = NOW + timedelta(days=8)
ORDERED = NOW - timedelta(days=30)
DOCUMENTS = 15  # of an account that is furnished, with an archive
TABLES_OF_ACCOUNTS = """
    SELECT table_name FROM information_schema.columns WHERE column_name = 'account_id' AND table_schema = 'public' ORDER BY 1
"""


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> Path:
    """Return a storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def documents(storage: Path) -> int:
    return sum(path.is_file() for path in storage.rglob("*"))


def rows(client: Client, account: str) -> dict[str, int]:
    """Return the number of the account's rows in each table."""
    account_id = identifiers.private("acct", account)
    counted = {}
    with tenant_context.agency(client.agency.pk), connection.cursor() as cursor:
        cursor.execute(TABLES_OF_ACCOUNTS)
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM {table} WHERE account_id = %s", [account_id])
            counted[table] = cursor.fetchone()[0]
    return counted


def delete_account(client: Client, account: str) -> None:
    assert client.delete(f"/v1/accounts/{account}").status_code == 204


def test_deleted_account_is_erased_completely(acme: Client, storage: Path) -> None:
    account = create_agency_data(acme, name="acme").account_id
    before = rows(acme, account), documents(storage)
    delete_account(acme, account)

    erased = erasure.erase_accounts(agency_id=acme.agency.pk, now=LATER)

    assert min(before[0].values()) > 0, before
    assert before[1] == DOCUMENTS
    assert erased == 1
    assert set(rows(acme, account).values()) == {0}
    assert documents(storage) == 0
    with tenant_context.agency(acme.agency.pk):
        assert not SellerAccount.objects.exists()


def test_present_accounts_are_not_erased(acme: Client, rival: Client, storage: Path) -> None:
    present, deleted, other_account = (
        create_agency_data(client, name=name).account_id
        for client, name in ((acme, "kept"), (acme, "gone"), (rival, "theirs"))
    )
    before = rows(acme, present), rows(rival, other_account)
    delete_account(acme, deleted)

    assert erasure.erase_accounts(agency_id=acme.agency.pk, now=LATER) == 1

    assert (rows(acme, present), rows(rival, other_account)) == before
    assert documents(storage) == 2 * DOCUMENTS
    assert acme.odr(present)["denominator"] == rival.odr(other_account)["denominator"] == 10


def test_run_that_was_interrupted_is_finished_by_next(acme: Client, storage: Path) -> None:
    account = create_agency_data(acme, name="acme").account_id
    delete_account(acme, account)
    with tenant_context.agency(acme.agency.pk):
        default_storage.delete(Report.objects.all()[0].document or Report.objects.all()[0].original)

    assert erasure.erase_accounts(agency_id=acme.agency.pk, now=LATER) == 1
    assert documents(storage) == 0


def test_document_whose_row_was_never_written_goes_too(acme: Client, storage: Path) -> None:
    account = create_agency_data(acme, name="acme").account_id
    folder = Path(default_storage.path(f"{acme.agency.pk.hex}/{identifiers.private('acct', account).hex}"))
    (folder / "rpt_of_a_lost_transaction").write_bytes(b"kept before its row")
    delete_account(acme, account)

    erasure.erase_accounts(agency_id=acme.agency.pk, now=LATER)

    assert documents(storage) == 0


def test_document_that_came_in_while_rows_went_goes_too(acme: Client, storage: Path) -> None:
    account = create_agency_data(acme, name="acme").account_id
    folder = Path(default_storage.path(f"{acme.agency.pk.hex}/{identifiers.private('acct', account).hex}"))
    delete_account(acme, account)
    before: list[list[Path]] = []

    def upload(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        if sql.lstrip().startswith("DELETE FROM ingestion_report "):
            before.append(list(folder.iterdir()))
            (folder / "rpt_whose_row_goes_with_the_others").write_bytes(b"kept before its row")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(upload):
        erasure.erase_accounts(agency_id=acme.agency.pk, now=LATER)

    assert before[0] == []
    assert documents(storage) == 0


def test_document_that_no_worker_has_looked_at_goes_too(acme: Client, shop: str, storage: Path) -> None:
    acme.send(shop, b"unread")
    delete_account(acme, shop)

    erasure.erase_accounts(agency_id=acme.agency.pk, now=LATER)

    assert (documents(storage), set(rows(acme, shop).values())) == (0, {0})


def test_account_that_comes_back_starts_with_nothing(acme: Client, storage: Path) -> None:
    first = create_agency_data(acme, name="acme").account_id
    delete_account(acme, first)
    again = create_agency_data(acme, name="again", partner="A1ACME").account_id

    erasure.erase_accounts(agency_id=acme.agency.pk, now=LATER)

    assert documents(storage) == DOCUMENTS
    assert (acme.odr(again)["numerator"], acme.odr(again)["denominator"]) == (2, 10)
    assert acme.get(f"/v1/accounts/{first}").status_code == 404


def whole(client: Client) -> dict[str, list[str]]:
    """Return every row of the agency by table, without its audit log."""
    with tenant_context.agency(client.agency.pk):
        tables = [table for table in statements.rows(TENANT_TABLES) if table != "accounts_auditentry"]
        return {
            table: sorted(statements.rows(f"SELECT to_jsonb(it)::text FROM {table} AS it"))
            for table in tables
        }


def naming(client: Client, account: str) -> dict[str, list[str]]:
    """Return the rows that refer to this account."""
    word = str(identifiers.private("acct", account))
    return {table: [row for row in parsed if word in row] for table, parsed in whole(client).items()}


def test_erased_account_is_removed_from_lists_and_other_accounts_stay(acme: Client, storage: Path) -> None:
    present, erased = (create_agency_data(acme, name=name) for name in ("kept", "gone"))
    every = [
        agency_with_data
        for agency_with_data in vars(erased).values()
        if agency_with_data.startswith(("acct", "rpt", "brch"))
    ]
    with tenant_context.agency(acme.agency.pk):
        account = identifiers.private("acct", erased.account_id)
        ApiKey.objects.create(
            agency=acme.agency,
            name="of a shop",
            prefix="x",
            digest=b"",
            role=Role.VIEWER,
            accounts=[account],
            created_at=NOW,
        )
    acme.patch(f"/v1/webhook-endpoints/{erased.endpoint_id}", {"description": "kept"}, format="json")
    before = naming(acme, present.account_id)
    delete_account(acme, erased.account_id)

    erasure.erase_accounts(agency_id=acme.agency.pk, now=LATER)

    after = whole(acme)
    words = [word.partition("_")[2] for word in every] + [str(account)]
    assert [
        table for table, parsed in after.items() if any(word in row for row in parsed for word in words)
    ] == []
    assert naming(acme, present.account_id) == before
    assert len([table for table, parsed in before.items() if parsed]) > 20
    with tenant_context.agency(acme.agency.pk):
        assert ApiKey.objects.get(name="of a shop").accounts == []


def test_audit_entries_of_erased_account_stay(acme: Client) -> None:
    account = create_agency_data(acme, name="acme").account_id
    delete_account(acme, account)

    erasure.erase_accounts(agency_id=acme.agency.pk, now=LATER)

    entries = acme.read("/v1/audit-log", about=account)["data"]
    assert [(entry["what"], entry["who"].partition(" ")[0][:3]) for entry in entries] == [
        ("account.erased", "und"),
        ("account.deleted", "key"),
        ("account.created", "key"),
    ]
