"""Test that a deleted account can be restored as it was, until its erasure begins."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Role, SellerAccount
from accounts.tenancy import context
from api import identifiers
from ingestion import erasure, tasks
from metrics import tasks as metrics_tasks
from tests import build, messages
from tests.architecture.agency_data import create_agency_data
from tests.client import Client
from tests.clock import clock

SEVEN_DAYS = timedelta(days=7)


def restore(client: Client, account: str, **headers: str) -> Any:
    return client.post(f"/v1/accounts/{account}/restore", headers=headers)


def delete(client: Client, account: str) -> None:
    assert client.delete(f"/v1/accounts/{account}").status_code == 204


def deleted(client: Client, **more: str) -> list[dict[str, Any]]:
    return list(client.read("/v1/accounts", deleted="true", **more)["data"])


def entries(client: Client, account: str) -> list[str]:
    return [entry["what"] for entry in client.read("/v1/audit-log", about=account)["data"]]


def run_messages() -> list[str]:
    """Run the waiting tasks of metrics and reports; returns their names."""
    names = []
    for name, words in messages.take():
        names.append(name)
        if name == "metrics.tasks.catch_up":
            metrics_tasks.catch_up(**words)
        if name == "ingestion.tasks.load_report":
            tasks.load_report()
    return names


def read_everything(client: Client, account: str) -> dict[str, Any]:
    """Return what the API says of an account."""
    base = f"/v1/accounts/{account}"
    return {
        "account": client.read(base),
        "metrics": client.read(f"{base}/metrics"),
        "history": client.read(f"{base}/metrics/order_defect_rate/history"),
        "orders": client.read(f"{base}/metrics/order_defect_rate/orders"),
        "reports": client.read(f"{base}/reports"),
        "snapshots": client.read(f"{base}/snapshots"),
        "breaches": client.read("/v1/breaches", account=account),
        "thresholds": client.read("/v1/thresholds"),
        "endpoints": client.read("/v1/webhook-endpoints"),
        "events": client.read("/v1/events", account=account),
        "exports": client.read("/v1/exports"),
    }


def test_restored_account_is_as_it_was(acme: Client) -> None:
    account = create_agency_data(acme, name="acme").account_id
    before = read_everything(acme, account)
    delete(acme, account)
    assert acme.get(f"/v1/accounts/{account}/metrics").status_code == 404
    clock.advance(timedelta(minutes=10))

    response = restore(acme, account)

    assert response.status_code == 200
    assert response.json() == before["account"]
    assert read_everything(acme, account) == before
    assert entries(acme, account)[:2] == ["account.restored", "account.deleted"]


def test_deleted_account_is_listed_with_time_of_erasure(acme: Client, rival: Client) -> None:
    kept, gone = acme.take_on(name="Kept", partner="A1KEPT"), acme.take_on(name="Gone", partner="A1GONE")
    delete(acme, gone)

    (listed,) = deleted(acme)

    until = timezone.now() + SEVEN_DAYS
    assert (listed["id"], listed["restorable_until"][:19]) == (gone, f"{until:%Y-%m-%dT%H:%M:%S}")
    assert [each["id"] for each in acme.read("/v1/accounts", deleted="false")["data"]] == [kept]
    assert [each["id"] for each in acme.read("/v1/accounts")["data"]] == [kept]
    assert acme.read(f"/v1/accounts/{kept}")["restorable_until"] is None
    assert (deleted(acme, search="Kept"), deleted(rival)) == ([], [])
    assert (
        "restorable_until" in acme.get("/v1/accounts", {"deleted": "true", "format": "csv"}).content.decode()
    )


def test_limited_key_lists_only_its_own_deleted_accounts(acme: Client) -> None:
    hidden, visible = acme.take_on(partner="A1HIDDEN"), acme.take_on(partner="A1VISIBLE")
    body = {"name": "limited", "role": "manager", "accounts": [visible]}
    limited = Client(acme.agency, acme.post("/v1/api-keys", body, format="json").json()["key"])
    for account in (hidden, visible):
        delete(acme, account)

    assert [each["id"] for each in deleted(limited)] == [visible]
    assert restore(limited, visible).status_code == 403
    assert restore(acme, visible).status_code == 200
    assert limited.get(f"/v1/accounts/{visible}").status_code == 200


def test_restoring_twice_changes_nothing(acme: Client, shop: str) -> None:
    delete(acme, shop)

    first, second, third = (
        restore(acme, shop, **({"Idempotency-Key": "once"} if n < 2 else {})) for n in range(3)
    )

    assert [each.status_code for each in (first, second, third)] == [200, 200, 200]
    assert first.json() == second.json() == third.json()
    assert second["Idempotency-Replayed"] == "true"
    assert entries(acme, shop).count("account.restored") == 1


def test_strangers_cannot_restore(acme: Client, rival: Client, shop: str) -> None:
    delete(acme, shop)

    assert restore(rival, shop).status_code == 404
    assert restore(acme, f"acct_{'0' * 32}").status_code == 404
    assert restore(acme, "nonsense").status_code == 404
    assert deleted(acme)[0]["id"] == shop


def test_account_created_again_meanwhile_prevents_restoration(acme: Client, shop: str) -> None:
    delete(acme, shop)
    again = acme.take_on()

    refused = restore(acme, shop)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/account-exists")
    assert [each["id"] for each in deleted(acme)] == [shop]
    delete(acme, again)
    assert {each["id"] for each in deleted(acme)} == {shop, again}
    assert restore(acme, shop).status_code == 200
    assert restore(acme, again).status_code == 409


def test_account_is_erased_after_its_time_only(acme: Client, rival: Client, shop: str) -> None:
    acme.load(shop, build.orders_file([build.order_row()]))
    delete(acme, shop)
    clock.advance(SEVEN_DAYS - timedelta(minutes=1))
    assert erasure.erase_accounts(agency_id=acme.agency.pk, now=timezone.now()) == 0
    assert len(deleted(acme)) == 1
    clock.advance(timedelta(minutes=2))

    due = restore(acme, shop)
    erased = erasure.erase_accounts(agency_id=acme.agency.pk, now=timezone.now())
    gone = restore(acme, shop)

    assert (erased, deleted(acme)) == (1, [])
    for response in (due, gone):
        assert (response.status_code, response.json()["type"]) == (410, "/problems/account-erased")
    assert restore(rival, shop).status_code == 404
    assert acme.take_on() != shop


def test_account_whose_erasure_began_cannot_be_restored_whatever_the_clock_says(
    acme: Client, shop: str
) -> None:
    delete(acme, shop)
    with context.agency(acme.agency.pk):
        SellerAccount.objects.update(erasure_started_at=timezone.now())

    assert restore(acme, shop).status_code == 410
    assert deleted(acme) == []


def test_restored_account_is_not_erased(acme: Client, shop: str) -> None:
    delete(acme, shop)
    clock.advance(timedelta(days=6))
    restore(acme, shop)
    clock.advance(SEVEN_DAYS)

    assert erasure.erase_accounts(agency_id=acme.agency.pk, now=timezone.now()) == 0
    assert acme.get(f"/v1/accounts/{shop}").status_code == 200


def test_time_of_restoration_is_a_setting(acme: Client, shop: str, settings: Settings) -> None:
    settings.DELETED_ACCOUNT_DAYS = 0
    delete(acme, shop)

    assert restore(acme, shop).status_code == 410
    assert erasure.erase_accounts(agency_id=acme.agency.pk, now=timezone.now()) == 1


def test_account_deleted_by_earlier_version_is_erased(acme: Client, shop: str) -> None:
    with context.agency(acme.agency.pk):
        SellerAccount.objects.update(deleted_at=timezone.now())

    assert restore(acme, shop).status_code == 410
    assert erasure.erase_accounts(agency_id=acme.agency.pk, now=timezone.now()) == 1


@pytest.mark.usefixtures("no_messages")
def test_restored_account_catches_up(nord: Client, store: str) -> None:
    delete(nord, store)
    clock.advance(timedelta(days=3))
    nord.patch("/v1/agency", {"counts_pending_and_cancelled": True}, format="json")
    today = timezone.now().date()
    metrics_tasks.roll_agency_forward(agency_id=str(nord.agency.pk))
    messages.take()

    restore(nord, store)
    ran = run_messages()

    assert ran == ["metrics.tasks.catch_up"]
    (value,) = nord.read(f"/v1/accounts/{store}/metrics", metric="order_defect_rate", channel="mfn")[
        "metrics"
    ]
    assert value["window"]["to"] == (today - timedelta(days=15)).isoformat()
    with context.agency(nord.agency.pk):
        account = SellerAccount.objects.get(pk=identifiers.private("acct", store))
        assert account.last_recorded_at is not None
        assert account.last_recorded_at.date() == today


@pytest.mark.usefixtures("no_messages")
def test_report_that_was_queued_is_loaded_after_restoration(nord: Client, shelf: str) -> None:
    report = nord.send(shelf, build.orders_file([build.order_row()])).json()["id"]
    messages.take()
    delete(nord, shelf)
    tasks.load_report()

    restore(nord, shelf)
    meanwhile = nord.read(f"/v1/reports/{report}")["status"]
    tasks.load_report()

    assert meanwhile == "queued"
    assert nord.read(f"/v1/reports/{report}")["status"] == "loaded"


def test_restoration_requires_admin(acme: Client, shop: str) -> None:
    body = {"name": "manager", "role": Role.MANAGER}
    manager = Client(acme.agency, acme.post("/v1/api-keys", body, format="json").json()["key"])
    delete(acme, shop)

    assert restore(manager, shop).status_code == 403
    assert [each["id"] for each in deleted(manager)] == [shop]


@pytest.fixture
def no_messages() -> None:
    """Leave out the messages of other tests."""
    messages.take()
