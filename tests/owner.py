"""Do what only the role that owns the tables may: make users staff, and see every session."""

import os
import subprocess
import sys
from typing import Any

import psycopg
from django.conf import settings

from accounts.models import Person


def execute(statement: str, *params: Any) -> list[tuple[Any, ...]]:
    """Execute a statement as the owner, commit it, and return its rows."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        cursor = owner.execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []


def make_staff(person: Person, *, is_staff: bool = True) -> None:
    """Make a committed user staff, or end it."""
    execute("UPDATE accounts_person SET is_staff = %s WHERE id = %s", is_staff, person.pk)


def manage(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of `manage.py` as the owner."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": os.environ["DATABASE_OWNER_URL"]},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
