"""Query the drill-down: the orders, packages, requests or messages behind a value, each with reasons."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from api import cursors
from metrics.drilldown.sql import COUNTS_INTO, ROWS
from metrics.pipeline import denominators
from metrics.rules import defects, reasons
from metrics.rules.facts import Canceller
from metrics.rules.series import Window

PAGE = """
SELECT day, order_id, reference, marketplace, channel, ordered_on, counted, reasons
FROM listed
JOIN unnest(%(marketplaces)s::text[], %(firsts)s::date[], %(lasts)s::date[]) AS windows (marketplace,
    first_on, last_on)
    USING (marketplace)
WHERE day BETWEEN first_on AND last_on AND channel = ANY(%(channels)s)
    AND (%(counted)s::boolean IS NULL OR counted = %(counted)s)
    AND (%(after_day)s::date IS NULL OR (day, order_id, reference) < (%(after_day)s, %(after_order)s,
        %(after_reference)s))
ORDER BY day DESC, order_id DESC, reference DESC
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class DrilldownRow:
    """Describe an order behind a value, or one package, request or message of it (`reference`).

    A message may belong to no order. `leaves_window_on` is the first day whose window no longer includes the
    row.
    """

    day: date
    order_id: str | None
    reference: str
    marketplace: str
    channel: str
    ordered_on: date | None
    counted: bool
    defects: tuple[reasons.Reason, ...]
    leaves_window_on: date


@dataclass(frozen=True, kw_only=True)
class Drilldown:
    """Read the rows in a metric's denominator, newest first, a page at a time.

    `counted` selects those in the numerator (True) or the others (False). `position_length` is the number of
    parts of a cursor.
    """

    account: SellerAccount
    metric: str
    windows: dict[str, Window]
    channels: list[str]
    known_at: datetime
    counted: bool | None = None
    position_length: int = 3

    def page(self, *, after: list[str] | None, limit: int) -> Sequence[DrilldownRow]:
        """Return the rows after a position. Raises BadCursor."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH {ROWS[self.metric]}{PAGE}", self._params() | _after_params(after) | {"limit": limit}
            )
            return [self._build_row(row) for row in cursor.fetchall()]

    def position(self, row: DrilldownRow) -> list[str]:
        return [row.day.isoformat(), row.order_id or "", row.reference]

    def _params(self) -> dict[str, Any]:
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
            "shown": [
                # All kinds of the order defect rate are shown even for one of its parts, because any of them
                # makes the order count in the denominator.
                kind.value
                for kind in (defects.ODR_KINDS if set(kinds) <= set(defects.ODR_KINDS) else kinds)
            ],
            "unconfirmed": list(defects.UNCONFIRMED_STATES),
            "seller_cancellers": [Canceller.SELLER.value, Canceller.UNCONFIRMED.value],
            "counted": self.counted,
            "excluded_statuses": denominators.excluded_statuses(account=self.account, known_at=self.known_at),
        }

    def _build_row(self, row: tuple[Any, ...]) -> DrilldownRow:
        day, order_id, reference, marketplace, channel, ordered_on, counted, row_reasons = row
        window = self.windows[marketplace]
        return DrilldownRow(
            day=day,
            order_id=order_id or None,
            reference=reference,
            marketplace=marketplace,
            channel=channel,
            ordered_on=ordered_on,
            counted=counted,
            # Plain cursors return jsonb as text (see pipeline/amazon_reported.py).
            defects=tuple(map(reasons.build_reason, json.loads(row_reasons))),
            leaves_window_on=day + timedelta(days=window.days + window.offset),
        )


def _after_params(after: list[str] | None) -> dict[str, Any]:
    """Return the parameters of a cursor's position. Raises BadCursor."""
    if after is None:
        return {"after_day": None, "after_order": None, "after_reference": None}
    try:
        order, reference = (part.replace("\0", "") for part in after[1:])
        return {"after_day": date.fromisoformat(after[0]), "after_order": order, "after_reference": reference}
    except ValueError:
        raise cursors.BadCursor from None
