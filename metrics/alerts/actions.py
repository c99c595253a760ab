"""Apply users' actions to a breach: acknowledge, snooze, assign, note.

The actions do not change how the series is evaluated. Each one is recorded in the breach's timeline and in the
audit log.
"""

from datetime import datetime
from typing import Any

from accounts import audit
from accounts.tenancy.principals import Principal
from metrics.models import Breach, BreachAction

What = BreachAction.What


class AlreadyResolved(Exception):
    """Signal that the breach is resolved, so only notes can be added."""


def acknowledge(*, breach: Breach, by: Principal, note: str, now: datetime) -> None:
    """Acknowledge the breach. Repeating it changes nothing, and the first note is kept.

    Requires a transaction. Raises AlreadyResolved.
    """
    locked = _lock(breach)
    if locked.acknowledged_at is None:
        _update(locked, by, What.ACKNOWLEDGED, {"note": note} if note else {}, now, acknowledged_at=now)


def snooze(*, breach: Breach, by: Principal, until: datetime | None, now: datetime) -> None:
    """Snooze the breach until a moment, or end the snooze (None).

    Requires a transaction. Raises AlreadyResolved.
    """
    locked = _lock(breach)
    if locked.snoozed_until != until:
        detail = {"until": until.isoformat() if until else None}
        _update(locked, by, What.SNOOZED, detail, now, snoozed_until=until)


def assign(*, breach: Breach, by: Principal, to: str | None, now: datetime) -> None:
    """Set the assignee of the breach, or remove it (None). Requires a transaction. Raises AlreadyResolved."""
    locked = _lock(breach)
    if locked.assignee != to:
        _update(locked, by, What.ASSIGNED, {"to": to}, now, assignee=to)


def create_note(*, breach: Breach, by: Principal, text: str, now: datetime) -> None:
    """Add a note to a breach, open or resolved. Requires a transaction."""
    # Without the lock of the others, because it changes no column of the breach.
    _record(breach, by, What.NOTED, {"note": text}, now)


def _lock(breach: Breach) -> Breach:
    """Lock the breach until the transaction ends, so that two actions come one after the other.

    Raises AlreadyResolved.
    """
    # `no_key`: a note refers to the breach by a foreign key, and adding one must not wait.
    locked = Breach.objects.select_for_update(no_key=True).get(agency_id=breach.agency_id, pk=breach.pk)
    if locked.status == Breach.State.RESOLVED:
        raise AlreadyResolved
    return locked


def _update(
    breach: Breach, by: Principal, what: What, detail: dict[str, Any], now: datetime, **columns: Any
) -> None:
    before = {name: getattr(breach, name) for name in columns}
    for name, value in columns.items():
        setattr(breach, name, value)
    # Only these columns: the evaluation of alerts writes the others.
    breach.save(update_fields=list(columns))
    _record(breach, by, what, detail, now, before=before, after=columns)


def _record(
    breach: Breach,
    by: Principal,
    what: What,
    detail: dict[str, Any],
    now: datetime,
    **changes: dict[str, Any],
) -> None:
    BreachAction.objects.create(
        agency_id=breach.agency_id,
        account_id=breach.account_id,
        breach=breach,
        what=what,
        detail=detail,
        key_id=by.id,
        key_name=by.name,
        recorded_at=now,
    )
    # Without the text of notes, which is deleted with the breach. The audit entry may outlive it.
    audit.record(
        agency_id=breach.agency_id,
        actor=by.actor,
        what=f"breach.{what}",
        about=breach.public_id,
        now=now,
        **changes,
    )
