"""Build the payload of an event, which has the same bytes at every attempt and for every endpoint. Pure."""

import json
from datetime import datetime
from typing import Any

from api import timestamps


def build(
    *, event: str, type_: str, occurred_at: datetime, account: str | None, data: dict[str, Any], is_test: bool
) -> dict[str, Any]:
    """Return the payload. `type`, `timestamp` and `data` are named by Standard Webhooks; IDs are public
    IDs."""
    payload = {
        "id": event,
        "type": type_,
        "timestamp": timestamps.text(occurred_at),
        "account": account,
        "data": data,
    }
    return payload | ({"test": True} if is_test else {})


def encode(payload: dict[str, Any]) -> bytes:
    """Return the bytes that are signed and sent."""
    # Without spaces and in the order of `build`: a signature covers bytes, so
    # every attempt must encode alike.
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
