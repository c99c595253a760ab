"""Defects whose order is not known (yet): shown as such, counted in nothing until the order arrives."""

from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from metrics.rules import defects

COUNT = """
WITH known AS (
    SELECT order_id, kind, state FROM metrics_defect
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND recorded_at <= %(known_at)s
    UNION ALL
    SELECT order_id, kind, state FROM metrics_pastdefect
    WHERE agency_id = %(agency)s AND account_id = %(account)s
        AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s
), waiting AS (
    SELECT order_id, kind, count(*) FILTER (WHERE state <> ALL(%(hearsay)s)) AS detailed FROM known
    WHERE NOT EXISTS (
        SELECT FROM metrics_order AS placed
        WHERE placed.agency_id = %(agency)s AND placed.account_id = %(account)s AND placed.order_id = known.order_id
            AND placed.recorded_at <= %(known_at)s)
    AND NOT EXISTS (
        SELECT FROM metrics_pastorder AS placed
        WHERE placed.agency_id = %(agency)s AND placed.account_id = %(account)s AND placed.order_id = known.order_id
            AND placed.recorded_at <= %(known_at)s)
    GROUP BY order_id, kind
)
SELECT coalesce(sum(greatest(detailed, 1)), 0) FROM waiting
"""


def count(*, account: SellerAccount, known_at: datetime) -> int:
    """How many defects had no order, as known at a moment. Hearsay of a defect is one where nothing tells more of it."""
    asked: dict[str, Any] = {
        "agency": account.agency_id,
        "account": account.pk,
        "known_at": known_at,
        "hearsay": list(defects.HEARD),
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, asked)
        return int(cursor.fetchone()[0])
