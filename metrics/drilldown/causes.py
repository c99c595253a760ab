"""Query what the defects behind a value have in common: the orders of each product, carrier, reason or kind of defect.

An order with several products is in the figures of each, and once in the total. The exclusive figures of a group are of the
orders that are in no other group, so these and the mixed orders add up to the total.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from accounts.models import SellerAccount
from metrics.drilldown import dimensions
from metrics.models import Listing
from metrics.pipeline import daily_counts, denominators
from metrics.rules.association import Share
from metrics.rules.catalogue.definitions import COUNTED
from metrics.rules.catalogue.metric import Metric
from metrics.rules.catalogue.reading import AS_KNOWN, AS_KNOWN_WITHOUT_REASONS
from metrics.rules.series import Window

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

    Both are empty for orders without any, such as, by kind, those without a defect.
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
    """Return the groups of the orders behind a value. A metric that only Amazon reports has none.

    Requires a transaction.
    """
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
    # The planner expects one row of a window, and would compare each with each: quadratic in the orders.
    with daily_counts.without_nested_loops() as cursor:
        cursor.execute(statement, params)
        return _build(cursor.fetchall())


def query_titles(*, account: SellerAccount, marketplace: str, by: str, keys: Sequence[str]) -> dict[str, str]:
    """Return the newest known titles of products, by SKU or ASIN."""
    if by not in {dimensions.SKU, dimensions.ASIN}:
        return {}
    listings = Listing.objects.filter(
        agency_id=account.agency_id,
        account_id=account.pk,
        marketplace=marketplace,
        **{f"{by}__in": keys},
    ).exclude(title="")
    return dict(listings.order_by("recorded_at").values_list(by, "title"))


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
    reading = AS_KNOWN if by == dimensions.KIND else AS_KNOWN_WITHOUT_REASONS
    rows = metric.rows.sql(reading, where=ratio.denominator.where) if metric.rows else ""
    reasons = ", reasons" if by == dimensions.KIND else ""
    return f"""
WITH chosen AS MATERIALIZED (
    SELECT order_id, reference, {is_defective} AS is_defective{reasons}
    FROM ({rows}) AS rows
    WHERE day BETWEEN %(first)s AND %(last)s AND marketplace = %(marketplace)s AND channel = %(channel)s
), keyed AS MATERIALIZED (
    {dimensions.keys_sql(by, metric, of="chosen")}
)
{GROUPS}"""


STATEMENTS = {
    (metric.code, by): _statement(metric, by)
    for metric in COUNTED
    for by in (*dimensions.DIMENSIONS, dimensions.RETURN_REASON)
}
