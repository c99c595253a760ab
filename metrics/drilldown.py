"""The orders behind a number: which ones it counts and why, today or as known at any moment."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from accounts import cursors
from accounts.models import SellerAccount
from metrics import defects, denominators
from metrics.facts import DefectKind
from metrics.values import Window

COUNTS_INTO: dict[str, tuple[str, ...]] = {
    "order_defect_rate": tuple(DefectKind),
    "negative_feedback_rate": (DefectKind.FEEDBACK,),
    "a_to_z_claim_rate": (DefectKind.A_TO_Z_CLAIM,),
    "chargeback_rate": (DefectKind.CHARGEBACK,),
}
"""Whose defects put an order into a metric's numerator."""

ORDERS = """
WITH orders AS (
    SELECT order_id, marketplace, channel, status, ordered_on FROM metrics_order
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND ordered_on BETWEEN %(first)s AND %(last)s
        AND recorded_at <= %(known_at)s
    UNION ALL
    SELECT order_id, marketplace, channel, status, ordered_on FROM metrics_pastorder
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND ordered_on BETWEEN %(first)s AND %(last)s
        AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s
), told AS (
    SELECT order_id, kind, reference, state, rating, occurred_on, funded_by, counts FROM metrics_defect
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND recorded_at <= %(known_at)s
    UNION ALL
    SELECT order_id, kind, reference, state, rating, occurred_on, funded_by, counts FROM metrics_pastdefect
    WHERE agency_id = %(agency)s AND account_id = %(account)s
        AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s
), defective AS (
    SELECT order_id, bool_or(counts) AS any_counts, bool_or(counts AND kind = ANY(%(kinds)s)) AS counted,
        jsonb_agg(jsonb_build_object('kind', kind, 'reference', reference, 'state', state, 'rating', rating,
            'occurred_on', occurred_on, 'funded_by', funded_by, 'counts', counts)
            ORDER BY occurred_on, kind, reference) AS defects
    FROM told GROUP BY order_id
)
SELECT order_id, marketplace, channel, ordered_on, coalesce(counted, false) AS is_counted,
    coalesce(defects, '[]'::jsonb)
FROM orders LEFT JOIN defective USING (order_id)
JOIN unnest(%(marketplaces)s::text[], %(firsts)s::date[], %(lasts)s::date[]) AS asked (marketplace, first_on, last_on)
    USING (marketplace)
WHERE ordered_on BETWEEN first_on AND last_on AND channel = ANY(%(channels)s)
    AND (status <> ALL(%(not_counted)s) OR coalesce(any_counts, false))
    AND (%(counted)s::boolean IS NULL OR coalesce(counted, false) = %(counted)s)
    AND (%(after_day)s::date IS NULL OR (ordered_on, order_id) < (%(after_day)s, %(after_order)s))
ORDER BY ordered_on DESC, order_id DESC
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class DefectOfOrder:
    kind: str
    state: str
    rating: int | None
    occurred_on: str | None
    counts: bool
    reason: str
    reference: str
    funded_by: str


@dataclass(frozen=True, slots=True)
class OrderOfWindow:
    order_id: str
    marketplace: str
    channel: str
    ordered_on: date
    counted: bool
    defects: tuple[DefectOfOrder, ...]
    leaves_window_on: date


@dataclass(frozen=True, kw_only=True)
class OrdersOfWindow:
    """The orders of a metric's denominator, newest first, a page at a time. `counted` are those of its numerator."""

    account: SellerAccount
    metric: str
    windows: dict[str, Window]
    channels: list[str]
    known_at: datetime
    counted: bool | None = None
    places: int = 2

    def page(self, *, after: list[str] | None, limit: int) -> Sequence[OrderOfWindow]:
        with connection.cursor() as cursor:
            cursor.execute(ORDERS, self._asked() | _beyond(after) | {"limit": limit})
            return [self._order(row) for row in cursor.fetchall()]

    def position(self, row: OrderOfWindow) -> list[str]:
        return [row.ordered_on.isoformat(), row.order_id]

    def _asked(self) -> dict[str, Any]:
        return {
            "agency": self.account.agency_id,
            "account": self.account.pk,
            "first": min((window.first for window in self.windows.values()), default=None),
            "last": max((window.last for window in self.windows.values()), default=None),
            "marketplaces": list(self.windows),
            "firsts": [window.first for window in self.windows.values()],
            "lasts": [window.last for window in self.windows.values()],
            "channels": self.channels,
            "known_at": self.known_at,
            "kinds": list(COUNTS_INTO[self.metric]),
            "counted": self.counted,
            "not_counted": denominators.left_out(account=self.account, known_at=self.known_at),
        }

    def _order(self, row: tuple[Any, ...]) -> OrderOfWindow:
        order_id, marketplace, channel, ordered_on, counted, told = row
        window = self.windows[marketplace]
        return OrderOfWindow(
            order_id=order_id,
            marketplace=marketplace,
            channel=channel,
            ordered_on=ordered_on,
            counted=counted,
            defects=tuple(_defect(each) for each in json.loads(told)),
            leaves_window_on=ordered_on + timedelta(days=window.days + window.offset),
        )


def _beyond(after: list[str] | None) -> dict[str, Any]:
    if after is None:
        return {"after_day": None, "after_order": None}
    try:
        return {"after_day": date.fromisoformat(after[0]), "after_order": after[1].replace("\0", "")}
    except ValueError:
        raise cursors.BadCursor from None


def _defect(told: dict[str, Any]) -> DefectOfOrder:
    ruled = defects.ruling(kind=told["kind"], state=told["state"], rating=told["rating"])
    return DefectOfOrder(reason=ruled.reason, **told)
