"""Test that nothing is sent for a deleted account or a closed agency."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import Agency, SellerAccount
from accounts.tenancy import context
from api import identifiers
from tests.client import Client
from tests.conftest import NOON
from tests.webhooks.conftest import Sender, sender_of, work
from tests.webhooks.receiver_process import Receiver, sees
from webhooks.delivery import leases
from webhooks.models import Delivery

IN_FLIGHT = 0.25  # seconds that what was begun before the answer takes to arrive, on a busy machine


def own(path: str) -> str:
    return f"{path}/{uuid4().hex}"


def delete_account(sender: Sender) -> None:
    assert sender.client.delete(f"/v1/accounts/{sender.account.public_id}").status_code == 204


def close(sender: Sender) -> None:
    assert sender.client.delete("/v1/agency", {"confirm": "close Acme"}, format="json").status_code == 202


WITHDRAWALS = pytest.mark.parametrize("withdraw", [delete_account, close])


@pytest.fixture
def other(sender: Sender) -> Sender:
    """Create an agency that stays open."""
    return sender_of(Client(*agencies.create_agency(name="Other", now=NOON)))


@WITHDRAWALS
def test_pending_deliveries_of_deleted_account_are_not_sent(
    sender: Sender, other: Sender, receiver: Receiver, withdraw: Callable[[Sender], None]
) -> None:
    deleted_path, present_path = own("ok"), own("ok")
    endpoint, _ = sender.endpoint(receiver.url(deleted_path))
    goes_on, _ = other.endpoint(receiver.url(present_path))
    for each in (sender, other):
        each.publish(count=70, series="a:DE:mfn")
        each.publish(count=3)
    withdraw(sender)

    work()

    assert (receiver.received(deleted_path), len(receiver.received(present_path))) == ([], 73)
    assert (set(sender.states(endpoint)), set(other.states(goes_on))) == ({"failed"}, {"delivered"})
    assert {delivery.attempts.count() for delivery in sender.deliveries(endpoint)} == {0}
    assert leases.next_due_at() is None


def test_events_of_another_account_are_sent(sender: Sender, receiver: Receiver) -> None:
    path = own("ok")
    endpoint, _ = sender.endpoint(receiver.url(path))
    sender.publish(count=2)
    shop = sender.client.take_on(name="Kept", partner="A1KEPT")
    present = Sender(sender.client, account_of(sender.client, shop))
    events = present.publish(count=2)
    delete_account(sender)

    work()

    assert receiver.messages(path) == events
    assert sender.states(endpoint) == ["failed", "failed", "delivered", "delivered"]


def account_of(client: Client, public_id: str) -> SellerAccount:
    with context.agency(client.agency.pk):
        return SellerAccount.objects.get(pk=identifiers.private("acct", public_id))


@WITHDRAWALS
def test_leased_jobs_of_deleted_account_are_not_sent(
    sender: Sender, receiver: Receiver, withdraw: Callable[[Sender], None]
) -> None:
    path = own("late")
    endpoint, _ = sender.endpoint(receiver.url(path))
    sender.publish(count=40, series="a:DE:mfn")

    def worker() -> None:
        work(max_run_time=20.0)
        connection.close()

    with ThreadPoolExecutor(max_workers=1) as threads:
        working = threads.submit(worker)
        assert sees(lambda: len(receiver.received(path)) > 2)
        withdraw(sender)
        answered = time.time()
        working.result()

    came = [each["at"] - answered for each in receiver.received(path)]
    assert 2 < len(came) < 40
    assert max(came) < IN_FLIGHT
    assert set(sender.states(endpoint)) == {"delivered", "failed"}


def test_reopened_agency_can_recover_missed_events(sender: Sender, receiver: Receiver) -> None:
    path = own("ok")
    endpoint, _ = sender.endpoint(receiver.url(path))
    events = sender.publish(count=3)
    close(sender)
    work()
    with context.agency(sender.client.agency.pk):
        agencies.reopen(agency=Agency.objects.get(), now=timezone.now())

    since = {"since": (timezone.now() - timedelta(hours=1)).isoformat()}
    response = sender.client.post(f"/v1/webhook-endpoints/{endpoint.public_id}/recover", since, format="json")
    work()

    assert response.json()["deliveries"] == 3
    assert receiver.messages(path) == events


def test_restored_account_can_recover_missed_events(sender: Sender, receiver: Receiver) -> None:
    path = own("ok")
    endpoint, _ = sender.endpoint(receiver.url(path))
    missed = sender.publish(count=3)
    delete_account(sender)
    work()
    account = sender.account.public_id
    assert sender.client.post(f"/v1/accounts/{account}/restore").status_code == 200
    later = sender.publish()
    work()

    since = {"since": (timezone.now() - timedelta(hours=1)).isoformat()}
    response = sender.client.post(f"/v1/webhook-endpoints/{endpoint.public_id}/recover", since, format="json")
    work()

    assert response.json()["deliveries"] == 3
    assert receiver.messages(path) == [*later, *missed]


def test_deleted_or_closed_ids_are_the_only_ones_returned(sender: Sender, other: Sender) -> None:
    assert leases.deleted_or_closed_ids() == frozenset()

    delete_account(other)
    close(sender)

    assert leases.deleted_or_closed_ids() == {other.account.pk, sender.client.agency.pk}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_selleraccount")
        assert cursor.fetchone() == (0,)


def test_delivery_leased_by_another_worker_is_left_alone(sender: Sender, receiver: Receiver) -> None:
    endpoint, _ = sender.endpoint(receiver.url(own("ok")))
    sender.publish()
    delete_account(sender)
    now = timezone.now()
    with context.agency(sender.client.agency.pk):
        Delivery.objects.update(
            leased_until=now + timedelta(hours=1), next_attempt_at=now + timedelta(hours=1)
        )

    work()

    assert sender.states(endpoint) == ["pending"]
