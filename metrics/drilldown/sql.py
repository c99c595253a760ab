"""Define the SQL for the drill-down of each metric: the rows `listed`, as they were known at a moment.

A row has the day by which it is in a window, its order and reference, marketplace and channel, whether it
counts, and the reasons.
"""

from metrics.pipeline.statements import ACCOUNT_ROWS
from metrics.rules import defects
from metrics.rules.definitions import METRICS
from metrics.rules.facts import DefectKind

SPAN = "BETWEEN %(first)s AND %(last)s"
ORDERS = "order_id, marketplace, channel, status, ordered_on"
PACKAGES = (
    "order_id, package, units, ship_by_on, shipped_on, is_late, is_scanned, deliver_by_on, "
    "delivered_on, is_on_time, "
)
PACKAGES += "is_invoiced_in_time, cancelled_by, is_business"
REQUESTS = "order_id, reference, requested_on, state, is_return, is_dissatisfied, reason"
MESSAGES = "message_id, marketplace, order_id, sent_on, answered_on, is_answered_in_time, needs_answer"


def _as_known(name: str, table: str, columns: str, where: str) -> str:
    """Return a CTE with the rows of a table of facts as they were known at a moment."""
    # UNION ALL: of each fact, exactly one row of either table was valid at that moment.
    past = table.replace("metrics_", "metrics_past")
    return f"""{name} AS (
    SELECT {columns} FROM {table} WHERE {ACCOUNT_ROWS} AND recorded_at <= %(known_at)s AND {where}
    UNION ALL
    SELECT {columns} FROM {past} WHERE {ACCOUNT_ROWS} AND recorded_at <= %(known_at)s
        AND superseded_at > %(known_at)s AND {where}
)"""


def _reasons(order_by: str, **fields: str) -> str:
    """Return an aggregate of JSON objects with the fields of `reasons.Reason`.

    `fields` are SQL; the others are empty.
    """
    empty = {
        "kind": "''",
        "reference": "''",
        "state": "''",
        "rating": "NULL",
        "occurred_on": "NULL",
        "due_on": "NULL",
    }
    columns = empty | {"funded_by": "''", "counts": "false", "superseded": "false"} | fields
    pairs = ", ".join(f"'{name}', {value}" for name, value in columns.items())
    return f"jsonb_agg(jsonb_build_object({pairs}) {order_by})"


def _orders_of_rows(rows: str) -> str:
    """Return a CTE with the orders of the rows of another CTE."""
    return _as_known("orders", "metrics_order", ORDERS, f"order_id IN (SELECT order_id FROM {rows})")


def _order_ids_of_days(table: str, day: str) -> str:
    """Return a query for the orders with a current or past row whose day is in the span."""
    # Past rows too: at an earlier `known_at`, a package may have had another day.
    past = table.replace("metrics_", "metrics_past")
    return " UNION ".join(
        f"SELECT order_id FROM {each} WHERE {ACCOUNT_ROWS} AND {day} {SPAN}" for each in (table, past)
    )


ORDERS_IN_SPAN = _as_known("orders", "metrics_order", ORDERS, f"ordered_on {SPAN}")
# One row per order, as in metrics/pipeline/daily_counts.py: an order with several defects counts once.
# A defect without details is superseded by any with details of its kind on its order (rules/defects.py). Both
# stay in the list, so that users see why one does not count.
DEFECTIVE = f"""{
    _as_known(
        "known_defects",
        "metrics_defect",
        "order_id, kind, reference, state, rating, occurred_on, funded_by, counts",
        "kind = ANY(%(shown)s)",
    )
}, judged AS (
    SELECT *, state = ANY(%(unconfirmed)s)
        AND NOT bool_and(state = ANY(%(unconfirmed)s)) OVER (PARTITION BY order_id, kind) AS superseded
    FROM known_defects
), defective AS (
    SELECT order_id, bool_or(counts AND NOT superseded) AS any_counts,
        bool_or(counts AND NOT superseded AND kind = ANY(%(kinds)s)) AS kind_counts,
        {
    _reasons(
        "ORDER BY occurred_on, kind, reference",
        kind="kind",
        reference="reference",
        state="state",
        rating="rating",
        occurred_on="occurred_on",
        funded_by="funded_by",
        counts="counts AND NOT superseded",
        superseded="superseded",
    )
} AS defects
    FROM judged GROUP BY order_id
)"""

# `listed` is materialized here and below: planned together with the requested windows, the planner expects a
# few rows and joins them row by row, which is quadratic in the orders.
DEFECT_ROWS = f"""
{ORDERS_IN_SPAN}, {DEFECTIVE}, listed AS MATERIALIZED (
    SELECT ordered_on AS day, order_id, '' AS reference, marketplace, channel, ordered_on,
        coalesce(kind_counts, false) AS counted, coalesce(defects, '[]') AS reasons
    FROM orders LEFT JOIN defective USING (order_id)
    WHERE status <> ALL(%(excluded_statuses)s) OR coalesce(any_counts, false)
)"""

CANCELLATION_ROWS = f"""
{ORDERS_IN_SPAN}, {DEFECTIVE}, {
    _as_known(
        "statements",
        "metrics_shipment",
        PACKAGES,
        "cancelled_by <> '' AND order_id IN (SELECT order_id FROM orders)",
    )
}, cancelled AS (
    SELECT order_id, bool_or(cancelled_by = ANY(%(seller_cancellers)s) AND shipped_on IS NULL) AS by_seller, {
    _reasons(
        "ORDER BY package",
        kind="'cancellation'",
        reference="package",
        state="CASE WHEN shipped_on IS NULL THEN cancelled_by ELSE 'after_shipping' END",
        counts="cancelled_by = ANY(%(seller_cancellers)s) AND shipped_on IS NULL",
    )
} AS reasons
    FROM statements GROUP BY order_id
), listed AS MATERIALIZED (
    SELECT ordered_on AS day, order_id, '' AS reference, marketplace, channel, ordered_on,
        coalesce(by_seller, false) OR coalesce(kind_counts, false) AS counted,
        coalesce(defects, '[]') || coalesce(reasons, '[]') AS reasons
    FROM orders LEFT JOIN defective USING (order_id) LEFT JOIN cancelled USING (order_id)
    WHERE status <> ALL(%(excluded_statuses)s) OR coalesce(by_seller, false) OR coalesce(kind_counts, false)
)"""

RETURN_ROWS = f"""
{ORDERS_IN_SPAN}, {
    _as_known("requests", "metrics_return", REQUESTS, "order_id IN (SELECT order_id FROM orders)")
}, returned AS (
    SELECT order_id, bool_or(is_return) AS is_returned, {
    _reasons(
        "ORDER BY requested_on, reference",
        kind="'return'",
        reference="reference",
        state="CASE WHEN is_return THEN 'requested' ELSE 'not_a_return' END",
        occurred_on="requested_on",
        counts="is_return",
    )
} AS reasons
    FROM requests GROUP BY order_id
), listed AS MATERIALIZED (
    SELECT ordered_on AS day, order_id, '' AS reference, marketplace, channel, ordered_on,
        coalesce(is_returned, false) AS counted, coalesce(reasons, '[]') AS reasons
    FROM orders LEFT JOIN returned USING (order_id)
    WHERE status <> ALL(%(excluded_statuses)s) OR coalesce(is_returned, false)
)"""


def _rows_by_order(day: str, judged: str, *, kind: str, missed: str, met: str, due: str) -> str:
    """Return SQL for one row per order.

    The earliest `day` of its shipped packages decides the window. It counts if `judged` is true for any
    package.
    """
    packages = _as_known(
        "packages",
        "metrics_shipment",
        PACKAGES,
        f"order_id IN ({_order_ids_of_days('metrics_shipment', day)})",
    )
    reasons = _reasons(
        "ORDER BY package",
        kind=f"'{kind}'",
        reference="package",
        state=f"CASE WHEN {judged} THEN '{missed}' ELSE '{met}' END",
        occurred_on="shipped_on",
        due_on=due,
        counts=judged,
    )
    return f"""
{packages}, {_orders_of_rows("packages")}, {DEFECTIVE}, judged_orders AS (
    SELECT order_id, min({day}) AS day, bool_or({judged}) AS missed, {reasons} AS reasons
    FROM packages WHERE shipped_on IS NOT NULL AND {day} IS NOT NULL
        AND ({judged}) IS NOT NULL GROUP BY order_id
), listed AS MATERIALIZED (
    SELECT day, order_id, '' AS reference, marketplace, channel, ordered_on,
        missed OR coalesce(kind_counts, false) AS counted, reasons || coalesce(defects, '[]') AS reasons
    FROM judged_orders JOIN orders USING (order_id) LEFT JOIN defective USING (order_id)
)"""


# The same as in metrics/pipeline/daily_counts.py, as known at a moment.
LISTED_PACKAGES = f"""{
    _as_known(
        "known_defects",
        "metrics_defect",
        "order_id, kind, reference, state, rating, occurred_on, funded_by, counts",
        "kind = ANY(%(kinds)s) AND counts",
    )
}, {
    _as_known(
        "siblings",
        "metrics_shipment",
        "order_id, package",
        "order_id IN (SELECT order_id FROM known_defects)",
    )
}, listed_packages AS (
    SELECT order_id, package, {
    _reasons(
        "ORDER BY occurred_on, kind, reference",
        kind="kind",
        reference="reference",
        state="state",
        occurred_on="occurred_on",
        counts="true",
    )
} AS defects
    FROM (
        SELECT *, bool_or(reference = package) OVER (PARTITION BY order_id, kind, reference) AS is_named
        FROM known_defects JOIN siblings USING (order_id)
    ) AS pairs
    WHERE reference = package OR NOT is_named GROUP BY order_id, package
)"""


def _rows_by_package(
    day: str, judged: str, *, known: str, kind: str, yes: str, no: str, happened: str
) -> str:
    """Return SQL for one row per package, by its own `day`.

    It counts if `judged` is true and Amazon does not list it as missed.
    """
    reasons = _reasons(
        "",
        kind=f"'{kind}'",
        reference="package",
        state=f"CASE WHEN {judged} THEN '{yes}' ELSE '{no}' END",
        occurred_on=happened,
        due_on=day,
        counts=judged,
    ).replace("jsonb_agg(", "jsonb_build_array(")
    packages = _as_known("packages", "metrics_shipment", PACKAGES, f"{day} {SPAN} AND {known}")
    return f"""
{packages}, {_orders_of_rows("packages")}, {LISTED_PACKAGES}, listed AS MATERIALIZED (
    SELECT {day} AS day, order_id, package AS reference, marketplace, channel, ordered_on,
        {judged} AND defects IS NULL AS counted, {reasons} || coalesce(defects, '[]') AS reasons
    FROM packages JOIN orders USING (order_id) LEFT JOIN listed_packages USING (order_id, package)
)"""


REQUEST_ROWS = f"""
{_as_known("requests", "metrics_return", REQUESTS, f"requested_on {SPAN} AND is_dissatisfied IS NOT NULL")}, {
    _orders_of_rows("requests")
}, listed AS MATERIALIZED (
    SELECT requested_on AS day, order_id, reference, marketplace, channel, ordered_on,
        is_dissatisfied AS counted, {
    _reasons(
        "",
        kind="'return_request'",
        reference="reference",
        state="coalesce(nullif(reason, ''), 'content')",
        occurred_on="requested_on",
        counts="is_dissatisfied",
    ).replace("jsonb_agg(", "jsonb_build_array(")
} AS reasons
    FROM requests JOIN orders USING (order_id)
)"""

MESSAGE_ROWS = f"""
{
    _as_known(
        "messages",
        "metrics_message",
        MESSAGES,
        f"sent_on {SPAN} AND needs_answer AND is_answered_in_time IS NOT NULL",
    )
}, listed AS MATERIALIZED (
    SELECT sent_on AS day, order_id, message_id AS reference, marketplace, 'all' AS channel,
        NULL::date AS ordered_on,
        is_answered_in_time AS counted, {
    _reasons(
        "",
        kind="'message'",
        reference="message_id",
        state="CASE WHEN is_answered_in_time THEN 'in_time' WHEN answered_on IS NULL THEN 'unanswered' ELSE 'late' END",
        occurred_on="answered_on",
        counts="is_answered_in_time",
    ).replace("jsonb_agg(", "jsonb_build_array(")
} AS reasons
    FROM messages
)"""


def _delivery_rows(known: str) -> str:
    """Return SQL for one row per package, by its promised day."""
    return _rows_by_package(
        *("deliver_by_on", "is_on_time"),
        known=known,
        kind="delivery",
        yes="on_time",
        no="late",
        happened="delivered_on",
    )


LATE = _rows_by_order(
    "ship_by_on", "is_late", kind="shipment", missed="late", met="in_time", due="ship_by_on"
)
ROWS: dict[str, str] = {
    "order_defect_rate": DEFECT_ROWS,
    "negative_feedback_rate": DEFECT_ROWS,
    "a_to_z_claim_rate": DEFECT_ROWS,
    "chargeback_rate": DEFECT_ROWS,
    "late_shipment_rate_10d": LATE,
    "late_shipment_rate_30d": LATE,
    "pre_fulfillment_cancel_rate": CANCELLATION_ROWS,
    "valid_tracking_rate": _rows_by_package(
        *("shipped_on", "is_scanned"),
        known="is_scanned IS NOT NULL",
        kind="tracking",
        yes="scanned",
        no="not_scanned",
        happened="NULL",
    ),
    # Amazon counts tracked packages only.
    "on_time_delivery_rate": _delivery_rows("is_scanned AND is_on_time IS NOT NULL"),
    "business_on_time_delivery_rate": _delivery_rows("is_scanned AND is_on_time IS NOT NULL AND is_business"),
    "invoice_defect_rate": _rows_by_order(
        "shipped_on",
        "NOT is_invoiced_in_time",
        kind="invoice",
        missed="missing_or_late",
        met="in_time",
        due="NULL",
    ),
    "message_response_rate_24h": MESSAGE_ROWS,
    "return_dissatisfaction_rate": REQUEST_ROWS,
    "return_rate": RETURN_ROWS,
} | {metric.code: DEFECT_ROWS for metric in METRICS if not metric.is_counted}
"""The CTEs of each metric that end with `listed`.

Metrics that only Amazon reports have no rows: their channel has no orders.
"""

COUNTS_INTO: dict[str, tuple[DefectKind, ...]] = {
    "order_defect_rate": defects.ODR_KINDS,
    "negative_feedback_rate": (DefectKind.FEEDBACK,),
    "a_to_z_claim_rate": (DefectKind.A_TO_Z_CLAIM,),
    "chargeback_rate": (DefectKind.CHARGEBACK,),
    "late_shipment_rate_10d": (DefectKind.LATE_SHIPMENT,),
    "late_shipment_rate_30d": (DefectKind.LATE_SHIPMENT,),
    "pre_fulfillment_cancel_rate": (DefectKind.CANCELLATION,),
    "valid_tracking_rate": (DefectKind.INVALID_TRACKING,),
    "on_time_delivery_rate": (DefectKind.LATE_DELIVERY,),
    "business_on_time_delivery_rate": (DefectKind.LATE_DELIVERY,),
    "invoice_defect_rate": (DefectKind.INVOICE_DEFECT,),
}
"""The kinds of defects that make an order or package miss a metric.

They put it into the numerator of a rate of defects, and take it out of the numerator of valid tracking and
on-time delivery.
"""
