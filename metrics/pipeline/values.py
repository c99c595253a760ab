"""Compute values from daily counts, in one statement: for any days, as known now or at any moment.

A target that Amazon's own report states for a series replaces the default one from the day of the report on.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from metrics.pipeline import amazon_reported, threshold_versions
from metrics.pipeline.amazon_reported import AmazonAge
from metrics.rules.catalogue.definitions import CANCEL_RATE, CATALOGUE, COUNTED, COUNTS
from metrics.rules.judgement import build_limit, default_warning_limit
from metrics.rules.series import Value, Window
from metrics.rules.threshold_rules import ThresholdVersion, version_in_force
from metrics.rules.verdicts import build_bounds
from metrics.rules.yardstick import Counts, default_warning

FIGURES = ", ".join(
    f"('{metric.code}', {in_units}, total.{ratio.numerator.name}, total.{ratio.denominator.name}, {number}, {uncounted})"
    for metric in COUNTED
    for in_units in ("false", "true")
    for ratio in [metric.counts_in(units=in_units == "true")]
    for number, uncounted in [[f"total.{count.name}" for count in ratio.open] if ratio.open else ("0", "0")]
)
CHANNELS = ", ".join(f"('{metric.code}', '{channel}')" for metric in COUNTED for channel in metric.channels)

# The total of a window is the difference of two running sums, so any number of days costs one pass.
RUNNING_SUMS = ", ".join(f"sum(coalesce({name}, 0)) OVER upto AS {name}" for name in COUNTS)
DAY_ARRAYS = ", ".join(f"array_agg({name} ORDER BY day) AS {name}" for name in COUNTS)
WINDOW_TOTALS = ", ".join(
    f"{name}[requested.last - span.first + 1] - {name}[requested.first - span.first] AS {name}"
    for name in COUNTS
)

# V1 reports do not separate channels: their figures are taken for the merchant's, who may be deactivated.
CHANNELS_OF_FIGURES = (
    "(VALUES (series.channel), (CASE series.channel WHEN 'mfn' THEN 'all' END)) AS source (channel)"
)
# One channel at a time, so that the index returns the newest figure first.
FIGURE_OF_SERIES = """figure.agency_id = %(agency)s AND figure.account_id = %(account)s
            AND figure.metric = series.metric AND figure.marketplace = series.marketplace
            AND figure.channel = source.channel
            AND figure.reported_at < (as_of::date + 1)::timestamp AT TIME ZONE 'UTC'
            AND figure.recorded_at <= %(known_at)s"""

VALUES = f"""
WITH series AS (
    SELECT marketplace, offered.metric, offered.channel
    FROM unnest(%(marketplaces)s::text[]) AS place (marketplace)
    CROSS JOIN (VALUES {CHANNELS}) AS offered (metric, channel)
    WHERE offered.metric = ANY(%(metrics)s)
        AND (%(channel)s::text IS NULL OR offered.channel = %(channel)s)
        AND (marketplace = %(home)s OR EXISTS (
            SELECT FROM metrics_dailycounts AS counts
            WHERE counts.agency_id = %(agency)s AND counts.account_id = %(account)s
                AND counts.marketplace = place.marketplace AND counts.recorded_at <= %(known_at)s)
        OR EXISTS (
            SELECT FROM metrics_snapshot AS snapshot
            WHERE snapshot.agency_id = %(agency)s AND snapshot.account_id = %(account)s
                AND snapshot.marketplace = place.marketplace AND snapshot.recorded_at <= %(known_at)s))
), requested AS (
    SELECT series.*, as_of::date, rule.window_days, rule.window_offset, rule.counts_units, rule.name,
        rule.enforced, rule.minimum_denominator,
        rule.comparator, rule.limit_numerator, rule.limit_denominator, rule.warning_numerator,
            rule.warning_denominator,
        reported.comparator AS reported_comparator, reported.limit_numerator AS reported_numerator,
            reported.limit_denominator AS reported_denominator,
        amazon.numerator AS amazon_numerator, amazon.denominator AS amazon_denominator,
        amazon.rate AS amazon_rate, amazon.status AS amazon_status, amazon.first_on AS amazon_first,
        amazon.last_on AS amazon_last, amazon.reported_at AS amazon_reported_at,
        as_of::date - rule.window_offset - rule.window_days + 1 AS first,
            as_of::date - rule.window_offset AS last
    FROM series
    CROSS JOIN generate_series(%(since)s::timestamp, %(until)s::timestamp, interval '1 day') AS as_of
    CROSS JOIN LATERAL (
        SELECT * FROM metrics_metricrule AS rule
        WHERE rule.metric = series.metric AND rule.marketplace IN (series.marketplace, '*')
            AND rule.effective_from <= as_of::date
        ORDER BY rule.marketplace <> '*' DESC, rule.effective_from DESC LIMIT 1
    ) AS rule
    LEFT JOIN LATERAL (
        SELECT newest.* FROM {CHANNELS_OF_FIGURES} CROSS JOIN LATERAL (
            SELECT comparator, limit_numerator, limit_denominator, reported_at, recorded_at
            FROM metrics_reportedfigure AS figure WHERE {FIGURE_OF_SERIES} AND figure.comparator <> ''
            ORDER BY figure.reported_at DESC, figure.recorded_at DESC LIMIT 1
        ) AS newest ORDER BY reported_at DESC, recorded_at DESC LIMIT 1
    ) AS reported ON true
    LEFT JOIN LATERAL (
        SELECT newest.* FROM {CHANNELS_OF_FIGURES} CROSS JOIN LATERAL (
            SELECT figure.* FROM metrics_reportedfigure AS figure
            WHERE {FIGURE_OF_SERIES}
            -- Of the windows in one report, the one closest to the rule's.
            ORDER BY figure.reported_at DESC, abs(figure.last_on - figure.first_on + 1 - rule.window_days),
                figure.recorded_at DESC, figure.line LIMIT 1
        ) AS newest ORDER BY reported_at DESC, recorded_at DESC LIMIT 1
    ) AS amazon ON true
), span AS (
    SELECT min(first) - 1 AS first, max(last) AS last FROM requested
), newest AS (
    SELECT DISTINCT ON (marketplace, channel, day) marketplace, channel, day, {", ".join(COUNTS)}
    FROM metrics_dailycounts
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND recorded_at <= %(known_at)s
        AND day BETWEEN (SELECT first FROM span) AND (SELECT last FROM span)
    ORDER BY marketplace, channel, day, recorded_at DESC
), running AS (
    SELECT marketplace, channel, day, {RUNNING_SUMS}
    FROM (SELECT DISTINCT marketplace, channel FROM series) AS places
    CROSS JOIN (SELECT first + n AS day FROM span, generate_series(0, last - first) AS n) AS days
    LEFT JOIN newest USING (marketplace, channel, day)
    WINDOW upto AS (PARTITION BY marketplace, channel ORDER BY day)
), by_day AS (
    -- One row per series, with arrays of days: joining row by row would be quadratic in the days.
    SELECT marketplace, channel, {DAY_ARRAYS} FROM running GROUP BY marketplace, channel
)
SELECT requested.metric, marketplace, channel, as_of, requested.first, requested.last, window_days,
    window_offset, requested.counts_units, name,
    enforced, minimum_denominator, comparator, limit_numerator, limit_denominator, warning_numerator,
    warning_denominator, reported_comparator, reported_numerator, reported_denominator,
    amazon_numerator, amazon_denominator, amazon_rate, amazon_status, amazon_first, amazon_last,
    amazon_reported_at, figure.numerator::int, figure.denominator::int, figure.open::int,
    figure.uncounted::int, {", ".join(f"total.{name}::int" for name in COUNTS)}
FROM requested JOIN by_day USING (marketplace, channel) CROSS JOIN span
-- OFFSET keeps the planner from merging the subquery, which would compute the totals again for each figure.
CROSS JOIN LATERAL (SELECT {WINDOW_TOTALS} OFFSET 0) AS total
JOIN LATERAL (VALUES {FIGURES}) AS figure (metric, counts_units, numerator, denominator, open, uncounted)
    ON figure.metric = requested.metric AND figure.counts_units = requested.counts_units
ORDER BY array_position(%(metrics)s, requested.metric), marketplace, channel DESC, as_of
"""

# The first columns of a row: metric, marketplace, channel and day.
SERIES_AND_DAY = 4
# Where a row's counts hold the parts of a metric.
PARTS = {
    code: tuple((part, COUNTS.index(count.name)) for part, count in metric.parts)
    for code, metric in CATALOGUE.items()
}


def query(
    *,
    account: SellerAccount,
    days: tuple[date, date],
    known_at: datetime,
    metrics: Collection[str] = tuple(CATALOGUE),
    marketplaces: Collection[str] | None = None,
    channel: str | None = None,
    versions: Collection[ThresholdVersion] | None = None,
    stale_at: datetime | None = None,
) -> list[Value]:
    """Return the values of each requested series for each of the days, first to last, as known at a moment.

    `marketplaces` are by default those on the account's row. The home marketplace is always returned, the
    others only if they had orders or figures of Amazon's at `known_at`. Series that only Amazon reports are
    returned for the marketplaces of the reports. Warnings are by the agency's thresholds as known then, or by
    `versions`. Amazon's figures are stale if they were too old at the end of a day, or at `stale_at` (default:
    `known_at`) on the days that were not over then.
    """
    params = _params(account, *days, metrics, account.marketplaces if marketplaces is None else marketplaces)
    params |= {"known_at": known_at, "channel": channel}
    rows = _rows(params)
    if versions is None:
        versions = threshold_versions.query(account=account, known_at=known_at)
    by_metric: defaultdict[str, list[ThresholdVersion]] = defaultdict(list)
    for version in versions:
        by_metric[version.metric].append(version)
    age = AmazonAge(stale_at or known_at)
    values = [
        *(_build_value(row, age) for row in rows),
        *amazon_reported.query_values(params=params, age=age),
    ]
    return [_apply_threshold(value, by_metric.get(value.metric)).settle() for value in values]


def query_changed(
    *,
    account: SellerAccount,
    since: date,
    until: date,
    metrics: Collection[str],
    marketplaces: Collection[str],
    before: datetime,
    known_at: datetime,
) -> Iterator[tuple[Value, Value]]:
    """Return the values of our own counts that differ between two moments, as known `before` and at `known_at`.

    Values that only one moment knows are left out. Warnings are the default ones.
    """
    params = _params(account, since, until, metrics, marketplaces) | {"channel": None}
    old = {row[:SERIES_AND_DAY]: row for row in _rows(params | {"known_at": before})}
    for row in _rows(params | {"known_at": known_at}):
        earlier = old.get(row[:SERIES_AND_DAY], row)
        if earlier != row:
            yield _build_value(earlier, None).settle(), _build_value(row, None).settle()


def _params(
    account: SellerAccount,
    since: date,
    until: date,
    metrics: Collection[str],
    marketplaces: Collection[str],
) -> dict[str, Any]:
    return {
        "agency": account.agency_id,
        "account": account.pk,
        "home": account.home_marketplace,
        "marketplaces": list(marketplaces),
        "since": since,
        "until": until,
        "metrics": list(metrics),
    }


def _rows(params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(VALUES, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _apply_threshold(value: Value, versions: list[ThresholdVersion] | None) -> Value:
    """Replace the default warning by the warning of the agency's threshold in force, if there is one."""
    if not versions:
        return value
    metric, marketplace, channel = value.series
    version = version_in_force(
        versions, metric=metric, marketplace=marketplace, channel=channel, day=value.as_of
    )
    if version is None:
        return value
    return replace(value, warning=version.build_warning(value.limit.comparator if value.limit else ""))


def _build_value(row: tuple[Any, ...], age: AmazonAge | None) -> Value:
    """Build the value of a row, with Amazon's figure unless `age` is None."""
    metric, marketplace, channel, as_of, first, last, days, offset, *others = row
    counts_units, name, enforced, minimum, *numbers = others
    comparator, limit_p, limit_q, warning_p, warning_q, *numbers = numbers
    reported, figure, numbers = numbers[:3], numbers[3:10], numbers[10:]
    numerator, denominator, number, uncounted, *totals = numbers
    limit, stated = build_limit(comparator, limit_p, limit_q), build_limit(*reported)
    # The warning limit of a rule belongs to the rule's own target. If Amazon's report states another target,
    # the warning limit is three quarters of that.
    is_default = stated in {None, limit}
    warning_limit = (
        build_limit(comparator, warning_p, warning_q) if is_default else default_warning_limit(stated)
    )
    counts, definition = Counts(numerator, denominator), CATALOGUE[metric]
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
        warning=default_warning(warning_limit, "default" if is_default else "amazon_report"),
        name=name,
        enforced=enforced,
        counts_units=counts_units,
        minimum_denominator=minimum,
        parts={part: totals[column] for part, column in PARTS[metric]} or None,
        unexplained=number if metric == CANCEL_RATE else None,
        bounds=build_bounds(counts, number, uncounted, counts_good=definition.counts_good),
        amazon=amazon_reported.build_standing(figure=figure, as_of=as_of, age=age) if age else None,
    )
