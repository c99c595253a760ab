"""What is behind each metric, as parts of statements: the rows `found`, as they were known at a moment.

A row has the day that puts it into a window, what it is (`order_id`, `reference`), its place, whether it counts, and evidence.
`found` is materialized: planned together with the windows asked for, it is taken for a few rows and joined row by row, the square
of the orders.
"""

from metrics.pipeline.statements import MINE
from metrics.rules import defects
from metrics.rules.definitions import METRICS
from metrics.rules.facts import DefectKind

SPAN = "BETWEEN %(first)s AND %(last)s"
ORDERS = "order_id, marketplace, channel, status, ordered_on"
PACKAGES = "order_id, package, units, ship_by_on, shipped_on, is_late, is_scanned, deliver_by_on, delivered_on, is_on_time, "
PACKAGES += "is_invoiced_in_time, cancelled_by"
REQUESTS = "order_id, reference, requested_on, state, is_return, is_dissatisfied, reason"
MESSAGES = "message_id, marketplace, order_id, sent_on, answered_on, is_answered_in_time, needs_answer"


def _as_known(name: str, table: str, columns: str, where: str) -> str:
    """The rows of a table of facts as they were known, as a named part of a statement."""
    past = table.replace("metrics_", "metrics_past")
    return f"""{name} AS (
    SELECT {columns} FROM {table} WHERE {MINE} AND recorded_at <= %(known_at)s AND {where}
    UNION ALL
    SELECT {columns} FROM {past} WHERE {MINE} AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s AND {where}
)"""


def _evidence(rows: str, **fields: str) -> str:
    """An aggregate of evidence, one object a row; `fields` are those that differ from nothing."""
    usual = {"kind": "''", "reference": "''", "state": "''", "rating": "NULL", "occurred_on": "NULL", "due_on": "NULL"}
    named = usual | {"funded_by": "''", "counts": "false", "overruled": "false"} | fields
    pairs = ", ".join(f"'{name}', {value}" for name, value in named.items())
    return f"jsonb_agg(jsonb_build_object({pairs}) {rows})"


def _orders_of(found: str) -> str:
    return _as_known("orders", "metrics_order", ORDERS, f"order_id IN (SELECT order_id FROM {found})")


def _either(table: str, day: str) -> str:
    """The orders of which any state, present or past, stood on a day of the span."""
    past = table.replace("metrics_", "metrics_past")
    return " UNION ".join(f"SELECT order_id FROM {each} WHERE {MINE} AND {day} {SPAN}" for each in (table, past))


ORDERS_OF_SPAN = _as_known("orders", "metrics_order", ORDERS, f"ordered_on {SPAN}")
DEFECTIVE = f"""{
    _as_known(
        "told",
        "metrics_defect",
        "order_id, kind, reference, state, rating, occurred_on, funded_by, counts",
        "kind = ANY(%(shown)s)",
    )
}, ruled AS (
    SELECT *, state = ANY(%(hearsay)s) AND NOT bool_and(state = ANY(%(hearsay)s)) OVER (PARTITION BY order_id, kind) AS overruled
    FROM told
), defective AS (
    SELECT order_id, bool_or(counts AND NOT overruled) AS any_counts,
        bool_or(counts AND NOT overruled AND kind = ANY(%(kinds)s)) AS kind_counts,
        {
    _evidence(
        "ORDER BY occurred_on, kind, reference",
        kind="kind",
        reference="reference",
        state="state",
        rating="rating",
        occurred_on="occurred_on",
        funded_by="funded_by",
        counts="counts AND NOT overruled",
        overruled="overruled",
    )
} AS defects
    FROM ruled GROUP BY order_id
)"""

OF_DEFECTS = f"""
{ORDERS_OF_SPAN}, {DEFECTIVE}, found AS MATERIALIZED (
    SELECT ordered_on AS day, order_id, '' AS reference, marketplace, channel, ordered_on,
        coalesce(kind_counts, false) AS counted, coalesce(defects, '[]') AS evidence
    FROM orders LEFT JOIN defective USING (order_id)
    WHERE status <> ALL(%(not_counted)s) OR coalesce(any_counts, false)
)"""

OF_CANCELLATIONS = f"""
{ORDERS_OF_SPAN}, {DEFECTIVE}, {
    _as_known("statements", "metrics_shipment", PACKAGES, "cancelled_by <> '' AND order_id IN (SELECT order_id FROM orders)")
}, cancelled AS (
    SELECT order_id, bool_or(cancelled_by = ANY(%(sellers_doing)s) AND shipped_on IS NULL) AS by_seller, {
    _evidence(
        "ORDER BY package",
        kind="'cancellation'",
        reference="package",
        state="CASE WHEN shipped_on IS NULL THEN cancelled_by ELSE 'after_shipping' END",
        counts="cancelled_by = ANY(%(sellers_doing)s) AND shipped_on IS NULL",
    )
} AS evidence
    FROM statements GROUP BY order_id
), found AS MATERIALIZED (
    SELECT ordered_on AS day, order_id, '' AS reference, marketplace, channel, ordered_on,
        coalesce(by_seller, false) OR coalesce(kind_counts, false) AS counted,
        coalesce(defects, '[]') || coalesce(evidence, '[]') AS evidence
    FROM orders LEFT JOIN defective USING (order_id) LEFT JOIN cancelled USING (order_id)
    WHERE status <> ALL(%(not_counted)s) OR coalesce(by_seller, false) OR coalesce(kind_counts, false)
)"""

OF_RETURNS = f"""
{ORDERS_OF_SPAN}, {_as_known("requests", "metrics_return", REQUESTS, "order_id IN (SELECT order_id FROM orders)")}, returned AS (
    SELECT order_id, bool_or(is_return) AS is_returned, {
    _evidence(
        "ORDER BY requested_on, reference",
        kind="'return'",
        reference="reference",
        state="CASE WHEN is_return THEN 'requested' ELSE 'not_a_return' END",
        occurred_on="requested_on",
        counts="is_return",
    )
} AS evidence
    FROM requests GROUP BY order_id
), found AS MATERIALIZED (
    SELECT ordered_on AS day, order_id, '' AS reference, marketplace, channel, ordered_on,
        coalesce(is_returned, false) AS counted, coalesce(evidence, '[]') AS evidence
    FROM orders LEFT JOIN returned USING (order_id)
    WHERE status <> ALL(%(not_counted)s) OR coalesce(is_returned, false)
)"""


def _of_parcels(day: str, judged: str, *, kind: str, missed: str, kept: str, due: str) -> str:
    """Per order: the earliest such day of its shipped packages puts it into the window; any that missed makes it counted."""
    packages = _as_known("packages", "metrics_shipment", PACKAGES, f"order_id IN ({_either('metrics_shipment', day)})")
    told = _evidence(
        "ORDER BY package",
        kind=f"'{kind}'",
        reference="package",
        state=f"CASE WHEN {judged} THEN '{missed}' ELSE '{kept}' END",
        occurred_on="shipped_on",
        due_on=due,
        counts=judged,
    )
    return f"""
{packages}, {_orders_of("packages")}, {DEFECTIVE}, parcels AS (
    SELECT order_id, min({day}) AS day, bool_or({judged}) AS missed, {told} AS evidence
    FROM packages WHERE shipped_on IS NOT NULL AND {day} IS NOT NULL AND ({judged}) IS NOT NULL GROUP BY order_id
), found AS MATERIALIZED (
    SELECT day, order_id, '' AS reference, marketplace, channel, ordered_on,
        missed OR coalesce(kind_counts, false) AS counted, evidence || coalesce(defects, '[]') AS evidence
    FROM parcels JOIN orders USING (order_id) LEFT JOIN defective USING (order_id)
)"""


def _of_packages(day: str, judged: str, *, known: str, kind: str, yes: str, no: str, happened: str) -> str:
    """Per package: its day puts it into the window."""
    told = _evidence(
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
{packages}, {_orders_of("packages")}, found AS MATERIALIZED (
    SELECT {day} AS day, order_id, package AS reference, marketplace, channel, ordered_on, {judged} AS counted, {told} AS evidence
    FROM packages JOIN orders USING (order_id)
)"""


OF_REQUESTS = f"""
{_as_known("requests", "metrics_return", REQUESTS, f"requested_on {SPAN} AND is_dissatisfied IS NOT NULL")}, {
    _orders_of("requests")
}, found AS MATERIALIZED (
    SELECT requested_on AS day, order_id, reference, marketplace, channel, ordered_on, is_dissatisfied AS counted, {
    _evidence(
        "",
        kind="'return_request'",
        reference="reference",
        state="coalesce(nullif(reason, ''), 'content')",
        occurred_on="requested_on",
        counts="is_dissatisfied",
    ).replace("jsonb_agg(", "jsonb_build_array(")
} AS evidence
    FROM requests JOIN orders USING (order_id)
)"""

OF_MESSAGES = f"""
{
    _as_known("messages", "metrics_message", MESSAGES, f"sent_on {SPAN} AND needs_answer AND is_answered_in_time IS NOT NULL")
}, found AS MATERIALIZED (
    SELECT sent_on AS day, order_id, message_id AS reference, marketplace, 'all' AS channel, NULL::date AS ordered_on,
        is_answered_in_time AS counted, {
    _evidence(
        "",
        kind="'message'",
        reference="message_id",
        state="CASE WHEN is_answered_in_time THEN 'in_time' WHEN answered_on IS NULL THEN 'unanswered' ELSE 'late' END",
        occurred_on="answered_on",
        counts="is_answered_in_time",
    ).replace("jsonb_agg(", "jsonb_build_array(")
} AS evidence
    FROM messages
)"""

LATE = _of_parcels("ship_by_on", "is_late", kind="shipment", missed="late", kept="in_time", due="ship_by_on")
BEHIND: dict[str, str] = {
    "order_defect_rate": OF_DEFECTS,
    "negative_feedback_rate": OF_DEFECTS,
    "a_to_z_claim_rate": OF_DEFECTS,
    "chargeback_rate": OF_DEFECTS,
    "late_shipment_rate_10d": LATE,
    "late_shipment_rate_30d": LATE,
    "pre_fulfillment_cancel_rate": OF_CANCELLATIONS,
    "valid_tracking_rate": _of_packages(
        *("shipped_on", "is_scanned"),
        known="is_scanned IS NOT NULL",
        kind="tracking",
        yes="scanned",
        no="not_scanned",
        happened="NULL",
    ),
    "on_time_delivery_rate": _of_packages(
        *("deliver_by_on", "is_on_time"),
        known="is_scanned AND is_on_time IS NOT NULL",
        kind="delivery",
        yes="on_time",
        no="late",
        happened="delivered_on",
    ),
    "invoice_defect_rate": _of_parcels(
        "shipped_on", "NOT is_invoiced_in_time", kind="invoice", missed="missing_or_late", kept="in_time", due="NULL"
    ),
    "message_response_rate_24h": OF_MESSAGES,
    "return_dissatisfaction_rate": OF_REQUESTS,
    "return_rate": OF_RETURNS,
} | {metric.code: OF_DEFECTS for metric in METRICS if not metric.is_counted}
"""The part of a statement that finds what is behind each metric: of what only Amazon reports, nothing."""

COUNTS_INTO: dict[str, tuple[DefectKind, ...]] = {
    "order_defect_rate": defects.IN_ODR,
    "negative_feedback_rate": (DefectKind.FEEDBACK,),
    "a_to_z_claim_rate": (DefectKind.A_TO_Z_CLAIM,),
    "chargeback_rate": (DefectKind.CHARGEBACK,),
    "late_shipment_rate_10d": (DefectKind.LATE_SHIPMENT,),
    "late_shipment_rate_30d": (DefectKind.LATE_SHIPMENT,),
    "pre_fulfillment_cancel_rate": (DefectKind.CANCELLATION,),
}
"""Whose defects put an order into a metric's numerator."""
