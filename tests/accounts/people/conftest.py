"""Fixtures: a visitor, users, and the mails they get."""

import pytest

from accounts.models import Agency, Person
from tests.accounts.people.visitors import Outbox, Visitor, create_user
from tests.client import Client


@pytest.fixture
def db(committed_db: None) -> None:
    """What counts although it is refused is committed: nothing here is in one transaction."""


@pytest.fixture
def post() -> Outbox:
    """Empty: what others left in the queue is theirs."""
    post = Outbox()
    post.collect()
    return Outbox()


@pytest.fixture
def visitor(db: None) -> Visitor:
    """Somebody at an address of its own, who is nobody yet."""
    return Visitor()


@pytest.fixture
def mei(db: None) -> Person:
    """A person who is a member of nothing yet."""
    return create_user()


@pytest.fixture
def agency(acme: Client) -> Agency:
    """Acme, which has an admin key."""
    return acme.agency
