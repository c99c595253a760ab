"""Detect removed feedback: it is missing from a later report that covers its day. No report states removals.

All stored feedback and coverage is evaluated, so the order in which reports are loaded does not matter. The
report received later takes precedence.
"""

from datetime import date, datetime
from uuid import UUID

from django.db import connection

from accounts.models import SellerAccount

# A report without rows, or with rows outside the period, is not what its sender says. It covers nothing, or
# the feedback of the whole period would count as removed.
RECORD_COVERAGE = """
INSERT INTO metrics_feedbackcoverage (
    agency_id, account_id, marketplace, first_on, last_on, received_at, recorded_at, report_id)
SELECT %(agency)s, %(account)s, %(marketplace)s, %(first)s, %(last)s, %(received_at)s, %(recorded_at)s,
    %(report)s
FROM staged_defects
HAVING count(*) > 0 AND min(occurred_on) >= %(first)s AND max(occurred_on) <= %(last)s
"""

# Feedback has no marketplace of its own: that of its order decides. The report's ID is compared as well, so
# that two reports received at one moment have an order.
REMOVE_UNLISTED = """
WITH unlisted AS (
    SELECT DISTINCT ON (order_id) order_id, ordered_on, coverage.received_at, coverage.report_id
    FROM metrics_feedbackcoverage AS coverage
    JOIN metrics_defect AS defect USING (agency_id, account_id)
    JOIN metrics_order AS placed USING (agency_id, account_id, order_id)
    WHERE agency_id = %(agency)s AND account_id = %(account)s
        AND kind = 'feedback' AND reference = '' AND state = 'posted' AND rating BETWEEN 1 AND 3
        AND occurred_on BETWEEN first_on AND last_on AND placed.marketplace = coverage.marketplace
        AND (defect.received_at, defect.report_id) < (coverage.received_at, coverage.report_id)
    ORDER BY order_id, coverage.received_at DESC, coverage.report_id DESC
), removed AS (
    UPDATE metrics_defect AS defect
    SET state = 'removed', counts = false, received_at = unlisted.received_at, line = 0,
        recorded_at = %(recorded_at)s,
        report_id = unlisted.report_id
    FROM unlisted
    WHERE agency_id = %(agency)s AND account_id = %(account)s
        AND defect.order_id = unlisted.order_id AND kind = 'feedback' AND reference = ''
)
SELECT coalesce(array_agg(DISTINCT ordered_on), '{}') FROM unlisted
"""


def record_coverage(
    *,
    account: SellerAccount,
    marketplace: str,
    period: tuple[date, date],
    received_at: datetime,
    recorded_at: datetime,
    report_id: UUID,
) -> bool:
    """Record that the staged feedback is all feedback of the period.

    Returns False, and records nothing, if no feedback is staged or some of it is outside the period. Requires
    a transaction that holds the account's lock, and the staging table of `recording.stage`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD_COVERAGE,
            {
                "agency": account.agency_id,
                "account": account.pk,
                "marketplace": marketplace,
                "first": period[0],
                "last": period[1],
                "received_at": received_at,
                "recorded_at": recorded_at,
                "report": report_id,
            },
        )
        return bool(cursor.rowcount)


def remove_unlisted(*, account: SellerAccount, recorded_at: datetime) -> list[date]:
    """Mark feedback as removed if a report received later covers its day but does not list it.

    Returns the days of its orders. Requires a transaction that holds the account's lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            REMOVE_UNLISTED, {"agency": account.agency_id, "account": account.pk, "recorded_at": recorded_at}
        )
        return list(cursor.fetchone()[0])
