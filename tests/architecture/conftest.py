"""Provide the tenant tables, and two agencies with rows in all of them."""

import pytest

from accounts.tenancy import context
from tests.architecture.agency_data import create_agency_data
from tests.architecture.statements import TENANT_TABLES, rows
from tests.client import Client


@pytest.fixture
def tables(db: None) -> list[str]:
    """Return every table whose rows belong to an agency."""
    return rows(TENANT_TABLES)


@pytest.fixture
def two_agencies(acme: Client, rival: Client) -> None:
    """Create rows of two agencies in every table, and leave the tenant context empty."""
    for client, name in ((acme, "acme"), (rival, "rival")):
        create_agency_data(client, name=name)
    context.set_agency(None)
