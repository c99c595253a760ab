"""Build the SELECT of the rows that a metric counts: one row for each order, package, request or message. Pure.

Each returns marketplace, channel, day, order_id, reference and ordered_on, the columns that counts name in their
conditions, and, for a drill-down, the reasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from metrics.rules import defects
from metrics.rules.catalogue.reading import IS_STORED, SOLD_BY_AMAZON, Reading
from metrics.rules.catalogue.reason import ReasonFields
from metrics.rules.facts import DefectKind

DEFECT_ORDER = "occurred_on, kind, reference"


class Rows(Protocol):
    """Describe the rows that metrics count."""

    def sql(self, reading: Reading) -> str:
        """Return the SELECT of the rows."""


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
        aggregates = _columns(self.aggregates)
        reasons = (
            f", {self.reason.list_sql(self.reason_order)} AS {self.name}_reasons"
            if reading.with_reasons
            else ""
        )
        return f"""{self.name} AS (
    SELECT order_id, {aggregates}{reasons}
    FROM {reading.facts(self.facts)} AS facts
    WHERE {self.where} AND order_id IN (SELECT order_id FROM orders)
    GROUP BY order_id
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
        kinds, related = list(self.kinds), list(self.related)
        kinds += [kind for kind in other.kinds if kind not in kinds]
        related += [each for each in other.related if each not in related]
        return Orders(tuple(kinds), tuple(related))

    def sql(self, reading: Reading) -> str:
        joined = [*(["defects"] if self.kinds else []), *(each.name for each in self.related)]
        ctes = [
            f"""orders AS (
    SELECT order_id, marketplace, channel, status, ordered_on FROM {reading.facts("order")} AS facts
    WHERE ordered_on {reading.days} AND {IS_STORED} AND {SOLD_BY_AMAZON}
)""",
            *([_defects(reading, self.kinds, orders="orders")] if self.kinds else []),
            *(each.sql(reading) for each in self.related),
        ]
        names = [*_by_kinds(self.kinds), *(name for each in self.related for name, _ in each.aggregates)]
        joins = "".join(f" LEFT JOIN {name} USING (order_id)" for name in joined)
        reasons = _reasons(reading, *(f"{name}_reasons" for name in joined))
        return f"""
WITH {", ".join(ctes)}
SELECT marketplace, channel, ordered_on AS day, order_id, '' AS reference, ordered_on, status,
    status <> ALL(%(excluded_statuses)s) AS is_in{_listed(names)}{reasons}
FROM orders{joins}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersByPackage:
    """Define one row for each order with shipped packages, by the earliest `day` of these.

    `missed` is whether `judged` is true for any. Packages whose day or judgement is not known yet are left out.
    """

    day: str
    judged: str
    kinds: tuple[DefectKind, ...]
    reason: ReasonFields

    def sql(self, reading: Reading) -> str:
        shipments = reading.facts("shipment")
        reasons = f", {self.reason.list_sql('package')} AS package_reasons" if reading.with_reasons else ""
        # All packages of these orders, whatever their days: the earliest one decides the day of the order.
        return f"""
WITH judged_orders AS (
    SELECT order_id, min({self.day}) AS day, bool_or({self.judged}) AS missed{reasons}
    FROM {shipments} AS facts
    WHERE shipped_on IS NOT NULL AND {self.day} IS NOT NULL AND ({self.judged}) IS NOT NULL
        AND order_id IN (SELECT order_id FROM {shipments} AS facts WHERE {self.day} {reading.days})
    GROUP BY order_id HAVING min({self.day}) {reading.days}
), {_defects(reading, self.kinds, orders="judged_orders")}
SELECT marketplace, channel, day, order_id, '' AS reference, ordered_on, missed{
            _listed(_by_kinds(self.kinds))
        }{_reasons(reading, "package_reasons", "defects_reasons")}
FROM judged_orders JOIN {reading.facts("order")} AS orders USING (order_id) LEFT JOIN defects USING (order_id)
WHERE {SOLD_BY_AMAZON} AND {IS_STORED}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """Define one row for each package, by its own `day`.

    `kinds` are Amazon's lists of missed packages. They name a package by its tracking number. If it is none of the
    order's packages, which of them is meant is unknown, and all count as missed.
    """

    day: str
    kinds: tuple[DefectKind, ...]
    reason: ReasonFields

    def sql(self, reading: Reading) -> str:
        shipments = reading.facts("shipment")
        columns = "shipped_on, is_scanned, deliver_by_on, delivered_on, is_on_time, is_business, units"
        reasons = (
            f", {_DEFECT_REASON.list_sql(DEFECT_ORDER)} AS defects_reasons" if reading.with_reasons else ""
        )
        own_reason = (
            f", jsonb_build_array({self.reason.sql}) AS package_reasons" if reading.with_reasons else ""
        )
        return f"""
WITH packages AS (
    SELECT order_id, package, {columns}{own_reason} FROM {shipments} AS facts WHERE {self.day} {reading.days}
), listings AS (
    SELECT order_id, kind, reference, state, rating, occurred_on, funded_by, true AS counts, false AS superseded, package,
        bool_or(reference = package) OVER (PARTITION BY order_id, kind, reference) AS is_named
    FROM {reading.facts("defect")} AS facts JOIN (
        SELECT order_id, package FROM {shipments} AS facts
    ) AS siblings USING (order_id)
    WHERE {is_one_of("kind", self.kinds)} AND counts AND order_id IN (SELECT order_id FROM packages)
), defects AS (
    SELECT order_id, package, {_columns(_by_kind_aggregates(self.kinds, "true"))}{reasons}
    FROM listings WHERE reference = package OR NOT is_named GROUP BY order_id, package
)
SELECT marketplace, channel, {self.day} AS day, order_id, package AS reference, ordered_on, {columns}{
            _listed(_by_kinds(self.kinds))
        }{_reasons(reading, "package_reasons", "defects_reasons")}
FROM packages JOIN {
            reading.facts("order")
        } AS orders USING (order_id) LEFT JOIN defects USING (order_id, package)
WHERE {SOLD_BY_AMAZON} AND {IS_STORED}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Define one row for each return request, by the day of the request."""

    reason: ReasonFields

    def sql(self, reading: Reading) -> str:
        reasons = f", jsonb_build_array({self.reason.sql}) AS reasons" if reading.with_reasons else ""
        return f"""
SELECT marketplace, channel, requested_on AS day, order_id, reference, ordered_on, is_dissatisfied{reasons}
FROM {reading.facts("return")} AS requests JOIN (
    SELECT order_id, marketplace, channel, ordered_on FROM {reading.facts("order")} AS facts
) AS orders USING (order_id)
WHERE requested_on {reading.days} AND {SOLD_BY_AMAZON} AND {IS_STORED}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """Define one row for each buyer message, by the day it was sent. It may belong to no order."""

    reason: ReasonFields

    def sql(self, reading: Reading) -> str:
        reasons = f", jsonb_build_array({self.reason.sql}) AS reasons" if reading.with_reasons else ""
        return f"""
SELECT marketplace, 'all' AS channel, sent_on AS day, order_id, message_id AS reference, NULL::date AS ordered_on,
    needs_answer, is_answered_in_time{reasons}
FROM {reading.facts("message")} AS facts WHERE sent_on {reading.days}"""


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
    reasons = f", {_DEFECT_REASON.list_sql(DEFECT_ORDER)} AS defects_reasons" if reading.with_reasons else ""
    unconfirmed = is_one_of("state", defects.UNCONFIRMED_STATES)
    return f"""statements AS (
    SELECT order_id, kind, reference, state, rating, occurred_on, funded_by, counts,
        {unconfirmed} AND NOT bool_and({unconfirmed}) OVER (PARTITION BY order_id, kind) AS superseded
    FROM {reading.facts("defect")} AS facts
    WHERE {is_one_of("kind", kinds)} AND order_id IN (SELECT order_id FROM {orders})
), defects AS (
    SELECT order_id, {_columns(_by_kind_aggregates(kinds, "counts AND NOT superseded"))}{reasons}
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
    return ", ".join(f"{expression} AS {name}" for name, expression in expressions)


def _listed(names: Sequence[str]) -> str:
    return "".join(f", {name}" for name in names)


def _reasons(reading: Reading, *lists: str) -> str:
    """Return the column of the reasons: several lists in one."""
    if not reading.with_reasons:
        return ""
    return ", " + " || ".join(f"coalesce({each}, '[]')" for each in lists) + " AS reasons"
