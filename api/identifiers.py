"""Create identifiers: time-ordered UUIDs (version 7) for the database, and opaque IDs with a prefix
(`acct_0199…`) for the API.

Pure.
"""

import re
import secrets
import time
from uuid import UUID

# Matches no row.
NO_ID = UUID(int=0)
HEXADECIMAL = re.compile(r"[0-9a-f]{32}")


def uuid7() -> UUID:
    """Return a new time-ordered UUID (RFC 9562, version 7)."""
    # Ordered by time, rows that are created together are neighbors in an index.
    # Twelve bits hold the fraction of the millisecond (RFC 9562, section 6.2, method 3), so that IDs created
    # within one millisecond keep their order.
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    bits = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=bits)


def public(prefix: str, identifier: UUID) -> str:
    """Return the public ID of an object: the prefix of its kind and 32 hexadecimal digits."""
    return f"{prefix}_{identifier.hex}"


def private(prefix: str, public_id: str) -> UUID:
    """Return the UUID in a public ID, or NO_ID if the text is not an ID of this kind."""
    # No error for a malformed ID: it is answered like one that does not exist.
    head, _, digits = public_id.rpartition("_")
    return UUID(hex=digits) if head == prefix and HEXADECIMAL.fullmatch(digits) else NO_ID
