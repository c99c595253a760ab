"""Test test events, redelivery, and recovery since a moment."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from psycopg import sql

from accounts.agencies import lifecycle as agencies
from accounts.models import Actor
from accounts.tenancy import context
from api import identifiers
from tests import clock
from tests.client import Client
from tests.clock import NOW
from tests.conftest import NOON
from tests.webhooks.event_builders import (
    DAY,
    HOUR,
    change,
    create_mailbox,
    disable,
    events,
    finish_delivery,
    lease_delivery,
    list_audit_entries,
    list_deliveries,
    publish_event,
)
from webhooks.delivery import redelivery
from webhooks.events.catalogue import EVENT_TYPES, EventType
from webhooks.models import Delivery, Endpoint, Event

PATH = "/v1/webhook-endpoints"


def send_test(client: Client, endpoint: str, **fields: str) -> Any:
    return client.post(f"{PATH}/{endpoint}/test", fields, format="json")


def recover(client: Client, endpoint: str, *, since: datetime = NOW - DAY) -> int:
    """Recover, and return how many deliveries are due again."""
    response = client.post(f"{PATH}/{endpoint}/recover", {"since": since.isoformat()}, format="json")
    assert response.status_code == 202, response.content
    return int(response.json()["deliveries"])


def redeliver(client: Client, delivery: str) -> Any:
    return client.post(f"/v1/deliveries/{delivery}/redeliver")


def list_events(client: Client, endpoint: str, state: str = "pending") -> list[str]:
    """Return the events of an endpoint's deliveries, newest first."""
    return [each["event"] for each in list_deliveries(client, endpoint, state=state)]


def test_event_is_sent_to_one_endpoint_and_not_listed(acme: Client) -> None:
    endpoint, other = acme.listen()["id"], acme.listen()["id"]

    response = send_test(acme, endpoint)

    assert response.status_code == 202
    answer = response.json()
    assert list_deliveries(acme, endpoint) == [answer]
    assert list_deliveries(acme, other) == []
    assert (answer["type"], answer["test"], answer["state"], answer["account"]) == (
        "endpoint.test",
        True,
        "pending",
        None,
    )
    assert response.headers["Location"] == f"/v1/deliveries/{answer['id']}"
    assert acme.read("/v1/events")["data"] == []


def test_event_defaults_to_type_endpoint_test(acme: Client) -> None:
    endpoint = acme.listen()["id"]

    delivery = send_test(acme, endpoint).json()["id"]

    payload = acme.read(f"/v1/deliveries/{delivery}")["payload"]
    content = json.loads(payload)
    assert (content["type"], content["account"], content["data"], content["test"]) == (
        "endpoint.test",
        None,
        {"endpoint": endpoint},
        True,
    )


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.type)
def test_event_of_every_type_can_be_sent(acme: Client, kind: EventType) -> None:
    endpoint = acme.listen(event_types=["report.loaded"])["id"]

    answer = send_test(acme, endpoint, event_type=kind.type).json()

    assert (answer["type"], answer["test"]) == (kind.type, True)
    with context.agency(acme.agency.pk):
        event = Event.objects.get()
    assert event.is_test
    assert event.data.keys() == kind.example.keys()


def test_event_has_a_series_of_its_own(acme: Client, shop: str) -> None:
    acme.listen()
    publish_event(acme, None, "endpoint.disabled", series="")
    with context.agency(acme.agency.pk):
        for at in (NOW, NOW + HOUR):
            redelivery.send_test(
                endpoint=Endpoint.objects.get(), type_="endpoint.test", actor=Actor("underone"), now=at
            )

        keys = list(Delivery.objects.values_list("order_key", flat=True))
    assert len(set(keys)) == len(keys) == 3


def test_event_is_limited_to_one_a_second(acme: Client) -> None:
    endpoint, other = acme.listen()["id"], acme.listen()["id"]
    send_test(acme, endpoint)

    response = send_test(acme, endpoint)

    assert (response.status_code, response.json()["type"]) == (429, "/problems/throttled")
    assert 1 <= int(response.headers["Retry-After"]) <= 2
    assert send_test(acme, other).status_code == 202
    assert len(list_deliveries(acme, endpoint)) == 1


@pytest.mark.parametrize("again", ["on-call", "On-Call", "on-call+2", "on%2Dcall"])
def test_mailbox_is_tested_once_a_minute_over_all_endpoints(acme: Client, rival: Client, again: str) -> None:
    first = create_mailbox(acme, "on-call")
    assert send_test(acme, first).status_code == 202
    acme.delete(f"{PATH}/{first}")

    second = create_mailbox(acme, again)
    response = send_test(acme, second)

    assert (response.status_code, response.json()["type"]) == (429, "/problems/throttled")
    assert 50 <= int(response.headers["Retry-After"]) <= 61
    assert send_test(acme, create_mailbox(acme, "other")).status_code == 202
    assert send_test(rival, create_mailbox(rival, "on-call")).status_code == 202
    later = timezone.now() + timedelta(minutes=1)
    with context.agency(acme.agency.pk):
        endpoint = Endpoint.objects.get(pk=identifiers.private("ep", second))
        assert redelivery.send_test(
            endpoint=endpoint, type_="endpoint.test", actor=Actor("underone"), now=later
        )


def test_agency_tests_five_mailboxes_a_minute(acme: Client, rival: Client) -> None:
    answers = []
    for number in range(7):
        endpoint = create_mailbox(acme, f"box{number}")
        answers.append(send_test(acme, endpoint).status_code)
        acme.delete(f"{PATH}/{endpoint}")

    assert answers == [202] * 5 + [429] * 2
    assert send_test(acme, acme.listen()["id"]).status_code == 202
    assert send_test(rival, create_mailbox(rival, "box0")).status_code == 202


def test_mailboxes_tested_at_once_are_limited_to_five(committed_db: None) -> None:
    agency, key = agencies.create_agency(name="Acme", now=NOON)
    boxes = [create_mailbox(Client(agency, key), f"box{number}") for number in range(8)]

    def test(endpoint: str) -> int:
        try:
            return int(send_test(Client(agency, key), endpoint).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as threads:
        answers = sorted(threads.map(test, boxes))

    assert answers == [202] * 5 + [429] * 3


def test_event_does_not_contain_the_mailbox(acme: Client) -> None:
    send_test(acme, create_mailbox(acme, "on-call"))

    with context.agency(acme.agency.pk):
        (event,) = Event.objects.values()
    assert "on-call" not in str(event)


@pytest.mark.parametrize("wrong", ["breach.imagined", "breach.*", "*", ""])
def test_event_of_unknown_type_is_refused(acme: Client, wrong: str) -> None:
    endpoint = acme.listen()["id"]

    response = send_test(acme, endpoint, event_type=wrong)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == ["/event_type"]
    assert events(acme) == []


def test_redelivery_to_disabled_endpoint_is_refused(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    publish_event(acme, shop)
    disable(acme, endpoint)
    (delivery,) = list_deliveries(acme, endpoint)

    responses = [
        send_test(acme, endpoint),
        redeliver(acme, delivery["id"]),
        acme.post(f"{PATH}/{endpoint}/recover", {"since": NOW.isoformat()}, format="json"),
    ]

    assert [(each.status_code, each.json()["type"]) for each in responses] == [
        (409, "/problems/endpoint-disabled")
    ] * 3
    assert list_deliveries(acme, endpoint) == [delivery]
    assert [what for what, _ in list_audit_entries(acme)] == ["endpoint.disabled", "endpoint.created"]


@pytest.mark.parametrize("state", ["failed", "delivered"])
def test_redelivery_of_finished_delivery_is_due_with_all_tries(acme: Client, shop: str, state: str) -> None:
    endpoint = acme.listen()["id"]
    event = publish_event(acme, shop)
    (before,) = list_deliveries(acme, endpoint)
    finish_delivery(acme, before["id"], state, tries=10, status=500)

    response = redeliver(acme, before["id"])

    assert response.status_code == 202
    (after,) = list_deliveries(acme, endpoint)
    assert response.json() == after
    assert timezone.now() - datetime.fromisoformat(after.pop("next_attempt_at")) < timedelta(minutes=1)
    assert after.pop("last_attempt")["status"] == 500
    assert (after["event"], after["state"], after["tries"], after["finished_at"]) == (
        event,
        "pending",
        0,
        None,
    )
    assert len(acme.read(f"/v1/deliveries/{before['id']}")["attempts"]) == 10
    assert list_audit_entries(acme)[0] == ("delivery.redelivered", before["id"])


@pytest.mark.parametrize("again", ["redeliver", "recover"])
def test_redelivery_to_mailbox_is_limited(acme: Client, shop: str, again: str) -> None:
    first, chat = create_mailbox(acme), acme.listen()["id"]
    publish_event(acme, shop)

    answers = []
    for endpoint in (first, first, chat, chat):
        (delivery,) = list_deliveries(acme, endpoint)
        finish_delivery(acme, delivery["id"], "failed", tries=1, status=500)
        since = {"since": (NOW - DAY).isoformat()} if again == "recover" else {}
        path = f"/v1/deliveries/{delivery['id']}" if again == "redeliver" else f"{PATH}/{endpoint}"
        answers.append(acme.post(f"{path}/{again}", since, format="json").status_code)

    assert answers == [202, 429, 202, 202]


def test_redelivery_of_pending_delivery_is_refused(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    publish_event(acme, shop)
    (delivery,) = list_deliveries(acme, endpoint)

    response = redeliver(acme, delivery["id"])

    assert (response.status_code, response.json()["type"]) == (409, "/problems/delivery-pending")
    assert list_deliveries(acme, endpoint) == [delivery]
    assert [what for what, _ in list_audit_entries(acme)] == ["endpoint.created"]


def test_redelivery_requested_at_once_is_done_once(committed_db: None) -> None:
    agency, key = agencies.create_agency(name="Acme", now=NOON)
    acme = Client(agency, key)
    endpoint = acme.listen()["id"]
    publish_event(acme, acme.take_on())
    delivery = list_deliveries(acme, endpoint)[0]["id"]
    finish_delivery(acme, delivery, "failed")

    def ask(_: int) -> int:
        try:
            return int(redeliver(Client(agency, key), delivery).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as threads:
        answers = sorted(threads.map(ask, range(8)))

    assert answers == [202] + [409] * 7


def test_recovery_is_in_order_of_events(acme: Client, shop: str) -> None:
    """One event was delivered, one failed, two happened while disabled, and one is pending."""
    endpoint = acme.listen()["id"]
    arrived, failed = publish_event(acme, shop), publish_event(acme, shop)
    finish_delivery(acme, list_deliveries(acme, endpoint)[1]["id"])
    finish_delivery(acme, list_deliveries(acme, endpoint)[0]["id"], "failed")
    disable(acme, endpoint)
    missed = [publish_event(acme, shop) for _ in range(2)]
    change(acme, endpoint, enabled=True)
    on_its_way = publish_event(acme, shop)

    due = recover(acme, endpoint)

    assert due == 4
    assert list_events(acme, endpoint) == [on_its_way, *missed[::-1], failed]
    assert list_events(acme, endpoint, "delivered") == [arrived]
    with context.agency(acme.agency.pk):
        ids = {f"evt_{each.event_id.hex}": each.pk for each in Delivery.objects.all()}
        assert len(set(Delivery.objects.values_list("order_key", flat=True))) == 1
    assert {pk.version for pk in ids.values()} == {7}


def test_recovery_twice_creates_no_delivery_twice(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    disable(acme, endpoint)
    missed = [publish_event(acme, shop) for _ in range(3)]
    change(acme, endpoint, enabled=True)

    assert [recover(acme, endpoint), recover(acme, endpoint)] == [3, 3]
    assert list_events(acme, endpoint) == missed[::-1]
    for delivery in list_deliveries(acme, endpoint):
        finish_delivery(acme, delivery["id"])
    assert recover(acme, endpoint) == 0


def test_recovery_makes_pending_due_and_leaves_leased_deliveries(acme: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    for _ in range(2):
        publish_event(acme, shop)
    in_hand, later = (each["id"] for each in list_deliveries(acme, endpoint))
    lease_delivery(acme, in_hand, until=timezone.now() + HOUR)
    with context.agency(acme.agency.pk):
        Delivery.objects.update(next_attempt_at=timezone.now() + DAY, tries=7)

    due = recover(acme, endpoint)

    by_id = {each["id"]: each for each in list_deliveries(acme, endpoint)}
    assert due == 1
    assert (by_id[later]["tries"], by_id[in_hand]["tries"]) == (0, 7)
    assert datetime.fromisoformat(by_id[later]["next_attempt_at"]) < timezone.now()
    assert datetime.fromisoformat(by_id[in_hand]["next_attempt_at"]) > timezone.now()
    with context.agency(acme.agency.pk):
        assert Delivery.objects.exclude(leased_until=None).get().public_id == in_hand


def test_recovery_respects_subscription(acme: Client, shop: str) -> None:
    other = acme.take_on(partner="A2OTHER")
    breach, escalated = publish_event(acme, shop), publish_event(acme, shop, "breach.escalated")
    report = publish_event(acme, shop, "report.loaded")
    elsewhere = publish_event(acme, other)
    of_none = publish_event(acme, None, "endpoint.disabled", series="")
    cases: dict[str, tuple[dict[str, Any], list[str]]] = {
        "everything": ({}, [of_none, elsewhere, report, escalated, breach]),
        "breaches": ({"event_types": ["breach.*"]}, [elsewhere, escalated, breach]),
        "one type": ({"event_types": ["breach.opened"]}, [elsewhere, breach]),
        "two": ({"event_types": ["report.*", "breach.escalated"]}, [report, escalated]),
        "one account": ({"accounts": [shop]}, [report, escalated, breach]),
        "both": ({"accounts": [other], "event_types": ["report.*"]}, []),
    }

    recovered = {}
    for name, (fields, _) in cases.items():
        endpoint = acme.listen(**fields)["id"]
        recover(acme, endpoint)
        recovered[name] = list_events(acme, endpoint)

    assert recovered == {name: expected for name, (_, expected) in cases.items()}


def test_recovery_equals_publication(acme: Client, shop: str) -> None:
    """Compare the conditions of recovery and publication for every type and pattern."""
    patterns = sorted(
        {pattern for kind in EVENT_TYPES for pattern in ("*", f"{kind.type.split('.')[0]}.*", kind.type)}
    )
    at_once = {pattern: acme.listen(event_types=[pattern])["id"] for pattern in patterns}
    for kind in EVENT_TYPES:
        publish_event(acme, shop, kind.type)

    for pattern, endpoint in at_once.items():
        late = acme.listen(event_types=[pattern])["id"]
        recover(acme, late)

        assert list_events(acme, late) == list_events(acme, endpoint) != []


def test_recovery_begins_at_since(acme: Client, shop: str) -> None:
    publish_event(acme, shop, at=NOW - 2 * HOUR)
    second, third = publish_event(acme, shop, at=NOW - HOUR), publish_event(acme, shop)
    endpoint = acme.listen()["id"]

    assert recover(acme, endpoint, since=NOW - HOUR) == 2
    assert list_events(acme, endpoint) == [third, second]


def test_recovery_omits_tests_and_deleted_accounts(acme: Client, shop: str) -> None:
    deleted, endpoint = acme.take_on(partner="A2GONE"), acme.listen()["id"]
    send_test(acme, endpoint)
    finish_delivery(acme, list_deliveries(acme, endpoint)[0]["id"], "failed")
    disable(acme, endpoint)
    publish_event(acme, deleted)
    acme.delete(f"/v1/accounts/{deleted}")
    change(acme, endpoint, enabled=True)

    assert recover(acme, endpoint) == 0
    assert list_events(acme, endpoint) == []


def test_recovery_leaves_other_endpoints_unchanged(acme: Client, rival: Client, shop: str) -> None:
    endpoint, other, rival_endpoint = acme.listen()["id"], acme.listen()["id"], rival.listen()["id"]
    publish_event(acme, shop)
    publish_event(rival, rival.take_on())
    for client, each in ((acme, endpoint), (acme, other), (rival, rival_endpoint)):
        finish_delivery(client, list_deliveries(client, each)[0]["id"], "failed")

    assert recover(acme, endpoint) == 1

    assert [list_events(acme, other, "failed"), list_events(rival, rival_endpoint, "failed")] == [
        events(acme),
        events(rival),
    ]


@pytest.mark.parametrize(
    "since",
    [
        pytest.param((clock.NOW + HOUR).isoformat(), id="to come"),
        pytest.param((clock.NOW - 31 * DAY).isoformat(), id="too long ago"),
        "yesterday",
        "2026-13-01T00:00:00Z",
        None,
        7,
    ],
)
def test_recovery_with_invalid_since_is_refused(acme: Client, since: Any) -> None:
    endpoint = acme.listen()["id"]

    response = acme.post(f"{PATH}/{endpoint}/recover", {"since": since}, format="json")

    assert response.status_code in {400, 409}
    assert [error["pointer"] for error in response.json()["errors"]] == ["/since"]


def test_recovery_is_audited_with_count(acme: Client, shop: str) -> None:
    publish_event(acme, shop)
    endpoint = acme.listen()["id"]
    recover(acme, endpoint)

    (entry, *_) = acme.read("/v1/audit-log", what="endpoint.recovered")["data"]
    assert entry["about"] == endpoint
    assert entry["detail"] == {"since": (NOW - DAY).isoformat(), "deliveries": 1}


def test_recoveries_at_once_create_each_delivery_once(committed_db: None) -> None:
    agency, key = agencies.create_agency(name="Acme", now=NOON)
    acme = Client(agency, key)
    account = acme.take_on()
    missed = [publish_event(acme, account) for _ in range(20)]
    endpoint = acme.listen()["id"]

    def ask(_: int) -> int:
        try:
            return recover(Client(agency, key), endpoint)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as threads:
        assert set(threads.map(ask, range(8))) == {20}

    assert list_events(acme, endpoint) == missed[::-1]


def test_recovery_of_another_agency_is_not_found(acme: Client, rival: Client, shop: str) -> None:
    endpoint = acme.listen()["id"]
    publish_event(acme, shop)
    delivery = list_deliveries(acme, endpoint)[0]["id"]
    finish_delivery(acme, delivery, "failed")

    responses = [
        redeliver(rival, delivery),
        rival.get(f"/v1/deliveries/{delivery}"),
        redeliver(rival, identifiers.public("dlv", identifiers.uuid7())),
    ]

    assert [answer.status_code for answer in responses] == [404, 404, 404]
    assert list_deliveries(acme, endpoint)[0]["state"] == "failed"


@pytest.mark.parametrize("what", ["recover", "disable"])
def test_recovery_does_not_wait_for_locked_delivery(committed_db: None, owner_dsn: str, what: str) -> None:
    """The worker goes on to update the endpoint: both would wait for each other."""
    acme = Client(*agencies.create_agency(name="Acme", now=NOON))
    endpoint, account = acme.listen()["id"], acme.take_on()
    for _ in range(3):
        publish_event(acme, account)
    settling, *others = (each["id"] for each in list_deliveries(acme, endpoint))

    with psycopg.connect(os.environ["DATABASE_URL"]) as worker:
        worker.execute(sql.SQL("SET LOCAL underone.agency = {}").format(str(acme.agency.pk)))
        locked = "SELECT id FROM webhooks_delivery WHERE id = %s FOR NO KEY UPDATE"
        assert worker.execute(locked, [identifiers.private("dlv", settling)]).fetchall()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        if what == "recover":
            assert recover(acme, endpoint) == 2
        else:
            disable(acme, endpoint)
        worker.execute("UPDATE webhooks_endpoint SET failing_since = now()")

    states = {each["id"]: each["state"] for each in list_deliveries(acme, endpoint)}
    assert states == {settling: "pending"} | dict.fromkeys(
        others, "pending" if what == "recover" else "failed"
    )
