"""The machine of breaches, live: what it says of an account's series is written and told, one event an edge, ever.

The account is locked meanwhile (SellerAccount.objects.locked), so that two workers never judge it at once; the database itself
refuses a second open episode of a level, and a second event of an edge.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from accounts.models import SellerAccount
from api import identifiers, timestamps
from metrics.alerts import state_machine
from metrics.alerts.state_machine import Edge, Look, Standing
from metrics.models import Breach, CurrentValue
from metrics.models.counts import STREAKS
from metrics.rules import judgement
from metrics.rules.series import Series, Value
from webhooks.events import publishing

WARNING, BREACH = Breach.Level.WARNING, Breach.Level.BREACH
OPENING = {Edge.AT_RISK: WARNING, Edge.OPENED: BREACH, Edge.ESCALATED: BREACH}
RESOLVING = {Edge.RECOVERED: WARNING, Edge.RESOLVED: BREACH}


def standings(*, account: SellerAccount) -> dict[Series, Standing]:
    """How each series of the account stood when it was last judged."""
    still_open = _still_open(account)
    mine = CurrentValue.objects.filter(agency_id=account.agency_id, account_id=account.pk)
    remembered = {(value.metric, value.marketplace, value.channel): value for value in mine}
    return {
        series: _standing(
            remembered.get(series),
            is_warned=(series, WARNING) in still_open,
            is_breached=(series, BREACH) in still_open,
        )
        for series in {*remembered, *(series for series, _ in still_open)}
    }


def judge(*, account: SellerAccount, standings: dict[Series, Standing], looks: Iterable[Look], now: datetime) -> None:
    """Open and resolve what these looks say, and publish it. `standings` is brought up to date."""
    still_open = _still_open(account)
    for value, edge in state_machine.follow(standings, looks):
        if edge in OPENING:
            warning = still_open.get((value.series, WARNING))
            still_open[value.series, OPENING[edge]] = _open(account, value, edge, warning=warning, now=now)
        else:
            _resolve(account, still_open.pop((value.series, RESOLVING[edge])), value, edge, now=now)


def _still_open(account: SellerAccount) -> dict[tuple[Series, str], Breach]:
    rows = Breach.objects.filter(agency_id=account.agency_id, account=account, status=Breach.State.OPEN)
    return {(breach.series(), breach.level): breach for breach in rows}


def _standing(value: CurrentValue | None, *, is_warned: bool, is_breached: bool) -> Standing:
    standing = Standing(is_warned=is_warned, is_breached=is_breached)
    return replace(standing, **{name: getattr(value, name) for name in STREAKS}) if value else standing


def _open(account: SellerAccount, value: Value, edge: Edge, *, warning: Breach | None, now: datetime) -> Breach:
    line = value.line if OPENING[edge] == WARNING else None
    limit = line.limit if line else value.limit
    assert limit is not None  # noqa: S101  a line that is missed exists
    breach = Breach.objects.create(
        agency_id=account.agency_id,
        account=account,
        metric=value.metric,
        marketplace=value.marketplace,
        channel=value.channel,
        level=OPENING[edge],
        opened_at=now,
        as_of=value.as_of,
        numerator=value.numerator,
        denominator=value.denominator,
        comparator=limit.comparator,
        limit_numerator=limit.numerator,
        limit_denominator=limit.denominator,
        limit_source=line.source if line else value.limit_source,
        threshold_id=line.threshold if line else None,
        escalated_from=warning,
    )
    more = {"escalated_from": warning.public_id} if warning else {}
    _publish(account, breach, value, edge, key="opened", now=now, **more)
    return breach


def _resolve(account: SellerAccount, breach: Breach, value: Value, edge: Edge, *, now: datetime) -> None:
    breach.status = Breach.State.RESOLVED
    breach.resolved_at = now
    breach.resolved_as_of = value.as_of
    breach.resolved_numerator = value.numerator
    breach.resolved_denominator = value.denominator
    breach.resolved_because = _because(breach, value)
    fields = ("resolved_at", "resolved_as_of", "resolved_numerator", "resolved_denominator", "resolved_because")
    breach.save(update_fields=["status", *fields])
    more = {"resolved_at": timestamps.text(now), "because": breach.resolved_because}
    _publish(account, breach, value, edge, key="resolved", now=now, **more)


def _because(breach: Breach, value: Value) -> Breach.Because:
    """What ended it: the line that it opened by is kept, or it is another one by now, or none."""
    if breach.level == WARNING and value.line is None:
        return Breach.Because.LINE_REMOVED
    is_kept = judgement.meets(value.numerator, value.denominator, breach.limit)
    return Breach.Because.LINE_CHANGED if is_kept is False else Breach.Because.KEPT


def _publish(account: SellerAccount, breach: Breach, value: Value, edge: Edge, *, key: str, now: datetime, **more: str) -> None:
    publishing.publish(
        account=account,
        type_=edge,
        data=_told(breach, value) | more,
        now=now,
        series=":".join(value.series),
        key=f"{breach.public_id}:{key}",
    )


def _told(breach: Breach, value: Value) -> dict[str, Any]:
    """The episode, with the figures of this moment."""
    window, budget, limit = value.window, value.budget, breach.limit
    return {
        "breach": breach.public_id,
        "metric": breach.metric,
        "marketplace": breach.marketplace,
        "channel": breach.channel,
        "level": breach.level,
        "status": breach.status,
        "opened_at": timestamps.text(breach.opened_at),
        "as_of": value.as_of.isoformat(),
        "numerator": value.numerator,
        "denominator": value.denominator,
        "rate": value.rate,
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
