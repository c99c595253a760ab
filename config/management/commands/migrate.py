"""Migrate with a lock timeout, so that a migration that waits for a lock does not block other queries."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

LOCK_TIMEOUT = "5s"


class Command(migrate.Command):
    """Migrate with a lock timeout."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Set the timeout for the session, then migrate. A migration that times out is rolled back and can be
        run again."""

        # ALTER TABLE that waits for one long query holds up every query that comes after it.
        with connections[options["database"]].cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        super().handle(*args, **options)
