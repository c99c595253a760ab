"""Encode and decode page cursors: the position of a page's last row in the list's order. Pure."""

import base64
import json
import re
from typing import Any

MAX_LENGTH = 1300
WELL_FORMED = re.compile(rf"cur_[A-Za-z0-9_-]{{1,{MAX_LENGTH - 4}}}")
# JSON can spell NUL and lone surrogates; PostgreSQL stores neither.
STORABLE = re.compile("[^\0\ud800-\udfff]*")


class BadCursor(Exception):
    """Raise when a text is not a cursor of this list."""


def encode(position: list[str]) -> str:
    """Return the cursor for the position after the row with these values."""
    text = json.dumps(position, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return "cur_" + base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode(cursor: str, *, length: int) -> list[str]:
    """Return the position in a cursor, a list of `length` texts. Raises BadCursor."""
    if not WELL_FORMED.fullmatch(cursor):
        raise BadCursor
    encoded = cursor.removeprefix("cur_")
    try:
        position: Any = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        raise BadCursor from None
    if not isinstance(position, list) or len(position) != length:
        raise BadCursor
    if not all(isinstance(value, str) and STORABLE.fullmatch(value) for value in position):
        raise BadCursor
    return position
