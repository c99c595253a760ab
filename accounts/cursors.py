"""Opaque page cursors: where the last row of a page stood in the list's order. Pure."""

import base64
import json
import re
from typing import Any

STORABLE = re.compile("[^\0\ud800-\udfff]*")  # JSON can spell NUL and halves of characters, PostgreSQL has none


class BadCursor(Exception):
    """The text is no cursor that we gave out."""


def encode(position: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode(text: str, *, length: int) -> list[str]:
    """The position, `length` texts long. Raises BadCursor."""
    try:
        position: Any = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        raise BadCursor from None
    if not isinstance(position, list) or len(position) != length:
        raise BadCursor
    if not all(isinstance(part, str) and STORABLE.fullmatch(part) for part in position):
        raise BadCursor
    return position
