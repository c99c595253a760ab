"""Read the state of the database and the pointers of problems."""

from typing import Any

from django.db import connection

from accounts.tenancy import context
from tests.client import Client

FACTS_AND_NUMBERS = """
SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relkind = 'r' AND relname ~ '^metrics_' AND attname = 'agency_id' ORDER BY relname
"""


def contents(client: Client) -> dict[str, tuple[int, str]]:
    """Return the number of rows and a digest of each table with facts and figures of the agency."""
    digests = {}
    with context.agency(client.agency.pk), connection.cursor() as cursor:
        cursor.execute(FACTS_AND_NUMBERS)
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT count(*), md5(string_agg(it::text, '|' ORDER BY it::text)) FROM {table} AS it"
            )
            digests[table] = cursor.fetchone()
    return digests


def pointers(response: Any) -> list[str]:
    """Return the pointers of a problem."""
    assert response.status_code in {400, 409}, response.content
    assert response["Content-Type"] == "application/problem+json"
    return [error["pointer"] for error in response.json()["errors"]]


def reports_of(client: Client, account: str) -> list[str]:
    return [report["id"] for report in client.read(f"/v1/accounts/{account}/reports")["data"]]
