"""Facts become versioned daily counts, in one statement."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from accounts.models import SellerAccount
from metrics import denominators
from metrics.definitions import COUNTS

COUNTED = {
    "orders": "count(*) FILTER (WHERE status <> ALL(%(not_counted)s) OR defective.order_id IS NOT NULL)",
    "defective_orders": "count(defective.order_id)",
    "negative_feedback_orders": "count(*) FILTER (WHERE defective.by_feedback)",
    "a_to_z_claim_orders": "count(*) FILTER (WHERE defective.by_claim)",
    "chargeback_orders": "count(*) FILTER (WHERE defective.by_chargeback)",
}

REBUILD = """
WITH defective AS (
    SELECT order_id, bool_or(kind = 'feedback') AS by_feedback, bool_or(kind = 'a_to_z_claim') AS by_claim,
        bool_or(kind = 'chargeback') AS by_chargeback
    FROM metrics_defect
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND counts
    GROUP BY order_id
), counted AS (
    SELECT marketplace, channel, ordered_on AS day, {counted}
    FROM metrics_order LEFT JOIN defective USING (order_id)
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND ordered_on = ANY(%(days)s)
        AND marketplace <> 'non_amazon'
    GROUP BY marketplace, channel, ordered_on
), newest AS (
    SELECT DISTINCT ON (marketplace, channel, day) marketplace, channel, day, {columns}
    FROM metrics_dailycounts
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND day = ANY(%(days)s)
    ORDER BY marketplace, channel, day, recorded_at DESC
)
INSERT INTO metrics_dailycounts (agency_id, account_id, marketplace, channel, day, recorded_at, {columns})
SELECT %(agency)s, %(account)s, marketplace, channel, day, %(recorded_at)s, {present}
FROM counted FULL JOIN newest USING (marketplace, channel, day)
WHERE ({present}) IS DISTINCT FROM ({before})
RETURNING marketplace
""".format(
    columns=", ".join(COUNTS),
    counted=", ".join(f"{COUNTED[name]} AS {name}" for name in COUNTS),
    present=", ".join(f"coalesce(counted.{name}, 0)" for name in COUNTS),
    before=", ".join(f"coalesce(newest.{name}, 0)" for name in COUNTS),
)


@dataclass(frozen=True)
class Rebuilt:
    """How many versions were written, and for which marketplaces."""

    versions: int = 0
    marketplaces: frozenset[str] = frozenset()


def rebuild(*, account: SellerAccount, days: Collection[date], recorded_at: datetime) -> Rebuilt:
    """Count these order days again; write a version of each that changed."""
    if not days:
        return Rebuilt()
    with connection.cursor() as cursor:
        cursor.execute(
            REBUILD,
            {
                "agency": account.agency_id,
                "account": account.pk,
                "days": sorted(days),
                "recorded_at": recorded_at,
                "not_counted": denominators.left_out(account=account, known_at=recorded_at),
            },
        )
        return Rebuilt(cursor.rowcount, frozenset(marketplace for (marketplace,) in cursor.fetchall()))
