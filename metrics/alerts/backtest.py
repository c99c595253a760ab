"""Run a backtest: evaluate past moments with the state machine of live alerts. Nothing is written.

Each moment is evaluated with the data, stale sources and thresholds of that moment. At the moments of the real
evaluations, it returns the published transitions. With other thresholds, it returns those that would have been
published.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from accounts.models import SellerAccount
from metrics.alerts import observations, state_machine
from metrics.alerts.state_machine import AlertState, Transition
from metrics.models import AppliedThresholds, DenominatorRule, SourceLoad
from metrics.rules.series import Series, Value
from metrics.rules.threshold_rules import ThresholdVersion

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BacktestTransition:
    """Store a transition, the moment at which it would have been published, and the value that caused it."""

    at: datetime
    transition: Transition
    value: Value


def run(
    *,
    account: SellerAccount,
    moments: Iterable[datetime],
    versions: Collection[ThresholdVersion] | None = None,
) -> list[BacktestTransition]:
    """Return the transitions of an account that is evaluated at these moments, and never before them.

    `versions` replace the thresholds that the agency had set at these moments.
    """
    states: dict[Series, AlertState] = {}
    transitions: list[BacktestTransition] = []
    for moment in sorted(moments):
        evaluated_until = state_machine.last_evaluated_day(states)
        observed = observations.query(
            account=account, evaluated_until=evaluated_until, now=moment, versions=versions
        )
        transitions += [
            BacktestTransition(moment, transition, value)
            for value, transition in state_machine.evaluate(states, observed)
        ]
    return transitions


def evaluation_moments(*, account: SellerAccount, since: date, until: date, now: datetime) -> list[datetime]:
    """Return the moments at which the account was evaluated from one day to another.

    As far as they are recorded, these are the start of each day, each load of a report, and each change of
    its thresholds or denominator, up to `now`.
    """
    first, end = (datetime.combine(day, time(), UTC) for day in (since, until + A_DAY))
    days = [first + n * A_DAY for n in range((until - since).days + 1)]
    span = {
        "agency_id": account.agency_id,
        "account_id": account.pk,
        "recorded_at__gte": first,
        "recorded_at__lt": end,
    }
    loads = SourceLoad.objects.filter(**span).values_list("recorded_at", flat=True)
    thresholds = AppliedThresholds.objects.filter(**span).values_list("recorded_at", flat=True)
    denominators = DenominatorRule.objects.filter(**span).values_list("recorded_at", flat=True)
    return sorted(moment for moment in {*days, *loads, *thresholds, *denominators} if moment <= now)
