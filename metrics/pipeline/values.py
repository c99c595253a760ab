"""Daily counts become values, in one statement: for one day or a year of days, now or as known at any moment.

A target that Amazon's own report states for a series goes before the default one, from the day of the report on.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import SellerAccount
from metrics.pipeline import amazon_reported, threshold_versions
from metrics.pipeline.statements import MINE
from metrics.rules.definitions import CATALOGUE, COUNTED, COUNTS, METRICS
from metrics.rules.judgement import limit_of, warning_of
from metrics.rules.series import Value, Window, usual_line
from metrics.rules.threshold_rules import Version, in_force

FIGURES = ", ".join(
    f"('{metric.code}', {units}, total.{numerator}, total.{denominator})"
    for metric in COUNTED
    for units, (numerator, denominator) in (
        ("false", (metric.numerator, metric.denominator)),
        ("true", metric.units or (metric.numerator, metric.denominator)),
    )
)
CHANNELS = ", ".join(f"('{metric.code}', '{channel}')" for metric in COUNTED for channel in metric.channels)

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
                AND seen.recorded_at <= %(known_at)s)
        OR EXISTS (
            SELECT FROM metrics_snapshot AS told
            WHERE told.agency_id = %(agency)s AND told.account_id = %(account)s AND told.marketplace = place.marketplace
                AND told.recorded_at <= %(known_at)s))
), asked AS (
    SELECT series.*, as_of::date, rule.window_days, rule.window_offset, rule.counts_units, rule.name, rule.enforced,
        rule.comparator, rule.limit_numerator, rule.limit_denominator, rule.warning_numerator, rule.warning_denominator,
        told.comparator AS told_comparator, told.limit_numerator AS told_numerator, told.limit_denominator AS told_denominator,
        as_of::date - rule.window_offset - rule.window_days + 1 AS first, as_of::date - rule.window_offset AS last
    FROM series
    CROSS JOIN generate_series(%(since)s::timestamp, %(until)s::timestamp, interval '1 day') AS as_of
    CROSS JOIN LATERAL (
        SELECT * FROM metrics_metricrule AS rule
        WHERE rule.metric = series.metric AND rule.marketplace IN (series.marketplace, '*')
            AND rule.effective_from <= as_of::date
        ORDER BY rule.marketplace <> '*' DESC, rule.effective_from DESC LIMIT 1
    ) AS rule
    LEFT JOIN LATERAL (
        SELECT comparator, limit_numerator, limit_denominator FROM metrics_reportedfigure AS figure
        WHERE figure.agency_id = %(agency)s AND figure.account_id = %(account)s AND figure.metric = series.metric
            AND figure.marketplace = series.marketplace AND figure.channel = series.channel AND figure.comparator <> ''
            AND figure.reported_at < (as_of::date + 1)::timestamp AT TIME ZONE 'UTC' AND figure.recorded_at <= %(known_at)s
        ORDER BY figure.reported_at DESC, figure.recorded_at DESC LIMIT 1
    ) AS told ON true
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
SELECT asked.metric, marketplace, channel, as_of, asked.first, asked.last, window_days, window_offset, asked.counts_units, name,
    enforced, comparator, limit_numerator, limit_denominator, warning_numerator, warning_denominator,
    told_comparator, told_numerator, told_denominator,
    figure.numerator::int, figure.denominator::int, {", ".join(f"total.{name}::int" for name in COUNTS)}
FROM asked JOIN by_day USING (marketplace, channel) CROSS JOIN span
CROSS JOIN LATERAL (SELECT {BETWEEN} OFFSET 0) AS total -- once a row: without OFFSET each of the figures would be summed again
JOIN LATERAL (VALUES {FIGURES}) AS figure (metric, counts_units, numerator, denominator)
    ON figure.metric = asked.metric AND figure.counts_units = asked.counts_units
ORDER BY array_position(%(metrics)s, asked.metric), marketplace, channel DESC, as_of
"""

SOURCES = tuple(sorted({metric.source for metric in METRICS}))
SPOKE_LAST = f"""
SELECT moment, source, (
    SELECT max(recorded_at) FROM metrics_sourceload AS load
    WHERE {MINE} AND load.source = asked.source AND recorded_at <= moment
) AS spoke_last
FROM unnest(%(moments)s::timestamptz[]) AS moment CROSS JOIN unnest(%(sources)s::text[]) AS asked (source)
"""


def over(
    *,
    account: SellerAccount,
    since: date,
    until: date,
    known_at: datetime,
    metrics: Collection[str] = tuple(CATALOGUE),
    marketplace: str | None = None,
    channel: str | None = None,
    versions: Collection[Version] | None = None,
) -> list[Value]:
    """The values of each asked series for each day of `since … until`, as known at a moment.

    The home marketplace and every marketplace that orders or Amazon's own figures were known in are answered, in every channel;
    what only Amazon reports is answered where it was reported. Warning lines are those of the agency's thresholds as known then,
    or those of these `versions`.
    """
    asked: dict[str, Any] = {
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
    }
    with connection.cursor() as cursor:
        cursor.execute(VALUES, asked)
        counted = cursor.fetchall()
    own: defaultdict[str, list[Version]] = defaultdict(list)
    for version in threshold_versions.known(account=account, known_at=known_at) if versions is None else versions:
        own[version.metric].append(version)
    return [_with_own_line(value, own.get(value.metric)) for value in [*map(_value, counted), *amazon_reported.over(asked=asked)]]


def stale_sources(*, account: SellerAccount, at: datetime) -> frozenset[str]:
    """The sources of the catalogue's metrics that were stale at that moment."""
    return stale_at(account=account, moments=[at])[at]


def is_stale(*, account: SellerAccount, source: str, at: datetime) -> bool:
    """Whether at that moment the source had been silent for longer than it may. What never spoke is not stale."""
    return source in stale_at(account=account, moments=[at], sources=[source])[at]


def stale_at(
    *, account: SellerAccount, moments: Collection[datetime], sources: Collection[str] = SOURCES
) -> dict[datetime, frozenset[str]]:
    """At each of these moments, the sources that had been silent for longer than they may."""
    asked: dict[str, Any] = {
        "agency": account.agency_id,
        "account": account.pk,
        "moments": list(moments),
        "sources": list(sources),
    }
    stale: dict[datetime, set[str]] = {moment: set() for moment in moments}
    with connection.cursor() as cursor:
        cursor.execute(SPOKE_LAST, asked)
        for moment, source, spoke_last in cursor.fetchall():
            if spoke_last and moment - spoke_last > timedelta(hours=settings.SOURCES_MAX_AGE_HOURS[source]):
                stale[moment].add(source)
    return {moment: frozenset(found) for moment, found in stale.items()}


def _with_own_line(value: Value, versions: list[Version] | None) -> Value:
    """An agency's own line stands in place of the usual one."""
    if not versions:
        return value
    metric, marketplace, channel = value.series
    own = in_force(versions, metric=metric, marketplace=marketplace, channel=channel, day=value.as_of)
    return replace(value, line=own.line(value.limit.comparator if value.limit else "")) if own else value


def _value(row: tuple[Any, ...]) -> Value:
    (metric, marketplace, channel, as_of, first, last, days, offset, counts_units, name, enforced, *numbers) = row
    comparator, limit_p, limit_q, warning_p, warning_q, *told, numerator, denominator = numbers[: -len(COUNTS)]
    totals = dict(zip(COUNTS, numbers[-len(COUNTS) :], strict=True))
    definition = CATALOGUE[metric]
    limit, stated = limit_of(comparator, limit_p, limit_q), limit_of(*told)
    warning = limit_of(comparator, warning_p, warning_q) if stated in {None, limit} else warning_of(stated)
    return Value(
        metric=metric,
        marketplace=marketplace,
        channel=channel,
        as_of=as_of,
        window=Window(first, last, days, offset),
        numerator=numerator,
        denominator=denominator,
        limit=stated or limit,
        limit_source="amazon_report" if stated else "default",
        line=usual_line(warning, "amazon_report" if stated not in {None, limit} else "default"),
        name=name,
        enforced=enforced,
        counts_units=counts_units,
        parts={part: totals[column] for part, column in definition.parts} or None,
        unexplained=totals.get(definition.unexplained),
    )
