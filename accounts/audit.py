"""Record who did what in the audit log. Entries are written in the transaction of the change they
describe."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from structlog.contextvars import get_contextvars

from accounts.models import Actor, AuditEntry
from accounts.tenancy import batches
from api import identifiers

# The actor of changes that no principal requested: the product itself, or its operator.
UNDERONE = Actor("underone")

Fields = Mapping[str, Any]

# Only rows that still have details: each batch then finds new ones, and the last finds none.
REMOVE_DETAILS = """
UPDATE accounts_auditentry SET actor_name = '', before = NULL, after = NULL, detail = '{}'
WHERE agency_id = %(agency)s AND id IN (
    SELECT id FROM accounts_auditentry
    WHERE agency_id = %(agency)s
        AND (actor_name <> '' OR before IS NOT NULL OR after IS NOT NULL OR detail <> '{}')
    ORDER BY id LIMIT %(batch_size)s)
"""


def record(
    *,
    agency_id: UUID,
    actor: Actor,
    what: str,
    about: str,
    now: datetime,
    detail: dict[str, Any] | None = None,
    before: Fields | None = None,
    after: Fields | None = None,
) -> AuditEntry:
    """Record that `actor` did `what` (such as `endpoint.created`) to the object with the public ID `about`.

    `before` and `after` are fields of the object; the entry stores those that differ. None means that the
    object did not exist. `detail` is JSON of IDs and choices. Entries are stored for years, so they must not
    contain secrets or data of buyers.
    """
    fields_before, fields_after = _changed_fields(before, after)
    return AuditEntry.objects.create(
        agency_id=agency_id,
        at=now,
        actor_id=actor.id,
        actor_name=actor.name,
        what=what,
        about=about,
        detail=detail or {},
        before=fields_before,
        after=fields_after,
        request_id=get_contextvars().get("request_id"),
    )


def record_all(
    *, agency_id: UUID, actor: Actor, what: str, about: Iterable[tuple[str, Fields]], now: datetime
) -> None:
    """Record one entry for each of several new things, given as (public ID, fields), in one statement."""
    shared: dict[str, Any] = {"agency_id": agency_id, "at": now, "what": what, "detail": {}}
    shared |= {"actor_id": actor.id, "actor_name": actor.name}
    shared["request_id"] = get_contextvars().get("request_id")
    AuditEntry.objects.bulk_create(
        AuditEntry(**shared, about=public_id, after=dict(fields)) for public_id, fields in about
    )


def record_change(
    *, agency_id: UUID, actor: Actor, what: str, about: str, before: Fields, after: Fields, now: datetime
) -> AuditEntry | None:
    """Record a change of fields. Equal fields create no entry."""
    if before == after:
        return None
    return record(
        agency_id=agency_id, actor=actor, what=what, about=about, before=before, after=after, now=now
    )


def record_scheduled(*, agency_id: UUID, what: str, detail: dict[str, Any], now: datetime) -> AuditEntry:
    """Record what a scheduled job did for the agency."""
    about = identifiers.public("agcy", agency_id)
    return record(agency_id=agency_id, actor=UNDERONE, what=what, about=about, detail=detail, now=now)


def remove_details(*, agency_id: UUID) -> int:
    """Reduce all entries of a closed agency to IDs and times, in batches; return how many.

    The database allows no other change of an entry, and none for an open agency.
    """
    return batches.run(agency_id=agency_id, statement=REMOVE_DETAILS)


def _changed_fields(
    before: Fields | None, after: Fields | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    if before is None or after is None:
        return (None if before is None else dict(before), None if after is None else dict(after))
    # An update may pass fields that it leaves as they were; the entry would name them as changed.
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}
