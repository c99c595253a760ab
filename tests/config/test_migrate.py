"""Test that migrations time out on a lock."""

from django.core.management import call_command
from django.db import connection


def test_migrations_wait_for_a_lock_for_some_seconds(db: None) -> None:
    call_command("migrate", "--plan", "--skip-checks", verbosity=0)

    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("5s",)
