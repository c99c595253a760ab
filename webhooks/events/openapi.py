"""What the OpenAPI document tells of webhooks: one a type of event, with headers, body, an example and what to answer. Pure."""

from copy import deepcopy
from typing import Any

from webhooks.events.catalogue import EVENT_TYPES, MOMENT, EventType, Schema, or_null, public_id

ID = "evt_019abc4e5f607a8b9c0d1e2f3a4b5c6d"
ACCOUNT = "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d"
HAPPENED_AT = "2026-11-22T09:00:00Z"
OF_NO_ACCOUNT = "endpoint."
HEADERS = (
    (
        "webhook-id",
        "The id of the event, the same at every attempt: what is known by it was received before.",
        public_id("evt"),
        ID,
    ),
    (
        "webhook-timestamp",
        "The moment of this attempt in Unix seconds. Refuse one that is more than five minutes away.",
        {"type": "string", "pattern": "^[0-9]+$"},
        "1795338000",
    ),
    (
        "webhook-signature",
        "Of `{webhook-id}.{webhook-timestamp}.{body}`: `v1,` and the base64 of its HMAC-SHA256. Several, with spaces between, "
        "while one secret takes over from another; one that fits is enough.",
        {"type": "string", "pattern": "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$"},
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
)
ANSWERS = {
    "2XX": {"description": "Received. Whatever the body says, the event is not sent again."},
    "410": {"description": "Gone: the endpoint is disabled at once, and the agency is told by `endpoint.disabled`."},
    "default": {
        "description": "Not received, as is a redirect and no answer within 15 seconds: it is tried again for three days. 429 "
        "and 503 may say when in `Retry-After`."
    },
}


def schema(kind: EventType) -> Schema:
    """The JSON schema of the body of an event of this type."""
    return {
        "type": "object",
        "description": kind.description,
        "properties": {
            "id": public_id("evt"),
            "type": {"type": "string", "const": kind.type},
            "timestamp": MOMENT | {"description": "The moment at which it happened."},
            "account": or_null(public_id("acct")) | {"description": "Null for what belongs to no account, and in tests."},
            "data": kind.schema,
            "test": {"type": "boolean", "const": True, "description": "In tests alone."},
        },
        "required": ["id", "type", "timestamp", "account", "data"],
    }


def example(kind: EventType) -> dict[str, Any]:
    """A body of this type."""
    account = None if kind.type.startswith(OF_NO_ACCOUNT) else ACCOUNT
    return {"id": ID, "type": kind.type, "timestamp": HAPPENED_AT, "account": account, "data": kind.example}


def component(kind: EventType) -> str:
    """What the document calls the body: BreachOpenedEvent."""
    return "".join(word.capitalize() for word in kind.type.replace("_", ".").split(".")) + "Event"


def components() -> dict[str, Schema]:
    """The body of every type by its name in the document."""
    return {component(kind): schema(kind) for kind in EVENT_TYPES}


def webhooks() -> dict[str, Any]:
    """The `webhooks` of the document, by type of event."""
    return {kind.type: {"post": _operation(kind)} for kind in EVENT_TYPES}


def _operation(kind: EventType) -> dict[str, Any]:
    body = {
        "schema": {"$ref": f"#/components/schemas/{component(kind)}"},
        "examples": {"event": {"summary": kind.type, "value": example(kind)}},
    }
    return {
        "operationId": f"on{component(kind).removesuffix('Event')}",
        "summary": kind.type,
        "description": kind.description,
        "tags": ["Webhooks"],
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": what, "schema": form, "example": shown}
            for name, what, form, shown in HEADERS
        ],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": ANSWERS,
    }


def tell_webhooks(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular's, whose own webhooks have no headers and no examples: what the agency's systems receive."""
    schemas = result["components"]["schemas"] | deepcopy(components())
    return result | {"webhooks": webhooks(), "components": result["components"] | {"schemas": schemas}}
