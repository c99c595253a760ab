"""Daily counts become values, in one statement: for one day or a year of days, now or as known at any moment."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import SellerAccount
from metrics.definitions import CATALOGUE, COUNTS, METRICS
from metrics.judgement import Budget, Comparator, Limit, Status, budget, meets, rate, status
from metrics.models import SourceLoad

FIGURES = ", ".join(f"('{metric.code}', total.{metric.numerator}, total.{metric.denominator})" for metric in METRICS)
CHANNELS = ", ".join(f"('{metric.code}', '{channel}')" for metric in METRICS for channel in metric.channels)

RUNNING = ", ".join(f"sum(coalesce({name}, 0)) OVER upto AS {name}" for name in COUNTS)
BY_DAY = ", ".join(f"array_agg({name} ORDER BY day) AS {name}" for name in COUNTS)
BETWEEN = ", ".join(f"{name}[asked.last - span.first + 1] - {name}[asked.first - span.first] AS {name}" for name in COUNTS)

VALUES = f"""
WITH series AS (
    SELECT marketplace, offered.metric, offered.channel
    FROM unnest(%(marketplaces)s::text[]) AS place (marketplace)
    CROSS JOIN (VALUES {CHANNELS}) AS offered (metric, channel)
    WHERE offered.metric = ANY(%(metrics)s)
        AND (%(channel)s::text IS NULL OR offered.channel = %(channel)s)
        AND (%(marketplace)s::text IS NULL OR marketplace = %(marketplace)s)
        AND (marketplace = %(home)s OR EXISTS (
            SELECT FROM metrics_dailycounts AS seen
            WHERE seen.agency_id = %(agency)s AND seen.account_id = %(account)s AND seen.marketplace = place.marketplace
                AND seen.recorded_at <= %(known_at)s))
), asked AS (
    SELECT series.*, as_of::date, window_days, window_offset, comparator,
        limit_numerator, limit_denominator, warning_numerator, warning_denominator,
        as_of::date - window_offset - window_days + 1 AS first, as_of::date - window_offset AS last
    FROM series
    CROSS JOIN generate_series(%(since)s::timestamp, %(until)s::timestamp, interval '1 day') AS as_of
    CROSS JOIN LATERAL (
        SELECT * FROM metrics_metricrule AS rule
        WHERE rule.metric = series.metric AND rule.marketplace IN (series.marketplace, '*')
            AND rule.effective_from <= as_of::date
        ORDER BY rule.marketplace <> '*' DESC, rule.effective_from DESC LIMIT 1
    ) AS rule
), span AS (
    SELECT min(first) - 1 AS first, max(last) AS last FROM asked
), newest AS (
    SELECT DISTINCT ON (marketplace, channel, day) marketplace, channel, day, {", ".join(COUNTS)}
    FROM metrics_dailycounts
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND recorded_at <= %(known_at)s
        AND day BETWEEN (SELECT first FROM span) AND (SELECT last FROM span)
    ORDER BY marketplace, channel, day, recorded_at DESC
), running AS (
    SELECT marketplace, channel, day, {RUNNING}
    FROM (SELECT DISTINCT marketplace, channel FROM series) AS places
    CROSS JOIN (SELECT first + n AS day FROM span, generate_series(0, last - first) AS n) AS days
    LEFT JOIN newest USING (marketplace, channel, day)
    WINDOW upto AS (PARTITION BY marketplace, channel ORDER BY day)
), by_day AS (
    -- One row a series and its days as arrays: the planner would join day by day, the square of the days.
    SELECT marketplace, channel, {BY_DAY} FROM running GROUP BY marketplace, channel
)
SELECT asked.metric, marketplace, channel, as_of, asked.first, asked.last, window_days, window_offset,
    comparator, limit_numerator, limit_denominator, warning_numerator, warning_denominator,
    figure.numerator::int, figure.denominator::int, {", ".join(f"total.{name}::int" for name in COUNTS)}
FROM asked JOIN by_day USING (marketplace, channel) CROSS JOIN span
CROSS JOIN LATERAL (SELECT {BETWEEN}) AS total
JOIN LATERAL (VALUES {FIGURES}) AS figure (metric, numerator, denominator) ON figure.metric = asked.metric
ORDER BY array_position(%(metrics)s, asked.metric), marketplace, channel DESC, as_of
"""


@dataclass(frozen=True, slots=True)
class Window:
    """The order days that a value covers, both included."""

    first: date
    last: date
    days: int
    offset: int


@dataclass(frozen=True, slots=True)
class Value:
    """Numerator and denominator of one series over one window, with the limit in force on its day."""

    metric: str
    marketplace: str
    channel: str
    as_of: date
    window: Window
    numerator: int
    denominator: int
    limit: Limit | None
    warning: Limit | None
    parts: dict[str, int] | None

    @property
    def rate(self) -> float | None:
        return rate(self.numerator, self.denominator)

    @property
    def meets_target(self) -> bool | None:
        return meets(self.numerator, self.denominator, self.limit) if self.limit else None

    @property
    def status(self) -> Status:
        return status(self.numerator, self.denominator, self.limit, self.warning)

    @property
    def budget(self) -> Budget | None:
        return budget(self.numerator, self.denominator, self.limit) if self.limit else None

    @property
    def series(self) -> tuple[str, str, str]:
        return (self.metric, self.marketplace, self.channel)


def over(
    *,
    account: SellerAccount,
    since: date,
    until: date,
    known_at: datetime,
    metrics: Collection[str] = tuple(CATALOGUE),
    marketplace: str | None = None,
    channel: str | None = None,
) -> list[Value]:
    """The values of each asked series for each day of `since … until`, as known at a moment.

    The home marketplace and every marketplace that orders were known in are answered, in both channels.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            VALUES,
            {
                "agency": account.agency_id,
                "account": account.pk,
                "home": account.home_marketplace,
                "marketplaces": account.marketplaces,
                "since": since,
                "until": until,
                "known_at": known_at,
                "metrics": list(metrics),
                "marketplace": marketplace,
                "channel": channel,
            },
        )
        return [_value(row) for row in cursor.fetchall()]


def stale_sources(*, account: SellerAccount, at: datetime) -> frozenset[str]:
    """The sources of the catalogue's metrics that were stale at that moment."""
    return frozenset(
        source for source in {metric.source for metric in METRICS} if is_stale(account=account, source=source, at=at)
    )


def is_stale(*, account: SellerAccount, source: str, at: datetime) -> bool:
    """Whether at that moment the source had been silent for longer than it may. What never spoke is not stale."""
    loads = SourceLoad.objects.filter(agency_id=account.agency_id, account_id=account.pk, source=source, recorded_at__lte=at)
    newest = loads.order_by("-recorded_at").values_list("recorded_at", flat=True).first()
    return newest is not None and at - newest > timedelta(hours=settings.ORDERS_MAX_AGE_HOURS)


def _value(row: tuple[Any, ...]) -> Value:
    (metric, marketplace, channel, as_of, first, last, days, offset, comparator, *numbers) = row
    limit_p, limit_q, warning_p, warning_q, numerator, denominator, *sums = numbers
    totals = dict(zip(COUNTS, sums, strict=True))
    parts = {part: totals[column] for part, column in CATALOGUE[metric].parts}
    return Value(
        metric=metric,
        marketplace=marketplace,
        channel=channel,
        as_of=as_of,
        window=Window(first, last, days, offset),
        numerator=numerator,
        denominator=denominator,
        limit=_limit(comparator, limit_p, limit_q),
        warning=_limit(comparator, warning_p, warning_q),
        parts=parts or None,
    )


def _limit(comparator: str, numerator: int | None, denominator: int | None) -> Limit | None:
    if not comparator or numerator is None or denominator is None:
        return None
    return Limit(Comparator(comparator), numerator, denominator)
