"""An agency's rows go or change a batch at a time: nobody waits for a big agency, and an interrupted run is taken up again."""

from typing import Any
from uuid import UUID

from django.db import connection

from accounts.tenancy import context

AT_ONCE = 5000


def run(*, agency_id: UUID, statement: str, **named: Any) -> int:
    """Run a statement until it finds fewer than `%(at_once)s` rows, each time in a transaction of its own that sees
    `%(agency)s`; returns how many it found in all."""
    found, last = 0, AT_ONCE
    while last == AT_ONCE:
        with context.agency(agency_id), connection.cursor() as cursor:
            cursor.execute(statement, named | {"agency": agency_id, "at_once": AT_ONCE})
            last = cursor.rowcount
        found += last
    return found
