"""Moments as JSON holds them: RFC 3339 in UTC, with a Z. Pure."""

from datetime import UTC, datetime


def text(moment: datetime) -> str:
    """`2026-11-22T09:00:00Z`, with its microseconds where it has some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
