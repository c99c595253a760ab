"""What the document tells of webhooks: every type, whole, valid, and true of what is sent."""

import base64
import hashlib
import hmac
import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Stranger
from jsonschema import Draft202012Validator

from accounts.tenancy import context
from api.openapi import bounds
from tests.client import Client
from tests.schemas import faults, faults_of, faults_of_body
from tests.walls.furnishing import furnish
from tests.webhooks.event_builders import NOW, happen, listed
from webhooks.events import openapi
from webhooks.events import payload as event_payload
from webhooks.events.catalogue import DATE_TIME, EVENT_TYPES, NAMES, PATTERNS, EventType, names_of, patterns_of
from webhooks.models import Event

every_type = pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.type)


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """The committed document."""
    return dict(json.loads((Path(settings.BASE_DIR) / "docs" / "openapi.json").read_text()))


def operation(told: dict[str, Any], kind: EventType) -> dict[str, Any]:
    return dict(told["webhooks"][kind.type]["post"])


def test_every_type_is_a_webhook_of_the_document(told: dict[str, Any], db: None) -> None:
    served = json.loads(Stranger().get("/v1/openapi.json").content)

    assert tuple(told["webhooks"]) == NAMES
    assert served["webhooks"] == told["webhooks"]


def test_no_two_operations_have_the_same_name(told: dict[str, Any]) -> None:
    names = [operation(told, kind)["operationId"] for kind in EVENT_TYPES]
    others = [each["operationId"] for item in told["paths"].values() for each in item.values() if "operationId" in each]

    assert len({*names, *others}) == len(names) + len(others)


@every_type
def test_a_webhook_names_its_headers_its_answers_and_who_signs(told: dict[str, Any], kind: EventType) -> None:
    webhook = operation(told, kind)

    assert [(each["name"], each["in"], each["required"]) for each in webhook["parameters"]] == [
        ("webhook-id", "header", True),
        ("webhook-timestamp", "header", True),
        ("webhook-signature", "header", True),
    ]
    assert {"2XX", "410"} <= webhook["responses"].keys()
    assert (webhook["description"], webhook["security"]) == (kind.description, [])
    for each in webhook["parameters"]:
        assert re.search(each["schema"]["pattern"], each["example"]), each["name"]


@every_type
def test_the_body_of_a_webhook_is_described_and_shown(told: dict[str, Any], kind: EventType) -> None:
    body = operation(told, kind)["requestBody"]["content"]["application/json"]

    schema = told["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
    promised = deepcopy(openapi.schema(kind))
    bounds.bound_all(promised, longest=bounds.MAX_RESPONSE_LENGTH)
    assert schema == promised
    assert faults(body["examples"]["event"]["value"], schema) == []


@every_type
def test_a_schema_is_one_and_so_is_its_example(kind: EventType) -> None:
    Draft202012Validator.check_schema(kind.schema)

    assert faults(kind.example, kind.schema) == []
    assert faults_of_body(event_payload.encode(openapi.example(kind))) == []


@every_type
def test_an_example_without_any_of_its_parts_is_no_example(kind: EventType) -> None:
    for name in kind.schema["required"]:
        assert faults({key: value for key, value in kind.example.items() if key != name}, kind.schema) != [], name
    assert faults(kind.example | {"buyer": "Jane Doe"}, kind.schema) != []


@every_type
def test_whoever_reads_by_the_schema_reads_what_is_added_to_it_some_day(kind: EventType) -> None:
    grown = openapi.example(kind) | {"sequence": 7, "data": kind.example | {"more": True}}

    assert list(Draft202012Validator(openapi.schema(kind)).iter_errors(grown)) == []
    assert faults(grown, openapi.schema(kind)) != []


@every_type
def test_what_is_sent_of_it_is_as_the_document_says(acme: Client, shop: str, kind: EventType) -> None:
    endpoint = acme.listen()["id"]
    happen(acme, shop, kind.type)
    acme.post(f"/v1/webhook-endpoints/{endpoint}/test", {"event_type": kind.type}, format="json")

    payloads = [acme.read(f"/v1/deliveries/{each['id']}")["payload"] for each in listed(acme, endpoint)]

    assert len(payloads) == 2
    assert [faults_of_body(payload) for payload in payloads] == [[], []]


def test_what_a_busy_account_publishes_is_as_the_document_says(acme: Client) -> None:
    furnish(acme, name="acme")

    with context.agency(acme.agency.pk):
        found = {event.type: faults_of(event) for event in Event.objects.all()}
    assert {type_: wrong for type_, wrong in found.items() if wrong} == {}
    assert len(found) >= 2


def test_an_event_s_timestamp_and_headers_read_as_the_document_says() -> None:
    signed = f"{openapi.ID}.1795338000.".encode() + event_payload.encode(openapi.example(EVENT_TYPES[0]))
    signature = "v1," + base64.b64encode(hmac.new(bytes(32), signed, hashlib.sha256).digest()).decode()
    pattern = openapi.HEADERS[2][2]["pattern"]

    told = event_payload.build(event=openapi.ID, type_="x", occurred_at=NOW, account=None, data={}, is_test=False)

    assert re.search(pattern, signature)
    assert re.search(pattern, f"{signature} {signature}")
    assert not re.search(pattern, f"{signature},{signature}")
    assert faults(told["timestamp"], DATE_TIME) == []


def test_only_what_the_schema_names_is_let_through() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {}}}}}

    assert faults({"a": [{}]}, schema) == []
    assert faults({"a": [{"b": 1}]}, schema) != []


def test_a_pattern_asks_for_the_types_that_begin_so() -> None:
    assert names_of("*") == list(NAMES)
    assert names_of("breach.*") == ["breach.opened", "breach.escalated", "breach.resolved"]
    assert names_of("metric.at_risk") == ["metric.at_risk"]
    assert names_of("breach") == names_of("") == []
    assert {pattern for name in NAMES for pattern in patterns_of(name)} == set(PATTERNS)
