"""Test that events are stored in the transaction of the change."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from tests.client import Client
from tests.webhooks.event_builders import publish_event
from webhooks.events import publishing, wakeup
from webhooks.events.catalogue import EVENT_TYPES, EventType
from webhooks.models import Event

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def account_of(shop: str) -> SellerAccount:
    return SellerAccount.objects.get(pk=identifiers.private("acct", shop))


def publish(shop: str, **data: Any) -> Event:
    return publishing.publish(account=account_of(shop), type_="account.status_changed", data=data, now=NOW)


def test_event_has_its_account_and_time(acme: Client, shop: str) -> None:
    with context.agency(acme.agency.pk):
        event = publish(shop, current="NORMAL")

        stored = Event.objects.get()
        assert stored == event
        assert (stored.agency_id, stored.account_id, stored.occurred_at) == (
            acme.agency.pk,
            identifiers.private("acct", shop),
            NOW,
        )
        assert (stored.type, stored.data) == ("account.status_changed", {"current": "NORMAL"})


def test_unknown_event_type_is_refused(acme: Client, shop: str) -> None:
    with context.agency(acme.agency.pk):
        with pytest.raises(KeyError):
            publishing.publish(account=account_of(shop), type_="breach.imagined", data={}, now=NOW)

        assert not Event.objects.exists()


def test_rolled_back_event_is_not_stored(acme: Client, shop: str) -> None:
    with context.agency(acme.agency.pk):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            publish(shop, rate=1 / len(publish(shop).data))

        assert not Event.objects.exists()


@pytest.mark.parametrize("column", ["data = '{}'", "type = 'x'", "occurred_at = occurred_at"])
def test_events_cannot_be_changed(acme: Client, shop: str, column: str) -> None:
    with context.agency(acme.agency.pk):
        publish(shop, current="NORMAL")

        with (
            connection.cursor() as cursor,
            pytest.raises(DatabaseError, match="never changed"),
            transaction.atomic(),
        ):
            cursor.execute(f"UPDATE webhooks_event SET {column}")


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.type)
def test_event_types_can_all_be_published(acme: Client, shop: str, kind: EventType) -> None:
    with context.agency(acme.agency.pk):
        publishing.publish(account=account_of(shop), type_=kind.type, data=kind.example, now=NOW)

        assert Event.objects.values_list("type", "data").get() == (kind.type, kind.example)
    assert kind.description.endswith(".")


def test_publishing_wakes_a_worker_once_per_transaction(
    acme: Client, shop: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    acme.listen()

    with django_capture_on_commit_callbacks() as callbacks:
        for _ in range(3):
            publish_event(acme, shop)

    assert callbacks == [wakeup.wake_worker]
