"""Who writes waits for whoever writes the same at this moment, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from psycopg.errors import LockNotAvailable

PATIENCE = timedelta(seconds=2)


class TooLong(Exception):
    """Whoever was waited for has not ended yet. The transaction is over with it."""


@contextmanager
def a_while() -> Iterator[CursorWrapper]:
    """A cursor whose statements wait PATIENCE for locks, and none of what comes after. Raises TooLong."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE // timedelta(milliseconds=1)}ms'")
        try:
            yield cursor
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise TooLong from None
            raise
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


@contextmanager
def session_lock(key: UUID) -> Iterator[bool]:
    """Try a session-level advisory lock on a report or export, and yield whether this worker holds it.

    PostgreSQL releases it with the worker's connection, so the work of a killed worker is free again at once.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [str(key)])
        is_held = cursor.fetchone()[0]
        try:
            yield is_held
        finally:
            if is_held:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [str(key)])


def is_free(key: UUID) -> bool:
    """Return whether no worker holds the session lock of a report or export."""
    with session_lock(key) as is_held:
        return is_held
