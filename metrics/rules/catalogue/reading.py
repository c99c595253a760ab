"""Choose the facts that a statement reads: their newest state, or the state known at a moment. Pure."""

from dataclasses import dataclass

ACCOUNT_ROWS = "agency_id = %(agency)s AND account_id = %(account)s"
"""The condition that selects the rows of the account."""
SOLD_BY_AMAZON = "marketplace <> 'non_amazon'"
"""The condition that leaves multi-channel orders out. A report counts their rows as set apart."""
IS_STORED = "ordered_on >= %(data_from)s"
"""The condition that leaves out orders of days before the account's `data_from`.

They have ended or may end at any time. What they contributed to later days is carried
(metrics/retention/carried_counts.py), so they are not counted again, even if a late report states them again.
"""
COLUMNS = {
    "order": "order_id, marketplace, channel, status, ordered_on",
    "orderitem": "order_id, sku, asin, quantity, item_status, price, currency",
    "defect": "order_id, kind, reference, state, rating, occurred_on, funded_by, counts, reason_code",
    "shipment": "order_id, package, units, ship_by_on, shipped_on, is_late, is_scanned, deliver_by_on, delivered_on, "
    "is_on_time, is_invoiced_in_time, cancelled_by, is_business, carrier, service",
    "return": "order_id, reference, requested_on, state, is_return, is_dissatisfied, reason",
    "returnitem": "order_id, reference, sku, asin, quantity, reason_code",
    "message": "message_id, marketplace, order_id, sent_on, needs_answer, answered_on, is_answered_in_time",
}
"""The columns of each fact, in the tables of newest and of earlier states: `metrics_order` and `metrics_pastorder`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Choose the state of the facts, the days, and whether the rows carry their reasons.

    `days` is the condition that follows a column with a day.
    """

    is_newest: bool
    days: str
    with_reasons: bool = False

    def facts(self, name: str, *, where: str = "true", of: str = "", columns: str = "") -> str:
        """Return the FROM item with the account's facts of one kind that meet a condition. It needs an alias.

        `of` is a CTE: each of its rows is joined to the facts of its order, and `columns` may be of both.
        """
        chosen, join = columns or COLUMNS[name], f" JOIN {of} USING (order_id)" if of else ""
        newest = f"SELECT {chosen} FROM metrics_{name}{join} WHERE {ACCOUNT_ROWS} AND {where}"
        if self.is_newest:
            return f"({newest})"
        # UNION ALL: of each fact, exactly one row of either table was valid at that moment. Condition and join are in
        # both parts, because PostgreSQL does not move a list of orders into them.
        return f"""(
        {newest} AND recorded_at <= %(known_at)s
        UNION ALL
        SELECT {chosen} FROM metrics_past{name}{join}
        WHERE {ACCOUNT_ROWS} AND {where} AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s
    )"""

    def having(self, day: str) -> str:
        """Return the clause that selects groups by their day.

        CASE: the planner expects half of the groups. Of a plain comparison it expects one in two hundred, and joins many
        orders row by row.
        """
        return f"HAVING CASE WHEN {day} {self.days} THEN true ELSE false END"

    def orders_of(self, rows: str, columns: str) -> str:
        """Return the FROM item with these columns of the rows of a CTE, and those of their orders. It needs an alias.

        The rows are joined to the orders within both parts: each order is then found by its key. Of a join of the rows with
        all orders that were known, the planner expects one row, and reads the orders again for each of the rows.
        """
        return self.facts("order", of=rows, columns=f"{COLUMNS['order']}, {columns}")


NEWEST = Reading(is_newest=True, days="= ANY(%(days)s)")
"""For daily counts: `days` are the days to count."""
AS_KNOWN_WITHOUT_REASONS = Reading(is_newest=False, days="BETWEEN %(first)s AND %(last)s")
AS_KNOWN = Reading(is_newest=False, days="BETWEEN %(first)s AND %(last)s", with_reasons=True)
"""For the rows behind a value: `known_at` is the moment, `first` and `last` are the days of the windows."""
