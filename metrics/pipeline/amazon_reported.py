"""What Amazon itself reports: series that only it knows, its figures beside ours, and its account status."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from metrics.pipeline.statements import MINE
from metrics.rules.definitions import CATALOGUE, COUNTS, REPORTED_ONLY
from metrics.rules.facts import Channel
from metrics.rules.judgement import Limit, limit_of
from metrics.rules.series import Value, Window

ONLY_REPORTED = {metric.code for metric in REPORTED_ONLY}

STANDINGS = f"""
SELECT asked.metric, place.marketplace, as_of::date, told.first_on, told.last_on, rule.window_days, rule.window_offset,
    rule.name, rule.enforced, coalesce(told.numerator, 0), (told.numerator IS NOT NULL)::int, told.comparator,
    told.limit_numerator, told.limit_denominator, rule.comparator, rule.limit_numerator, rule.limit_denominator
FROM unnest(%(metrics)s::text[]) AS asked (metric)
CROSS JOIN unnest(%(marketplaces)s::text[]) AS place (marketplace)
CROSS JOIN generate_series(%(since)s::timestamp, %(until)s::timestamp, interval '1 day') AS as_of
CROSS JOIN LATERAL (
    SELECT * FROM metrics_metricrule AS rule
    WHERE rule.metric = asked.metric AND rule.marketplace IN (place.marketplace, '*') AND rule.effective_from <= as_of::date
    ORDER BY rule.marketplace <> '*' DESC, rule.effective_from DESC LIMIT 1
) AS rule
CROSS JOIN LATERAL (
    SELECT * FROM metrics_reportedfigure AS figure
    WHERE {MINE} AND figure.metric = asked.metric AND figure.marketplace = place.marketplace AND figure.channel = 'all'
        AND reported_at < (as_of::date + 1)::timestamp AT TIME ZONE 'UTC' AND recorded_at <= %(known_at)s
    ORDER BY reported_at DESC, recorded_at DESC LIMIT 1
) AS told
WHERE %(marketplace)s::text IS NULL OR place.marketplace = %(marketplace)s
ORDER BY array_position(%(metrics)s, asked.metric), place.marketplace, as_of
"""

BESIDE = f"""
SELECT ordinal, first_on, last_on, numerator, denominator, rate, status, comparator, limit_numerator, limit_denominator, flags,
    reported_at
FROM unnest(%(metrics)s::text[], %(marketplaces)s::text[], %(channels)s::text[], %(days)s::int[]) WITH ORDINALITY
    AS asked (metric, marketplace, channel, days, ordinal)
CROSS JOIN LATERAL (
    SELECT * FROM metrics_reportedfigure AS figure
    WHERE {MINE} AND figure.metric = asked.metric AND figure.marketplace = asked.marketplace AND figure.channel = asked.channel
        AND reported_at < (%(as_of)s::date + 1)::timestamp AT TIME ZONE 'UTC' AND recorded_at <= %(known_at)s
    ORDER BY reported_at DESC, abs(last_on - first_on + 1 - asked.days), recorded_at DESC, line LIMIT 1
) AS told
"""

OURS = f"""
WITH asked AS (
    SELECT * FROM unnest(%(marketplaces)s::text[], %(channels)s::text[], %(firsts)s::date[], %(lasts)s::date[]) WITH ORDINALITY
        AS asked (marketplace, channel, first_on, last_on, ordinal)
), newest AS (
    SELECT DISTINCT ON (marketplace, channel, day) * FROM metrics_dailycounts
    WHERE {MINE} AND recorded_at <= %(known_at)s
        AND day BETWEEN (SELECT min(first_on) FROM asked) AND (SELECT max(last_on) FROM asked)
    ORDER BY marketplace, channel, day, recorded_at DESC
)
SELECT ordinal, {", ".join(f"coalesce(sum({name}), 0)::int" for name in COUNTS)}
FROM asked LEFT JOIN newest USING (marketplace, channel) WHERE day BETWEEN first_on AND last_on GROUP BY ordinal
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of Amazon's, and ours over the same days: counts, None where the report tells no days."""

    first_on: date | None
    last_on: date | None
    numerator: int | None
    denominator: int | None
    rate: Decimal | None
    status: str
    target: Limit | None
    flags: list[str]
    reported_at: datetime
    ours: tuple[int, int] | None = None


def over(*, asked: dict[str, Any]) -> list[Value]:
    """Where the series that only Amazon reports stood on each day: the newest report's word until there is another."""
    only = [metric for metric in asked["metrics"] if metric in ONLY_REPORTED]
    if not only or asked["channel"] not in {None, Channel.ALL}:
        return []
    with connection.cursor() as cursor:
        cursor.execute(STANDINGS, asked | {"metrics": only})
        return [_standing(row) for row in cursor.fetchall()]


def beside(
    *, account: SellerAccount, values: Sequence[Value], as_of: date, known_at: datetime
) -> dict[tuple[str, str, str], Figure]:
    """By series Amazon's newest figure up to a day, of several windows the one most like ours, with our counts over its days."""
    known: dict[str, Any] = {"agency": account.agency_id, "account": account.pk, "known_at": known_at}
    with connection.cursor() as cursor:
        cursor.execute(
            BESIDE,
            known
            | {
                "as_of": as_of,
                "metrics": [value.metric for value in values],
                "marketplaces": [value.marketplace for value in values],
                "channels": [value.channel for value in values],
                "days": [value.window.days for value in values],
            },
        )
        told = [(values[row[0] - 1], row[1:]) for row in cursor.fetchall()]
        counts = _ours(cursor, known, [(value, row[0], row[1]) for value, row in told if row[0] and row[1]])
    return {value.series: _figure(row, counts.get(value.series)) for value, row in told}


def _ours(
    cursor: Any, known: dict[str, Any], windows: list[tuple[Value, date, date]]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    windows = [window for window in windows if CATALOGUE[window[0].metric].is_counted]
    cursor.execute(
        OURS,
        known
        | {
            "marketplaces": [value.marketplace for value, _, _ in windows],
            "channels": [value.channel for value, _, _ in windows],
            "firsts": [first for _, first, _ in windows],
            "lasts": [last for _, _, last in windows],
        },
    )
    found = {row[0]: dict(zip(COUNTS, row[1:], strict=True)) for row in cursor.fetchall()}
    return {value.series: _pair(value, found.get(n, {})) for n, (value, _, _) in enumerate(windows, start=1)}


def _pair(value: Value, totals: dict[str, int]) -> tuple[int, int]:
    metric = CATALOGUE[value.metric]
    numerator, denominator = (value.counts_units and metric.units) or (metric.numerator, metric.denominator)
    return totals.get(numerator, 0), totals.get(denominator, 0)


def _figure(row: tuple[Any, ...], ours: tuple[int, int] | None) -> Figure:
    first, last, numerator, denominator, rate, status, comparator, limit_p, limit_q, flags, reported_at = row
    return Figure(
        first_on=first,
        last_on=last,
        numerator=numerator,
        denominator=denominator,
        rate=rate,
        status=status,
        target=limit_of(comparator, limit_p, limit_q),
        flags=json.loads(flags),
        reported_at=reported_at,
        ours=ours,
    )


def _standing(row: tuple[Any, ...]) -> Value:
    metric, marketplace, as_of, first, last, days, offset, name, enforced, numerator, denominator, *limits = row
    stated = limit_of(*limits[:3])
    last = last or as_of - timedelta(days=offset)
    first = first or last - timedelta(days=days - 1)
    return Value(
        metric=metric,
        marketplace=marketplace,
        channel=Channel.ALL.value,
        as_of=as_of,
        window=Window(first, last, (last - first).days + 1, (as_of - last).days),
        numerator=numerator,
        denominator=denominator,
        limit=stated or limit_of(*limits[3:]),
        limit_source="amazon_report" if stated else "default",
        line=None,
        name=name,
        enforced=enforced,
    )
