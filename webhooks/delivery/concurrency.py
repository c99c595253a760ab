"""So many couriers and no more, over all machines: each holds a lock of its database session, which goes with the process."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

SPACE = 0x756F  # apart from the locks of others


@contextmanager
def one_of(count: int) -> Iterator[bool]:
    """Whether there was a free slot, which is ours inside the block."""
    with connection.cursor() as cursor:
        mine = next((slot for slot in range(count) if _holds(cursor, "pg_try_advisory_lock", slot)), None)
    try:
        yield mine is not None
    finally:
        if mine is not None:
            with connection.cursor() as cursor:
                _holds(cursor, "pg_advisory_unlock", mine)


def _holds(cursor: object, function: str, slot: int) -> bool:
    cursor.execute(f"SELECT {function}(%s, %s)", [SPACE, slot])  # type: ignore[attr-defined]
    return bool(cursor.fetchone()[0])  # type: ignore[attr-defined]
