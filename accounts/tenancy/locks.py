"""Who writes waits for whoever writes the same at this moment, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

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
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{PATIENCE // timedelta(milliseconds=1)}ms"])
        try:
            yield cursor
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise TooLong from None
            raise
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
