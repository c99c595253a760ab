"""Lock reports over another worker's connection."""

import time
from uuid import UUID

import psycopg

from accounts.tenancy import locks


def take(worker: psycopg.Connection, report_id: UUID) -> bool:
    """Take the report in hand, as `locks.session_lock` does; whether it was free."""
    row = worker.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [str(report_id)]).fetchone()
    return bool(row and row[0])


def until_free(report_id: UUID, *, seconds: float = 120) -> None:
    """Wait until the server has noticed that the worker's connection is gone."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with locks.session_lock(report_id) as is_locked:
            if is_locked:
                return
    raise TimeoutError(f"{report_id} is still held")
