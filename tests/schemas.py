"""Events as the catalogue promises them: whatever a test publishes can be held against its schema."""

import json
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from webhooks.events import openapi, payload
from webhooks.events.catalogue import TYPES
from webhooks.models import Event

FORMATS = FormatChecker()


@FORMATS.checks("date-time")  # type: ignore[untyped-decorator]
def is_moment(text: object) -> bool:
    """RFC 3339 in UTC, as the API writes moments: the library's own check needs another library and passes everything without."""
    return not isinstance(text, str) or (text.endswith("Z") and text[10:11] == "T" and len(text) >= 20)


def strict(schema: Any) -> Any:
    """The schema where objects have the properties that it names and no others: what nobody promised is told to nobody."""
    if isinstance(schema, dict):
        inner = {name: strict(value) for name, value in schema.items()}
        return inner | {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else inner
    return [strict(each) for each in schema] if isinstance(schema, list) else schema


def faults(instance: Any, schema: Any) -> list[str]:
    """What of the instance is not as the schema says."""
    found = Draft202012Validator(strict(schema), format_checker=FORMATS).iter_errors(instance)
    return sorted(f"{error.json_path}: {error.message}" for error in found)


def faults_of_body(body: bytes | str) -> list[str]:
    """What of a delivery's body is not as the document says."""
    told = json.loads(body)
    return faults(told, openapi.schema(TYPES[told["type"]]))


def faults_of(event: Event) -> list[str]:
    """What of an event, as a receiver gets it, is not as the document says."""
    account = f"acct_{event.account_id.hex}" if event.account_id else None
    told = payload.build(
        event=event.public_id,
        type_=event.type,
        occurred_at=event.occurred_at,
        account=account,
        data=event.data,
        is_test=event.is_test,
    )
    return faults_of_body(payload.encode(told))
