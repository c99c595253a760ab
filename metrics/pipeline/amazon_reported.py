"""Read Amazon's own reports: account statuses, series that only Amazon reports, and figures to compare.

A report is stored as one snapshot per marketplace, with its figures. The newest report takes precedence.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import SellerAccount
from api import timestamps
from metrics.models import ReportedFigure, Snapshot
from metrics.pipeline import staleness
from metrics.rules.catalogue.definitions import CATALOGUE, COUNTS, RATING, REPORTED_ONLY
from metrics.rules.catalogue.reading import ACCOUNT_ROWS
from metrics.rules.facts import Channel
from metrics.rules.judgement import Limit, Status, build_limit, worst_status
from metrics.rules.series import Series, Value, Window
from metrics.rules.verdicts import AMAZON_WORDS, AmazonStanding, Basis
from metrics.rules.yardstick import Counts
from webhooks.events import publishing

DEFAULT_STATUS = "NORMAL"
# The target of the account health rating (its row in the table of rules has the source).
HEALTHY_RATING = 200
# Enough for a rate with six decimal places, and within an integer column.
MAX_DENOMINATOR = 1_000_000
REPORTED_ONLY_CODES = {metric.code for metric in REPORTED_ONLY}

REPORTED_VALUES = f"""
SELECT metrics.metric, places.marketplace, as_of::date, reported.first_on, reported.last_on, rule.window_days,
    rule.window_offset, rule.name, rule.enforced, coalesce(reported.numerator, 0),
    (reported.numerator IS NOT NULL)::int, reported.comparator, reported.limit_numerator,
        reported.limit_denominator,
    rule.comparator, rule.limit_numerator, rule.limit_denominator,
    reported.numerator, reported.denominator, reported.rate, reported.status, reported.first_on,
    reported.last_on, reported.reported_at, rating.numerator, rating.status
FROM unnest(%(metrics)s::text[]) AS metrics (metric)
CROSS JOIN unnest(%(marketplaces)s::text[]) AS places (marketplace)
CROSS JOIN generate_series(%(since)s::timestamp, %(until)s::timestamp, interval '1 day') AS as_of
CROSS JOIN LATERAL (
    SELECT * FROM metrics_metricrule AS rule
    WHERE rule.metric = metrics.metric AND rule.marketplace IN (places.marketplace, '*')
        AND rule.effective_from <= as_of::date
    ORDER BY rule.marketplace <> '*' DESC, rule.effective_from DESC LIMIT 1
) AS rule
CROSS JOIN LATERAL (
    SELECT * FROM metrics_reportedfigure AS figure
    WHERE {ACCOUNT_ROWS} AND figure.metric = metrics.metric AND figure.marketplace = places.marketplace
        AND figure.channel = 'all' AND reported_at < (as_of::date + 1)::timestamp AT TIME ZONE 'UTC'
        AND recorded_at <= %(known_at)s
    ORDER BY reported_at DESC, recorded_at DESC LIMIT 1
) AS reported
LEFT JOIN LATERAL (
    SELECT numerator, status FROM metrics_reportedfigure AS figure
    WHERE {ACCOUNT_ROWS} AND figure.metric = '{RATING}' AND figure.marketplace = places.marketplace
        AND figure.channel = 'all' AND reported_at < (as_of::date + 1)::timestamp AT TIME ZONE 'UTC'
        AND recorded_at <= %(known_at)s
    ORDER BY reported_at DESC, recorded_at DESC LIMIT 1
) AS rating ON true
ORDER BY array_position(%(metrics)s, metrics.metric), places.marketplace, as_of
"""

NEWEST_FIGURES = f"""
SELECT ordinal, first_on, last_on, numerator, denominator, rate, status, comparator, limit_numerator,
    limit_denominator, flags, reported_at
FROM unnest(%(metrics)s::text[], %(marketplaces)s::text[], %(channels)s::text[],
    %(days)s::int[]) WITH ORDINALITY
    AS series (metric, marketplace, channel, days, ordinal)
CROSS JOIN LATERAL (
    SELECT * FROM metrics_reportedfigure AS figure
    WHERE {ACCOUNT_ROWS} AND figure.metric = series.metric AND figure.marketplace = series.marketplace
        AND figure.channel IN (series.channel, CASE series.channel WHEN 'mfn' THEN 'all' END)
            AND reported_at < (%(as_of)s::date + 1)::timestamp AT TIME ZONE 'UTC'
        AND recorded_at <= %(known_at)s
    ORDER BY reported_at DESC, abs(last_on - first_on + 1 - series.days), recorded_at DESC, line LIMIT 1
) AS reported
"""

OWN_COUNTS = f"""
WITH windows AS (
    SELECT * FROM
        unnest(%(marketplaces)s::text[], %(channels)s::text[], %(firsts)s::date[],
            %(lasts)s::date[]) WITH ORDINALITY
        AS windows (marketplace, channel, first_on, last_on, ordinal)
), newest AS (
    SELECT DISTINCT ON (marketplace, channel, day) * FROM metrics_dailycounts
    WHERE {ACCOUNT_ROWS} AND recorded_at <= %(known_at)s
        AND day BETWEEN (SELECT min(first_on) FROM windows) AND (SELECT max(last_on) FROM windows)
    ORDER BY marketplace, channel, day, recorded_at DESC
)
SELECT ordinal, {", ".join(f"coalesce(sum({name}), 0)::int" for name in COUNTS)}
FROM windows LEFT JOIN newest USING (marketplace, channel)
WHERE day BETWEEN first_on AND last_on GROUP BY ordinal
"""


@dataclass(frozen=True, slots=True)
class AmazonAge:
    """Decide whether Amazon's figures are stale: by when they were reported, not by when they were received.

    `moment` is the latest moment at which anybody looks.
    """

    moment: datetime

    def is_stale(self, reported_at: datetime, as_of: date) -> bool:
        """Return whether a figure was too old at the end of the day, or at `moment` if that is earlier."""
        day_end = datetime.combine(as_of + timedelta(days=1), time(), UTC)
        return min(self.moment, day_end) - reported_at > staleness.max_age("reported")


@dataclass(frozen=True, slots=True)
class Reported:
    """Store the marketplaces of Amazon's reports, and the newest account status of each, if there is one."""

    marketplaces: frozenset[str]
    statuses: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AmazonFigure:
    """Store a figure of Amazon's report, with our numerator and denominator over the same days.

    `own_counts` is None if the report states no days, and for metrics that only Amazon counts.
    """

    first_on: date | None
    last_on: date | None
    numerator: int | None
    denominator: int | None
    rate: Decimal | None
    status: str
    target: Limit | None
    flags: list[str]
    reported_at: datetime
    own_counts: tuple[int, int] | None = None


def apply(*, account: SellerAccount, now: datetime) -> Reported:
    """Publish each change of Amazon's account status, and return what Amazon has reported.

    An older report that is loaded late changes nothing. The first status of a marketplace is published only
    if it is not NORMAL. Requires a transaction that holds the account's lock.
    """
    snapshots = Snapshot.objects.filter(agency_id=account.agency_id, account_id=account.pk)
    # The newest by the day it describes: an older report that is loaded late changes nothing.
    newest = (
        snapshots.exclude(account_status="")
        .order_by("marketplace", "-reported_at", "-recorded_at")
        .distinct("marketplace")
        .values_list("marketplace", "account_status", "reported_at")
    )
    statuses: dict[str, dict[str, str]] = dict(account.amazon_statuses)
    for marketplace, status, reported_at in newest:
        previous = statuses[marketplace]["status"] if marketplace in statuses else None
        statuses[marketplace] = {"status": status, "reported_at": timestamps.text(reported_at)}
        if status != (previous or DEFAULT_STATUS):
            change = {"marketplace": marketplace, "previous": previous, "current": status}
            change["reported_at"] = statuses[marketplace]["reported_at"]
            publishing.publish(account=account, type_="account.status_changed", data=change, now=now)
    return Reported(frozenset(snapshots.values_list("marketplace", flat=True).distinct()), statuses)


def query_values(*, params: dict[str, Any], age: AmazonAge) -> list[Value]:
    """Return the values of the series that only Amazon reports, one a day, from the newest report.

    `params` are those of the statement in pipeline/values.py.
    """
    metrics = [metric for metric in params["metrics"] if metric in REPORTED_ONLY_CODES]
    if not metrics or params["channel"] not in {None, Channel.ALL}:
        return []
    with connection.cursor() as cursor:
        cursor.execute(REPORTED_VALUES, params | {"metrics": metrics})
        return [_build_value(row, age) for row in cursor.fetchall()]


def query_figures(
    *, account: SellerAccount, values: Sequence[Value], as_of: date, known_at: datetime
) -> dict[Series, AmazonFigure]:
    """Return Amazon's newest figure of each series up to a day, with our counts over the same days.

    If a report has several windows of a metric, returns the one whose length is closest to ours.
    """
    scope: dict[str, Any] = {"agency": account.agency_id, "account": account.pk, "known_at": known_at}
    with connection.cursor() as cursor:
        cursor.execute(
            NEWEST_FIGURES,
            scope
            | {
                "as_of": as_of,
                "metrics": [value.metric for value in values],
                "marketplaces": [value.marketplace for value in values],
                "channels": [value.channel for value in values],
                "days": [value.window.days for value in values],
            },
        )
        rows = [(values[row[0] - 1], row[1:]) for row in cursor.fetchall()]
        # Facts of days before `data_from` have ended.
        earliest = account.data_from or date.min
        windows = [(value, row[0], row[1]) for value, row in rows if row[0] and row[1] and row[0] >= earliest]
        own = _own_counts(cursor, scope, windows)
    return {value.series: _build_figure(row, own.get(value.series)) for value, row in rows}


def query_snapshot_figures(
    *, account: SellerAccount, snapshots: Iterable[Snapshot]
) -> dict[UUID, list[ReportedFigure]]:
    """Return the figures of each snapshot, in the order of its report."""
    ids = [snapshot.pk for snapshot in snapshots]
    figures: dict[UUID, list[ReportedFigure]] = {snapshot_id: [] for snapshot_id in ids}
    rows = ReportedFigure.objects.filter(
        agency_id=account.agency_id, account_id=account.pk, snapshot_id__in=ids
    )
    for figure in rows.order_by("line", "metric", "channel"):
        figures[figure.snapshot_id].append(figure)
    return figures


def _own_counts(
    cursor: Any, scope: dict[str, Any], windows: list[tuple[Value, date, date]]
) -> dict[Series, tuple[int, int]]:
    # The product has no counts of its own for what only Amazon counts.
    windows = [window for window in windows if CATALOGUE[window[0].metric].is_counted]
    cursor.execute(
        OWN_COUNTS,
        scope
        | {
            "marketplaces": [value.marketplace for value, _, _ in windows],
            "channels": [value.channel for value, _, _ in windows],
            "firsts": [first for _, first, _ in windows],
            "lasts": [last for _, _, last in windows],
        },
    )
    totals = {row[0]: dict(zip(COUNTS, row[1:], strict=True)) for row in cursor.fetchall()}
    return {
        value.series: _pick_counts(value, totals.get(n, {}))
        for n, (value, _, _) in enumerate(windows, start=1)
    }


def _pick_counts(value: Value, totals: dict[str, int]) -> tuple[int, int]:
    """Return the numerator and denominator of the value's metric."""
    metric = CATALOGUE[value.metric]
    ratio = metric.counts_in(units=value.counts_units)
    return totals.get(ratio.numerator.name, 0), totals.get(ratio.denominator.name, 0)


def _build_figure(row: tuple[Any, ...], own_counts: tuple[int, int] | None) -> AmazonFigure:
    first, last, numerator, denominator, rate, status, comparator, limit_p, limit_q, flags, reported_at = row
    return AmazonFigure(
        first_on=first,
        last_on=last,
        numerator=numerator,
        denominator=denominator,
        rate=rate,
        status=status,
        target=build_limit(comparator, limit_p, limit_q),
        # Django lets psycopg return jsonb as text: its own JSONField decodes it,
        # which plain cursors do not use.
        flags=json.loads(flags),
        reported_at=reported_at,
        own_counts=own_counts,
    )


def build_standing(*, figure: Sequence[Any], as_of: date, age: AmazonAge) -> AmazonStanding | None:
    """Build where Amazon's figure stands on a day; None without a figure.

    `figure` has numerator, denominator, rate, status, first and last day and moment. Without counts, the rate
    as a fraction stands in for them: 0.97 is 97 of 100.
    """
    numerator, denominator, rate, word, first, last, reported_at = figure
    if reported_at is None:
        return None
    counts = Counts(numerator or 0, denominator or 0)
    if rate is not None and (numerator is None or denominator is None):
        counts = Counts(*Fraction(rate).limit_denominator(MAX_DENOMINATOR).as_integer_ratio())
    elif numerator is None:
        counts = Counts(0, 0)
    return AmazonStanding(
        counts=counts,
        # Amazon states GOOD where there was nothing to judge.
        word="" if denominator == 0 else word,
        first_on=first,
        last_on=last,
        reported_at=reported_at,
        is_stale=age.is_stale(reported_at, as_of),
    )


def _build_value(row: tuple[Any, ...], age: AmazonAge) -> Value:
    metric, marketplace, as_of, first, last, days, offset, name, enforced, numerator, denominator, *others = (
        row
    )
    limits, figure, (rating, rating_word) = others[:6], others[6:13], others[13:]
    standing = build_standing(figure=figure, as_of=as_of, age=age)
    is_counter = CATALOGUE[metric].is_counter
    if standing and is_counter:
        standing = replace(standing, is_counter=True, rating=_rating_status(rating, rating_word))
    # A report may state neither days nor a target. The dated rule stands in for each.
    stated = build_limit(*limits[:3])
    window = Window(as_of - timedelta(days=offset + days - 1), as_of - timedelta(days=offset), days, offset)
    return Value(
        metric=metric,
        marketplace=marketplace,
        channel=Channel.ALL.value,
        as_of=as_of,
        window=window.replaced_by(first, last, as_of=as_of),
        numerator=numerator,
        denominator=denominator,
        limit=stated or build_limit(*limits[3:]),
        limit_source="amazon_report" if stated else "default",
        warning=None,
        name=name,
        enforced=enforced,
        basis=Basis.AMAZON_REPORT,
        amazon=standing,
    )


def _rating_status(score: int | None, word: str | None) -> Status:
    """Return the status of an account health rating: 200 and more is healthy, below 200 it may deactivate."""
    counted = Status.NO_DATA
    if score is not None:
        counted = Status.HEALTHY if score >= HEALTHY_RATING else Status.BREACHED
    return worst_status([counted, AMAZON_WORDS.get(word or "", Status.NO_DATA)])
