"""Query the observations that the alert state machine evaluates: of today and of missed days."""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

from accounts.models import SellerAccount
from metrics.alerts.state_machine import Observation
from metrics.pipeline import staleness, values
from metrics.rules.series import Value
from metrics.rules.threshold_rules import ThresholdVersion

A_DAY = timedelta(days=1)
A_MOMENT = timedelta(microseconds=1)


def query(
    *,
    account: SellerAccount,
    evaluated_until: date | None,
    now: datetime,
    marketplaces: Collection[str] | None = None,
    versions: Collection[ThresholdVersion] | None = None,
) -> list[Observation]:
    """Return one observation a day, from the day after `evaluated_until` to today, today's last.

    A missed day is evaluated with the data that was known a moment before `now`, and with the sources that
    were stale when the day began. `marketplaces` and `versions` are those of `values.query`.
    """
    today = now.astimezone(UTC).date()
    past = _query_past(
        account=account,
        since=evaluated_until + A_DAY if evaluated_until else today,
        until=today - A_DAY,
        # Without the facts of this transaction: an evaluation on that day could not have known them.
        known_at=now - A_MOMENT,
        marketplaces=marketplaces,
        versions=versions,
    )
    current = values.query(
        account=account, days=(today, today), known_at=now, marketplaces=marketplaces, versions=versions
    )
    return [*past, Observation(current, staleness.stale_sources(account=account, at=now))]


def _query_past(
    *,
    account: SellerAccount,
    since: date,
    until: date,
    known_at: datetime,
    marketplaces: Collection[str] | None,
    versions: Collection[ThresholdVersion] | None,
) -> list[Observation]:
    if since > until:
        return []
    past = values.query(
        account=account,
        days=(since, until),
        known_at=known_at,
        marketplaces=marketplaces,
        versions=versions,
    )
    by_day: defaultdict[date, list[Value]] = defaultdict(list)
    for value in past:
        by_day[value.as_of].append(value)
    # The start of the day: what was stale then would have frozen an evaluation on that day.
    day_starts = {day: datetime.combine(day, time(), UTC) for day in by_day}
    stale = staleness.stale_sources_by_moment(account=account, moments=list(day_starts.values()))
    return [Observation(by_day[day], stale[day_starts[day]]) for day in sorted(by_day)]
