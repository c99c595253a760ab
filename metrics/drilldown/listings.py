"""Query the listings behind an on-time delivery rate: the units of each SKU, and how many of them were late.

A package is judged as the metric judges it. Its units belong to the SKU of its order. Of an order with several SKUs:

- If it was shipped completely in one package, each SKU has the quantity of its item.
- Otherwise it is unknown which items are in which package, and the units of the package are unassigned. They are never
  guessed.

Cancelled items are in no package.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from api import cursors
from metrics.pipeline import denominators
from metrics.rules import judgement
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.catalogue.metric import Metric
from metrics.rules.catalogue.reading import AS_KNOWN_WITHOUT_REASONS as READING
from metrics.rules.facts import OrderStatus
from metrics.rules.judgement import Comparator, Limit
from metrics.rules.series import Value

LISTING_METRICS = ("on_time_delivery_rate",)
"""The metrics for whose misses Amazon acts on single listings."""
COUNT = re.compile("[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuUnits:
    """Describe the units of a SKU, and what the newest reports state about its listing. None is unknown."""

    sku: str
    units: int
    late: int
    at_risk: bool
    asin: str | None
    title: str | None
    price: Decimal | None
    quantity: int | None
    channel: str | None
    status: str | None

    @property
    def on_time(self) -> int:
        return self.units - self.late


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Count all units of the window. Those of all SKUs and the unassigned ones add up to them."""

    units: int
    late: int
    unassigned_units: int
    unassigned_late: int


NONE = Totals(units=0, late=0, unassigned_units=0, unassigned_late=0)


@dataclass(kw_only=True)
class ListingsBehind:
    """Read the SKUs behind a value, the one with the most late units first, a page at a time.

    `at_risk` selects those that are at risk (True) or not (False). `totals` is known once a page was read. Without a
    value there is no data.
    """

    account: SellerAccount
    value: Value | None
    known_at: datetime
    at_risk: bool | None = None
    position_length: int = 3
    totals: Totals = NONE

    @cached_property
    def is_enforced_miss(self) -> bool:
        """Return whether the account misses a target that Amazon enforces, so that listings are at risk.

        A value below the minimum that a rule requires misses nothing.
        """
        return self.value is not None and self.value.enforced and self.value.has_met_target is False

    def page(self, *, after: list[str] | None, limit: int) -> Sequence[SkuUnits]:
        """Return the SKUs after a position. Raises BadCursor."""
        position = _after_params(after)
        if self.value is None:
            return []
        params = self._params(self.value) | position | {"limit": limit}
        with connection.cursor() as cursor:
            cursor.execute(STATEMENTS[self.value.metric], params)
            rows = cursor.fetchall()
        units, late, unassigned_units, unassigned_late = rows[0][:TOTALS]
        self.totals = Totals(
            units=units, late=late, unassigned_units=unassigned_units, unassigned_late=unassigned_late
        )
        # Without a SKU on the page there is one row, of the totals alone.
        return [_build(row[TOTALS:]) for row in rows if row[TOTALS] is not None]

    def position(self, row: SkuUnits) -> list[str]:
        return [str(row.late), str(row.units), row.sku]

    def bad_allowed(self, row: SkuUnits) -> int | None:
        """Return how many more late units a SKU may have until its own rate misses the target."""
        limit = self.value.limit if self.value else None
        return judgement.bad_allowed(row.on_time, row.units, limit) if limit else None

    def good_needed(self, row: SkuUnits) -> int | None:
        """Return how many on-time units a SKU needs until its own rate meets the target."""
        limit = self.value.limit if self.value else None
        return judgement.good_needed(row.on_time, row.units, limit) if limit else None

    def _params(self, value: Value) -> dict[str, Any]:
        # Without a target no rate is below it.
        limit = value.limit or Limit(Comparator.GTE, 0, 1)
        return {
            "agency": self.account.agency_id,
            "account": self.account.pk,
            "first": value.window.first,
            "last": value.window.last,
            "marketplace": value.marketplace,
            "channel": value.channel,
            "known_at": self.known_at,
            # Rows of orders that have ended are shown until they are deleted.
            "data_from": date.min,
            "excluded_statuses": denominators.excluded_statuses(account=self.account, known_at=self.known_at),
            "is_missed": self.is_enforced_miss,
            "strict": limit.comparator is Comparator.GT,
            "limit_numerator": limit.numerator,
            "limit_denominator": limit.denominator,
            "at_risk": self.at_risk,
        }


def _build(row: Sequence[Any]) -> SkuUnits:
    sku, units, late, at_risk, asin, title, price, quantity, channel, status = row
    return SkuUnits(
        sku=sku,
        units=units,
        late=late,
        at_risk=at_risk,
        asin=asin or None,
        title=title or None,
        price=price,
        quantity=quantity,
        channel=channel or None,
        status=status or None,
    )


def _after_params(after: list[str] | None) -> dict[str, Any]:
    """Return the parameters of a cursor's position. Raises BadCursor."""
    if after is None:
        return {"after_late": None, "after_units": None, "after_sku": None}
    late, units, sku = after
    if not (COUNT.fullmatch(late) and COUNT.fullmatch(units)):
        raise cursors.BadCursor
    return {"after_late": int(late), "after_units": int(units), "after_sku": sku}


TOTALS = 4
"""The columns of the totals, with which each row begins."""


STATEMENT = """
WITH packages AS MATERIALIZED (
    SELECT order_id, reference, {units} AS units, ({is_on_time}) IS NOT TRUE AS is_late
    FROM ({rows}) AS rows
    WHERE day BETWEEN %(first)s AND %(last)s AND marketplace = %(marketplace)s AND channel = %(channel)s
), orders AS MATERIALIZED (
    SELECT DISTINCT order_id FROM packages
), shipped AS (
    -- All packages of these orders, also those of other windows.
    SELECT order_id, count(*) = 1 AS is_single
    FROM {shipments} AS facts GROUP BY order_id
), placed AS (
    SELECT order_id, status <> {partially_shipped} AS is_complete
    FROM {orders} AS facts
), items AS (
    SELECT order_id, sku, asin, quantity, count(*) OVER of_order = 1 AS is_only,
        bool_and(quantity IS NOT NULL) OVER of_order AS are_counted
    FROM {order_items} AS facts
    WINDOW of_order AS (PARTITION BY order_id)
), assigned AS MATERIALIZED (
    SELECT order_id, reference, sku, asin, is_late, CASE WHEN is_only THEN units ELSE quantity END AS units
    FROM packages JOIN items USING (order_id) JOIN shipped USING (order_id) JOIN placed USING (order_id)
    WHERE is_only OR is_single AND is_complete AND are_counted
), by_sku AS MATERIALIZED (
    SELECT sku, max(asin) AS asin, sum(units) AS units, coalesce(sum(units) FILTER (WHERE is_late), 0) AS late
    FROM assigned GROUP BY sku
), unassigned AS (
    SELECT coalesce(sum(units), 0) AS units, coalesce(sum(units) FILTER (WHERE is_late), 0) AS late
    FROM packages WHERE NOT EXISTS (
        SELECT FROM assigned WHERE assigned.order_id = packages.order_id AND assigned.reference = packages.reference)
), totals AS (
    SELECT unassigned.units + coalesce(sum(by_sku.units), 0) AS units,
        unassigned.late + coalesce(sum(by_sku.late), 0) AS late,
        unassigned.units AS unassigned_units, unassigned.late AS unassigned_late
    FROM unassigned LEFT JOIN by_sku ON true GROUP BY unassigned.units, unassigned.late
), judged AS (
    SELECT *, %(is_missed)s AND CASE WHEN %(strict)s THEN shown <= required ELSE shown < required END AS at_risk
    FROM by_sku CROSS JOIN LATERAL (
        SELECT (units - late) * %(limit_denominator)s AS shown, units * %(limit_numerator)s AS required) AS rates
), page AS MATERIALIZED (
    SELECT * FROM judged
    WHERE (%(at_risk)s::boolean IS NULL OR at_risk = %(at_risk)s) AND (%(after_late)s::bigint IS NULL
        OR (-late, -units, sku COLLATE "C") > (-%(after_late)s::bigint, -%(after_units)s::bigint, %(after_sku)s))
    ORDER BY late DESC, units DESC, sku COLLATE "C" LIMIT %(limit)s
), known AS (
    SELECT * FROM {listings} AS facts
)
SELECT totals.units::bigint, totals.late::bigint, totals.unassigned_units::bigint, totals.unassigned_late::bigint,
    sku, page.units::bigint, page.late::bigint, at_risk,
    coalesce(nullif(own.asin, ''), nullif(fba.asin, ''), page.asin),
    coalesce(nullif(own.title, ''), fba.title), coalesce(own.price, fba.price),
    -- The stock of Amazon's warehouses is not that of a listing that the merchant ships.
    CASE WHEN own.channel = 'mfn' THEN own.quantity ELSE coalesce(own.quantity, fba.quantity) END,
    coalesce(nullif(own.channel, ''), fba.channel), own.status
FROM totals LEFT JOIN page ON true
    LEFT JOIN (SELECT * FROM known WHERE source = 'listings') AS own USING (sku)
    LEFT JOIN (SELECT * FROM known WHERE source = 'fba') AS fba USING (sku)
ORDER BY page.late DESC, page.units DESC, sku COLLATE "C"
"""


def _of_orders(name: str, columns: str, *, where: str = "true") -> str:
    """Return the FROM item with facts of the orders of the CTE `orders`."""
    return READING.facts(name, where=where, of="orders", columns=f"order_id, {columns}")


def _statement(metric: Metric) -> str:
    ratio = metric.counts_in(units=True)
    # Not an item of quantity zero: reports state a cancelled item like this.
    is_shipped = f"item_status IS DISTINCT FROM {OrderStatus.CANCELLED:d} AND quantity IS DISTINCT FROM 0"
    return STATEMENT.format(
        rows=metric.rows.sql(READING, where=ratio.denominator.where) if metric.rows else "",
        units=ratio.denominator.summed,
        is_on_time=ratio.numerator.where,
        shipments=_of_orders("shipment", "package", where="shipped_on IS NOT NULL"),
        orders=_of_orders("order", "status"),
        partially_shipped=int(OrderStatus.PARTIALLY_SHIPPED),
        order_items=_of_orders("orderitem", "sku, asin, quantity", where=is_shipped),
        listings=READING.facts(
            "listing",
            where="marketplace = %(marketplace)s AND sku IN (SELECT sku FROM page)",
            columns="sku, source, asin, title, price, quantity, channel, status",
        ),
    )


STATEMENTS = {code: _statement(CATALOGUE[code]) for code in LISTING_METRICS}
