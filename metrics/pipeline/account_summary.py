"""Save the summary on an account's row: status, worst series, open breaches, marketplaces and `stale_from`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from accounts.models import SellerAccount
from metrics.models import Breach
from metrics.pipeline import staleness
from metrics.rules import distance
from metrics.rules.judgement import worst_status
from metrics.rules.series import Value


def save(
    *,
    account: SellerAccount,
    values: Sequence[Value],
    marketplaces: Sequence[str],
    amazon_statuses: dict[str, Any],
    now: datetime,
) -> None:
    """Save the summary of today's values and of the breaches that are open now.

    No other stage of the pipeline saves these columns. Requires a transaction that holds the account's lock.
    """
    worst = distance.worst_value(values)
    opened = Breach.objects.filter(
        agency_id=account.agency_id, account=account, status=Breach.State.OPEN
    ).aggregate(
        breaches=Count("pk", filter=Q(level=Breach.Level.BREACH)),
        warnings=Count("pk", filter=Q(level=Breach.Level.WARNING)),
    )
    columns = {
        "status": worst_status([value.status for value in values]),
        "distance": distance.measure(worst) if worst else None,
        "worst_series": _worst_series(worst) if worst else None,
        "marketplaces": list(marketplaces),
        "amazon_statuses": amazon_statuses,
        "stale_from": staleness.stale_from(account=account, at=now),
        "open_breaches": opened["breaches"],
        "open_warnings": opened["warnings"],
    }
    for name, value in columns.items():
        setattr(account, name, value)
    account.save(update_fields=list(columns))


def _worst_series(value: Value) -> dict[str, Any]:
    """Return the JSON of a series in lists of accounts."""
    limit = value.limit or value.warning_limit
    assert limit is not None  # noqa: S101  only a series with a target or a threshold can be the worst
    return {
        "metric": value.metric,
        "name": value.name,
        "marketplace": value.marketplace,
        "channel": value.channel,
        "numerator": value.numerator,
        "denominator": value.denominator,
        "rate": value.rate,
        "target": {
            "comparator": limit.comparator,
            "value": limit.value,
            "source": value.limit_source if value.limit or not value.warning else value.warning.source,
        },
        "status": value.status,
        "enforced": value.enforced,
    }
