"""Count unmatched defects, which no metric counts because their order is not loaded yet."""

from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from metrics.rules import defects

# At an earlier `known_at`, an order may be in the past table only, so both tables are searched.
COUNT = """
WITH defects AS (
    SELECT order_id, kind, state FROM metrics_defect
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND recorded_at <= %(known_at)s
    UNION ALL
    SELECT order_id, kind, state FROM metrics_pastdefect
    WHERE agency_id = %(agency)s AND account_id = %(account)s
        AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s
), unmatched AS (
    SELECT order_id, kind, count(*) FILTER (WHERE state <> ALL(%(unconfirmed)s)) AS detailed FROM defects
    WHERE NOT EXISTS (
        SELECT FROM metrics_order AS placed
        WHERE placed.agency_id = %(agency)s AND placed.account_id = %(account)s
            AND placed.order_id = defects.order_id
            AND placed.recorded_at <= %(known_at)s)
    AND NOT EXISTS (
        SELECT FROM metrics_pastorder AS placed
        WHERE placed.agency_id = %(agency)s AND placed.account_id = %(account)s
            AND placed.order_id = defects.order_id
            AND placed.recorded_at <= %(known_at)s)
    GROUP BY order_id, kind
)
SELECT coalesce(sum(greatest(detailed, 1)), 0) FROM unmatched
"""


def count(*, account: SellerAccount, known_at: datetime) -> int:
    """Return the number of defects without an order, as known at a moment.

    Unconfirmed defects of one kind on one order count as one defect, or not at all if one of them is
    confirmed.
    """
    params: dict[str, Any] = {
        "agency": account.agency_id,
        "account": account.pk,
        "known_at": known_at,
        "unconfirmed": list(defects.UNCONFIRMED_STATES),
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, params)
        return int(cursor.fetchone()[0])
