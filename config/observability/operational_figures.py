"""Read figures of the whole installation from the database: sums, ages and the newest backup, without
agencies."""

import threading
import time
from collections.abc import Mapping
from datetime import datetime

from django.db import DatabaseError, connection, transaction

CACHE_SECONDS = 10
STATEMENT_TIMEOUT = "5s"
FIGURES = """
SELECT figures.*, backup.* FROM operational_figures(%s) AS figures
LEFT JOIN LATERAL (
    SELECT extract(epoch FROM snapshot_at)::float8 AS backup_at, size::float8 AS backup_size,
        missing_documents::float8 AS backup_missing_documents
    FROM accounts_backup ORDER BY id DESC LIMIT 1
) AS backup ON true
"""
Figures = Mapping[str, float | None]


class FigureReader:
    """Read the figures, from the database at most once in `cache_seconds`."""

    def __init__(self, *, cache_seconds: float = CACHE_SECONDS) -> None:
        self.cache_seconds = cache_seconds
        self._lock = threading.Lock()
        self._figures: Figures | None = None
        self._read_at = float("-inf")

    def read(self, *, now: datetime) -> Figures | None:
        """Return figures that are at most `cache_seconds` old; None if the database does not answer."""
        # While one caller waits for the database, others get the previous figures: a database that hangs
        # holds up one request only.
        if time.monotonic() - self._read_at >= self.cache_seconds and self._lock.acquire(blocking=False):
            try:
                self._figures = _query(now)
                self._read_at = time.monotonic()
            finally:
                self._lock.release()
        return self._figures

    def expire(self) -> None:
        """Query the database at the next call."""
        self._read_at = float("-inf")


def _query(now: datetime) -> Figures | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
            cursor.execute(FIGURES, [now])
            names = [column.name for column in cursor.description]
            return dict(zip(names, cursor.fetchone(), strict=True))
    except DatabaseError:
        return None


reader = FigureReader()
