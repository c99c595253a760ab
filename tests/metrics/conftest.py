"""Provide the fact recorder of Acme's account."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from accounts.tenancy import context
from api import identifiers
from tests.client import Client
from tests.metrics.fact_recorder import FactRecorder


@pytest.fixture
def rule(owner_dsn: str) -> Iterator[Callable[..., None]]:
    """Return a function that inserts a rule of the order defect rate with the usual fields except the given ones."""
    with psycopg.connect(owner_dsn, autocommit=True, row_factory=dict_row) as owner:
        usual = owner.execute(
            "SELECT * FROM metrics_metricrule WHERE metric = 'order_defect_rate'"
        ).fetchone()
        written: list[int] = []

        def write(**fields: Any) -> None:
            row = (
                {name: value for name, value in (usual or {}).items() if name != "id"}
                | {"source_title": "a test"}
                | fields
            )
            names, values = (
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Placeholder, row)),
            )
            statement = sql.SQL("INSERT INTO metrics_metricrule ({}) VALUES ({}) RETURNING id").format(
                names, values
            )
            written.extend(each["id"] for each in owner.execute(statement, row))

        yield write
        owner.execute("DELETE FROM metrics_metricrule WHERE id = ANY(%s)", [written])


@pytest.fixture
def recorder(acme: Client, shop: str) -> Iterator[FactRecorder]:
    """Return the recorder of Acme's account, in the tenant context of Acme."""
    with context.agency(acme.agency.pk):
        yield FactRecorder(acme.agency.pk, identifiers.private("acct", shop))
