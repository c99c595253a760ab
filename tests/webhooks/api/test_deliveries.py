"""Test deliveries over HTTP: requests and responses of attempts, byte by byte."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tenancy import context
from api import identifiers
from tests.client import Client
from tests.clock import NOW
from tests.webhooks.event_builders import HOUR, finish_delivery, list_deliveries, publish_event
from webhooks.events import payload as event_payload
from webhooks.models import Attempt, Delivery, Event


def test_delivery_has_documented_shape(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    event = publish_event(acme, shop)

    (delivery,) = list_deliveries(acme, endpoint)

    assert delivery == {
        "id": delivery["id"],
        "endpoint": endpoint,
        "event": event,
        "type": "breach.opened",
        "account": shop,
        "test": False,
        "state": "pending",
        "tries": 0,
        "next_attempt_at": NOW.isoformat().replace("+00:00", "Z"),
        "created_at": NOW.isoformat().replace("+00:00", "Z"),
        "finished_at": None,
        "last_attempt": None,
    }
    assert delivery["id"].startswith("dlv_")


def test_attempts_are_all_in_the_delivery_and_the_last_in_the_list(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    publish_event(acme, shop)
    delivery = list_deliveries(acme, endpoint)[0]["id"]
    finish_delivery(acme, delivery, "failed", at=NOW, status=None, error="No answer within 15 seconds.")
    finish_delivery(acme, delivery, "failed", at=NOW + HOUR, status=503, answer="upstream is down")

    (shown,) = list_deliveries(acme, endpoint)
    one = acme.read(f"/v1/deliveries/{delivery}")

    first, second = NOW.isoformat().replace("+00:00", "Z"), (NOW + HOUR).isoformat().replace("+00:00", "Z")
    last = {"at": second, "duration_ms": 12, "status": 503, "error": None}
    assert shown["last_attempt"] == last
    assert one["attempts"] == [
        last | {"answer": "upstream is down"},
        {
            "at": first,
            "duration_ms": 12,
            "status": None,
            "error": "No answer within 15 seconds.",
            "answer": None,
        },
    ]
    assert {name: one[name] for name in shown} == shown


def test_payload_equals_the_bytes_sent(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    event = publish_event(acme, shop)

    payload = acme.read(f"/v1/deliveries/{list_deliveries(acme, endpoint)[0]['id']}")["payload"]

    with context.agency(acme.agency.pk):
        stored = Event.objects.get()
    sent = event_payload.build(
        event=event, type_=stored.type, occurred_at=NOW, account=shop, data=stored.data, is_test=False
    )
    assert payload.encode() == event_payload.encode(sent)
    assert json.loads(payload).keys() == {"id", "type", "timestamp", "account", "data"}


def test_delivery_without_account_has_null_account(acme: Client) -> None:
    endpoint = acme.listen()["id"]
    publish_event(acme, None, "endpoint.disabled")

    (delivery,) = list_deliveries(acme, endpoint)

    assert delivery["account"] is None
    assert json.loads(acme.read(f"/v1/deliveries/{delivery['id']}")["payload"])["account"] is None


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {"pending", "delivered", "failed", "report"}),
        ({"state": "pending"}, {"pending", "report"}),
        ({"state": "delivered"}, {"delivered"}),
        ({"state": "failed"}, {"failed"}),
        ({"type": "breach.opened"}, {"pending", "delivered", "failed"}),
        ({"type": "report.*"}, {"report"}),
        ({"type": "*"}, {"pending", "delivered", "failed", "report"}),
        ({"type": "breach.*", "state": "failed"}, {"failed"}),
        ({"type": "report.*", "state": "failed"}, set()),
    ],
)
def test_deliveries_are_filtered_by_state_and_type(
    acme: Client, shop: str, params: dict[str, str], expected: set[str]
) -> None:
    endpoint = acme.listen()["id"]
    for _ in range(3):
        publish_event(acme, shop)
    publish_event(acme, shop, "report.loaded")
    report, pending, delivered, failed = (each["id"] for each in list_deliveries(acme, endpoint))
    names = {report: "report", pending: "pending", delivered: "delivered", failed: "failed"}
    finish_delivery(acme, delivered)
    finish_delivery(acme, failed, "failed")

    assert {names[each["id"]] for each in list_deliveries(acme, endpoint, **params)} == expected


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"state": "lost"}, "/state"),
        ({"type": "breach.imagined"}, "/type"),
        ({"cursor": "x"}, "/cursor"),
        ({"limit": "0"}, "/limit"),
    ],
)
def test_invalid_filter_is_refused_with_pointer(acme: Client, params: dict[str, str], pointer: str) -> None:
    endpoint = acme.listen()["id"]

    response = acme.get(f"/v1/webhook-endpoints/{endpoint}/deliveries", params)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_deliveries_are_listed_newest_first_while_events_are_added(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    newest_first = [publish_event(acme, shop) for _ in range(5)][::-1]
    path = f"/v1/webhook-endpoints/{endpoint}/deliveries"

    page = acme.read(path, limit=2)
    seen = page["data"]
    while page["next_cursor"]:
        publish_event(acme, shop)
        page = acme.read(path, limit=2, cursor=page["next_cursor"])
        seen += page["data"]

    assert [each["event"] for each in seen] == newest_first


def test_list_runs_same_queries_for_many_deliveries(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            list_deliveries(acme, endpoint)
        return len(queries)

    counted = []
    for count in (1, 20):
        for _ in range(count):
            publish_event(acme, shop)
        for delivery in list_deliveries(acme, endpoint):
            finish_delivery(acme, delivery["id"], "failed", tries=3)
        counted.append(cost())

    assert counted[0] == counted[1]


def test_attempts_are_limited_to_the_newest(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    publish_event(acme, shop)
    delivery = list_deliveries(acme, endpoint)[0]["id"]
    finish_delivery(acme, delivery, tries=120)
    with context.agency(acme.agency.pk):
        Attempt.objects.filter(pk=Attempt.objects.latest("pk").pk).update(answer="the newest")

    attempts = acme.read(f"/v1/deliveries/{delivery}")["attempts"]

    assert len(attempts) == 100
    assert attempts[0]["answer"] == "the newest"


def test_deliveries_of_deleted_account_are_not_found(acme: Client, shop: str) -> None:
    deleted, endpoint = acme.take_on(partner="A2GONE"), acme.listen()["id"]
    publish_event(acme, deleted)
    event = publish_event(acme, shop)
    hidden = list_deliveries(acme, endpoint)[1]["id"]

    acme.delete(f"/v1/accounts/{deleted}")

    assert [each["event"] for each in list_deliveries(acme, endpoint)] == [event]
    assert acme.get(f"/v1/deliveries/{hidden}").status_code == 404
    assert acme.post(f"/v1/deliveries/{hidden}/redeliver").status_code == 404


@pytest.mark.parametrize("public_id", ["dlv_x", "x", "dlv_" + "0" * 32])
def test_unknown_delivery_is_not_found(acme: Client, public_id: str) -> None:
    response = acme.get(f"/v1/deliveries/{public_id}")

    assert (response.status_code, response.json()["detail"]) == (404, "No delivery has this ID.")


def test_deliveries_are_hidden_from_another_agency(acme: Client, rival: Client, shop: str) -> None:
    endpoint, rival_endpoint = acme.listen()["id"], rival.listen()["id"]
    publish_event(acme, shop)
    delivery = list_deliveries(acme, endpoint)[0]["id"]

    assert list_deliveries(rival, rival_endpoint) == []
    assert rival.get(f"/v1/webhook-endpoints/{endpoint}/deliveries").status_code == 404
    assert rival.get(f"/v1/deliveries/{delivery}").status_code == 404


def test_deliveries_require_a_key(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    publish_event(acme, shop)
    delivery = list_deliveries(acme, endpoint)[0]["id"]
    acme.credentials()

    paths = (
        f"/v1/webhook-endpoints/{endpoint}/deliveries",
        f"/v1/deliveries/{delivery}",
        "/v1/webhook-endpoints",
    )
    assert [acme.get(path).status_code for path in paths] == [401, 401, 401]


def test_event_has_one_delivery_per_endpoint(acme: Client, shop: str) -> None:
    endpoint = acme.listen(event_types=["*", "breach.*", "breach.opened"], accounts=[shop])["id"]

    event = publish_event(acme, shop, at=timezone.now())

    assert [each["event"] for each in list_deliveries(acme, endpoint)] == [event]
    with context.agency(acme.agency.pk):
        assert Delivery.objects.get().event_id == identifiers.private("evt", event)
