"""The books of acme's shop."""

from collections.abc import Iterator

import pytest

from accounts import identifiers, scoping
from tests.client import Client
from tests.metrics.books import Books


@pytest.fixture
def books(acme: Client, shop: str) -> Iterator[Books]:
    """The books of acme's shop; the test sees what acme sees."""
    with scoping.agency(acme.agency.pk):
        yield Books(acme.agency.pk, identifiers.private("acct", shop))
