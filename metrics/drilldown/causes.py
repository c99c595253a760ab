"""Query what the defects behind a value have in common: the orders of each carrier or kind of defect.

An order with several carriers is in the figures of each, and once in the total. The exclusive figures of a group are of the
orders that are in no other group, so these and the mixed orders add up to the total.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from metrics.drilldown.carriers import carriers_sql
from metrics.pipeline import denominators
from metrics.rules.association import Share
from metrics.rules.catalogue.definitions import COUNTED
from metrics.rules.catalogue.metric import Metric
from metrics.rules.catalogue.reading import AS_KNOWN, AS_KNOWN_WITHOUT_REASONS
from metrics.rules.catalogue.rows import is_one_of
from metrics.rules.facts import DefectKind
from metrics.rules.series import Window

CARRIER, KIND = "carrier", "kind"
DIMENSIONS = (CARRIER, KIND)

GROUPS = """
SELECT key, max(label), count(*), count(*) FILTER (WHERE is_defective),
    count(*) FILTER (WHERE keys = 1), count(*) FILTER (WHERE keys = 1 AND is_defective)
FROM (
    SELECT chosen.*, coalesce(key, '') AS key, coalesce(label, '') AS label,
        greatest(1, count(key) OVER (PARTITION BY order_id, reference)) AS keys
    FROM chosen LEFT JOIN keyed USING (order_id, reference)
) AS pairs
GROUP BY key
UNION ALL
SELECT NULL, NULL, count(*), count(*) FILTER (WHERE is_defective),
    count(*) FILTER (WHERE (order_id, reference) IN (
        SELECT order_id, reference FROM keyed GROUP BY order_id, reference HAVING count(*) > 1)), 0
FROM chosen
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Describe the orders with one key. `label` is the key as a report writes it.

    Both are empty for orders without a known carrier, or, by kind, without a defect.
    """

    key: str
    label: str
    share: Share
    exclusive: Share


@dataclass(frozen=True, slots=True)
class Causes:
    """Describe the groups, with the most defects first, the total, and the number of orders in several groups."""

    total: Share
    mixed_orders: int
    groups: tuple[Group, ...]

    def find(self, key: str) -> Share:
        """Return the orders and defects of a group. Without such a group, none."""
        return next((group.share for group in self.groups if group.key == key), Share(0, 0))


NONE = Causes(Share(0, 0), 0, ())


def query(
    *,
    account: SellerAccount,
    metric: Metric,
    by: str,
    window: Window,
    marketplace: str,
    channel: str,
    known_at: datetime,
) -> Causes:
    """Return the groups of the orders behind a value. A metric that only Amazon reports has none."""
    statement = STATEMENTS.get((metric.code, by))
    if statement is None:
        return NONE
    params: dict[str, Any] = {
        "agency": account.agency_id,
        "account": account.pk,
        "first": window.first,
        "last": window.last,
        "marketplace": marketplace,
        "channel": channel,
        "known_at": known_at,
        # Rows of orders that have ended are shown until they are deleted.
        "data_from": date.min,
        "excluded_statuses": denominators.excluded_statuses(account=account, known_at=known_at),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return _build(cursor.fetchall())


def _build(rows: Sequence[tuple[Any, ...]]) -> Causes:
    ((_, _, orders, defects, mixed, _),) = [row for row in rows if row[0] is None]
    groups = [
        Group(key, label, Share(its_defects, its_orders), Share(own_defects, own_orders))
        for key, label, its_orders, its_defects, own_orders, own_defects in rows
        if key is not None
    ]
    groups.sort(key=lambda group: (-group.share.defects, group.share.orders, group.key))
    return Causes(Share(defects, orders), mixed, tuple(groups))


def _statement(metric: Metric, by: str) -> str:
    ratio = metric.counts_in(units=False)
    is_defective = f"({ratio.numerator.where}) IS {'NOT TRUE' if metric.counts_good else 'TRUE'}"
    reading = AS_KNOWN if by == KIND else AS_KNOWN_WITHOUT_REASONS
    rows = metric.rows.sql(reading, where=ratio.denominator.where) if metric.rows else ""
    reasons = ", reasons" if by == KIND else ""
    return f"""
WITH chosen AS MATERIALIZED (
    SELECT order_id, reference, {is_defective} AS is_defective{reasons}
    FROM ({rows}) AS rows
    WHERE day BETWEEN %(first)s AND %(last)s AND marketplace = %(marketplace)s AND channel = %(channel)s
), keyed AS MATERIALIZED (
    {_kinds(metric) if by == KIND else carriers_sql(metric, of="chosen")}
)
{GROUPS}"""


def _kinds(metric: Metric) -> str:
    """Return the SELECT of the kinds of what makes an order defective."""
    # Where a metric counts what is good, a package or message that counts is good, and a listed defect is not.
    counts = "reason ->> 'counts' = 'true'"
    if metric.counts_good:
        is_listed = is_one_of("reason ->> 'kind'", tuple(DefectKind))
        counts = f"({counts}) = ({is_listed})"
    if metric.own_kinds:
        counts += " AND " + is_one_of("reason ->> 'kind'", metric.own_kinds)
    return f"""SELECT DISTINCT order_id, reference, reason ->> 'kind' AS key, reason ->> 'kind' AS label
    FROM chosen CROSS JOIN LATERAL jsonb_array_elements(reasons) AS reason
    WHERE is_defective AND {counts}"""


STATEMENTS = {(metric.code, by): _statement(metric, by) for metric in COUNTED for by in DIMENSIONS}
