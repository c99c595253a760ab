"""Statements of the application's role, as it stands, with no filter of its own."""

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
    """What a query gives; of one column, the values."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        fetched = cursor.fetchall()
    return [row[0] if len(row) == 1 else row for row in fetched]


def touched(statement: str, parameters: Mapping[str, Value] | None = None) -> int:
    """How many rows a statement touched."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
