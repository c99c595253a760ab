"""Wait for locks with a timeout, and take session-level advisory locks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from psycopg.errors import LockNotAvailable

TIMEOUT = timedelta(seconds=2)


class LockTimeout(Exception):
    """Raise when a lock was not free within TIMEOUT. The transaction is rolled back with it."""


@contextmanager
def lock_timeout() -> Iterator[CursorWrapper]:
    """Yield a cursor whose statements wait at most TIMEOUT for locks. Raises LockTimeout.

    Later statements of the transaction wait without this limit again.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{TIMEOUT // timedelta(milliseconds=1)}ms'")
        try:
            yield cursor
        except OperationalError as error:
            # Django raises OperationalError for many reasons, and keeps psycopg's exception as its cause.
            if isinstance(error.__cause__, LockNotAvailable):
                raise LockTimeout from None
            raise
        # Not in a `finally`: after an error the transaction accepts no statement until it is rolled back.
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


@contextmanager
def session_lock(key: UUID) -> Iterator[bool]:
    """Try to take a session-level advisory lock on a report or export, and yield whether it succeeded."""
    # Of the session: the work spans several transactions, and PostgreSQL releases the lock when the
    # connection of a killed worker ends, so another worker can continue immediately (ADR 2).
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [str(key)])
        is_acquired = cursor.fetchone()[0]
        try:
            yield is_acquired
        finally:
            if is_acquired:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [str(key)])


def is_free(key: UUID) -> bool:
    """Return whether no worker holds the session lock of a report or export."""
    with session_lock(key) as is_acquired:
        return is_acquired
