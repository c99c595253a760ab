"""Write an export: one ZIP with a JSON Lines file for each table, the documents if requested, and
`manifest.json`.

All files show the same snapshot of the database. PostgreSQL produces the lines and they are streamed to the
ZIP, so memory use does not depend on the number of rows.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Max

from accounts.models import SellerAccount, public_account_id
from accounts.tenancy import context
from api import identifiers, timestamps
from ingestion.documents import stored_documents
from ingestion.exports.inventory import AGENCY, PREFIXES, RULES, TABLES, Table
from ingestion.models import Export, Report

FORMAT = "underone-export/1"
# Documents and exports may have any size, so no file is read as a whole.
BLOCK = 1024 * 1024
PAGE_SIZE = 1000
COLUMNS_OF_DOCUMENT = ("pk", "agency_id", "document", "document_deleted_at", "received_at")
REPEATABLE_READ = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
COLUMNS = """
SELECT attname::text, atttypid::regtype::text FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
COPY_JSON_LINES = (
    "COPY (SELECT row_to_json(exported_row)::text FROM ({}) AS exported_row) "
    "TO STDOUT (FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')"
)
"""The CSV format with characters that JSON never contains as quote and delimiter, so that COPY quotes
nothing.
"""


class HashedFile:
    """Wrap a file that is written sequentially, and count and hash the bytes written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._sha256, self.size = file, hashlib.sha256(), 0

    def write(self, block: bytes | memoryview) -> int:
        self._sha256.update(block)
        self.size += len(block)
        return self._file.write(block)

    def flush(self) -> None:
        self._file.flush()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


@dataclass(frozen=True)
class Scope:
    """Select the rows to export: those of `accounts`, and with `whole_agency` those of the agency itself."""

    agency_id: UUID
    accounts: list[UUID]
    whole_agency: bool

    def condition(self, table: Table) -> str:
        """Return the SQL condition for the rows of a table.

        Of the agency's own rows, an export of one account contains only the audit entries about that account.
        """
        own = (
            "true"
            if self.whole_agency
            else "about = ANY (%(public_ids)s)"
            if table.name == "accounts_auditentry"
            else "false"
        )
        return f"{table.agency_condition} AND {table.account_condition or own}"

    def parameters(self) -> dict[str, Any]:
        public_ids = [public_account_id(account) for account in self.accounts]
        rows = {"agency": self.agency_id, "accounts": self.accounts, "public_ids": public_ids}
        return rows | {"whole_agency": self.whole_agency, "with_agency_thresholds": True}


@contextmanager
def snapshot_transaction(agency_id: UUID) -> Iterator[None]:
    """Open a read-only transaction that sees the database as it is when the block begins, in the agency's
    tenant context. It must be the outermost transaction.
    """
    # `durable` refuses to be nested: PostgreSQL sets the isolation level only before the first query of a
    # transaction, so a savepoint cannot have one of its own.
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(REPEATABLE_READ)
        # Row-level security hides everything until the context is set.
        context.set_agency(agency_id)
        yield


def write(*, export: Export, out: HashedFile, now: datetime) -> None:
    """Write the export's archive to `out`.

    Opens its own transaction, which lasts until the archive is complete.
    """
    with snapshot_transaction(export.agency_id), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        scope = _scope(export)
        known_at = _known_at(scope, now)
        missing: list[str] = []
        files = [_write_table(archive, table, scope, now) for table in (AGENCY, *TABLES, RULES) if table.file]
        if export.with_documents:
            files += _write_documents(archive, scope, now, missing)
        manifest = {
            "format": FORMAT,
            "export": export.public_id,
            "agency": identifiers.public("agcy", export.agency_id),
            "account": export.account.public_id if export.account else None,
            "known_at": timestamps.text(known_at),
            "made_at": timestamps.text(now),
            "files": files,
            "missing_documents": missing,
            "left_out": [
                {"holds": table.description, "why": table.omitted_because}
                for table in TABLES
                if not table.file
            ],
        }
        with _entry(archive, "manifest.json", now) as entry:
            entry.write(json.dumps(manifest, ensure_ascii=False, indent=2).encode())


def _scope(export: Export) -> Scope:
    accounts = SellerAccount.objects.filter(agency_id=export.agency_id)
    # An export of one account was requested before the account was deleted, and is completed.
    accounts = accounts.filter(pk=export.account_id) if export.account_id else accounts.present()
    return Scope(
        export.agency_id, list(accounts.values_list("pk", flat=True)), whole_agency=export.account_id is None
    )


def _known_at(scope: Scope, now: datetime) -> datetime:
    """Return the `known_at` that the archive shows: not before the latest recording of an exported
    account."""
    recorded = SellerAccount.objects.filter(agency_id=scope.agency_id, pk__in=scope.accounts).aggregate(
        last=Max("last_recorded_at")
    )["last"]
    return max(now, recorded or now)


def _write_table(archive: zipfile.ZipFile, table: Table, scope: Scope, now: datetime) -> dict[str, Any]:
    name, rows = f"{table.file}.jsonl", 0
    with connection.cursor() as cursor, _entry(archive, name, now) as entry:
        # The columns come from the database, so a column that is added later is exported without a change
        # here. A test fails if its name sounds like a secret and nobody excluded it.
        cursor.execute(COLUMNS, [table.name])
        columns = {column: type_ for column, type_ in cursor.fetchall() if column not in table.excluded}
        exported = {column: _column_expression(table, column, type_) for column, type_ in columns.items()}
        exported |= table.extra_columns
        selected = ", ".join(f"{expression} AS {column}" for column, expression in exported.items())
        query = COPY_JSON_LINES.format(f"SELECT {selected} FROM {table.name} WHERE {scope.condition(table)}")
        with cursor.copy(query, scope.parameters()) as lines:
            for block in lines:
                # JSON writes a line feed inside a text as an escape, so each one in the stream ends a row.
                rows += bytes(block).count(b"\n")
                entry.write(block)
    content = {"holds": table.description, "columns": list(exported), "rows": rows}
    return {"name": name} | content | {"size": entry.size, "sha256": entry.sha256}


def _column_expression(table: Table, column: str, type_: str) -> str:
    """Return the SQL for a column as the API shows it: IDs with their prefix."""
    if column in table.expressions:
        return table.expressions[column]
    prefix = table.prefix if column == "id" else PREFIXES.get(column)
    if prefix and type_ == "uuid":
        return f"'{prefix}_' || replace({column}::text, '-', '')"
    if prefix and type_ == "uuid[]":
        # Keep null, which means all accounts.
        public_ids = f"ARRAY(SELECT '{prefix}_' || replace(one::text, '-', '') FROM unnest({column}) AS one)"
        return f"CASE WHEN {column} IS NOT NULL THEN {public_ids} END"
    return column


def _write_documents(
    archive: zipfile.ZipFile, scope: Scope, now: datetime, missing: list[str]
) -> Iterator[dict[str, Any]]:
    """Write the redacted documents that are not deleted yet, and yield their manifest entries.

    Those that the storage does not have are logged as errors, and their reports are added to `missing`.
    """
    for report in _stored_reports(scope):
        try:
            document = default_storage.open(report.document)
        except FileNotFoundError:
            # Retention may have deleted it since the snapshot.
            if not stored_documents.is_past_retention(report, now=now):
                stored_documents.log_missing(report.public_id, purpose="export")
                missing.append(report.public_id)
            continue
        name = f"documents/{report.public_id}"
        with document, _entry(archive, name, now) as entry:
            while block := document.read(BLOCK):
                entry.write(block)
        yield {
            "name": name,
            "holds": "A document as it is stored.",
            "size": entry.size,
            "sha256": entry.sha256,
        }


def _stored_reports(scope: Scope) -> Iterator[Report]:
    reports = Report.objects.filter(
        agency_id=scope.agency_id, account_id__in=scope.accounts, document_deleted_at=None
    ).exclude(document="")
    # In pages by key, so that memory use does not depend on the number of reports.
    last = identifiers.NO_ID
    while page := list(reports.filter(pk__gt=last).order_by("pk").only(*COLUMNS_OF_DOCUMENT)[:PAGE_SIZE]):
        yield from page
        last = page[-1].pk


@contextmanager
def _entry(archive: zipfile.ZipFile, name: str, now: datetime) -> Iterator[HashedFile]:
    """Open a file of the archive for writing. It may exceed 4 GiB."""
    # ZipInfo's own default is the year 1980.
    info = zipfile.ZipInfo(name, date_time=now.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    # The files hold an agency's data, so unpacking on Unix lets only their owner read them.
    info.external_attr = 0o600 << 16
    # The size is unknown before the entry is written, and zipfile raises at 4 GiB unless
    # ZIP64 was chosen at the start.
    with archive.open(info, "w", force_zip64=True) as entry:
        yield HashedFile(entry)
