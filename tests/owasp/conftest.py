"""Provide an agency with rows in all tables, and principals with fewer rights."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.tenancy import context
from tests.architecture.agency_data import AgencyIds, create_agency_data
from tests.architecture.operations import OPERATIONS
from tests.client import Client

MakeClient = Callable[..., Client]
READS = [each for each in OPERATIONS if each.method == "GET" and not each.path.endswith("/document")]


@pytest.fixture
def agency_with_data(committed_db: None) -> tuple[Client, AgencyIds]:
    """Create an agency with rows in every table, committed, so that a refusal does not affect later requests."""
    client = Client(*agencies.create_agency(name="Acme", now=timezone.now()))
    return client, create_agency_data(client, name="acme")


def with_key(client: Client, **rights: Any) -> Client:
    """Return a client with another key of the same agency."""
    with context.agency(client.agency.pk):
        _, text = key_secrets.create(agency=client.agency, name="another", now=timezone.now(), **rights)
    return Client(client.agency, text)


@pytest.fixture
def anonymous(committed_db: None) -> Client:
    """Return a client without a key. Attempts are committed even if refused."""
    client = Client(*agencies.create_agency(name="Acme", now=timezone.now()))
    client.credentials()
    return client


@pytest.fixture
def make_client(acme: Client) -> MakeClient:
    """Return a function that creates clients with other keys of Acme."""
    return partial(with_key, acme)
