"""Provide an agency whose rows are committed, for documents that a worker loads.

A document that is refused while it is staged ends the statement that stages it, and with it a test's own
transaction.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from tests import build
from tests.client import Client
from tests.conftest import NOON


@pytest.fixture
def nord(committed_db: None) -> Client:
    """Create an agency with committed rows."""
    return Client(*agencies.create_agency(name="Nord", now=NOON))


@pytest.fixture
def shelf(nord: Client) -> str:
    """Create an account of Nord without data."""
    return nord.take_on(partner="A1SHELF")


@pytest.fixture
def store(nord: Client) -> str:
    """Create an account of Nord with a hundred orders, a counted claim and a breach."""
    store = nord.take_on()
    ordered = timezone.now() - timedelta(days=30)
    nord.load(store, build.orders_file(build.orders_on(ordered, count=100)))
    nord.post_defects(store, build.defect(order=build.order_id(1), kind="a_to_z_claim", state="granted"))
    return store
