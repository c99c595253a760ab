"""What the machine of breaches would have said: the same code as live, with the clock passed in and nothing written.

At each moment it looks at what was known then, was stale then, and was drawn then: asked of the moments at which the account was
in fact looked at, it says event by event what was told. With other thresholds, it says what those would have told.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from accounts.models import SellerAccount
from metrics.alerts import observations, state_machine
from metrics.alerts.state_machine import Edge, Standing
from metrics.models import AppliedThresholds, DenominatorRule, SourceLoad
from metrics.rules.series import Series, Value
from metrics.rules.threshold_rules import Version

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Told:
    """An edge, the moment at which it would have been told, and the value of the day that it is of."""

    at: datetime
    edge: Edge
    value: Value


def replay(*, account: SellerAccount, moments: Iterable[datetime], versions: Collection[Version] | None = None) -> list[Told]:
    """What would have been told, had the account been looked at at these moments and never before.

    `versions` of thresholds stand in place of those that the agency had drawn by then.
    """
    standings: dict[Series, Standing] = {}
    told: list[Told] = []
    for moment in sorted(moments):
        judged_on = state_machine.last_day(standings)
        seen = observations.since(account=account, judged_on=judged_on, now=moment, versions=versions)
        told += [Told(moment, edge, value) for value, edge in state_machine.follow(standings, seen)]
    return told


def moments(*, account: SellerAccount, since: date, until: date, now: datetime) -> list[datetime]:
    """When the account was looked at from one day to another, as far as is known: as each day began, with each report, and
    with each change of its thresholds or its denominator. Never later than `now`."""
    first, end = (datetime.combine(day, time(), UTC) for day in (since, until + A_DAY))
    days = [first + n * A_DAY for n in range((until - since).days + 1)]
    mine = {"agency_id": account.agency_id, "account_id": account.pk, "recorded_at__gte": first, "recorded_at__lt": end}
    loaded = SourceLoad.objects.filter(**mine).values_list("recorded_at", flat=True)
    followed = AppliedThresholds.objects.filter(**mine).values_list("recorded_at", flat=True)
    chosen = DenominatorRule.objects.filter(**mine).values_list("recorded_at", flat=True)
    return sorted(moment for moment in {*days, *loaded, *followed, *chosen} if moment <= now)
