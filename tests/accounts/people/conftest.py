"""Provide a visitor, users, and their e-mails."""

import pytest

from accounts.models import Agency, Person
from tests.accounts.people.visitors import Outbox, Visitor, create_user
from tests.client import Client


@pytest.fixture
def db(committed_db: None) -> None:
    """Commit everything, because counters of refused requests are committed."""


@pytest.fixture
def post() -> Outbox:
    """Empty: what others left in the queue is theirs."""
    post = Outbox()
    post.collect()
    return Outbox()


@pytest.fixture
def visitor(db: None) -> Visitor:
    """Return a visitor at an address of its own, without a session."""
    return Visitor()


@pytest.fixture
def mei(db: None) -> Person:
    """Create a user who is a member of no agency."""
    return create_user()


@pytest.fixture
def agency(acme: Client) -> Agency:
    """Create Acme with an admin key."""
    return acme.agency
