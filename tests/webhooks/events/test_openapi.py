"""Test webhooks in the OpenAPI document: every type, valid, and equal to what is sent."""

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
from api.openapi import bounds, descriptions, enums
from tests.architecture.agency_data import create_agency_data
from tests.client import Client
from tests.clock import NOW
from tests.schemas import faults, faults_of, faults_of_body
from tests.webhooks.event_builders import list_deliveries, publish_event
from webhooks.events import openapi
from webhooks.events import payload as event_payload
from webhooks.events.catalogue import (
    EVENT_TYPES,
    NAMES,
    PATTERNS,
    EventType,
    names_of,
    patterns_of,
)
from webhooks.events.schemas import DATE_TIME
from webhooks.models import Event

every_type = pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.type)


@pytest.fixture(scope="module")
def openapi_document() -> dict[str, Any]:
    """Return the committed document."""
    return dict(json.loads((Path(settings.BASE_DIR) / "docs" / "openapi.json").read_text()))


def operation(openapi_document: dict[str, Any], kind: EventType) -> dict[str, Any]:
    return dict(openapi_document["webhooks"][kind.type]["post"])


def test_event_types_are_all_in_the_document(openapi_document: dict[str, Any], db: None) -> None:
    served = json.loads(Stranger().get("/v1/openapi.json").content)

    assert tuple(openapi_document["webhooks"]) == NAMES
    assert served["webhooks"] == openapi_document["webhooks"]


def test_operation_ids_are_unique(openapi_document: dict[str, Any]) -> None:
    names = [operation(openapi_document, kind)["operationId"] for kind in EVENT_TYPES]
    others = [
        each["operationId"]
        for item in openapi_document["paths"].values()
        for each in item.values()
        if "operationId" in each
    ]

    assert len({*names, *others}) == len(names) + len(others)


@every_type
def test_webhook_documents_headers_and_responses(openapi_document: dict[str, Any], kind: EventType) -> None:
    webhook = operation(openapi_document, kind)

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
def test_webhook_documents_its_body(openapi_document: dict[str, Any], kind: EventType) -> None:
    body = operation(openapi_document, kind)["requestBody"]["content"]["application/json"]

    name = body["schema"]["$ref"].rpartition("/")[2]
    schemas = openapi_document["components"]["schemas"]
    document = {"paths": {}, "components": {"schemas": schemas | {name: openapi.components()[name]}}}
    promised = descriptions.describe(enums.share(deepcopy(document)))["components"]["schemas"][name]
    bounds.bound_all(promised, longest=bounds.MAX_RESPONSE_LENGTH)
    assert schemas[name] == promised
    whole = {"$ref": f"#/components/schemas/{name}", "components": openapi_document["components"]}
    assert faults(body["examples"]["event"]["value"], whole) == []


@every_type
def test_schema_and_example_are_valid(kind: EventType) -> None:
    Draft202012Validator.check_schema(kind.schema)

    assert faults(kind.example, kind.schema) == []
    assert faults_of_body(event_payload.encode(openapi.example(kind))) == []


@every_type
def test_example_without_a_required_property_is_invalid(kind: EventType) -> None:
    for name in kind.schema["required"]:
        assert (
            faults({key: value for key, value in kind.example.items() if key != name}, kind.schema) != []
        ), name
    assert faults(kind.example | {"buyer": "Jane Doe"}, kind.schema) != []


@every_type
def test_schema_allows_future_properties(kind: EventType) -> None:
    grown = openapi.example(kind) | {"sequence": 7, "data": kind.example | {"more": True}}

    assert list(Draft202012Validator(openapi.schema(kind)).iter_errors(grown)) == []
    assert faults(grown, openapi.schema(kind)) != []


@every_type
def test_payload_matches_the_document(acme: Client, shop: str, kind: EventType) -> None:
    endpoint = acme.listen()["id"]
    publish_event(acme, shop, kind.type)
    acme.post(f"/v1/webhook-endpoints/{endpoint}/test", {"event_type": kind.type}, format="json")

    payloads = [
        acme.read(f"/v1/deliveries/{each['id']}")["payload"] for each in list_deliveries(acme, endpoint)
    ]

    assert len(payloads) == 2
    assert [faults_of_body(payload) for payload in payloads] == [[], []]


def test_events_of_a_busy_account_match_the_document(acme: Client) -> None:
    create_agency_data(acme, name="acme")

    with context.agency(acme.agency.pk):
        faults_by_type = {event.type: faults_of(event) for event in Event.objects.all()}
    assert {type_: wrong for type_, wrong in faults_by_type.items() if wrong} == {}
    assert len(faults_by_type) >= 2


def test_timestamp_and_headers_match_the_document() -> None:
    signed = f"{openapi.ID}.1795338000.".encode() + event_payload.encode(openapi.example(EVENT_TYPES[0]))
    signature = "v1," + base64.b64encode(hmac.new(bytes(32), signed, hashlib.sha256).digest()).decode()
    pattern = openapi.HEADERS[2][2]["pattern"]

    openapi_document = event_payload.build(
        event=openapi.ID, type_="x", occurred_at=NOW, account=None, data={}, is_test=False
    )

    assert re.search(pattern, signature)
    assert re.search(pattern, f"{signature} {signature}")
    assert not re.search(pattern, f"{signature},{signature}")
    assert faults(openapi_document["timestamp"], DATE_TIME) == []


def test_unknown_values_do_not_match_the_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {}}}},
    }

    assert faults({"a": [{}]}, schema) == []
    assert faults({"a": [{"b": 1}]}, schema) != []


def test_pattern_matches_its_event_types() -> None:
    assert names_of("*") == list(NAMES)
    assert names_of("breach.*") == ["breach.opened", "breach.escalated", "breach.resolved"]
    assert names_of("metric.at_risk") == ["metric.at_risk"]
    assert names_of("breach") == names_of("") == []
    assert {pattern for name in NAMES for pattern in patterns_of(name)} == set(PATTERNS)
