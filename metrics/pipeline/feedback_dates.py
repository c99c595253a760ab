"""Judge the dates of feedback by their orders: the store decides the order of day and month, and feedback
comes after its order (ADR 17).

1. `settle_staged` before a report is recorded: reads its dates by the orders that are loaded, and removes rows
   that no reading fits   2. `settle_recorded` after orders are recorded: does the same for feedback that is
   loaded already
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection

from accounts.models import SellerAccount
from metrics.rules.defects import BEFORE_ITS_ORDER, POSTED

# Days of a store and UTC days differ by at most one. A date that reads in one way has no readings.
READ = """
SELECT *, CASE WHEN preferred >= ordered_on - 1 THEN preferred WHEN other >= ordered_on - 1 THEN other END AS read_on
FROM (
    SELECT *, CASE preferred WHEN month_first_on THEN day_first_on ELSE month_first_on END AS other
    FROM (
        SELECT feedback.*, placed.ordered_on, CASE
            WHEN month_first_on IS NULL THEN occurred_on
            WHEN date_order = 'day_first' THEN day_first_on
            WHEN date_order = 'month_first' THEN month_first_on
            WHEN placed.marketplace = 'US' THEN month_first_on
            WHEN placed.marketplace IN ('JP', 'SE', 'non_amazon') THEN occurred_on
            ELSE day_first_on END AS preferred
        FROM {feedback} AS feedback JOIN metrics_order AS placed USING (order_id)
        WHERE placed.agency_id = %(agency)s AND placed.account_id = %(account)s AND date_order <> '' AND {where}
    ) AS preferring
) AS reading
"""
SETTLE_STAGED = f"""
WITH readings AS ({READ.format(feedback="staged_defects", where="true")}), moved AS (
    UPDATE staged_defects AS staged
    SET occurred_on = read_on, stated_at = read_on::timestamp AT TIME ZONE 'UTC'
    FROM readings WHERE staged.line = readings.line AND read_on <> readings.occurred_on
    RETURNING staged.line
), contradicting AS (
    DELETE FROM staged_defects AS staged USING readings
    WHERE staged.line = readings.line AND read_on IS NULL
    RETURNING staged.line, readings.occurred_on, readings.ordered_on
)
SELECT (SELECT count(*) FROM moved),
    (SELECT coalesce(bool_and(month_first_on IS NOT NULL), false)
        AND coalesce(bool_or(month_first_on <> day_first_on), false)
        FROM staged_defects WHERE date_order = 'assumed'),
    (SELECT array_agg(line ORDER BY line) FROM contradicting),
    (SELECT array_agg(occurred_on ORDER BY line) FROM contradicting),
    (SELECT array_agg(ordered_on ORDER BY line) FROM contradicting)
"""
SETTLE_RECORDED = f"""
WITH readings AS ({
    READ.format(
        feedback="(SELECT order_id, reference, state, occurred_on, month_first_on, day_first_on, date_order "
        "FROM metrics_defect WHERE agency_id = %(agency)s AND account_id = %(account)s AND kind = 'feedback' "
        "AND state = ANY(%(states)s))",
        where="placed.report_id = %(report)s",
    )
}), settled AS (
    UPDATE metrics_defect AS defect
    SET occurred_on = coalesce(read_on, defect.occurred_on),
        stated_at = coalesce(read_on::timestamp AT TIME ZONE 'UTC', defect.stated_at),
        state = CASE WHEN read_on IS NULL THEN %(contradicting)s ELSE %(posted)s END,
        counts = read_on IS NOT NULL AND rating IN (1, 2),
        recorded_at = %(recorded_at)s
    FROM readings
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND defect.order_id = readings.order_id
        AND kind = 'feedback' AND defect.reference = readings.reference
        AND (read_on IS DISTINCT FROM defect.occurred_on OR defect.state = %(contradicting)s)
        AND (read_on IS NOT NULL OR defect.state <> %(contradicting)s)
    RETURNING ordered_on, read_on IS NULL AS contradicts
)
SELECT coalesce(array_agg(DISTINCT ordered_on), '{{}}'), count(*) FILTER (WHERE contradicts) FROM settled
"""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Name a row whose date is before its order, however it is read."""

    line: int
    occurred_on: date
    ordered_on: date


@dataclass(frozen=True, slots=True)
class Staged:
    """Say how many dates were read in the other order, whether all dates read both ways, and which fit no
    order.
    """

    moved: int
    is_ambiguous: bool
    contradictions: tuple[Contradiction, ...]


def settle_staged(*, account: SellerAccount) -> Staged:
    """Read the staged dates by the orders that are loaded, and remove the rows that contradict theirs.

    Requires a transaction that holds the account's lock, and the staging table of `recording.stage`.
    """
    with connection.cursor() as cursor:
        cursor.execute(SETTLE_STAGED, {"agency": account.agency_id, "account": account.pk})
        moved, is_ambiguous, *columns = cursor.fetchone()
    contradictions = zip(*(column or () for column in columns), strict=True)
    return Staged(moved, is_ambiguous, tuple(Contradiction(*each) for each in contradictions))


def settle_recorded(
    *, account: SellerAccount, report_id: UUID, recorded_at: datetime
) -> tuple[frozenset[date], int]:
    """Read the dates of loaded feedback by the orders that this report has just recorded.

    Returns the days of these orders, and how much feedback contradicts its order: it counts no more. Requires a
    transaction that holds the account's lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            SETTLE_RECORDED,
            {
                "agency": account.agency_id,
                "account": account.pk,
                "report": report_id,
                "recorded_at": recorded_at,
                "states": [POSTED, BEFORE_ITS_ORDER],
                "posted": POSTED,
                "contradicting": BEFORE_ITS_ORDER,
            },
        )
        days, contradicting = cursor.fetchone()
    return frozenset(days), contradicting
