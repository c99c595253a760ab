"""Feedback that is gone: Amazon's reports never say so, but one that names all feedback of some days says it by silence.

Evaluated over everything known, so that the order in which documents are loaded does not matter: the later received is right.
"""

from datetime import date, datetime
from uuid import UUID

from django.db import connection

from accounts.models import SellerAccount

COVER = """
INSERT INTO metrics_feedbackcoverage (
    agency_id, account_id, marketplace, first_on, last_on, received_at, recorded_at, report_id)
SELECT %(agency)s, %(account)s, %(marketplace)s, %(first)s, %(last)s, %(received_at)s, %(recorded_at)s, %(report)s
FROM staged_defects
HAVING count(*) > 0 AND min(occurred_on) >= %(first)s AND max(occurred_on) <= %(last)s
"""

SWEEP = """
WITH gone AS (
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
    SET state = 'removed', counts = false, received_at = gone.received_at, line = 0, recorded_at = %(recorded_at)s,
        report_id = gone.report_id
    FROM gone
    WHERE agency_id = %(agency)s AND account_id = %(account)s
        AND defect.order_id = gone.order_id AND kind = 'feedback' AND reference = ''
)
SELECT coalesce(array_agg(DISTINCT ordered_on), '{}') FROM gone
"""


def cover(
    *,
    account: SellerAccount,
    marketplace: str,
    period: tuple[date, date],
    received_at: datetime,
    recorded_at: datetime,
    report_id: UUID,
) -> bool:
    """Note that the staged feedback is all of the period's. False where it cannot be: there is none, or some is of other days."""
    with connection.cursor() as cursor:
        cursor.execute(
            COVER,
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


def sweep(*, account: SellerAccount, recorded_at: datetime) -> list[date]:
    """Take feedback as removed that a later report does not name, though it names all of its day. Returns their order days."""
    with connection.cursor() as cursor:
        cursor.execute(SWEEP, {"agency": account.agency_id, "account": account.pk, "recorded_at": recorded_at})
        return list(cursor.fetchone()[0])
