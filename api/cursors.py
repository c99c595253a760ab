"""Opaque page cursors: where the last row of a page stood in the list's order. Pure."""

import base64
import json
import re
from typing import Any

LONGEST = 1300
WELL_FORMED = re.compile(rf"cur_[A-Za-z0-9_-]{{1,{LONGEST - 4}}}")
STORABLE = re.compile("[^\0\ud800-\udfff]*")  # JSON can spell NUL and halves of characters, PostgreSQL has none


class BadCursor(Exception):
    """The text is no cursor that we gave out."""


def encode(position: list[str]) -> str:
    """The place in a list after the row with these values, as text."""
    return "cur_" + base64.urlsafe_b64encode(
        json.dumps(position, ensure_ascii=False).encode("utf-8", "surrogatepass")
    ).decode().rstrip("=")


def decode(text: str, *, length: int) -> list[str]:
    """The position, `length` texts long. Raises BadCursor."""
    if not WELL_FORMED.fullmatch(text):
        raise BadCursor
    inside = text.removeprefix("cur_")
    try:
        position: Any = json.loads(base64.urlsafe_b64decode(inside + "=" * (-len(inside) % 4)))
    except (ValueError, RecursionError):
        raise BadCursor from None
    if not isinstance(position, list) or len(position) != length:
        raise BadCursor
    if not all(isinstance(part, str) and STORABLE.fullmatch(part) for part in position):
        raise BadCursor
    return position
