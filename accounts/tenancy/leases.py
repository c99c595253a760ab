"""Keep the lease of a row while a worker works on it.

A leased row belongs to one worker until `leased_until`. While the work lasts, a thread extends the lease. If the
worker is killed, the lease ends by itself and another worker continues. The server's clock decides, so that
the clocks of the workers may differ.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql

from accounts.tenancy import context

LENGTH = timedelta(seconds=20)
EXTENDED_EVERY = timedelta(seconds=4)

# A row that is locked is being finished by this worker's own transaction: waiting for it would only hold a
# connection. `attempts` identifies the lease: each worker that takes the row counts one.
EXTEND = """
UPDATE {table} SET leased_until = clock_timestamp() + make_interval(secs => %(length)s) WHERE (agency_id, id) IN (
    SELECT agency_id, id FROM {table}
    WHERE agency_id = %(agency)s AND id = %(row)s AND attempts = %(attempt)s AND status = %(status)s
    FOR NO KEY UPDATE SKIP LOCKED)
"""
log = logging.getLogger(__name__)


@contextmanager
def extended(
    table: str, *, agency_id: UUID, row_id: UUID, attempt: int, status: str, most: timedelta | None = None
) -> Iterator[None]:
    """Extend the lease of a row during the block, for at most `most`.

    Errors are logged and the lease is tried again: a worker that cannot reach the database can record nothing
    either.
    """
    params: dict[str, Any] = {
        "length": LENGTH.total_seconds(),
        "agency": agency_id,
        "row": row_id,
        "attempt": attempt,
        "status": status,
    }
    is_over = Event()

    def extend() -> None:
        elapsed = timedelta()
        while not is_over.wait(EXTENDED_EVERY.total_seconds()):
            elapsed += EXTENDED_EVERY
            if most is not None and elapsed > most:
                return
            try:
                _extend(table, agency_id, params)
            except Exception:
                log.exception("the lease of %s %s cannot be extended", table, row_id)
            finally:
                # The thread's own connection. Between two extensions it would only occupy the server.
                connection.close()

    thread = Thread(target=extend, name=f"lease-{row_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _extend(table: str, agency_id: UUID, params: dict[str, Any]) -> None:
    with context.agency(agency_id), connection.cursor() as cursor:
        cursor.execute(sql.SQL(EXTEND).format(table=sql.Identifier(table)).as_string(), params)
