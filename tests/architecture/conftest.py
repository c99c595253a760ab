"""What stands behind the walls."""

import pytest

from accounts.tenancy import context
from tests.architecture.furnishing import furnish
from tests.architecture.statements import TENANT_TABLES, rows
from tests.client import Client


@pytest.fixture
def tables(db: None) -> list[str]:
    """Every table whose rows belong to an agency."""
    return rows(TENANT_TABLES)


@pytest.fixture
def both(acme: Client, rival: Client) -> None:
    """Two agencies, with rows of each in every table, and a transaction that sees neither."""
    for client, name in ((acme, "acme"), (rival, "rival")):
        furnish(client, name=name)
    context.set_agency(None)
