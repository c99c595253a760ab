"""Encrypt stored secrets again with the first key of SECRETS_KEYS, so that the other keys can be removed.

Each app declares its encrypted tables as `EncryptedTable(model=…, context=…)`; config/encrypted_tables.py
lists them all. Such a table has a column `key_id` (at_rest.key_id_column) and its migration calls
`row_level_security.count_encryption_keys`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, models

from accounts.encryption import at_rest
from accounts.tenancy import context as tenant_context

BATCH_SIZE = 500


@dataclass(frozen=True)
class EncryptedTable:
    """Describe a table with encrypted bytes, and the context that binds them to their row."""

    model: type[models.Model]
    context: Callable[[Any], str]
    column: str = "encrypted"

    @property
    def name(self) -> str:
        return self.model._meta.db_table  # noqa: SLF001  Django's own name for it


def rotate(*, table: EncryptedTable, agency_id: UUID) -> int:
    """Encrypt an agency's rows again that another key than the first encrypted; return how many.

    Each batch is a transaction of its own; the next run continues an interrupted one. Raises
    at_rest.DecryptionError at the first row that cannot be decrypted; the batches before it remain.
    """
    rotated = 0
    while count := _rotate_batch(table, agency_id):
        rotated += count
    return rotated


def key_ids_in_use(*, table: EncryptedTable) -> dict[int, int]:
    """Return how many rows each key has encrypted, over all agencies, by key ID."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT key_id, row_count FROM {table.name}_encryption_keys() ORDER BY key_id")
        return dict(cursor.fetchall())


def sample(*, table: EncryptedTable, agency_id: UUID, key_id: int) -> Any | None:
    """Return one row of the agency that this key encrypted, or None. Requires the agency's tenant context."""
    rows = table.model._default_manager.filter(agency_id=agency_id, key_id=key_id)  # noqa: SLF001
    return rows.order_by("pk").first()


def _rotate_batch(table: EncryptedTable, agency_id: UUID) -> int:
    first = next(iter(settings.SECRETS_KEYS))
    with tenant_context.agency(agency_id):
        others = table.model._default_manager.filter(agency_id=agency_id).exclude(key_id=first)  # noqa: SLF001
        # SKIP LOCKED: concurrent runs share the rows, and no run waits for a request that is writing one.
        rows = list(others.select_for_update(skip_locked=True).order_by("pk")[:BATCH_SIZE])
        for row in rows:
            context = table.context(row)
            plain = at_rest.decrypt(bytes(getattr(row, table.column)), context=context)
            setattr(row, table.column, at_rest.encrypt(plain, context=context))
        table.model._default_manager.filter(agency_id=agency_id).bulk_update(rows, [table.column])  # noqa: SLF001
    return len(rows)
