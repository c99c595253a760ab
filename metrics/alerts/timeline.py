"""Build the timeline of a breach: opening, end, users' actions and restatements; and its values day by day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from accounts.models import SellerAccount
from metrics.alerts import state_machine
from metrics.models import Breach, BreachAction
from metrics.pipeline import staleness, values
from metrics.retention import retained_days
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.series import Value
from webhooks.models import Event

DAYS_BEFORE = timedelta(days=7)
LONGEST_SPAN = timedelta(days=3 * 366)
MAX_RESTATEMENTS = 100
A_DAY = timedelta(days=1)
A_MOMENT = timedelta(microseconds=1)

ORDER_WITHIN_MOMENT = {"opened": 0, "resolved": 2}
"""Several entries have the same moment when missed days are evaluated at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """Describe something that happened to a breach. Fields that do not apply to it are None."""

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


def opening_and_end(*, breach: Breach) -> list[TimelineEntry]:
    """Return how the breach opened and, if it is resolved, how it ended. Needs no query."""
    opened = TimelineEntry(
        at=breach.opened_at,
        what="opened",
        as_of=breach.as_of,
        numerator=breach.numerator,
        denominator=breach.denominator,
    )
    if breach.resolved_at is None:
        return [opened]
    resolved = TimelineEntry(
        at=breach.resolved_at,
        what="resolved",
        as_of=breach.resolved_as_of,
        numerator=breach.resolved_numerator,
        denominator=breach.resolved_denominator,
    )
    return [opened, resolved]


def query(*, breach: Breach) -> list[TimelineEntry]:
    """Return everything that happened to the breach, oldest first, with at most the last 100 restatements."""
    entries = [
        *opening_and_end(breach=breach),
        *_escalations(breach),
        *_actions(breach),
        *_restatements(breach),
    ]
    return sorted(entries, key=lambda entry: (entry.at, ORDER_WITHIN_MOMENT.get(entry.what, 1)))


def query_days(*, account: SellerAccount, breach: Breach, now: datetime) -> list[tuple[Value, bool]]:
    """Return the values of the series as known now, each with whether it was stale at the end of the day.

    From a week before the breach opened until it ended, or until today; at most the last three years, and only
    days of which values are complete.
    """
    until = breach.resolved_as_of or now.astimezone(UTC).date()
    since = max(breach.as_of - DAYS_BEFORE, until - LONGEST_SPAN)
    since = max(since, retained_days.first_value_day(account.data_from) or since)
    if since > until:
        return []
    series_values = values.query(
        account=account,
        days=(since, until),
        # Not the current time: a report that is being recorded has an earlier moment and is not visible yet.
        known_at=account.last_recorded_at or account.created_at,
        stale_at=now,
        metrics=[breach.metric],
        marketplaces=[breach.marketplace],
        channel=breach.channel,
    )
    day_ends = {value.as_of: min(now, _day_end(value.as_of)) for value in series_values}
    stale = staleness.stale_sources_by_moment(
        account=account, moments=list(day_ends.values()), sources=[CATALOGUE[breach.metric].source]
    )
    return [(value, state_machine.is_stale(value, stale[day_ends[value.as_of]])) for value in series_values]


def _day_end(day: date) -> datetime:
    return datetime.combine(day + A_DAY, time(), UTC) - A_MOMENT


def _escalations(breach: Breach) -> Iterator[TimelineEntry]:
    for worse in Breach.objects.filter(agency_id=breach.agency_id, escalated_from=breach):
        yield TimelineEntry(
            at=worse.opened_at,
            what="escalated",
            as_of=worse.as_of,
            numerator=worse.numerator,
            denominator=worse.denominator,
            breach=worse,
        )


def _actions(breach: Breach) -> Iterator[TimelineEntry]:
    for action in BreachAction.objects.filter(agency_id=breach.agency_id, breach=breach):
        detail = action.detail
        until = datetime.fromisoformat(detail["until"]) if detail.get("until") else None
        yield TimelineEntry(
            at=action.recorded_at,
            what=action.what,
            by=action,
            note=detail.get("note"),
            until=until,
            to=detail.get("to"),
        )


def _restatements(breach: Breach) -> Iterator[TimelineEntry]:
    events = Event.objects.filter(
        agency_id=breach.agency_id,
        account_id=breach.account_id,
        type="metric.restated",
        series=":".join(breach.series()),
        occurred_at__gte=breach.opened_at,
    )
    if breach.resolved_at:
        events = events.filter(occurred_at__lte=breach.resolved_at)
    for event in events.order_by("-id")[:MAX_RESTATEMENTS]:
        after = event.data["after"]
        yield TimelineEntry(
            at=event.occurred_at,
            what="restated",
            as_of=date.fromisoformat(after["as_of"]),
            numerator=after["numerator"],
            denominator=after["denominator"],
            event=event,
        )
