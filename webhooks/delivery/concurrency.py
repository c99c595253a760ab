"""Limit how many delivery workers run at once on all machines together.

Each running worker leases a numbered slot, a row of `webhooks_workerslot`, and renews the lease while it runs.
The slot of a killed worker is free when its lease ends. A lease is no state of a database session, so workers
run behind a pooler of transactions (ADR 19).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

LEASE = timedelta(seconds=20)
# Three renewals may fail before the lease ends.
RENEWAL_INTERVAL = 5.0  # seconds

# By the clock of the database, because those of several machines differ.
TAKE = """
INSERT INTO webhooks_workerslot AS slot (number, holder, leased_until)
SELECT %(number)s, %(holder)s, clock_timestamp() + %(lease)s
WHERE NOT EXISTS (SELECT FROM webhooks_workerslot WHERE number = %(number)s AND leased_until > clock_timestamp())
ON CONFLICT (number) DO UPDATE SET holder = EXCLUDED.holder, leased_until = EXCLUDED.leased_until
WHERE slot.leased_until <= clock_timestamp()
"""
RENEW = """
UPDATE webhooks_workerslot SET leased_until = clock_timestamp() + %(lease)s
WHERE number = %(number)s AND holder = %(holder)s
"""
RELEASE = "DELETE FROM webhooks_workerslot WHERE number = %(number)s AND holder = %(holder)s"


@dataclass
class Slot:
    """Store a leased slot. `is_lost` is set when another worker has taken it after the lease ended."""

    number: int
    holder: UUID = field(default_factory=uuid4)
    is_lost: bool = False

    def take(self) -> bool:
        """Lease the slot and return whether it was free."""
        return self._execute(TAKE)

    def renew(self) -> None:
        """Lease the slot for longer, or set `is_lost`."""
        self.is_lost = not self._execute(RENEW)

    def release(self) -> None:
        """Free the slot, unless another worker has it."""
        self._execute(RELEASE)

    def _execute(self, statement: str) -> bool:
        """Return whether the statement changed a row."""
        with connection.cursor() as cursor:
            params: dict[str, Any] = {"number": self.number, "holder": self.holder, "lease": LEASE}
            cursor.execute(statement, params)
            return bool(cursor.rowcount)


@contextmanager
def limited_to(count: int) -> Iterator[Slot | None]:
    """Lease one of `count` slots for the block. Yields None, without waiting, if all of them are taken.

    The block must renew the lease every RENEWAL_INTERVAL.
    """
    slot = next((slot for slot in map(Slot, range(count)) if slot.take()), None)
    try:
        yield slot
    finally:
        if slot is not None:
            # Not left to the end of the lease: the task looks for due deliveries afterwards, when others can
            # take the slot.
            slot.release()
