"""Count unmatched defects, which no metric counts because what they are about is not loaded yet."""

from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from metrics.rules import defects
from metrics.rules.facts import DefectKind

ACCOUNT = "agency_id = %(agency)s AND account_id = %(account)s"
JUDGED_PACKAGES: dict[str, str] = {
    DefectKind.LATE_DELIVERY: "deliver_by_on IS NOT NULL AND is_scanned AND is_on_time IS NOT NULL",
    DefectKind.INVALID_TRACKING: "shipped_on IS NOT NULL AND is_scanned IS NOT NULL",
    DefectKind.INVOICE_DEFECT: "shipped_on IS NOT NULL AND is_invoiced_in_time IS NOT NULL",
}
"""By kind of defect, the packages that are in the denominator of its metric.

Amazon's lists of these defects name only what missed the metric. Until the package itself is loaded, such a
defect is unmatched: it alone would make a rate of 0 of 1.
"""

# At an earlier `known_at`, an order may be in the past table only, so both tables are searched.
COUNT = f"""
WITH defects AS (
    SELECT order_id, kind, state FROM metrics_defect WHERE {ACCOUNT} AND recorded_at <= %(known_at)s
    UNION ALL
    SELECT order_id, kind, state FROM metrics_pastdefect
    WHERE {ACCOUNT} AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s
), listed AS (
    SELECT DISTINCT order_id FROM defects WHERE kind = ANY(%(package_kinds)s)
), packages AS (
    SELECT * FROM (
        SELECT order_id, shipped_on, deliver_by_on, is_scanned, is_on_time, is_invoiced_in_time
        FROM metrics_shipment WHERE {ACCOUNT} AND recorded_at <= %(known_at)s
        UNION ALL
        SELECT order_id, shipped_on, deliver_by_on, is_scanned, is_on_time, is_invoiced_in_time
        FROM metrics_pastshipment
        WHERE {ACCOUNT} AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s
    ) AS known JOIN listed USING (order_id)
), judged AS (
    {
    " UNION ".join(
        f"SELECT order_id, '{kind}' AS kind FROM packages WHERE {condition}"
        for kind, condition in JUDGED_PACKAGES.items()
    )
}
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
    OR kind = ANY(%(package_kinds)s) AND NOT EXISTS (
        SELECT FROM judged WHERE judged.order_id = defects.order_id AND judged.kind = defects.kind)
    GROUP BY order_id, kind
)
SELECT coalesce(sum(greatest(detailed, 1)), 0) FROM unmatched
"""


def count(*, account: SellerAccount, known_at: datetime) -> int:
    """Return the number of defects that no metric can count, as known at a moment.

    Unconfirmed defects of one kind on one order count as one defect, or not at all if one of them is
    confirmed.
    """
    params: dict[str, Any] = {
        "agency": account.agency_id,
        "account": account.pk,
        "known_at": known_at,
        "unconfirmed": list(defects.UNCONFIRMED_STATES),
        "package_kinds": [str(kind) for kind in JUDGED_PACKAGES],
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, params)
        return int(cursor.fetchone()[0])
