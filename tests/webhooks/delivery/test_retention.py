"""Test that old deliveries are deleted with their attempts, and events are kept."""

import base64
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.tenancy import batches, context
from tests.client import Client
from tests.clock import NOW
from tests.webhooks.event_builders import DAY, finish_delivery, list_deliveries, publish_event
from webhooks.delivery import retention, tasks
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.models import Attempt, Delivery, Endpoint, EndpointSecret, Event

OVER = timedelta(days=90, seconds=1)


def delete(client: Client, *, now: datetime = NOW) -> int:
    return retention.delete(agency_id=client.agency.pk, now=now)


def count_deliveries(client: Client) -> tuple[int, int, int]:
    """Return the numbers of events, deliveries and attempts."""
    with context.agency(client.agency.pk):
        return Event.objects.count(), Delivery.objects.count(), Attempt.objects.count()


def finished(client: Client, endpoint: str, account: str, *, ago: timedelta, state: str = "delivered") -> str:
    """Create a delivery that finished this long ago after two attempts."""
    publish_event(client, account, at=NOW - ago)
    delivery = str(list_deliveries(client, endpoint)[0]["id"])
    finish_delivery(client, delivery, state, at=NOW - ago, tries=2)
    return delivery


@pytest.mark.parametrize("state", ["delivered", "failed"])
def test_old_finished_deliveries_are_deleted(acme: Client, shop: str, state: str) -> None:
    endpoint = acme.listen()["id"]
    finished(acme, endpoint, shop, ago=OVER, state=state)
    recent = finished(acme, endpoint, shop, ago=timedelta(days=90) - timedelta(seconds=1), state=state)

    assert delete(acme) == 1

    assert [each["id"] for each in list_deliveries(acme, endpoint)] == [recent]
    assert count_deliveries(acme) == (2, 1, 2)
    assert len(acme.read("/v1/events")["data"]) == 2


def test_deletion_is_audited_with_count(acme: Client, shop: str) -> None:
    finished(acme, acme.listen()["id"], shop, ago=OVER)

    for _ in range(2):
        delete(acme)

    entries = acme.read("/v1/audit-log", what="deliveries.deleted")["data"]
    assert [(each["who"], each["about"], each["detail"]) for each in entries] == [
        ("underone", acme.agency.public_id, {"count": 1})
    ]


def test_pending_deliveries_are_never_deleted(acme: Client, shop: str) -> None:
    acme.listen()
    publish_event(acme, shop, at=NOW - 400 * DAY)

    assert delete(acme) == 0
    assert count_deliveries(acme) == (1, 1, 0)


def test_retention_days_are_a_setting(acme: Client, shop: str, settings: Settings) -> None:
    endpoint = acme.listen()["id"]
    finished(acme, endpoint, shop, ago=40 * DAY)

    assert delete(acme) == 0
    settings.DELIVERIES_KEPT_DAYS = 31
    assert delete(acme) == 1


def test_deletion_covers_several_batches(acme: Client, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 3)
    endpoint = acme.listen()["id"]
    for _ in range(7):
        finished(acme, endpoint, shop, ago=OVER)

    assert delete(acme) == 7
    assert count_deliveries(acme) == (7, 0, 0)
    assert delete(acme) == 0


def test_events_are_deleted_with_their_deliveries(acme: Client) -> None:
    endpoint = acme.listen()["id"]
    acme.post(f"/v1/webhook-endpoints/{endpoint}/test", {}, format="json")
    finish_delivery(acme, list_deliveries(acme, endpoint)[0]["id"], at=NOW)

    assert delete(acme, now=NOW + 89 * DAY) == 0
    assert count_deliveries(acme) == (1, 1, 1)
    assert delete(acme, now=NOW + 91 * DAY) == 1
    assert count_deliveries(acme) == (0, 0, 0)


def test_event_with_pending_delivery_is_kept(acme: Client) -> None:
    endpoint = acme.listen()["id"]
    acme.post(f"/v1/webhook-endpoints/{endpoint}/test", {}, format="json")

    delete(acme, now=NOW + 91 * DAY)

    assert count_deliveries(acme) == (1, 1, 0)


def test_expired_secrets_are_deleted(acme: Client) -> None:
    endpoint = acme.listen()["id"]
    secret = acme.post(f"/v1/webhook-endpoints/{endpoint}/rotate-secret").json()["secret"]

    counted = []
    for hours in (23, 25):
        delete(acme, now=timezone.now() + timedelta(hours=hours))
        with context.agency(acme.agency.pk):
            counted.append(EndpointSecret.objects.count())

    assert counted == [2, 1]
    with context.agency(acme.agency.pk):
        endpoint = Endpoint.objects.get()
        secrets = endpoint_secrets.signing_secrets(
            agency_id=endpoint.agency_id, endpoint_ids=[endpoint.pk], now=NOW
        )
    assert list(secrets.values()) == [[base64.b64decode(secret.removeprefix("whsec_"))]]


def test_deletion_covers_every_agency_separately(acme: Client, rival: Client, shop: str) -> None:
    rival_account = rival.take_on()
    for client, account in ((acme, shop), (rival, rival_account)):
        finished(client, client.listen()["id"], account, ago=OVER)

    assert delete(acme) == 1
    assert (count_deliveries(acme), count_deliveries(rival)) == ((1, 0, 0), (1, 1, 2))
    tasks.delete_old_deliveries()
    assert count_deliveries(rival) == (1, 0, 0)
