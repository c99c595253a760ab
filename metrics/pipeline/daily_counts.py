"""Count the rows of all metrics by day, in versions, with one statement.

Each metric has its own kind of day: order, ship-by, ship, promise, request or message (metrics/rules/catalogue). The
row of a day is the sum of what was counted by each kind of day.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from accounts.models import SellerAccount
from metrics.pipeline import denominators, feedback_removal
from metrics.rules.catalogue.definitions import COUNTED, COUNTS
from metrics.rules.catalogue.reading import ACCOUNT_ROWS, NEWEST
from metrics.rules.catalogue.rows import Orders, Rows

NESTED_LOOP_MAX_DAYS = 7
"""Turn nested loops off above this number of days.

The planner takes a new table without statistics for empty, and would join the facts of many days row by row:
hours instead of seconds.
"""


def _groups_sql() -> str:
    """Return the counts of the rows of all metrics: one SELECT for each kind of rows, with 0 for other counts."""
    counts = {count.name: count.sql for metric in COUNTED for count in metric.counts}
    return "\n    UNION ALL\n    ".join(
        f"SELECT marketplace, channel, day, {_columns(counts, counted)} FROM ({rows.sql(NEWEST)}) AS rows GROUP BY 1, 2, 3"
        for rows, counted in _names_by_rows()
    )


def _names_by_rows() -> list[tuple[Rows, set[str]]]:
    """Return each kind of rows with the names of its counts. All metrics of orders share their rows."""
    names: defaultdict[Rows, set[str]] = defaultdict(set)
    of_orders = reduce(or_, (metric.rows for metric in COUNTED if isinstance(metric.rows, Orders)))
    for metric in COUNTED:
        rows = of_orders if isinstance(metric.rows, Orders) else metric.rows
        if rows is not None:
            names[rows] |= {count.name for count in metric.counts}
    return list(names.items())


def _columns(counts: dict[str, str], counted: set[str]) -> str:
    return ", ".join(f"{counts[name] if name in counted else 0} AS {name}" for name in COUNTS)


GROUPS = _groups_sql()
SUMS = ", ".join(f"sum({name})::int AS {name}" for name in COUNTS)
COUNT = f"""
SELECT marketplace, channel, day, {SUMS} FROM ({GROUPS}) AS grouped GROUP BY marketplace, channel, day
"""

# FULL JOIN: a day whose last fact has moved to another day gets a version with zeros. IS DISTINCT FROM:
# an equal count needs no version.
NAMES = ", ".join(COUNTS)
PRESENT = ", ".join(f"coalesce(counted.{name}, 0)" for name in COUNTS)
BEFORE = ", ".join(f"coalesce(newest.{name}, 0)" for name in COUNTS)
REBUILD = f"""
WITH grouped AS (
    {GROUPS}
    UNION ALL
    SELECT marketplace, channel, day, {NAMES} FROM metrics_carriedcounts WHERE {ACCOUNT_ROWS} AND day = ANY(%(days)s)
), counted AS (
    SELECT marketplace, channel, day, {SUMS} FROM grouped GROUP BY marketplace, channel, day
), newest AS (
    SELECT DISTINCT ON (marketplace, channel, day) marketplace, channel, day, {NAMES}
    FROM metrics_dailycounts
    WHERE {ACCOUNT_ROWS} AND day = ANY(%(days)s)
    ORDER BY marketplace, channel, day, recorded_at DESC
)
INSERT INTO metrics_dailycounts (agency_id, account_id, marketplace, channel, day, recorded_at, {NAMES})
SELECT %(agency)s, %(account)s, marketplace, channel, day, %(recorded_at)s, {PRESENT}
FROM counted FULL JOIN newest USING (marketplace, channel, day)
WHERE ({PRESENT}) IS DISTINCT FROM ({BEFORE})
RETURNING marketplace, channel, day
"""


@dataclass(frozen=True)
class Rebuilt:
    """Store each (marketplace, channel, day) with a new version."""

    versions: frozenset[tuple[str, str, date]] = frozenset()

    @property
    def marketplaces(self) -> frozenset[str]:
        return frozenset(marketplace for marketplace, _, _ in self.versions)


def rebuild(*, account: SellerAccount, days: Collection[date], recorded_at: datetime) -> Rebuilt:
    """Count the given days again and write a new version of each row that changed.

    1. remove feedback that a later report no longer lists   2. apply the agency's choice of denominator
    3. count these days and those that the first two steps changed

    Days before the account's `data_from` are left out: their facts have ended, or are ending. Requires a
    transaction that holds the account's lock.
    """
    # Both change what is counted, so they come before the statement that counts.
    removed = feedback_removal.remove_unlisted(account=account, recorded_at=recorded_at)
    redefined = denominators.apply(account=account, now=recorded_at)
    days = [day for day in {*days, *removed, *redefined} if not account.data_from or day >= account.data_from]
    if not days:
        return Rebuilt()
    with _planned_for(days) as cursor:
        params = _params(account, days, recorded_at, account.data_from)
        cursor.execute(REBUILD, params | {"recorded_at": recorded_at})
        return Rebuilt(frozenset(cursor.fetchall()))


def count(
    *, account: SellerAccount, days: Collection[date], known_at: datetime, data_from: date | None
) -> dict[tuple[str, str, date], tuple[int, ...]]:
    """Count the facts of these days, by marketplace, channel and day, in the order of COUNTS. Write nothing.

    Facts of orders of days before `data_from` are left out.
    """
    with _planned_for(days) as cursor:
        cursor.execute(COUNT, _params(account, days, known_at, data_from))
        return {(row[0], row[1], row[2]): row[3:] for row in cursor.fetchall()}


def _planned_for(days: Collection[date]) -> AbstractContextManager[CursorWrapper]:
    """Return a cursor whose statements join the facts of many days without nested loops."""
    return without_nested_loops() if len(days) > NESTED_LOOP_MAX_DAYS else connection.cursor()


@contextmanager
def without_nested_loops() -> Iterator[CursorWrapper]:
    """Yield a cursor whose statements are planned without nested loops. Requires a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield cursor
        # The later statements of the transaction read few rows, for which nested loops are fastest.
        cursor.execute("SET LOCAL enable_nestloop = on")


def _params(
    account: SellerAccount, days: Collection[date], known_at: datetime, data_from: date | None
) -> dict[str, Any]:
    return {
        "agency": account.agency_id,
        "account": account.pk,
        "days": sorted(days),
        "data_from": data_from or date.min,
        "excluded_statuses": denominators.excluded_statuses(account=account, known_at=known_at),
    }
