"""Provide the tenant tables."""

import pytest

from tests.architecture.statements import TENANT_TABLES, rows


@pytest.fixture
def tables(db: None) -> list[str]:
    """Return every table whose rows belong to an agency."""
    return rows(TENANT_TABLES)
