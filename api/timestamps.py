"""Format moments for JSON: RFC 3339 in UTC, with a Z. Pure."""

from datetime import UTC, datetime


def text(moment: datetime) -> str:
    """Return a moment as `2026-11-22T09:00:00Z`, with microseconds if it has any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
