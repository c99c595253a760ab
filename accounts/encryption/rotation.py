"""Sealed anew with the first key of SECRETS_KEYS, so that the keys behind it can go.

An app says in one line what it keeps sealed: `Sealed(model=…, context=…)`; config/encrypted_tables.py lists all. Its table has a
column `key_id` (sealing.key_id_of), and its migration `row_level_security.count_encryption_keys`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, models

from accounts.encryption import at_rest
from accounts.tenancy import context as tenant_context

AT_ONCE = 500


@dataclass(frozen=True)
class Sealed:
    """A table with sealed bytes, and what binds them to their row."""

    model: type[models.Model]
    context: Callable[[Any], str]
    column: str = "sealed"

    @property
    def table(self) -> str:
        return self.model._meta.db_table  # noqa: SLF001  Django's own name for it


def reseal(*, what: Sealed, agency_id: UUID) -> int:
    """Seal all that an agency has anew where another key than the first sealed it; returns how many were.

    Batches are transactions of their own: ended in between, it goes on the next time. Two at once share the work. Raises
    sealing.CannotOpen at the first that does not open; what was done before stays.
    """
    moved = 0
    while batch := _batch(what, agency_id):
        moved += batch
    return moved


def key_ids_in_use(*, what: Sealed) -> dict[int, int]:
    """How many rows each key has sealed, over all agencies."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT key_id, sealed FROM {what.table}_encryption_keys() ORDER BY key_id")
        return dict(cursor.fetchall())


def _batch(what: Sealed, agency_id: UUID) -> int:
    first = next(iter(settings.SECRETS_KEYS))
    with tenant_context.agency(agency_id):
        others = what.model._default_manager.filter(agency_id=agency_id).exclude(key_id=first)  # noqa: SLF001
        rows = list(others.select_for_update(skip_locked=True).order_by("pk")[:AT_ONCE])
        for row in rows:
            context = what.context(row)
            plain = at_rest.open_sealed(bytes(getattr(row, what.column)), context=context)
            setattr(row, what.column, at_rest.seal(plain, context=context))
        what.model._default_manager.bulk_update(rows, [what.column])  # noqa: SLF001
    return len(rows)
