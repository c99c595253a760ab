"""Wait for locks with a timeout."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

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
