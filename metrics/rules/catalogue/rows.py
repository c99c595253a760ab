"""Build the SELECT of the rows that a metric counts: one row for each order, package, request or message. Pure.

Each returns marketplace, channel, day, order_id, reference and ordered_on, the columns that counts name in their
conditions, and, for a drill-down, the reasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from metrics.rules import defects
from metrics.rules.catalogue.reading import IS_STORED, SOLD_BY_AMAZON, Reading
from metrics.rules.facts import DefectKind

DEFECT_ORDER = "occurred_on, kind, reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonFields:
    """Name the SQL expression of each field of a reason. `metrics/drilldown/reasons.py` puts it in a sentence."""

    kind: str
    state: str
    counts: str
    reference: str = "''"
    rating: str = "NULL"
    occurred_on: str = "NULL"
    due_on: str = "NULL"
    funded_by: str = "''"
    superseded: str = "false"

    @property
    def sql(self) -> str:
        """Return the expression of a JSON object with the fields."""
        pairs = ", ".join(f"'{field.name}', {getattr(self, field.name)}" for field in fields(self))
        return f"jsonb_build_object({pairs})"

    def list_sql(self, order_by: str) -> str:
        """Return the aggregate of a JSON list of the reasons."""
        return f"jsonb_agg({self.sql} ORDER BY {order_by})"


class Rows(Protocol):
    """Describe the rows that metrics count."""

    def sql(self, reading: Reading, *, where: str = "true") -> str:
        """Return the SELECT of the rows that meet a condition, such as to be in a denominator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Define facts that are joined to orders: their aggregates by order (name and SQL), and the reason of each."""

    name: str
    facts: str
    where: str
    aggregates: tuple[tuple[str, str], ...]
    reason: ReasonFields
    reason_order: str

    def sql(self, reading: Reading) -> str:
        """Return the CTE with one row for each order of the CTE `orders` that has such facts."""
        reasons = _column(reading, self.reason.list_sql(self.reason_order), f"{self.name}_reasons")
        return f"""{self.name} AS (
    SELECT order_id{_columns(self.aggregates)}{reasons}
    FROM {reading.facts(self.facts, where=self.where, of="orders")} AS facts GROUP BY order_id
)"""


@dataclass(frozen=True, slots=True)
class Orders:
    """Define one row for each order, by the day of the order.

    It has `is_in`, whether its status is in denominators, `status`, `by_` and each kind of defect, and the aggregates
    of `related`.
    """

    kinds: tuple[DefectKind, ...] = ()
    related: tuple[Related, ...] = ()

    def __or__(self, other: "Orders") -> "Orders":
        """Return rows with the columns of both."""
        kinds, related = dict.fromkeys(self.kinds + other.kinds), dict.fromkeys(self.related + other.related)
        return Orders(tuple(kinds), tuple(related))

    def sql(self, reading: Reading, *, where: str = "true") -> str:
        of_days = f"ordered_on {reading.days} AND {IS_STORED} AND {SOLD_BY_AMAZON}"
        defects_of_orders = [_defects(reading, self.kinds, orders="orders")] if self.kinds else []
        ctes = "".join(
            f", {cte}" for cte in (*defects_of_orders, *(each.sql(reading) for each in self.related))
        )
        joined = [*(["defects"] if self.kinds else []), *(each.name for each in self.related)]
        joins = "".join(f" LEFT JOIN {name} USING (order_id)" for name in joined)
        names = [*_by_kinds(self.kinds), *(name for each in self.related for name, _ in each.aggregates)]
        reasons = _reasons(reading, *(f"{name}_reasons" for name in joined))
        return f"""
WITH orders AS (
    SELECT order_id, marketplace, channel, status, ordered_on, status <> ALL(%(excluded_statuses)s) AS is_in
    FROM {reading.facts("order", where=of_days)} AS facts
){ctes}
SELECT marketplace, channel, ordered_on AS day, order_id, '' AS reference, ordered_on, status, is_in{_listed(names)}{reasons}
FROM orders{joins} WHERE {where}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersByPackage:
    """Define one row for each order with shipped packages, by the earliest `day` of these.

    `missed` is whether `judged` is true for any. Packages whose day or judgement is not known yet are left out.
    `kinds` are Amazon's lists of missed orders, if it has any.
    """

    day: str
    judged: str
    kinds: tuple[DefectKind, ...] = ()
    reason: ReasonFields

    def sql(self, reading: Reading, *, where: str = "true") -> str:
        # All packages of these orders, whatever their days: the earliest one decides the day of the order.
        of_days = reading.facts("shipment", where=f"{self.day} {reading.days}")
        is_judged = (
            f"shipped_on IS NOT NULL AND {self.day} IS NOT NULL AND ({self.judged}) IS NOT NULL "
            f"AND order_id IN (SELECT order_id FROM {of_days} AS of_days)"
        )
        first_day = f"min({self.day})"
        reasons = _column(reading, self.reason.list_sql("package"), "package_reasons")
        own_name = _column(reading, "package_reasons", "package_reasons")
        names = _listed(_by_kinds(self.kinds)) + _reasons(reading, "package_reasons", "defects_reasons")
        return f"""
WITH judged_orders AS (
    SELECT order_id, {first_day} AS day, bool_or({self.judged}) AS missed{reasons}
    FROM {reading.facts("shipment", where=is_judged)} AS facts
    GROUP BY order_id {reading.having(first_day)}
), {_defects(reading, self.kinds, orders="judged_orders")}
SELECT marketplace, channel, day, order_id, '' AS reference, ordered_on, missed{names}
FROM {reading.orders_of("judged_orders", f"day, missed{own_name}")} AS placed LEFT JOIN defects USING (order_id)
WHERE {SOLD_BY_AMAZON} AND {IS_STORED} AND ({where})"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """Define one row for each package, by its own `day`.

    Only facts of the package itself may be in the condition of a denominator.

    `kinds` are Amazon's lists of missed packages, if it has any. They name a package by its tracking number. If it is
    none of the order's packages, which of them is meant is unknown, and all count as missed.
    """

    day: str
    kinds: tuple[DefectKind, ...] = ()
    reason: ReasonFields

    def sql(self, reading: Reading, *, where: str = "true") -> str:
        columns = "shipped_on, is_scanned, deliver_by_on, delivered_on, is_on_time, is_business, units"
        of_days = reading.facts("shipment", where=f"{self.day} {reading.days} AND ({where})")
        stated = "order_id, kind, reference, state, rating, occurred_on, funded_by"
        counted = reading.facts("defect", where=f"{is_one_of('kind', self.kinds)} AND counts", of="packages")
        pairs = reading.facts("shipment", of="listed", columns=f"{stated}, package")
        by_kinds = _columns(_by_kind_aggregates(self.kinds, "true"))
        own_reason = _column(reading, f"jsonb_build_array({self.reason.sql})", "package_reasons")
        own_name = _column(reading, "package_reasons", "package_reasons")
        reasons = _column(reading, _DEFECT_REASON.list_sql(DEFECT_ORDER), "defects_reasons")
        names = _listed(_by_kinds(self.kinds)) + _reasons(reading, "package_reasons", "defects_reasons")
        return f"""
WITH packages AS (
    SELECT order_id, package, {columns}{own_reason} FROM {of_days} AS facts
), listed AS (
    SELECT DISTINCT {stated} FROM {counted} AS facts
), listings AS (
    SELECT {stated}, package, true AS counts, false AS superseded,
        bool_or(reference = package) OVER (PARTITION BY order_id, kind, reference) AS is_named
    FROM {pairs} AS facts
), defects AS (
    SELECT order_id, package{by_kinds}{reasons}
    FROM listings WHERE reference = package OR NOT is_named GROUP BY order_id, package
)
SELECT marketplace, channel, {self.day} AS day, order_id, package AS reference, ordered_on, {columns}{names}
FROM {reading.orders_of("packages", f"package, {columns}{own_name}")} AS placed
    LEFT JOIN defects USING (order_id, package)
WHERE {SOLD_BY_AMAZON} AND {IS_STORED}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Define one row for each return request, by the day of the request."""

    reason: ReasonFields

    def sql(self, reading: Reading, *, where: str = "true") -> str:
        of_days = reading.facts("return", where=f"requested_on {reading.days} AND ({where})")
        own_reason = _column(reading, f"jsonb_build_array({self.reason.sql})", "request_reasons")
        own_name = _column(reading, "request_reasons", "request_reasons")
        return f"""
WITH requests AS (
    SELECT order_id, reference, requested_on, is_dissatisfied{own_reason} FROM {of_days} AS facts
)
SELECT marketplace, channel, requested_on AS day, order_id, reference, ordered_on, is_dissatisfied{
            _reasons(reading, "request_reasons")
        }
FROM {reading.orders_of("requests", f"reference, requested_on, is_dissatisfied{own_name}")} AS placed
WHERE {SOLD_BY_AMAZON} AND {IS_STORED}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """Define one row for each buyer message, by the day it was sent. It may belong to no order."""

    reason: ReasonFields

    def sql(self, reading: Reading, *, where: str = "true") -> str:
        of_days = reading.facts("message", where=f"sent_on {reading.days} AND ({where})")
        own_reason = _column(reading, f"jsonb_build_array({self.reason.sql})", "reasons")
        return f"""
SELECT marketplace, 'all' AS channel, sent_on AS day, order_id, message_id AS reference, NULL::date AS ordered_on,
    needs_answer, is_answered_in_time{own_reason}
FROM {of_days} AS facts"""


_DEFECT_REASON = ReasonFields(
    kind="kind",
    reference="reference",
    state="state",
    rating="rating",
    occurred_on="occurred_on",
    funded_by="funded_by",
    counts="counts AND NOT superseded",
    superseded="superseded",
)


def _defects(reading: Reading, kinds: Sequence[DefectKind], *, orders: str) -> str:
    """Return the CTEs that end with `defects`: one row for each order of the CTE `orders` with a defect.

    metrics/rules/defects.py decided `counts` of each defect. An unconfirmed statement counts only while there is no
    statement with details about this kind of defect on the order. Both stay in the list of reasons, so that users see
    why one does not count.
    """
    reasons = _column(reading, _DEFECT_REASON.list_sql(DEFECT_ORDER), "defects_reasons")
    unconfirmed = is_one_of("state", defects.UNCONFIRMED_STATES)
    return f"""statements AS (
    SELECT order_id, kind, reference, state, rating, occurred_on, funded_by, counts,
        {unconfirmed} AND NOT bool_and({unconfirmed}) OVER (PARTITION BY order_id, kind) AS superseded
    FROM {reading.facts("defect", where=is_one_of("kind", kinds), of=orders)} AS facts
), defects AS (
    SELECT order_id{_columns(_by_kind_aggregates(kinds, "counts AND NOT superseded"))}{reasons}
    FROM statements GROUP BY order_id
)"""


def is_one_of(column: str, values: Sequence[str]) -> str:
    """Return the condition that a column has one of these values."""
    return f"{column} IN ('" + "', '".join(values) + "')"


def _by_kinds(kinds: Sequence[DefectKind]) -> list[str]:
    return [f"by_{kind}" for kind in kinds]


def _by_kind_aggregates(kinds: Sequence[DefectKind], counts: str) -> list[tuple[str, str]]:
    """Return for each kind whether any defect of it counts."""
    return [(f"by_{kind}", f"bool_or(kind = '{kind}' AND {counts})") for kind in kinds]


def _columns(expressions: Sequence[tuple[str, str]]) -> str:
    return "".join(f", {expression} AS {name}" for name, expression in expressions)


def _listed(names: Sequence[str]) -> str:
    return "".join(f", {name}" for name in names)


def _column(reading: Reading, expression: str, name: str) -> str:
    """Return a column of the reasons, if the reading has them."""
    return f", {expression} AS {name}" if reading.with_reasons else ""


def _reasons(reading: Reading, *lists: str) -> str:
    """Return the column of the reasons: several lists in one."""
    if not reading.with_reasons:
        return ""
    joined = " || ".join(f"coalesce({each}, '[]')" for each in lists) or "'[]'::jsonb"
    return f", {joined} AS reasons"
