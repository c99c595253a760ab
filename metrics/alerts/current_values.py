"""Save today's value and alert state of every series, which the portfolio and the next evaluation read."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts.models import SellerAccount
from metrics.alerts.state_machine import AlertState
from metrics.models import CurrentValue
from metrics.models.counts import STREAKS
from metrics.rules.series import Series, Value

KEY = ("agency_id", "account_id", "metric", "marketplace", "channel")
COLUMNS = ("as_of", "window_from", "window_to", "numerator", "denominator", "status", "computed_at", *STREAKS)


def save(
    *, account: SellerAccount, values: Sequence[Value], states: Mapping[Series, AlertState], now: datetime
) -> None:
    """Insert or update the row of each series. Requires a transaction that holds the account's lock."""
    rows = [
        CurrentValue(
            agency_id=account.agency_id,
            account_id=account.pk,
            metric=value.metric,
            marketplace=value.marketplace,
            channel=value.channel,
            as_of=value.as_of,
            window_from=value.window.first,
            window_to=value.window.last,
            numerator=value.numerator,
            denominator=value.denominator,
            status=value.status,
            computed_at=now,
            **{name: getattr(states[value.series], name) for name in STREAKS},
        )
        for value in values
    ]
    CurrentValue.objects.bulk_create(rows, update_conflicts=True, unique_fields=KEY, update_fields=COLUMNS)
