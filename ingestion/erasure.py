"""Erase deleted accounts and closed agencies: their exports, documents and rows.

To erase an account, whose time has come:

1. Mark its erasure as started, so that it can no longer be restored.
2. Delete its exports, and every export of the whole agency that contains it.
3. Delete its folder of documents, and log an error for each that should have been there.
4. Remove it from lists of accounts and from reports of other accounts, and delete its rows, children before parents.
5. Delete its folder again, for uploads that arrived in between.

To erase an agency, whose time has come:

1. Erase each of its accounts.
2. Delete its members, and the users who belong to no other agency.
3. Delete its other rows, children before parents, and its folder.
4. Reduce its audit log to IDs.
5. Reset every setting of its row and record the erasure.

Rows are deleted in batches, each in its own transaction, so that no lock is held for long. Each step finds
what an interrupted run left.
"""

from datetime import datetime
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from accounts import audit
from accounts.models import Agency, AuditEntry, SellerAccount, public_account_id
from accounts.people import members
from accounts.tenancy import batches, context
from ingestion.documents import stored_documents
from ingestion.exports import lifecycle as exports
from ingestion.exports.inventory import TABLES, Table
from ingestion.models import Report
from ingestion.redaction import originals, storage

# A row's ctid finds it without an index, whatever the primary key of its table is. The sub-select stays
# inside the statement, so no ID travels to this process.
DELETE_BATCH = """
DELETE FROM {table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {table} WHERE agency_id = %(agency)s AND {rows} {order} LIMIT %(batch_size)s))
"""
# They prove that the agency existed and was erased. A field that is added later is reset,
# unless somebody lists it here.
KEPT_AGENCY_FIELDS = {"id", "created_at", "closed_at", "closed_by", "erased_from", "erased_at"}
REMOVE_FROM_LISTS = """
UPDATE {table} SET accounts = array_remove(accounts, %(account)s)
WHERE agency_id = %(agency)s AND %(account)s = ANY (accounts)
"""
# Reports of other accounts may say that this one has their orders.
REMOVE_FROM_REPORTS = """
UPDATE ingestion_report SET missing_orders = missing_orders #- ARRAY['found_in', %(account)s::text]
WHERE agency_id = %(agency)s AND missing_orders -> 'found_in' ? %(account)s::text
"""


def erase_accounts(*, agency_id: UUID, now: datetime) -> int:
    """Erase the deleted accounts of an agency whose time has come, and return how many. Opens its own
    transactions."""
    account_ids = _start_erasure(agency_id, now)
    for account_id in account_ids:
        _erase_account(agency_id, account_id, now)
        _record_account_erased(agency_id, account_id, now)
    return len(account_ids)


def erase_agency(*, agency_id: UUID, now: datetime) -> bool:
    """Erase a closed agency if its time has come. Return whether it had. Opens its own transactions.

    Its ID stays, with when and by whom it was created, closed and erased, and its audit log reduced to IDs.
    """
    with context.agency(agency_id):
        due = Agency.objects.filter(pk=agency_id, erased_from__lte=now, erased_at=None).exists()
        accounts = list(SellerAccount.objects.filter(agency_id=agency_id).values_list("pk", flat=True))
    if not due:
        return False
    # A transaction for each step: all of an agency in one transaction would hold its locks for hours, and a
    # worker that is killed would begin anew.
    for account_id in accounts:
        _erase_account(agency_id, account_id, now)
    members.remove_all(agency_id=agency_id)
    # Foreign keys refuse to delete a parent that still has children.
    for table in reversed(TABLES):
        if not table.kept_because:
            _erase_rows(agency_id, table, "true")
    _erase_documents(agency_id.hex, originals.folder(agency_id))
    # After the steps above, which add entries themselves.
    audit.remove_details(agency_id=agency_id)
    # Last: `erased_at` ends the work on this agency. A run that is killed before is repeated from the start.
    _record_erased(agency_id, now)
    return True


def _start_erasure(agency_id: UUID, now: datetime) -> list[UUID]:
    """Mark the erasure of the accounts whose time has come as started, and return them. Opens a
    transaction."""
    with context.agency(agency_id):
        # An account deleted by an earlier version has no time, and was to be erased within an hour.
        due = SellerAccount.objects.filter(agency_id=agency_id, deleted_at__isnull=False).annotate(
            due_at=Coalesce(F("erased_from"), F("deleted_at"))
        )
        # The lock waits for a restoration that is under way, and leaves out the account after it.
        account_ids = list(
            due.filter(due_at__lte=now).select_for_update(of=("self",)).values_list("pk", flat=True)
        )
        started = SellerAccount.objects.filter(agency_id=agency_id, pk__in=account_ids)
        started.filter(erasure_started_at=None).update(erasure_started_at=now)
    return account_ids


def _erase_account(agency_id: UUID, account_id: UUID, now: datetime) -> None:
    # First, because an archive is a copy of what is deleted below, and an export that is being built must not
    # finish with the account in it.
    exports.remove_account(agency_id=agency_id, account_id=account_id, now=now)
    folders = (f"{agency_id.hex}/{account_id.hex}", originals.folder(agency_id, account_id))
    _record_erased_documents(agency_id, account_id, erased=_erase_documents(*folders), now=now)
    for table in reversed(TABLES):
        if table.lists_accounts:
            _remove_from_lists(agency_id, table, account_id)
        if table.account_condition:
            _erase_rows(agency_id, table, table.account_condition, account_id)
    with context.agency(agency_id), connection.cursor() as cursor:
        cursor.execute(REMOVE_FROM_REPORTS, {"agency": agency_id, "account": account_id})
    # An upload may have stored its document since the first deletion; its row is gone now.
    _erase_documents(*folders)


def _record_account_erased(agency_id: UUID, account_id: UUID, now: datetime) -> None:
    """Record the erasure in the audit log once, also if two runs erased the account at the same time."""
    about, what = public_account_id(account_id), "account.erased"
    with context.agency(agency_id):
        # The lock makes the runs look one after the other.
        Agency.objects.select_for_update(no_key=True).get(pk=agency_id)
        if not AuditEntry.objects.filter(agency_id=agency_id, about=about, what=what).exists():
            audit.record(agency_id=agency_id, actor=audit.UNDERONE, what=what, about=about, now=now)


def _erase_rows(agency_id: UUID, table: Table, rows: str, *accounts: UUID) -> None:
    # A row that refers to another row of its own table is younger than that row, so the youngest go first.
    order = "ORDER BY id DESC" if table.prefix else ""
    statement = DELETE_BATCH.format(table=table.name, rows=rows, order=order)
    batches.run(
        agency_id=agency_id,
        statement=statement,
        accounts=list(accounts),
        whole_agency=False,
        with_agency_thresholds=False,
    )


def _remove_from_lists(agency_id: UUID, table: Table, account_id: UUID) -> None:
    """Remove the account from every list of accounts in the table."""
    # A key that was limited to this account alone must not see every account now. `array_remove` leaves an
    # empty list, which means no account; null would mean all of them.
    with context.agency(agency_id), connection.cursor() as cursor:
        cursor.execute(
            REMOVE_FROM_LISTS.format(table=table.name), {"agency": agency_id, "account": account_id}
        )


def _record_erased_documents(agency_id: UUID, account_id: UUID, *, erased: set[str], now: datetime) -> None:
    """Mark the account's documents as deleted, and log those that the storage should have had. Opens a
    transaction."""
    with context.agency(agency_id):
        reports = Report.objects.filter(agency_id=agency_id, account_id=account_id, document_deleted_at=None)
        for report in reports.only(
            "pk", "agency_id", "document", "document_deleted_at", "received_at"
        ).iterator():
            if (
                report.document
                and report.document not in erased
                and not stored_documents.is_past_retention(report, now=now)
            ):
                stored_documents.log_missing(report.public_id, purpose="erasure")
        # So that a run that repeats an interrupted one does not miss them. Of reports in progress, the
        # database admits no deleted document; their rows are deleted below.
        reports.exclude(status__in=Report.IN_PROGRESS).update(document_deleted_at=now)


def _erase_documents(*folders: str) -> set[str]:
    """Delete every file in the folders and below them, including files without a row. Return their names."""
    # The storage has no deletion of a whole folder. Listing the folder instead of asking the table also finds
    # files whose row was never committed.
    erased = set()
    for folder in folders:
        for name in storage.files(folder):
            default_storage.delete(name)
            erased.add(name)
    return erased


def _record_erased(agency_id: UUID, now: datetime) -> None:
    with context.agency(agency_id), transaction.atomic():
        # _meta is Django's documented API.
        fields = [field for field in Agency._meta.concrete_fields if field.name not in KEPT_AGENCY_FIELDS]  # noqa: SLF001
        # Defaults instead of a list of empty values: a setting added later is reset without a change here.
        is_first = Agency.objects.filter(pk=agency_id, erased_at=None).update(
            **{field.name: field.get_default() for field in fields} | {"erased_at": now}
        )
        if not is_first:
            # Another run, which a second scheduler started, was faster.
            return
        about = Agency.objects.get(pk=agency_id).public_id
        audit.record(agency_id=agency_id, actor=audit.UNDERONE, what="agency.erased", about=about, now=now)
