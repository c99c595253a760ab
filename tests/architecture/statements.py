"""Run statements with the application role and the current tenant context."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection, transaction

Value = str | UUID | list[str]

TENANT_TABLES = """
SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attname = 'agency_id' ORDER BY relname
"""


def rows(query: str, *parameters: Value) -> list[Any]:
    """Return the rows of a query; of a single column, its values."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        fetched = cursor.fetchall()
    return [row[0] if len(row) == 1 else row for row in fetched]


def count_touched(statement: str, parameters: Mapping[str, Value] | None = None) -> int:
    """Run a statement and return how many rows it affected."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
