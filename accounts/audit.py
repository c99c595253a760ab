"""Who did what, for the agency to look up. Entries are written once, in the transaction of what they tell of."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import AuditEntry

UNDERONE = "underone"
"""Who it was when nobody asked for it: the product itself."""


def note(*, agency_id: UUID, who: str, what: str, about: str, detail: dict[str, Any], now: datetime) -> AuditEntry:
    """An entry that `who` did `what` (`endpoint.created`) to the thing with the public id `about`.

    `detail` is JSON of ids and choices, never a secret: entries are kept for good.
    """
    return AuditEntry.objects.create(agency_id=agency_id, at=now, who=who, what=what, about=about, detail=detail)


def note_all(*, agency_id: UUID, who: str, what: str, about: Iterable[tuple[str, dict[str, Any]]], now: datetime) -> None:
    """An entry of each of several things, its public id and its detail, in one statement."""
    entries = [AuditEntry(agency_id=agency_id, at=now, who=who, what=what, about=each, detail=detail) for each, detail in about]
    AuditEntry.objects.bulk_create(entries)
