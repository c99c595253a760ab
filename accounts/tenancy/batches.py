"""Run statements over an agency's rows in batches."""

from typing import Any
from uuid import UUID

from django.db import connection

from accounts.tenancy import context

BATCH_SIZE = 5000


def run(*, agency_id: UUID, statement: str, **params: Any) -> int:
    """Run a statement until it affects fewer than `%(batch_size)s` rows. Return the total of affected rows.

    Each batch is a transaction of its own in the tenant context of `%(agency)s`.
    """
    total, count = 0, BATCH_SIZE
    while count == BATCH_SIZE:
        # A transaction for each batch: locks are short, and the next call continues an interrupted one.
        with context.agency(agency_id), connection.cursor() as cursor:
            cursor.execute(statement, params | {"agency": agency_id, "batch_size": BATCH_SIZE})
            count = cursor.rowcount
        total += count
    return total
