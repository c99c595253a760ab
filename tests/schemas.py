"""Validate published events against the schemas of the catalogue."""

import json
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from webhooks.events import openapi, payload
from webhooks.events.catalogue import TYPES
from webhooks.models import Event

FORMATS = FormatChecker()


@FORMATS.checks("date-time")  # type: ignore[untyped-decorator]
def is_moment(text: object) -> bool:
    """Return whether a text is an RFC 3339 time in UTC. The library checks nothing without another
    library."""
    return not isinstance(text, str) or (text.endswith("Z") and text[10:11] == "T" and len(text) >= 20)


def strict(schema: Any) -> Any:
    """Return the schema with no other properties allowed than it names."""
    if isinstance(schema, dict):
        inner = {name: strict(value) for name, value in schema.items()}
        return (
            inner | {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else inner
        )
    return [strict(each) for each in schema] if isinstance(schema, list) else schema


def faults(instance: Any, schema: Any) -> list[str]:
    """Return how the instance violates the schema."""
    errors = Draft202012Validator(strict(schema), format_checker=FORMATS).iter_errors(instance)
    return sorted(f"{error.json_path}: {error.message}" for error in errors)


def faults_of_body(body: bytes | str) -> list[str]:
    """Return how the body of a delivery violates the document."""
    content = json.loads(body)
    return faults(content, openapi.schema(TYPES[content["type"]]))


def faults_of(event: Event) -> list[str]:
    """Return how an event, as it is delivered, violates the document."""
    account = f"acct_{event.account_id.hex}" if event.account_id else None
    content = payload.build(
        event=event.public_id,
        type_=event.type,
        occurred_at=event.occurred_at,
        account=account,
        data=event.data,
        is_test=event.is_test,
    )
    return faults_of_body(payload.encode(content))
