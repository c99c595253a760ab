"""Defects whose order is not known (yet): shown as such, counted in nothing until the order arrives."""

from datetime import datetime

from django.db import connection

from accounts.models import SellerAccount

COUNT = """
WITH known AS (
    SELECT order_id FROM metrics_defect
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND recorded_at <= %(known_at)s
    UNION ALL
    SELECT order_id FROM metrics_pastdefect
    WHERE agency_id = %(agency)s AND account_id = %(account)s
        AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s
)
SELECT count(*) FROM known
WHERE NOT EXISTS (
    SELECT FROM metrics_order AS placed
    WHERE placed.agency_id = %(agency)s AND placed.account_id = %(account)s AND placed.order_id = known.order_id
        AND placed.recorded_at <= %(known_at)s)
AND NOT EXISTS (
    SELECT FROM metrics_pastorder AS placed
    WHERE placed.agency_id = %(agency)s AND placed.account_id = %(account)s AND placed.order_id = known.order_id
        AND placed.recorded_at <= %(known_at)s)
"""


def count(*, account: SellerAccount, known_at: datetime) -> int:
    """How many defects had no order, as known at a moment."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"agency": account.agency_id, "account": account.pk, "known_at": known_at})
        return int(cursor.fetchone()[0])
