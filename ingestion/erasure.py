"""What is left of an account that was handed back goes, and of an agency that was closed: documents, then every row.

Thousands of rows at a time, in a transaction of their own each time: nobody waits for a big agency, and what a run that was
interrupted leaves is found by the next one.
"""

from datetime import datetime
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import connection, transaction

from accounts import audit
from accounts.models import Agency, SellerAccount, public_account_id
from accounts.people import members
from accounts.tenancy import batches, context
from ingestion.exports import lifecycle as exports
from ingestion.exports.inventory import TABLES, Table

SOME_ROWS = """
DELETE FROM {table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {table} WHERE agency_id = %(agency)s AND {rows} {order} LIMIT %(batch_size)s))
"""
LEFT_OF_AGENCY = {"id", "created_at", "closed_at", "closed_by", "erased_from", "erased_at"}
NAMED_NO_MORE = """
UPDATE {table} SET accounts = array_remove(accounts, %(account)s)
WHERE agency_id = %(agency)s AND %(account)s = ANY (accounts)
"""


def erase(*, agency_id: UUID, now: datetime) -> int:
    """Erase the handed-back accounts of an agency; returns how many."""
    with context.agency(agency_id):
        gone = list(SellerAccount.objects.filter(agency_id=agency_id).exclude(deleted_at=None).values_list("pk", flat=True))
    for account_id in gone:
        _erase_account(agency_id, account_id, now)
        with context.agency(agency_id):
            about = public_account_id(account_id)
            audit.record(agency_id=agency_id, who=audit.UNDERONE, what="account.erased", about=about, now=now)
    return len(gone)


def erase_agency(*, agency_id: UUID, now: datetime) -> bool:
    """Erase a closed agency whose time has come; whether there was anything to erase.

    What is left: its id, when it was opened, closed and erased and by whom, and the audit log cut down to ids.
    """
    with context.agency(agency_id):
        due = Agency.objects.filter(pk=agency_id, erased_from__lte=now, erased_at=None).exists()
        accounts = list(SellerAccount.objects.filter(agency_id=agency_id).values_list("pk", flat=True))
    if not due:
        return False
    for account_id in accounts:
        _erase_account(agency_id, account_id, now)
    members.remove_all(agency_id=agency_id)
    for table in reversed(TABLES):
        if not table.stays:
            _erase_rows(agency_id, table, "true")
    _erase_documents(agency_id.hex)
    audit.remove_details(agency_id=agency_id)
    _say_erased(agency_id, now)
    return True


def _erase_account(agency_id: UUID, account_id: UUID, now: datetime) -> None:
    exports.forget(agency_id=agency_id, account_id=account_id, now=now)
    folder = f"{agency_id.hex}/{account_id.hex}"
    _erase_documents(folder)
    for table in reversed(TABLES):
        if table.lists_accounts:
            _take_out(agency_id, table, account_id)
        if table.of_account:
            _erase_rows(agency_id, table, table.of_account, account_id)
    _erase_documents(folder)  # of an upload that came in meanwhile the row went, and its document is there


def _erase_rows(agency_id: UUID, table: Table, rows: str, *accounts: UUID) -> None:
    # What names another row of its own table is younger than that, and goes first.
    order = "ORDER BY id DESC" if table.prefix else ""
    statement = SOME_ROWS.format(table=table.name, rows=rows, order=order)
    batches.run(agency_id=agency_id, statement=statement, accounts=list(accounts), whole=False, telling=False)


def _take_out(agency_id: UUID, table: Table, account_id: UUID) -> None:
    """No row names the account any more. One that named no other is about none: silence never widens what is told."""
    with context.agency(agency_id), connection.cursor() as cursor:
        cursor.execute(NAMED_NO_MORE.format(table=table.name), {"agency": agency_id, "account": account_id})


def _erase_documents(folder: str) -> None:
    """Every file in the folder and below it, also one whose row was never written."""
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for each in folders:
        _erase_documents(f"{folder}/{each}")
    for name in names:
        default_storage.delete(f"{folder}/{name}")


def _say_erased(agency_id: UUID, now: datetime) -> None:
    with context.agency(agency_id), transaction.atomic():
        chosen = [field for field in Agency._meta.concrete_fields if field.name not in LEFT_OF_AGENCY]  # noqa: SLF001  Django's own
        Agency.objects.filter(pk=agency_id).update(erased_at=now, **{field.name: field.get_default() for field in chosen})
        about = Agency.objects.get(pk=agency_id).public_id
        audit.record(agency_id=agency_id, who=audit.UNDERONE, what="agency.erased", about=about, now=now)
