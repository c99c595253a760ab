"""Save the summary on an account's row: status, worst series, open breaches, marketplaces and `stale_from`.

The status is that of the worst series that the agency does not ignore, or that of the account at Amazon if it
is worse: an account that Amazon calls AT_RISK is at best at risk, and a DEACTIVATED one is breached.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Q

from accounts.models import SellerAccount
from metrics.models import Breach
from metrics.pipeline import health_assurance, staleness
from metrics.rules import distance
from metrics.rules.judgement import Status, rate, worst_status
from metrics.rules.series import Value
from metrics.rules.verdicts import AMAZON_WORDS


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
    judged = [value for value in values if value.metric not in account.agency.ignored_metrics]
    worst = distance.worst_value(judged)
    of_series = worst_status([value.status for value in judged])
    status = worst_status([of_series, _status_at_amazon(amazon_statuses)])
    is_known_by_status_only = worst is None and status is not of_series
    if is_known_by_status_only:
        # Lists still show a series, without data, at its limit.
        worst = next((value for value in values if value.limit), None)
    opened = _count_open_breaches(account)
    columns = {
        "status": status,
        "decided_by_amazon": status is not of_series,
        "distance": 0.0 if is_known_by_status_only else distance.measure(worst) if worst else None,
        "worst_series": _worst_series(worst) if worst else None,
        "marketplaces": list(marketplaces),
        "amazon_statuses": amazon_statuses,
        "account_health_assurance": health_assurance.query(account=account, today=now.astimezone(UTC).date()),
        "stale_from": staleness.stale_from(account=account, at=now),
        "open_breaches": opened["breaches"],
        "open_warnings": opened["warnings"],
    }
    for name, value in columns.items():
        setattr(account, name, value)
    account.save(update_fields=list(columns))


def _count_open_breaches(account: SellerAccount) -> dict[str, int]:
    open_breaches = Breach.objects.filter(
        agency_id=account.agency_id, account=account, status=Breach.State.OPEN
    )
    return open_breaches.aggregate(
        breaches=Count("pk", filter=Q(level=Breach.Level.BREACH)),
        warnings=Count("pk", filter=Q(level=Breach.Level.WARNING)),
    )


def _status_at_amazon(statuses: dict[str, Any]) -> Status:
    """Return the worst of the account's statuses in its marketplaces. NORMAL is no verdict on any series."""
    words = [AMAZON_WORDS.get(each["status"], Status.NO_DATA) for each in statuses.values()]
    return worst_status([word for word in words if word is not Status.HEALTHY])


def _worst_series(value: Value) -> dict[str, Any]:
    """Return the JSON of a series in lists of accounts."""
    limit = value.limit or value.warning_limit
    assert limit is not None  # noqa: S101  only a series with a target or a threshold can be the worst
    status, counts, decided_by = value.verdict
    return {
        "metric": value.metric,
        "name": value.name,
        "marketplace": value.marketplace,
        "channel": value.channel,
        "basis": decided_by,
        "numerator": counts.numerator,
        "denominator": counts.denominator,
        "rate": None if value.is_undecided else rate(*counts),
        "target": {
            "comparator": limit.comparator,
            "value": limit.value,
            "source": value.limit_source if value.limit or not value.warning else value.warning.source,
        },
        "status": status,
        "enforced": value.enforced,
    }
