"""Test locks of paths: which requests wait, and for how long."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections, transaction
from rest_framework.request import Request

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.models import Person
from accounts.requests import conditional_writes
from accounts.tenancy import context, locks
from tests.accounts.people.visitors import create_user
from tests.client import Client
from tests.conftest import NOON

PATH = "/v1/auth/session"


@pytest.fixture
def firm(committed_db: None) -> Client:
    """Create an agency with committed rows."""
    return Client(*agencies.create_agency(name="Acme", now=NOON))


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "TIMEOUT", timedelta(milliseconds=200))


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Run a function in a thread with a connection of its own."""

    def alone(act: Callable[[], Any]) -> Any:
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        yield lambda act: threads.submit(alone, act).result()


def write(person: Person | None, *, path: str = PATH) -> Request:
    """Lock the path of a user without an agency, or of nobody."""
    user = SimpleNamespace(person=person) if person else SimpleNamespace()
    fake_request: Any = SimpleNamespace(user=user, auth=None, path=path)
    request: Request = fake_request
    return request


def locked(request: Request) -> bool:
    """Return whether the write timed out."""
    try:
        with transaction.atomic():
            conditional_writes.lock_path(request)
    except conditional_writes.Busy:
        return False
    return True


def test_path_lock_of_user_blocks_that_user_only(
    committed_db: None, elsewhere: Callable[[Callable[[], Any]], Any]
) -> None:
    mei, ana = create_user(), create_user(name="Ana")

    with transaction.atomic():
        conditional_writes.lock_path(write(mei))
        meanwhile = [
            elsewhere(partial(locked, each)) for each in (write(mei), write(mei, path="/v1/x"), write(ana))
        ]

    assert meanwhile == [False, True, True]
    assert elsewhere(lambda: locked(write(mei)))


def test_path_lock_is_not_taken_for_anonymous_requests(
    committed_db: None, elsewhere: Callable[[Callable[[], Any]], Any]
) -> None:
    with transaction.atomic():
        conditional_writes.lock_path(write(None))

        assert elsewhere(lambda: locked(write(None)))


def test_lock_timeout_is_restored_afterwards(committed_db: None) -> None:
    def lock_timeout() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return str(cursor.fetchone()[0])

    with transaction.atomic():
        before = lock_timeout()
        conditional_writes.lock_path(write(create_user()))

        assert lock_timeout() == before


def test_path_lock_timeout_answers_busy_and_other_agencies_do_not_wait(
    firm: Client, elsewhere: Callable[[Callable[[], Any]], Any]
) -> None:
    shop, rival = firm.take_on(), Client(*agencies.create_agency(name="Rival", now=NOON))
    principal = key_secrets.authenticate(text=firm.key, now=NOON)
    path = f"/v1/accounts/{shop}"
    request: Any = SimpleNamespace(user=principal, auth=principal, path=path)

    def rename(client: Client) -> Any:
        return elsewhere(
            lambda: Client(client.agency, client.key).patch(path, {"name": "New"}, format="json")
        )

    with context.agency(firm.agency.pk):
        conditional_writes.lock_path(request)
        waited, other_response = rename(firm), rename(rival)

    assert (waited.status_code, waited.json()["type"], waited["Retry-After"]) == (
        409,
        "/problems/in-flight",
        "1",
    )
    assert waited.json()["detail"] == conditional_writes.Busy.default_detail
    assert other_response.status_code == 404
    assert rename(firm).status_code == 200
