"""Who did what, for the agency to look up. Entries are written once, in the transaction of what they tell of."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from structlog.contextvars import get_contextvars

from accounts.models import Actor, AuditEntry
from accounts.tenancy import batches
from api import identifiers

UNDERONE = Actor("underone")
"""Who it was when nobody asked for it: the product itself, or who runs it."""

Fields = Mapping[str, Any]

SHORTENED = """
UPDATE accounts_auditentry SET actor_name = '', before = NULL, after = NULL, detail = '{}'
WHERE agency_id = %(agency)s AND id IN (
    SELECT id FROM accounts_auditentry
    WHERE agency_id = %(agency)s
        AND (actor_name <> '' OR before IS NOT NULL OR after IS NOT NULL OR detail <> '{}')
    ORDER BY id LIMIT %(at_once)s)
"""


def note(
    *,
    agency_id: UUID,
    who: Actor,
    what: str,
    about: str,
    now: datetime,
    detail: dict[str, Any] | None = None,
    before: Fields | None = None,
    after: Fields | None = None,
) -> AuditEntry:
    """An entry that `who` did `what` (`endpoint.created`) to the thing with the public id `about`.

    `before` and `after` are fields of the thing, of which those that differ are kept; None: there was no such thing.
    `detail` is JSON of ids and choices. None of it is ever a secret, or a buyer's: entries are kept for good.
    """
    was, became = _changed(before, after)
    return AuditEntry.objects.create(
        agency_id=agency_id,
        at=now,
        actor_id=who.id,
        actor_name=who.name,
        what=what,
        about=about,
        detail=detail or {},
        before=was,
        after=became,
        request_id=get_contextvars().get("request_id"),
    )


def note_all(*, agency_id: UUID, who: Actor, what: str, about: Iterable[tuple[str, Fields]], now: datetime) -> None:
    """An entry of each of several things that are new, its public id and its fields, in one statement."""
    shared: dict[str, Any] = {"agency_id": agency_id, "at": now, "what": what, "detail": {}}
    shared |= {"actor_id": who.id, "actor_name": who.name}
    shared["request_id"] = get_contextvars().get("request_id")
    AuditEntry.objects.bulk_create(AuditEntry(**shared, about=each, after=dict(fields)) for each, fields in about)


def changed(
    *, agency_id: UUID, who: Actor, what: str, about: str, before: Fields, after: Fields, now: datetime
) -> AuditEntry | None:
    """An entry of what is other than it was; none where everything is the same."""
    if before == after:
        return None
    return note(agency_id=agency_id, who=who, what=what, about=about, before=before, after=after, now=now)


def by_itself(*, agency_id: UUID, what: str, detail: dict[str, Any], now: datetime) -> AuditEntry:
    """An entry of what the product did to the agency's things by the clock."""
    about = identifiers.public("agcy", agency_id)
    return note(agency_id=agency_id, who=UNDERONE, what=what, about=about, detail=detail, now=now)


def shorten(*, agency_id: UUID) -> int:
    """Leave of all entries of a closed agency who did what to which thing and when, by their ids alone; returns how many.

    The database lets nothing else of an entry be changed, and of no agency that is open.
    """
    return batches.run(agency_id=agency_id, statement=SHORTENED)


def _changed(before: Fields | None, after: Fields | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    if before is None or after is None:
        return (None if before is None else dict(before), None if after is None else dict(after))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}
