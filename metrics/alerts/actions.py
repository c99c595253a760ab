"""What people do about a breach: acknowledge, snooze, assign, note. None of it hides Amazon's line or changes what is judged."""

from datetime import datetime
from typing import Any

from accounts import audit
from accounts.tenancy.principals import Principal
from metrics.models import Breach, BreachAction

What = BreachAction.What


class AlreadyResolved(Exception):
    """The episode is over: nobody has to see to it any more."""


def acknowledge(*, breach: Breach, by: Principal, note: str, now: datetime) -> None:
    """Somebody has seen it. A second time changes nothing, and the first note stays. Raises AlreadyResolved."""
    held = _hold(breach)
    if held.acknowledged_at is None:
        _change(held, by, What.ACKNOWLEDGED, {"note": note} if note else {}, now, acknowledged_at=now)


def snooze(*, breach: Breach, by: Principal, until: datetime | None, now: datetime) -> None:
    """Leave it aside until a moment, or no longer (None). Raises AlreadyResolved."""
    held = _hold(breach)
    if held.snoozed_until != until:
        detail = {"until": until.isoformat() if until else None}
        _change(held, by, What.SNOOZED, detail, now, snoozed_until=until)


def assign(*, breach: Breach, by: Principal, to: str | None, now: datetime) -> None:
    """Somebody, or nobody (None), sees to it. Raises AlreadyResolved."""
    held = _hold(breach)
    if held.assignee != to:
        _change(held, by, What.ASSIGNED, {"to": to}, now, assignee=to)


def note(*, breach: Breach, by: Principal, text: str, now: datetime) -> None:
    """Keep a note, also of an episode that is over."""
    _keep(breach, by, What.NOTED, {"note": text}, now)


def _hold(breach: Breach) -> Breach:
    """The breach, locked until the transaction ends: two people act one after the other, and never on one that is over."""
    held = Breach.objects.select_for_update(no_key=True).get(agency_id=breach.agency_id, pk=breach.pk)
    if held.status == Breach.State.RESOLVED:
        raise AlreadyResolved
    return held


def _change(breach: Breach, by: Principal, what: What, detail: dict[str, Any], now: datetime, **columns: Any) -> None:
    before = {name: getattr(breach, name) for name in columns}
    for name, value in columns.items():
        setattr(breach, name, value)
    breach.save(update_fields=list(columns))
    _keep(breach, by, what, detail, now, before=before, after=columns)


def _keep(breach: Breach, by: Principal, what: What, detail: dict[str, Any], now: datetime, **changed: dict[str, Any]) -> None:
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
    # Not the words of notes: they are the breach's own, and an entry is kept for good.
    audit.record(agency_id=breach.agency_id, who=by.actor, what=f"breach.{what}", about=breach.public_id, now=now, **changed)
