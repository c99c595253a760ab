"""Run the alert state machine on live data: open and resolve breaches, and publish one event for each.

The account is locked, so two workers never evaluate it at the same time. The database refuses a second open
episode of a series and level, and a second event of a transition.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from accounts.models import SellerAccount
from api import identifiers, timestamps
from metrics.alerts import observations, state_machine
from metrics.alerts.state_machine import AlertState, Observation, Transition
from metrics.models import Breach, CurrentValue
from metrics.models.counts import STREAKS
from metrics.rules import judgement
from metrics.rules.series import Series, Value
from webhooks.events import publishing

WARNING, BREACH = Breach.Level.WARNING, Breach.Level.BREACH
OPENING = {Transition.AT_RISK: WARNING, Transition.OPENED: BREACH, Transition.ESCALATED: BREACH}
RESOLVING = {Transition.RECOVERED: WARNING, Transition.RESOLVED: BREACH}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Store today's values, and the alert state of each series after them."""

    values: list[Value]
    states: dict[Series, AlertState]


def evaluate(*, account: SellerAccount, marketplaces: Sequence[str], now: datetime) -> Evaluated:
    """Evaluate every day since the last evaluation, up to today.

    1. load the alert states   2. query the observations   3. open and resolve breaches, publish events

    Requires a transaction that holds the account's lock.
    """
    states = alert_states(account=account)
    observed = observations.query(
        account=account,
        evaluated_until=state_machine.last_evaluated_day(states),
        now=now,
        marketplaces=marketplaces,
    )
    apply_observations(account=account, states=states, observations=observed, now=now)
    return Evaluated(observed[-1].values, states)


def alert_states(*, account: SellerAccount) -> dict[Series, AlertState]:
    """Return the alert state of each series of the account after its last evaluation."""
    # The breaches, and not the stored states, say what is open. The states add only the streaks.
    open_breaches = _open_breaches(account)
    current = CurrentValue.objects.filter(agency_id=account.agency_id, account_id=account.pk)
    values = {(value.metric, value.marketplace, value.channel): value for value in current}
    return {
        series: _build_state(
            values.get(series),
            is_warned=(series, WARNING) in open_breaches,
            is_breached=(series, BREACH) in open_breaches,
        )
        for series in {*values, *(series for series, _ in open_breaches)}
    }


def apply_observations(
    *,
    account: SellerAccount,
    states: dict[Series, AlertState],
    observations: Iterable[Observation],
    now: datetime,
) -> None:
    """Open and resolve breaches as the observations require, and publish each transition.

    Updates `states` in place. Requires a transaction that holds the account's lock.
    """
    open_breaches = _open_breaches(account)
    # Kept up to date: a later day may resolve what an earlier one of the same run has opened.
    for value, transition in state_machine.evaluate(states, observations):
        if transition in OPENING:
            warning = open_breaches.get((value.series, WARNING))
            breach = _open(account, value, transition, warning=warning, now=now)
            open_breaches[value.series, OPENING[transition]] = breach
        else:
            breach = open_breaches.pop((value.series, RESOLVING[transition]))
            _resolve(account, breach, value, transition, now=now)


def _open_breaches(account: SellerAccount) -> dict[tuple[Series, str], Breach]:
    rows = Breach.objects.filter(agency_id=account.agency_id, account=account, status=Breach.State.OPEN)
    return {(breach.series(), breach.level): breach for breach in rows}


def _build_state(value: CurrentValue | None, *, is_warned: bool, is_breached: bool) -> AlertState:
    state = AlertState(is_warned=is_warned, is_breached=is_breached)
    return replace(state, **{name: getattr(value, name) for name in STREAKS}) if value else state


def _open(
    account: SellerAccount, value: Value, transition: Transition, *, warning: Breach | None, now: datetime
) -> Breach:
    threshold = value.warning if OPENING[transition] == WARNING else None
    limit = threshold.limit if threshold else value.limit
    assert limit is not None  # noqa: S101  a limit that is missed exists
    _, counts, decided_by = value.verdict
    breach = Breach.objects.create(
        agency_id=account.agency_id,
        account=account,
        metric=value.metric,
        marketplace=value.marketplace,
        channel=value.channel,
        level=OPENING[transition],
        opened_at=now,
        as_of=value.as_of,
        basis=decided_by,
        numerator=counts.numerator,
        denominator=counts.denominator,
        comparator=limit.comparator,
        limit_numerator=limit.numerator,
        limit_denominator=limit.denominator,
        limit_source=threshold.source if threshold else value.limit_source,
        threshold_id=threshold.threshold if threshold else None,
        escalated_from=warning,
    )
    extra = {"escalated_from": warning.public_id} if warning else {}
    _publish(account, breach, value, transition, key="opened", now=now, **extra)
    return breach


def _resolve(
    account: SellerAccount, breach: Breach, value: Value, transition: Transition, *, now: datetime
) -> None:
    breach.status = Breach.State.RESOLVED
    breach.resolved_at = now
    breach.resolved_as_of = value.as_of
    breach.resolved_numerator, breach.resolved_denominator = value.verdict.counts
    breach.resolved_because = _resolution(breach, value)
    fields = (
        "resolved_at",
        "resolved_as_of",
        "resolved_numerator",
        "resolved_denominator",
        "resolved_because",
    )
    # Only these columns: a user may acknowledge or assign the breach at the same time.
    breach.save(update_fields=["status", *fields])
    extra = {"resolved_at": timestamps.text(now), "because": breach.resolved_because}
    _publish(account, breach, value, transition, key="resolved", now=now, **extra)


def _resolution(breach: Breach, value: Value) -> Breach.Because:
    """Return why the breach ended: its limit is met again, or its threshold was changed or deleted."""
    if breach.level == WARNING and value.warning is None:
        return Breach.Because.THRESHOLD_REMOVED
    # The limit that the breach was opened with, not that of today's value: if it is still
    # missed, another limit applies now.
    is_met = judgement.meets(*value.verdict.counts, breach.limit)
    return Breach.Because.THRESHOLD_CHANGED if is_met is False else Breach.Because.KEPT


def _publish(
    account: SellerAccount,
    breach: Breach,
    value: Value,
    transition: Transition,
    *,
    key: str,
    now: datetime,
    **extra: str,
) -> None:
    publishing.publish(
        account=account,
        type_=transition,
        data=_payload(breach, value) | extra,
        now=now,
        # The series makes events arrive in order. The key makes a second event of this transition an error.
        series=":".join(value.series),
        key=f"{breach.public_id}:{key}",
    )


def _payload(breach: Breach, value: Value) -> dict[str, Any]:
    """Build the event's data: the breach, with the figures of this moment."""
    window, limit = value.deciding_window, breach.limit
    _, counts, decided_by = value.verdict
    budget = value.budget_of(counts)
    return {
        "breach": breach.public_id,
        "metric": breach.metric,
        "marketplace": breach.marketplace,
        "channel": breach.channel,
        "level": breach.level,
        "status": breach.status,
        "opened_at": timestamps.text(breach.opened_at),
        "as_of": value.as_of.isoformat(),
        "basis": decided_by,
        "numerator": counts.numerator,
        "denominator": counts.denominator,
        "rate": judgement.rate(*counts),
        "target": {"comparator": limit.comparator, "value": limit.value, "source": breach.limit_source},
        "threshold": identifiers.public("thr", breach.threshold_id) if breach.threshold_id else None,
        "window": {
            "from": window.first.isoformat(),
            "to": window.last.isoformat(),
            "days": window.days,
            "offset_days": window.offset,
        },
        "budget": {"allowed": budget.allowed, "left": budget.left} if budget else None,
    }
