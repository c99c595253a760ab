"""Fixtures: an agency with rows in all tables, and principals with fewer rights."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.tenancy import context
from tests.architecture.furnishing import Furnished, furnish
from tests.architecture.operations import OPERATIONS
from tests.client import Client

Bearing = Callable[..., Client]
READS = [each for each in OPERATIONS if each.method == "GET" and not each.path.endswith("/document")]


@pytest.fixture
def furnished(committed_db: None) -> tuple[Client, Furnished]:
    """An agency with something of everything, committed: one refusal does not spoil the next answer."""
    client = Client(*agencies.create_agency(name="Acme", now=timezone.now()))
    return client, furnish(client, name="acme")


def with_key(client: Client, **rights: Any) -> Client:
    """The same agency with another key."""
    with context.agency(client.agency.pk):
        _, text = key_secrets.create(agency=client.agency, name="another", now=timezone.now(), **rights)
    return Client(client.agency, text)


@pytest.fixture
def nobody(committed_db: None) -> Client:
    """Somebody without a key, at doors that commit what was tried though it is refused."""
    client = Client(*agencies.create_agency(name="Acme", now=timezone.now()))
    client.credentials()
    return client


@pytest.fixture
def bearing(acme: Client) -> Bearing:
    """Makes clients with other keys of acme's."""
    return partial(with_key, acme)
