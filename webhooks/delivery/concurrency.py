"""Limit how many delivery workers run at once on all machines together.

Each running worker holds an advisory lock of its database session, which PostgreSQL releases when the process
dies.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# The first key of these advisory locks; other uses of advisory locks have other first keys.
LOCK_CLASS = 0x756F


@contextmanager
def limited_to(count: int) -> Iterator[bool]:
    """Take one of `count` locks for the block. Yields False, without waiting, if all of them are taken."""
    # A lock of the session, not of a transaction: a worker runs many transactions while it holds its lock.
    with connection.cursor() as cursor:
        number = next((n for n in range(count) if _call(cursor, "pg_try_advisory_lock", n)), None)
    try:
        yield number is not None
    finally:
        if number is not None:
            # Not left to the end of the session: the task looks for due deliveries afterwards,
            # when others can take the lock.
            with connection.cursor() as cursor:
                _call(cursor, "pg_advisory_unlock", number)


def _call(cursor: object, function: str, number: int) -> bool:
    cursor.execute(f"SELECT {function}(%s, %s)", [LOCK_CLASS, number])  # type: ignore[attr-defined]
    return bool(cursor.fetchone()[0])  # type: ignore[attr-defined]
