"""What is behind a number: which orders, packages, requests or messages it counts and why, today or as known at any moment."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from api import cursors
from metrics.drilldown.sql import BEHIND, COUNTS_INTO
from metrics.pipeline import denominators
from metrics.rules import defects, reasons
from metrics.rules.facts import Canceller
from metrics.rules.series import Window

PAGE = """
SELECT day, order_id, reference, marketplace, channel, ordered_on, counted, evidence
FROM found
JOIN unnest(%(marketplaces)s::text[], %(firsts)s::date[], %(lasts)s::date[]) AS asked (marketplace, first_on, last_on)
    USING (marketplace)
WHERE day BETWEEN first_on AND last_on AND channel = ANY(%(channels)s)
    AND (%(counted)s::boolean IS NULL OR counted = %(counted)s)
    AND (%(after_day)s::date IS NULL OR (day, order_id, reference) < (%(after_day)s, %(after_order)s, %(after_reference)s))
ORDER BY day DESC, order_id DESC, reference DESC
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class OrderOfWindow:
    """An order (or its package, request, message: `reference`) behind a number. A message may belong to no order."""

    day: date
    order_id: str | None
    reference: str
    marketplace: str
    channel: str
    ordered_on: date | None
    counted: bool
    defects: tuple[reasons.Evidence, ...]
    leaves_window_on: date


@dataclass(frozen=True, kw_only=True)
class OrdersOfWindow:
    """What is in a metric's denominator, newest first, a page at a time. `counted` are those of its numerator."""

    account: SellerAccount
    metric: str
    windows: dict[str, Window]
    channels: list[str]
    known_at: datetime
    counted: bool | None = None
    position_length: int = 3

    def page(self, *, after: list[str] | None, limit: int) -> Sequence[OrderOfWindow]:
        with connection.cursor() as cursor:
            cursor.execute(f"WITH {BEHIND[self.metric]}{PAGE}", self._asked() | _beyond(after) | {"limit": limit})
            return [self._order(row) for row in cursor.fetchall()]

    def position(self, row: OrderOfWindow) -> list[str]:
        return [row.day.isoformat(), row.order_id or "", row.reference]

    def _asked(self) -> dict[str, Any]:
        kinds = COUNTS_INTO.get(self.metric, ())
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
            "kinds": [kind.value for kind in kinds],
            "shown": [kind.value for kind in (defects.IN_ODR if set(kinds) <= set(defects.IN_ODR) else kinds)],
            "hearsay": list(defects.HEARD),
            "sellers_doing": [Canceller.SELLER.value, Canceller.UNCONFIRMED.value],
            "counted": self.counted,
            "not_counted": denominators.left_out(account=self.account, known_at=self.known_at),
        }

    def _order(self, row: tuple[Any, ...]) -> OrderOfWindow:
        day, order_id, reference, marketplace, channel, ordered_on, counted, told = row
        window = self.windows[marketplace]
        return OrderOfWindow(
            day=day,
            order_id=order_id or None,
            reference=reference,
            marketplace=marketplace,
            channel=channel,
            ordered_on=ordered_on,
            counted=counted,
            defects=tuple(reasons.of(each) for each in json.loads(told)),
            leaves_window_on=day + timedelta(days=window.days + window.offset),
        )


def _beyond(after: list[str] | None) -> dict[str, Any]:
    if after is None:
        return {"after_day": None, "after_order": None, "after_reference": None}
    try:
        order, reference = (part.replace("\0", "") for part in after[1:])
        return {"after_day": date.fromisoformat(after[0]), "after_order": order, "after_reference": reference}
    except ValueError:
        raise cursors.BadCursor from None
