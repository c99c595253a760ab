"""What became of a breach: when it opened and ended, who did what, what was restated meanwhile, and its values day by day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from accounts.models import SellerAccount
from metrics.models import Breach, BreachAction
from metrics.pipeline import values
from metrics.rules.definitions import CATALOGUE
from metrics.rules.series import Value
from webhooks.models import Event

DAYS_BEFORE = timedelta(days=7)
LONGEST = timedelta(days=3 * 366)
MOST_RESTATEMENTS = 100
A_DAY = timedelta(days=1)
A_MOMENT = timedelta(microseconds=1)

PLACES = {"opened": 0, "resolved": 2}
"""Of what happened at one moment, as when days that nobody looked at are judged at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened to a breach; None is what does not go with it."""

    at: datetime
    what: str
    as_of: date | None = None
    numerator: int | None = None
    denominator: int | None = None
    by: BreachAction | None = None
    note: str | None = None
    until: datetime | None = None
    to: str | None = None
    breach: Breach | None = None
    event: Event | None = None


def ends(*, breach: Breach) -> list[Moment]:
    """How it opened and how it ended, if it did: what the breach itself remembers."""
    opened = Moment(
        at=breach.opened_at, what="opened", as_of=breach.as_of, numerator=breach.numerator, denominator=breach.denominator
    )
    if breach.resolved_at is None:
        return [opened]
    resolved = Moment(
        at=breach.resolved_at,
        what="resolved",
        as_of=breach.resolved_as_of,
        numerator=breach.resolved_numerator,
        denominator=breach.resolved_denominator,
    )
    return [opened, resolved]


def moments(*, breach: Breach) -> list[Moment]:
    """Everything that happened to it, in its order. Of restatements the last hundred."""
    found = [*ends(breach=breach), *_escalations(breach), *_actions(breach), *_restatements(breach)]
    return sorted(found, key=lambda moment: (moment.at, PLACES.get(moment.what, 1)))


def days(*, account: SellerAccount, breach: Breach, now: datetime) -> list[tuple[Value, bool]]:
    """Its series from a week before it opened until it ended, or today, as known now, and whether it was stale then."""
    until = breach.resolved_as_of or now.astimezone(UTC).date()
    found = values.over(
        account=account,
        since=max(breach.as_of - DAYS_BEFORE, until - LONGEST),
        until=until,
        known_at=account.last_recorded_at or account.created_at,
        metrics=[breach.metric],
        marketplace=breach.marketplace,
        channel=breach.channel,
    )
    source = CATALOGUE[breach.metric].source
    ended = {value.as_of: min(now, _end_of(value.as_of)) for value in found}
    stale = values.stale_at(account=account, moments=list(ended.values()), sources=[source])
    return [(value, source in stale[ended[value.as_of]]) for value in found]


def _end_of(day: date) -> datetime:
    return datetime.combine(day + A_DAY, time(), UTC) - A_MOMENT


def _escalations(breach: Breach) -> Iterator[Moment]:
    for worse in Breach.objects.filter(agency_id=breach.agency_id, escalated_from=breach):
        yield Moment(
            at=worse.opened_at,
            what="escalated",
            as_of=worse.as_of,
            numerator=worse.numerator,
            denominator=worse.denominator,
            breach=worse,
        )


def _actions(breach: Breach) -> Iterator[Moment]:
    for action in BreachAction.objects.filter(agency_id=breach.agency_id, breach=breach):
        detail = action.detail
        until = datetime.fromisoformat(detail["until"]) if detail.get("until") else None
        yield Moment(
            at=action.recorded_at, what=action.what, by=action, note=detail.get("note"), until=until, to=detail.get("to")
        )


def _restatements(breach: Breach) -> Iterator[Moment]:
    told = Event.objects.filter(
        agency_id=breach.agency_id,
        account_id=breach.account_id,
        type="metric.restated",
        series=":".join(breach.series()),
        occurred_at__gte=breach.opened_at,
    )
    if breach.resolved_at:
        told = told.filter(occurred_at__lte=breach.resolved_at)
    for event in told.order_by("-id")[:MOST_RESTATEMENTS]:
        after = event.data["after"]
        yield Moment(
            at=event.occurred_at,
            what="restated",
            as_of=date.fromisoformat(after["as_of"]),
            numerator=after["numerator"],
            denominator=after["denominator"],
            event=event,
        )
