"""What an account shows of its numbers: its status and worst series, how much is open, and since when a source is silent."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q

from accounts.models import SellerAccount
from metrics.models import Breach
from metrics.rules import distance
from metrics.rules.definitions import METRICS
from metrics.rules.judgement import worst
from metrics.rules.series import Value

SOURCES = tuple(dict.fromkeys(metric.source for metric in METRICS))

NEWEST_LOADS = """
SELECT source, (
    SELECT max(recorded_at) FROM metrics_sourceload AS load
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND load.source = asked.source AND recorded_at <= %(at)s)
FROM unnest(%(sources)s::text[]) AS asked (source)
"""


def note(*, account: SellerAccount, values: list[Value], now: datetime) -> None:
    """Write into the account where it stands by these values and by the breaches that are open now. It must be held."""
    last = distance.worst(values)
    account.status = worst([value.status for value in values])
    account.distance = distance.of(last) if last else None
    account.worst_series = _shown(last) if last else None
    account.stale_from = stale_from(account=account, at=now)
    level = Breach.Level
    opened = Breach.objects.filter(agency_id=account.agency_id, account=account, status=Breach.State.OPEN).aggregate(
        breaches=Count("pk", filter=Q(level=level.BREACH)), warnings=Count("pk", filter=Q(level=level.WARNING))
    )
    account.open_breaches, account.open_warnings = opened["breaches"], opened["warnings"]
    account.save(
        update_fields=[
            *("status", "marketplaces", "amazon_statuses", "distance", "worst_series", "stale_from"),
            *("open_breaches", "open_warnings"),
        ]
    )


def stale_from(*, account: SellerAccount, at: datetime) -> datetime | None:
    """The moment from which on one of its sources is stale if it says nothing more; None where none ever spoke."""
    asked: dict[str, Any] = {"agency": account.agency_id, "account": account.pk, "sources": list(SOURCES), "at": at}
    with connection.cursor() as cursor:
        cursor.execute(NEWEST_LOADS, asked)
        loads = cursor.fetchall()
    return min((newest + _most_silence(source) for source, newest in loads if newest is not None), default=None)


def _most_silence(source: str) -> timedelta:
    return timedelta(hours=settings.SOURCES_MAX_AGE_HOURS[source])


def _shown(value: Value) -> dict[str, Any]:
    """A series for people who look at many accounts."""
    limit = value.limit or value.warning
    assert limit is not None  # noqa: S101  only a series with a limit or a line is the worst
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
            "source": value.limit_source if value.limit or not value.line else value.line.source,
        },
        "status": value.status,
        "enforced": value.enforced,
    }
