"""Build the `webhooks` of the OpenAPI document: one for each event type, with headers, body, example and
responses. Pure."""

from copy import deepcopy
from typing import Any

from webhooks.events.catalogue import EVENT_TYPES, EventType
from webhooks.events.schemas import DATE_TIME, Schema, nullable, public_id

ID = "evt_019abc4e5f607a8b9c0d1e2f3a4b5c6d"
ACCOUNT = "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d"
OCCURRED_AT = "2026-11-22T09:00:00Z"
WITHOUT_ACCOUNT = "endpoint."
HEADERS = (
    (
        "webhook-id",
        "The ID of the event, the same at every attempt. Ignore an event whose ID you have received before.",
        public_id("evt"),
        ID,
    ),
    (
        "webhook-timestamp",
        "The time of this attempt in Unix seconds. Reject requests whose time differs from yours by more "
        "than five minutes.",
        {"type": "string", "pattern": "^[0-9]+$"},
        "1795338000",
    ),
    (
        "webhook-signature",
        "`v1,` and the base64 of the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`. For 24 "
        "hours after a rotation of the secret, the header has two signatures separated by a space. "
        "Accept the request if one of them is valid.",
        {"type": "string", "pattern": "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$"},
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
)
# Texts of events whose values upper layers define: the document refers to their enumerations.
SHARED = {"metric": "Metric", "marketplace": "Marketplace", "report_type": "ReportType"}
RESPONSES = {
    "2XX": {"description": "The event was received and is not sent again. The body is ignored."},
    "410": {
        "description": (
            "The endpoint is disabled immediately, and `endpoint.disabled` is sent to the "
            "agency's other endpoints."
        )
    },
    "default": {
        "description": "The event was not received, and is sent again for up to three days. A redirect, "
        "or no response within 15 seconds, is treated in the same way. With 429 and "
        "503, `Retry-After` delays the next attempt."
    },
}


def schema(event_type: EventType) -> Schema:
    """Return the JSON schema of the body of an event of this type."""
    return {
        "type": "object",
        "description": event_type.description,
        "properties": {
            "id": public_id("evt", "The ID of the event."),
            "type": {"type": "string", "const": event_type.type, "description": "The event type."},
            "timestamp": DATE_TIME | {"description": "When the event occurred."},
            "account": nullable(public_id("acct"))
            | {"description": "The ID of the account. Null for events without an account and for tests."},
            "data": event_type.schema | {"description": "The details of the event."},
            "test": {
                "type": "boolean",
                "const": True,
                "description": "`true` in test events. Other events do not have this field.",
            },
        },
        "required": ["id", "type", "timestamp", "account", "data"],
    }


def example(event_type: EventType) -> dict[str, Any]:
    """Return an example of the body."""
    account = None if event_type.type.startswith(WITHOUT_ACCOUNT) else ACCOUNT
    return {
        "id": ID,
        "type": event_type.type,
        "timestamp": OCCURRED_AT,
        "account": account,
        "data": event_type.example,
    }


def component(event_type: EventType) -> str:
    """Return the name of the body's schema, such as BreachOpenedEvent."""
    return "".join(word.capitalize() for word in event_type.type.replace("_", ".").split(".")) + "Event"


def components() -> dict[str, Schema]:
    """Return the schema of every body by its name."""
    # Event types share the dictionaries of common properties, which are changed below.
    schemas = {component(event_type): deepcopy(schema(event_type)) for event_type in EVENT_TYPES}
    for body in schemas.values():
        properties = body["properties"]["data"]["properties"]
        properties |= {
            name: _reference(properties[name], to) for name, to in SHARED.items() if name in properties
        }
    return schemas


def _reference(text: Schema, name: str) -> Schema:
    """Return a reference to the enumeration, nullable and described as the text is."""
    reference: Schema = {"$ref": f"#/components/schemas/{name}"}
    description = {"description": text["description"]} if "description" in text else {}
    if "null" in text["type"]:
        return {"oneOf": [reference, {"type": "null"}]} | description
    return {"allOf": [reference]} | description if description else reference


def webhooks() -> dict[str, Any]:
    """Return the `webhooks` of the document, by event type."""
    return {event_type.type: {"post": _operation(event_type)} for event_type in EVENT_TYPES}


def _operation(event_type: EventType) -> dict[str, Any]:
    body = {
        "schema": {"$ref": f"#/components/schemas/{component(event_type)}"},
        "examples": {"event": {"summary": event_type.type, "value": example(event_type)}},
    }
    return {
        "operationId": f"on{component(event_type).removesuffix('Event')}",
        "summary": event_type.type,
        "description": event_type.description,
        "tags": ["Webhooks"],
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": description,
                "schema": header_schema,
                "example": example_value,
            }
            for name, description, header_schema, example_value in HEADERS
        ],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": RESPONSES,
    }


def add_webhooks(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the webhooks to the document, as a hook of drf-spectacular, whose own webhooks have no headers and
    no examples."""

    schemas = result["components"]["schemas"] | components()
    return result | {"webhooks": webhooks(), "components": result["components"] | {"schemas": schemas}}
