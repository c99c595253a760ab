"""Query the drill-down: the orders, packages, requests or messages behind a value, each with reasons."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from api import cursors
from metrics.drilldown import dimensions, reasons
from metrics.pipeline import denominators
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.catalogue.metric import Metric
from metrics.rules.catalogue.reading import AS_KNOWN
from metrics.rules.series import Window

PAGE = """SELECT day, order_id, reference, marketplace, channel, ordered_on, counted, reasons
FROM listed
JOIN unnest(%(marketplaces)s::text[], %(firsts)s::date[], %(lasts)s::date[]) AS windows (marketplace,
    first_on, last_on)
    USING (marketplace)
WHERE day BETWEEN first_on AND last_on AND channel = ANY(%(channels)s)
    AND (%(counted)s::boolean IS NULL OR counted = %(counted)s)
    {also}
    AND (%(after_day)s::date IS NULL OR (day, order_id, reference) < (%(after_day)s, %(after_order)s,
        %(after_reference)s))
ORDER BY day DESC, order_id DESC, reference DESC
LIMIT %(limit)s
"""


def page_sql(metric: Metric, *, filters: tuple[str, ...] = ()) -> str:
    """Return the statement of a page: the rows in the denominator, and whether they are in the numerator.

    `filters` are the dimensions by which rows are selected. Raises ValueError for a metric that only Amazon reports.
    """
    if metric.rows is None or metric.ratio is None:
        raise ValueError(f"{metric.code} is not counted")
    # Materialized: planned together with the windows, the planner expects a few rows and joins them row by row, which
    # is quadratic in the orders.
    keyed = "".join(
        f", by_{name} AS MATERIALIZED ({dimensions.keys_sql(name, metric, of='listed', only=True)})"
        for name in filters
    )
    also = " ".join(
        f"AND (order_id, reference) IN (SELECT order_id, reference FROM by_{name})" for name in filters
    )
    return f"""
WITH listed AS MATERIALIZED (
    SELECT day, order_id, reference, marketplace, channel, ordered_on, reasons,
        ({metric.ratio.numerator.where}) IS TRUE AS counted
    FROM ({metric.rows.sql(AS_KNOWN, where=metric.ratio.denominator.where)}) AS rows
){keyed}
{PAGE.format(also=also)}"""


@cache
def _cached_page_sql(*, code: str, filters: tuple[str, ...]) -> str:
    return page_sql(CATALOGUE[code], filters=filters)


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

    `counted` selects those in the numerator (True) or the others (False). `filters` selects those of a SKU, an ASIN, a
    carrier or a reason, by the name of the dimension. `position_length` is the number of parts of a cursor.
    """

    account: SellerAccount
    metric: Metric
    windows: dict[str, Window]
    channels: list[str]
    known_at: datetime
    counted: bool | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    position_length: int = 3

    def page(self, *, after: list[str] | None, limit: int) -> Sequence[DrilldownRow]:
        """Return the rows after a position. Raises BadCursor."""
        params = self._params() | dict(self.filters) | _after_params(after) | {"limit": limit}
        if not self.metric.is_counted:
            return []
        statement = _cached_page_sql(code=self.metric.code, filters=tuple(sorted(self.filters)))
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            return [self._build_row(row) for row in cursor.fetchall()]

    def position(self, row: DrilldownRow) -> list[str]:
        return [row.day.isoformat(), row.order_id or "", row.reference]

    def _params(self) -> dict[str, Any]:
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
            # Rows of orders that have ended are shown until they are deleted.
            "data_from": date.min,
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
