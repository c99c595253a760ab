"""What the machine of breaches looks at: today's values, and those of the days that nobody looked at since it last did."""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

from accounts.models import SellerAccount
from metrics.alerts.state_machine import Look
from metrics.pipeline import values
from metrics.rules.series import Value
from metrics.rules.threshold_rules import Version

A_DAY = timedelta(days=1)
A_MOMENT = timedelta(microseconds=1)


def since(
    *, account: SellerAccount, judged_on: date | None, now: datetime, versions: Collection[Version] | None = None
) -> list[Look]:
    """A look a day, from the day after the last judged one to today, whose look comes last. Warning lines are those known then,
    or those of these `versions`.

    Nothing was learned on a day that was missed: it is judged by what was known a moment before `now`, and its sources by the
    silence at its beginning, as the clock would have done.
    """
    today = now.astimezone(UTC).date()
    first = judged_on + A_DAY if judged_on else today
    looks = _missed(account=account, since=first, until=today - A_DAY, known_at=now - A_MOMENT, versions=versions)
    current = values.over(account=account, since=today, until=today, known_at=now, versions=versions)
    return [*looks, Look(current, values.stale_sources(account=account, at=now))]


def _missed(
    *, account: SellerAccount, since: date, until: date, known_at: datetime, versions: Collection[Version] | None
) -> list[Look]:
    if since > until:
        return []
    by_day: defaultdict[date, list[Value]] = defaultdict(list)
    for value in values.over(account=account, since=since, until=until, known_at=known_at, versions=versions):
        by_day[value.as_of].append(value)
    begins = {day: datetime.combine(day, time(), UTC) for day in by_day}
    stale = values.stale_at(account=account, moments=list(begins.values()))
    return [Look(by_day[day], stale[begins[day]]) for day in sorted(by_day)]
