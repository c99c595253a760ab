"""Test events over HTTP: order, filters, pages and event types."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from tests.client import Client
from webhooks.events import publishing
from webhooks.events.catalogue import TYPES
from webhooks.models import Event

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
CHANGED, RESTATED = "account.status_changed", "metric.restated"


def publish(client: Client, account: str, type_: str = CHANGED, *, at: datetime = NOW, **data: Any) -> str:
    """Publish an event of an account; returns its id."""
    with context.agency(client.agency.pk):
        owner = SellerAccount.objects.get(pk=identifiers.private("acct", account))
        return publishing.publish(account=owner, type_=type_, data=data, now=at).public_id


def in_turn(client: Client, account: str, count: int) -> list[str]:
    """Publish events with increasing IDs, and return them newest first."""
    ids = [publish(client, account, at=NOW + timedelta(seconds=n), n=n) for n in range(count)]
    with context.agency(client.agency.pk):
        return [
            identifiers.public("evt", pk)
            for pk in Event.objects.order_by("-pk").values_list("pk", flat=True)
            if ids
        ]


def test_event_has_documented_shape(acme: Client, shop: str) -> None:
    event = publish(acme, shop, current="AT_RISK", nested={"rate": None})

    body = acme.read("/v1/events")

    assert body == {
        "data": [
            {
                "id": event,
                "type": CHANGED,
                "account": shop,
                "occurred_at": "2026-11-22T09:00:00Z",
                "data": {"current": "AT_RISK", "nested": {"rate": None}},
            }
        ],
        "next_cursor": None,
    }
    assert event.startswith("evt_")


def test_events_are_empty_at_first(acme: Client, shop: str) -> None:
    assert acme.read("/v1/events") == {"data": [], "next_cursor": None}


def test_events_are_listed_newest_first(acme: Client, shop: str) -> None:
    newest_first = in_turn(acme, shop, 5)

    assert [event["id"] for event in acme.read("/v1/events")["data"]] == newest_first


@pytest.mark.parametrize("limit", [1, 2, 4, 5])
def test_pages_neither_skip_nor_repeat_while_events_are_added(acme: Client, shop: str, limit: int) -> None:
    before = in_turn(acme, shop, 5)
    page = acme.read("/v1/events", limit=limit)
    seen = page["data"]

    while page["next_cursor"]:
        publish(acme, shop)
        page = acme.read("/v1/events", limit=limit, cursor=page["next_cursor"])
        seen += page["data"]

    assert [event["id"] for event in seen] == before


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"type": CHANGED}, {1, 3}),
        ({"type": RESTATED}, {2}),
        ({"type": "metric.*"}, {2}),
        ({"type": "account.*"}, {1, 3}),
        ({"type": "breach.*"}, set()),
        ({"type": "*"}, {1, 2, 3}),
        ({"type": "metric.*", "account": "shop"}, {2}),
        ({"account": "shop"}, {1, 2}),
        ({"account": "other"}, {3}),
        ({"account": "other", "type": RESTATED}, set()),
        ({}, {1, 2, 3}),
    ],
)
def test_events_are_filtered_by_type_and_account(
    acme: Client, shop: str, params: dict[str, str], expected: set[int]
) -> None:
    accounts = {"shop": shop, "other": acme.take_on(partner="A2OTHER")}
    publish(acme, shop, n=1)
    publish(acme, shop, RESTATED, n=2)
    publish(acme, accounts["other"], n=3)

    events = acme.read("/v1/events", **{name: accounts.get(value, value) for name, value in params.items()})[
        "data"
    ]

    assert {event["data"]["n"] for event in events} == expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-11-22T09:00:00Z", {0, 1, 2}),
        ("2026-11-22T09:00:01Z", {1, 2}),
        ("2026-11-22T10:00:01.5+01:00", {2}),
        ("2026-11-23T00:00:00Z", set()),
    ],
)
def test_events_are_filtered_by_since(acme: Client, shop: str, since: str, expected: set[int]) -> None:
    in_turn(acme, shop, 3)

    assert {event["data"]["n"] for event in acme.read("/v1/events", since=since)["data"]} == expected


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"type": "breach.imagined"}, "/type"),
        ({"type": "bre*"}, "/type"),
        ({"since": "yesterday"}, "/since"),
        ({"cursor": "x"}, "/cursor"),
    ],
)
def test_invalid_filter_is_refused_with_pointer(
    acme: Client, shop: str, params: dict[str, str], pointer: str
) -> None:
    response = acme.get("/v1/events", params)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_events_and_accounts_of_another_agency_are_hidden(acme: Client, rival: Client, shop: str) -> None:
    publish(acme, shop)
    rival_account = rival.take_on(partner="A3RIVAL")
    own = publish(rival, rival_account)

    assert [event["id"] for event in rival.read("/v1/events")["data"]] == [own]
    assert rival.get("/v1/events", {"account": shop}).status_code == 404
    assert rival.get("/v1/events", {"account": "acct_unknown"}).status_code == 404


def test_events_require_a_key(acme: Client, shop: str) -> None:
    publish(acme, shop)
    acme.credentials()

    assert [acme.get(path).status_code for path in ("/v1/events", "/v1/event-types")] == [401, 401]


def test_event_types_are_listed_with_examples(acme: Client) -> None:
    body = acme.read("/v1/event-types")

    assert body["next_cursor"] is None
    assert {
        each["type"]: (each["description"], each["schema"], each["example"]) for each in body["data"]
    } == {name: (kind.description, kind.schema, kind.example) for name, kind in TYPES.items()}
    assert {CHANGED, RESTATED, "breach.opened", "endpoint.disabled"} < set(TYPES)
