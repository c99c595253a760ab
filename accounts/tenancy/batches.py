"""Run statements over an agency's rows in batches."""

from typing import Any
from uuid import UUID

from django.db import connection

from accounts.tenancy import context

BATCH_SIZE = 5000
# The first key of these advisory locks; other uses of advisory locks have other first keys.
LOCK_CLASS = 0x7562
LOCK = "SELECT pg_advisory_xact_lock(%s, hashtext(%s))"


def run(*, agency_id: UUID, statement: str, **params: Any) -> int:
    """Run a statement until it affects fewer than `%(batch_size)s` rows. Return the total of affected rows.

    Each batch is a transaction of its own in the tenant context of `%(agency)s`.
    """
    total, count = 0, BATCH_SIZE
    while count == BATCH_SIZE:
        # A transaction for each batch: locks are short, and the next call continues an interrupted one.
        with context.agency(agency_id), connection.cursor() as cursor:
            # Two schedulers may start the same job at the same time. Without the lock, one run would wait for the
            # rows of the other, find them deleted, and take a small batch for the last one. The lock ends with
            # the batch, so the runs take turns.
            cursor.execute(LOCK, [LOCK_CLASS, str(agency_id)])
            cursor.execute(statement, params | {"agency": agency_id, "batch_size": BATCH_SIZE})
            count = cursor.rowcount
        total += count
    return total
