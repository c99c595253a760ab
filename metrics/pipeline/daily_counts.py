"""Count facts by day, in versions, with one statement.

Each group counts by one kind of day (order, ship-by, ship, promise, request, message). The row of a day is
the sum of the groups.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from accounts.models import SellerAccount
from metrics.pipeline import denominators, feedback_removal
from metrics.pipeline.statements import ACCOUNT_ROWS, SOLD_BY_AMAZON
from metrics.rules import defects
from metrics.rules.definitions import COUNTS
from metrics.rules.facts import Canceller, OrderStatus

NESTED_LOOP_MAX_DAYS = 7
"""Turn nested loops off above this number of days.

The planner takes a new table without statistics for empty, and would join the facts of many days row by row:
hours instead of seconds.
"""

# Orders of days before the account's `data_from` have ended or may end at any time. What they contributed to later
# days is carried (metrics/retention/carried_counts.py), so they are not counted again, even if a late report
# states them again.
IS_STORED = "ordered_on >= %(data_from)s"
# `defective` has one row per order, so an order with several defects counts once. metrics/rules/defects.py
# decided `counts` for each defect; metrics/drilldown/sql.py repeats this for the orders behind a value.
# An unconfirmed statement counts only while there is no statement with details about this kind of defect on
# the order. A cancellation after the shipment is a refund. Amazon's lists of late deliveries and of packages
# without valid tracking name the package by its tracking number; if it is none of the order's packages, which
# of them is meant is unknown, and all count as missed.
JUDGED_ORDERS = f"""
statements AS (
    SELECT order_id, kind,
        CASE WHEN bool_and(state = ANY(%(unconfirmed)s)) THEN true ELSE bool_or(counts
            AND state <> ALL(%(unconfirmed)s)) END AS counts
    FROM metrics_defect WHERE {ACCOUNT_ROWS} GROUP BY order_id, kind
), defective AS (
    SELECT order_id, bool_or(kind = 'feedback') AS by_feedback, bool_or(kind = 'a_to_z_claim') AS by_claim,
        bool_or(kind = 'chargeback') AS by_chargeback, bool_or(kind IN ('feedback', 'a_to_z_claim',
            'chargeback')) AS by_any,
        bool_or(kind = 'late_shipment') AS by_lateness, bool_or(kind = 'cancellation') AS by_cancellation,
        bool_or(kind = 'invoice_defect') AS by_invoice
    FROM statements WHERE counts GROUP BY order_id
), listed_packages AS (
    SELECT order_id, package, bool_or(kind = 'late_delivery') AS by_late_delivery,
        bool_or(kind = 'invalid_tracking') AS by_tracking
    FROM (
        SELECT order_id, package, kind, reference,
            bool_or(reference = package) OVER (PARTITION BY order_id, kind, reference) AS is_named
        FROM metrics_defect JOIN metrics_shipment USING (agency_id, account_id, order_id)
        WHERE {ACCOUNT_ROWS} AND kind IN ('late_delivery', 'invalid_tracking') AND counts
    ) AS pairs
    WHERE reference = package OR NOT is_named GROUP BY order_id, package
), cancelled AS (
    SELECT order_id, bool_or(cancelled_by = ANY(%(seller_cancellers)s) AND shipped_on IS NULL) AS by_seller
    FROM metrics_shipment WHERE {ACCOUNT_ROWS} AND cancelled_by <> '' GROUP BY order_id
), returned AS (
    SELECT DISTINCT order_id, true AS is_returned FROM metrics_return WHERE {ACCOUNT_ROWS} AND is_return
), judged AS (
    SELECT marketplace, channel, ordered_on AS day, order_id, status,
        status <> ALL(%(excluded_statuses)s) AS is_in, coalesce(by_any, false) AS by_any,
            coalesce(by_feedback, false) AS by_feedback,
        coalesce(by_claim, false) AS by_claim, coalesce(by_chargeback, false) AS by_chargeback,
        coalesce(by_seller, false) OR coalesce(by_cancellation, false) AS by_seller,
        status = {OrderStatus.CANCELLED:d} AND by_seller IS NULL AND NOT coalesce(by_cancellation,
            false) AS is_unexplained,
        coalesce(is_returned, false) AS is_returned
    FROM metrics_order LEFT JOIN defective USING (order_id) LEFT JOIN cancelled USING (order_id)
        LEFT JOIN returned USING (order_id)
    WHERE {ACCOUNT_ROWS} AND ordered_on = ANY(%(days)s) AND {SOLD_BY_AMAZON}
)"""


@dataclass(frozen=True, slots=True)
class Group:
    """Describe one group of counts: an SQL aggregate for each column, the rows, their day and channel."""

    counts: dict[str, str]
    rows: str
    day: str = "day"
    channel: str = "channel"

    def sql(self) -> str:
        """Return the SELECT of the group's counts by marketplace, channel and day; other counts are 0."""
        columns = ", ".join(f"{self.counts.get(name, '0')} AS {name}" for name in COUNTS)
        return f"SELECT marketplace, {self.channel} AS channel, {self.day} AS day, {columns} FROM {self.rows} GROUP BY 1, 2, 3"


def _orders_with_packages(day: str, judged: str) -> str:
    """Return SQL for one row per order: its packages' earliest `day`, and whether `judged` is true for any.

    Packages for which `judged` is not known yet are left out.
    """
    # All packages of these orders, whatever their days: the earliest one decides the day of the order.
    return f"""(
        SELECT order_id, min({day}) AS day, bool_or({judged}) AS missed FROM metrics_shipment
        WHERE {ACCOUNT_ROWS} AND shipped_on IS NOT NULL AND {day} IS NOT NULL AND ({judged}) IS NOT NULL AND order_id IN (
            SELECT order_id FROM metrics_shipment WHERE {ACCOUNT_ROWS} AND {day} = ANY(%(days)s))
        GROUP BY order_id HAVING min({day}) = ANY(%(days)s)
    ) AS packages JOIN metrics_order USING (order_id) LEFT JOIN defective USING (order_id)
    WHERE {ACCOUNT_ROWS} AND {SOLD_BY_AMAZON} AND {IS_STORED}"""


def _packages(day: str, condition: str) -> str:
    """Return SQL for one row per package that meets the condition."""
    return f"""metrics_shipment AS package JOIN metrics_order USING (agency_id, account_id, order_id)
        LEFT JOIN listed_packages USING (order_id, package)
        WHERE {ACCOUNT_ROWS} AND {SOLD_BY_AMAZON} AND {IS_STORED} AND {day} = ANY(%(days)s) AND {condition}"""


IS_TRACKED = "is_scanned IS TRUE AND is_on_time IS NOT NULL"
IS_IN_TIME = f"{IS_TRACKED} AND is_on_time AND by_late_delivery IS NOT TRUE"

GROUPS = (
    Group(
        {
            # An order with a counted defect is in the denominator whatever its
            # status, or a rate could exceed 1.
            "orders": "count(*) FILTER (WHERE is_in OR by_any)",
            "defective_orders": "count(*) FILTER (WHERE by_any)",
            "negative_feedback_orders": "count(*) FILTER (WHERE by_feedback)",
            "a_to_z_claim_orders": "count(*) FILTER (WHERE by_claim)",
            "chargeback_orders": "count(*) FILTER (WHERE by_chargeback)",
            "cancellable_orders": "count(*) FILTER (WHERE is_in OR by_seller)",
            "seller_cancelled_orders": "count(*) FILTER (WHERE by_seller)",
            "unexplained_cancelled_orders": "count(*) FILTER (WHERE is_unexplained)",
            "uncounted_cancelled_orders": "count(*) FILTER (WHERE is_unexplained AND NOT is_in)",
            "returnable_orders": "count(*) FILTER (WHERE is_in OR is_returned)",
            "returned_orders": "count(*) FILTER (WHERE is_returned)",
        },
        "judged",
    ),
    Group(
        {
            "shipped_orders": "count(*)",
            "late_orders": "count(*) FILTER (WHERE missed OR coalesce(by_lateness, false))",
        },
        _orders_with_packages("ship_by_on", "is_late"),
    ),
    Group(
        {
            "business_orders": "count(*)",
            "invoice_defect_orders": "count(*) FILTER (WHERE missed OR coalesce(by_invoice, false))",
        },
        _orders_with_packages("shipped_on", "NOT is_invoiced_in_time"),
    ),
    Group(
        {
            "shipped_packages": "count(is_scanned)",
            "scanned_packages": "count(*) FILTER (WHERE is_scanned AND by_tracking IS NOT TRUE)",
            "unknown_scan_packages": "count(*) FILTER (WHERE is_scanned IS NULL)",
        },
        _packages("shipped_on", "shipped_on IS NOT NULL"),
        day="shipped_on",
    ),
    Group(
        {
            "tracked_packages": f"count(*) FILTER (WHERE {IS_TRACKED})",
            "on_time_packages": f"count(*) FILTER (WHERE {IS_IN_TIME})",
            "unknown_delivery_packages": f"count(*) FILTER (WHERE NOT ({IS_TRACKED}))",
            "tracked_units": f"coalesce(sum(units) FILTER (WHERE {IS_TRACKED}), 0)",
            "on_time_units": f"coalesce(sum(units) FILTER (WHERE {IS_IN_TIME}), 0)",
            "unknown_delivery_units": f"coalesce(sum(units) FILTER (WHERE NOT ({IS_TRACKED})), 0)",
            "business_tracked_units": f"coalesce(sum(units) FILTER (WHERE {IS_TRACKED} AND is_business), 0)",
            "business_on_time_units": f"coalesce(sum(units) FILTER (WHERE {IS_IN_TIME} AND is_business), 0)",
            "business_unknown_units": f"coalesce(sum(units) FILTER (WHERE NOT ({IS_TRACKED}) AND is_business), 0)",
        },
        # A package without a scan is not tracked. If its scan or its delivery is unknown, it is left open.
        _packages(
            "deliver_by_on",
            f"(({IS_TRACKED}) OR (shipped_on IS NOT NULL AND is_scanned IS NOT FALSE))",
        ),
        day="deliver_by_on",
    ),
    Group(
        {"return_requests": "count(*)", "dissatisfied_requests": "count(*) FILTER (WHERE is_dissatisfied)"},
        f"""metrics_return AS request JOIN metrics_order USING (agency_id, account_id, order_id)
        WHERE {ACCOUNT_ROWS} AND {SOLD_BY_AMAZON} AND {IS_STORED} AND requested_on = ANY(%(days)s)
            AND is_dissatisfied IS NOT NULL""",
        day="requested_on",
    ),
    Group(
        {"messages": "count(*)", "answered_messages": "count(*) FILTER (WHERE is_answered_in_time)"},
        f"metrics_message WHERE {ACCOUNT_ROWS} AND sent_on = ANY(%(days)s) AND needs_answer AND "
        "is_answered_in_time IS NOT NULL",
        day="sent_on",
        channel="'all'",
    ),
)

COUNT = """
WITH {judged_orders}, grouped AS (
    {groups}
)
SELECT marketplace, channel, day, {sums} FROM grouped GROUP BY marketplace, channel, day
""".format(
    judged_orders=JUDGED_ORDERS.strip(),
    groups="\n    UNION ALL\n    ".join(group.sql() for group in GROUPS),
    sums=", ".join(f"sum({name})::int AS {name}" for name in COUNTS),
)

# FULL JOIN: a day whose last fact has moved to another day gets a version with zeros. IS DISTINCT FROM:
# an equal count needs no version.
REBUILD = """
WITH {judged_orders}, grouped AS (
    {groups}
    UNION ALL
    SELECT marketplace, channel, day, {columns} FROM metrics_carriedcounts WHERE {account_rows} AND day = ANY(%(days)s)
), counted AS (
    SELECT marketplace, channel, day, {sums} FROM grouped GROUP BY marketplace, channel, day
), newest AS (
    SELECT DISTINCT ON (marketplace, channel, day) marketplace, channel, day, {columns}
    FROM metrics_dailycounts
    WHERE {account_rows} AND day = ANY(%(days)s)
    ORDER BY marketplace, channel, day, recorded_at DESC
)
INSERT INTO metrics_dailycounts (agency_id, account_id, marketplace, channel, day, recorded_at, {columns})
SELECT %(agency)s, %(account)s, marketplace, channel, day, %(recorded_at)s, {present}
FROM counted FULL JOIN newest USING (marketplace, channel, day)
WHERE ({present}) IS DISTINCT FROM ({before})
RETURNING marketplace, channel, day
""".format(
    judged_orders=JUDGED_ORDERS.strip(),
    groups="\n    UNION ALL\n    ".join(group.sql() for group in GROUPS),
    sums=", ".join(f"sum({name})::int AS {name}" for name in COUNTS),
    columns=", ".join(COUNTS),
    account_rows=ACCOUNT_ROWS,
    present=", ".join(f"coalesce(counted.{name}, 0)" for name in COUNTS),
    before=", ".join(f"coalesce(newest.{name}, 0)" for name in COUNTS),
)


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


@contextmanager
def _planned_for(days: Collection[date]) -> Iterator[CursorWrapper]:
    """Yield a cursor whose statements join the facts of many days without nested loops."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL enable_nestloop = {'off' if len(days) > NESTED_LOOP_MAX_DAYS else 'on'}")
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
        "unconfirmed": list(defects.UNCONFIRMED_STATES),
        "seller_cancellers": [Canceller.SELLER.value, Canceller.UNCONFIRMED.value],
    }
