"""What a receiver gets of an event: the same bytes at every attempt, to every endpoint. Pure."""

import json
from datetime import datetime
from typing import Any

from api import timestamps


def of(
    *, event: str, type_: str, occurred_at: datetime, account: str | None, data: dict[str, Any], is_test: bool
) -> dict[str, Any]:
    """The event as JSON; `type`, `timestamp` and `data` are named by the Standard Webhooks specification, ids are public ones."""
    envelope = {
        "id": event,
        "type": type_,
        "timestamp": timestamps.text(occurred_at),
        "account": account,
        "data": data,
    }
    return envelope | ({"test": True} if is_test else {})


def body(envelope: dict[str, Any]) -> bytes:
    """The bytes that are signed and sent."""
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
