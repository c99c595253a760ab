"""All that is kept of an agency or of one account, as one ZIP: a file of JSON lines a table, documents if asked for, a manifest.

Everything is of one moment, and nothing of it is in memory at once: the database writes the lines, and they go on as they come.
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
from ingestion.exports.inventory import AGENCY, PREFIXES, RULES, TABLES, Table
from ingestion.models import Export, Report

FORMAT = "underone-export/1"
BLOCK = 1024 * 1024
IDS_AT_ONCE = 1000
OF_ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
COLUMNS = """
SELECT attname::text, atttypid::regtype::text FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
AS_LINES = "COPY (SELECT row_to_json(told)::text FROM ({}) AS told) TO STDOUT (FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')"
"""JSON holds neither of the two characters, so no line is quoted."""


class Digested:
    """A file that is written from its beginning to its end, with the size and the digest of what was written."""

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
    """Whose rows go in: of these accounts, and with `whole` those of the agency itself."""

    agency_id: UUID
    accounts: list[UUID]
    whole: bool

    def condition(self, table: Table) -> str:
        """Which rows of a table. Of the agency's own rows an archive of one account has what somebody did to the account."""
        own = "true" if self.whole else "about = ANY (%(named)s)" if table.name == "accounts_auditentry" else "false"
        return f"{table.within} AND {table.of_account or own}"

    def parameters(self) -> dict[str, Any]:
        named = [public_account_id(account) for account in self.accounts]
        asked = {"agency": self.agency_id, "accounts": self.accounts, "named": named}
        return asked | {"whole": self.whole, "telling": True}


@contextmanager
def moment(agency_id: UUID) -> Iterator[None]:
    """A transaction that sees the agency as it is when this begins, however long it takes. It is outermost and writes nothing."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(OF_ONE_MOMENT)
        context.set_agency(agency_id)
        yield


def write(*, export: Export, out: Digested, now: datetime) -> None:
    """Write the archive."""
    with moment(export.agency_id), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        scope = _scope(export)
        known_at = _known_at(scope, now)
        files = [_write_table(archive, table, scope, now) for table in (AGENCY, *TABLES, RULES) if table.file]
        if export.with_documents:
            files += _write_documents(archive, scope, now)
        manifest = {
            "format": FORMAT,
            "export": export.public_id,
            "agency": identifiers.public("agcy", export.agency_id),
            "account": export.account.public_id if export.account else None,
            "known_at": timestamps.text(known_at),
            "made_at": timestamps.text(now),
            "files": files,
            "left_out": [{"holds": table.holds, "why": table.why_not} for table in TABLES if not table.file],
        }
        with _entry(archive, "manifest.json", now) as entry:
            entry.write(json.dumps(manifest, ensure_ascii=False, indent=2).encode())


def _scope(export: Export) -> Scope:
    present = SellerAccount.objects.present().filter(agency_id=export.agency_id)
    if export.account_id:
        present = present.filter(pk=export.account_id)
    return Scope(export.agency_id, list(present.values_list("pk", flat=True)), whole=export.account_id is None)


def _known_at(scope: Scope, now: datetime) -> datetime:
    """The moment whose knowledge the archive is: what was recorded last is in it."""
    recorded = SellerAccount.objects.filter(agency_id=scope.agency_id, pk__in=scope.accounts).aggregate(
        last=Max("last_recorded_at")
    )["last"]
    return max(now, recorded or now)


def _write_table(archive: zipfile.ZipFile, table: Table, scope: Scope, now: datetime) -> dict[str, Any]:
    name, rows = f"{table.file}.jsonl", 0
    with connection.cursor() as cursor, _entry(archive, name, now) as entry:
        cursor.execute(COLUMNS, [table.name])
        columns = {column: kind for column, kind in cursor.fetchall() if column not in table.without}
        telling = {column: _told(table, column, kind) for column, kind in columns.items()} | dict(table.more)
        told = ", ".join(f"{how} AS {column}" for column, how in telling.items())
        query = AS_LINES.format(f"SELECT {told} FROM {table.name} WHERE {scope.condition(table)}")
        with cursor.copy(query, scope.parameters()) as lines:
            for block in lines:
                rows += bytes(block).count(b"\n")
                entry.write(block)
    about = {"holds": table.holds, "columns": list(telling), "rows": rows}
    return {"name": name} | about | {"size": entry.size, "sha256": entry.sha256}


def _told(table: Table, column: str, kind: str) -> str:
    """A column as the API tells it: ids with their prefix."""
    if column in table.told:
        return table.told[column]
    prefix = table.prefix if column == "id" else PREFIXES.get(column)
    if prefix and kind == "uuid":
        return f"'{prefix}_' || replace({column}::text, '-', '')"
    if prefix and kind == "uuid[]":  # null stays null: of all accounts
        each = f"ARRAY(SELECT '{prefix}_' || replace(one::text, '-', '') FROM unnest({column}) AS one)"
        return f"CASE WHEN {column} IS NOT NULL THEN {each} END"
    return column


def _write_documents(archive: zipfile.ZipFile, scope: Scope, now: datetime) -> Iterator[dict[str, Any]]:
    """The documents that are still kept, as they are kept."""
    for report in _kept(scope):
        try:
            document = default_storage.open(report.document)
        except FileNotFoundError:
            continue  # deleted since the archive's moment: its days were over
        name = f"documents/{report.public_id}"
        with document, _entry(archive, name, now) as entry:
            while block := document.read(BLOCK):
                entry.write(block)
        yield {"name": name, "holds": "A document as it is kept.", "size": entry.size, "sha256": entry.sha256}


def _kept(scope: Scope) -> Iterator[Report]:
    kept = Report.objects.filter(agency_id=scope.agency_id, account_id__in=scope.accounts, document_deleted_at=None)
    last = identifiers.NO_ID
    while page := list(kept.filter(pk__gt=last).order_by("pk").only("pk", "document")[:IDS_AT_ONCE]):
        yield from page
        last = page[-1].pk


@contextmanager
def _entry(archive: zipfile.ZipFile, name: str, now: datetime) -> Iterator[Digested]:
    """A file of the archive, of any size."""
    about = zipfile.ZipInfo(name, date_time=now.timetuple()[:6])
    about.compress_type = zipfile.ZIP_DEFLATED
    about.external_attr = 0o600 << 16
    with archive.open(about, "w", force_zip64=True) as entry:
        yield Digested(entry)
