"""Count and list unmatched defects, which no metric counts because what they are about is not loaded yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import SellerAccount
from api import cursors
from metrics.rules import defects
from metrics.rules.facts import DefectKind

COLUMNS = "order_id, kind, reference, state, rating, occurred_on, report_id, recorded_at"
ACCOUNT = "agency_id = %(agency)s AND account_id = %(account)s"
JUDGED_PACKAGES: dict[str, str] = {
    DefectKind.LATE_DELIVERY: "deliver_by_on IS NOT NULL AND is_scanned AND is_on_time IS NOT NULL",
    DefectKind.INVALID_TRACKING: "shipped_on IS NOT NULL AND is_scanned IS NOT NULL",
    DefectKind.INVOICE_DEFECT: "shipped_on IS NOT NULL AND is_invoiced_in_time IS NOT NULL",
}
"""By kind of defect, the packages that are in the denominator of its metric.

Amazon's lists of these defects name only what missed the metric. Until the package itself is loaded, such a
defect is unmatched: it alone would make a rate of 0 of 1.
"""

# At an earlier `known_at`, an order may be in the past table only, so both tables are searched.
NO_ORDER = " AND ".join(
    f"""NOT EXISTS (
        SELECT FROM {table} AS placed
        WHERE placed.agency_id = %(agency)s AND placed.account_id = %(account)s
            AND placed.order_id = {{defect}}.order_id AND placed.recorded_at <= %(known_at)s)"""
    for table in ("metrics_order", "metrics_pastorder")
)
UNMATCHED = f"""
WITH defects AS (
    SELECT {COLUMNS} FROM metrics_defect WHERE {ACCOUNT} AND recorded_at <= %(known_at)s
    UNION ALL
    SELECT {COLUMNS} FROM metrics_pastdefect
    WHERE {ACCOUNT} AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s
), listed AS (
    SELECT DISTINCT order_id FROM defects WHERE kind = ANY(%(package_kinds)s)
), packages AS (
    SELECT * FROM (
        SELECT order_id, shipped_on, deliver_by_on, is_scanned, is_on_time, is_invoiced_in_time
        FROM metrics_shipment WHERE {ACCOUNT} AND recorded_at <= %(known_at)s
        UNION ALL
        SELECT order_id, shipped_on, deliver_by_on, is_scanned, is_on_time, is_invoiced_in_time
        FROM metrics_pastshipment
        WHERE {ACCOUNT} AND recorded_at <= %(known_at)s AND superseded_at > %(known_at)s
    ) AS known JOIN listed USING (order_id)
), judged AS (
    {
    " UNION ".join(
        f"SELECT order_id, '{kind}' AS kind FROM packages WHERE {condition}"
        for kind, condition in JUDGED_PACKAGES.items()
    )
}
), missing AS (
    SELECT *, state = ANY(%(unconfirmed)s) AS is_unconfirmed FROM defects
    -- The orders of earlier days have ended, and cannot be loaded again.
    WHERE (%(data_from)s::date IS NULL OR coalesce(occurred_on, recorded_at::date) >= %(data_from)s)
    AND ({NO_ORDER.format(defect="defects")}
    OR kind = ANY(%(package_kinds)s) AND NOT EXISTS (
        SELECT FROM judged WHERE judged.order_id = defects.order_id AND judged.kind = defects.kind))
), compared AS (
    SELECT *, bool_and(is_unconfirmed) OVER (PARTITION BY order_id, kind) AS none_confirmed,
        row_number() OVER (PARTITION BY order_id, kind ORDER BY reference) AS position
    FROM missing
), unmatched AS (
    SELECT {COLUMNS} FROM compared WHERE NOT is_unconfirmed OR none_confirmed AND position = 1
)
"""
"""Select the unmatched defects.

Unconfirmed defects of one kind on one order are one defect, or none if one of them is confirmed.
"""

# The order may have been loaded for another account. Row-level security leaves out accounts that the principal
# cannot see.
FOUND_IN = """
SELECT placed.account_id FROM metrics_order AS placed
JOIN accounts_selleraccount AS account ON account.agency_id = placed.agency_id AND account.id = placed.account_id
WHERE placed.agency_id = %(agency)s AND placed.order_id = page.order_id AND placed.account_id <> %(account)s
    AND account.deleted_at IS NULL
    AND (placed.recorded_at <= %(found_at)s OR EXISTS (
        SELECT FROM metrics_pastorder AS past
        WHERE past.agency_id = %(agency)s AND past.account_id = placed.account_id
            AND past.order_id = placed.order_id AND past.recorded_at <= %(found_at)s))
ORDER BY placed.account_id LIMIT 1
"""
PAGE = f"""{UNMATCHED}, page AS MATERIALIZED (
    SELECT * FROM unmatched
    WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)
        AND (%(after_moment)s::timestamptz IS NULL OR (recorded_at, order_id, kind, reference)
            < (%(after_moment)s, %(after_order)s, %(after_kind)s, %(after_reference)s))
    ORDER BY recorded_at DESC, order_id DESC, kind DESC, reference DESC
    LIMIT %(limit)s
)
SELECT {COLUMNS}, {NO_ORDER.format(defect="page")} AS lacks_order, ({FOUND_IN}) AS found_in
FROM page ORDER BY recorded_at DESC, order_id DESC, kind DESC, reference DESC
"""


@dataclass(frozen=True, slots=True)
class UnmatchedDefect:
    """Describe an unmatched defect: what it states, what is missing, and where the agency has its order."""

    order_id: str
    kind: str
    reference: str
    state: str
    rating: int | None
    occurred_on: date | None
    report_id: UUID
    recorded_at: datetime
    lacks_order: bool
    found_in: UUID | None


@dataclass(frozen=True, kw_only=True)
class UnmatchedDefects:
    """Read the unmatched defects as known at a moment, the last recorded first, a page at a time.

    `found_at` is the moment at which orders of other accounts are looked for.
    """

    account: SellerAccount
    known_at: datetime
    found_at: datetime
    kind: str | None = None
    position_length: int = 4

    def page(self, *, after: list[str] | None, limit: int) -> Sequence[UnmatchedDefect]:
        """Return the defects after a position. Raises BadCursor."""
        params = _params(self.account, self.known_at) | _after_params(after)
        params |= {"found_at": self.found_at, "kind": self.kind, "limit": limit}
        with connection.cursor() as cursor:
            cursor.execute(PAGE, params)
            return [UnmatchedDefect(*row) for row in cursor.fetchall()]

    def position(self, row: UnmatchedDefect) -> list[str]:
        return [row.recorded_at.isoformat(), row.order_id, row.kind, row.reference]


def count(*, account: SellerAccount, known_at: datetime) -> int:
    """Return the number of defects that no metric can count, as known at a moment."""
    with connection.cursor() as cursor:
        cursor.execute(f"{UNMATCHED} SELECT count(*) FROM unmatched", _params(account, known_at))
        return int(cursor.fetchone()[0])


def _params(account: SellerAccount, known_at: datetime) -> dict[str, Any]:
    return {
        "agency": account.agency_id,
        "account": account.pk,
        "known_at": known_at,
        "data_from": account.data_from,
        "unconfirmed": list(defects.UNCONFIRMED_STATES),
        "package_kinds": [str(kind) for kind in JUDGED_PACKAGES],
    }


def _after_params(after: list[str] | None) -> dict[str, Any]:
    """Return the parameters of a cursor's position. Raises BadCursor."""
    names = ("after_moment", "after_order", "after_kind", "after_reference")
    if after is None:
        return dict.fromkeys(names)
    try:
        moment = datetime.fromisoformat(after[0])
    except ValueError:
        raise cursors.BadCursor from None
    if moment.tzinfo is None:
        raise cursors.BadCursor
    return dict(zip(names, (moment, *(part.replace("\0", "") for part in after[1:])), strict=True))
