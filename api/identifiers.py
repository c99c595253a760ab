"""Identifiers: time-ordered inside (UUID version 7), opaque and prefixed outside (`acct_0199…`)."""

import re
import secrets
import time
from uuid import UUID

NOTHING = UUID(int=0)
HEXADECIMAL = re.compile(r"[0-9a-f]{32}")


def uuid7() -> UUID:
    """A new time-ordered UUID (RFC 9562, version 7): neighbours in time are neighbours in an index.

    Twelve bits tell the part of the millisecond (method 3 of section 6.2): what happens in one millisecond keeps its order.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    part = rest * 4096 // 1_000_000
    bits = milliseconds << 80 | 0x7 << 76 | part << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=bits)


def public(prefix: str, identifier: UUID) -> str:
    """What the API calls a thing: its prefix and 32 hexadecimal digits."""
    return f"{prefix}_{identifier.hex}"


def private(prefix: str, public_id: str) -> UUID:
    """The UUID inside a public id; NOTHING, which nothing has, when it is no id of that kind."""
    head, _, digits = public_id.rpartition("_")
    return UUID(hex=digits) if head == prefix and HEXADECIMAL.fullmatch(digits) else NOTHING
