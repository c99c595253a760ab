"""What the database says of the whole installation, as sums and ages: who they are of is told to nobody."""

import threading
import time
from collections.abc import Mapping
from datetime import datetime

from django.db import DatabaseError, connection, transaction

KEPT_SECONDS = 10
PATIENCE = "5s"
Figures = Mapping[str, float | None]


class Reader:
    """Asks the database at most once in so many seconds, whoever asks and how often."""

    def __init__(self, *, kept_seconds: float = KEPT_SECONDS) -> None:
        self.kept_seconds = kept_seconds
        self._lock = threading.Lock()
        self._known: Figures | None = None
        self._read_at = float("-inf")

    def read(self, *, now: datetime) -> Figures | None:
        """The figures of `now` or a little before; None where the database does not tell them.

        Who comes while another one asks takes what was known before: a database that hangs holds up one, not all.
        """
        if time.monotonic() - self._read_at >= self.kept_seconds and self._lock.acquire(blocking=False):
            try:
                self._known = _asked(now)
                self._read_at = time.monotonic()
            finally:
                self._lock.release()
        return self._known

    def forget(self) -> None:
        """Ask anew next time."""
        self._read_at = float("-inf")


def _asked(now: datetime) -> Figures | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{PATIENCE}'")
            cursor.execute("SELECT * FROM operational_figures(%s)", [now])
            names = [column.name for column in cursor.description]
            return dict(zip(names, cursor.fetchone(), strict=True))
    except DatabaseError:
        return None


reader = Reader()
