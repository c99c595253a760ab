"""Look for the orders of staged facts: those that the account does not have, and the accounts that have them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from metrics.pipeline.staging import STAGED
from metrics.rules.facts import Fact, OrderFact

MAX_ACCOUNTS = 10
# Joined from the missing orders, which are few as a rule, with the index of orders by ID.
FOUND = """
WITH stated AS MATERIALIZED ({stated}), missing AS MATERIALIZED (
    SELECT order_id FROM stated WHERE NOT EXISTS (
        SELECT FROM metrics_order AS placed
        WHERE placed.agency_id = %(agency)s AND placed.account_id = %(account)s
            AND placed.order_id = stated.order_id)
), found AS (
    SELECT placed.account_id, count(*) AS orders FROM missing
    JOIN metrics_order AS placed ON placed.agency_id = %(agency)s AND placed.order_id = missing.order_id
    JOIN accounts_selleraccount AS account
        ON account.agency_id = %(agency)s AND account.id = placed.account_id AND account.deleted_at IS NULL
    GROUP BY placed.account_id ORDER BY orders DESC, placed.account_id LIMIT %(max_accounts)s
)
SELECT (SELECT count(*) FROM stated), (SELECT count(*) FROM missing), account_id::text, orders
FROM (SELECT) AS always LEFT JOIN found ON true
"""


@dataclass(frozen=True, slots=True)
class MissingOrders:
    """Count the orders that staged facts name, and those that the account does not have.

    `found_in` has the number of the missing orders that other accounts of the agency have, by account ID.
    """

    stated: int
    missing: int
    found_in: dict[str, int]


def query(*, account: SellerAccount, fact_types: Iterable[type[Fact]]) -> MissingOrders | None:
    """Return the missing orders of the staged facts, or None if none is missing or if the facts state orders
    themselves.

    Requires the transaction of `recording.stage`, before `recording.record`. Orders of all accounts of
    the agency are looked for: who may learn of an account is decided when the result is shown.
    """
    types = list(fact_types)
    tables = [STAGED[each].table for each in types if "order_id" in STAGED[each].columns]
    if OrderFact in types or not tables:
        return None
    stated = " UNION ".join(
        f"SELECT DISTINCT order_id FROM pg_temp.{table} WHERE order_id <> ''" for table in tables
    )
    params: dict[str, Any] = {
        "agency": account.agency_id,
        "account": account.pk,
        "max_accounts": MAX_ACCOUNTS,
    }
    with connection.cursor() as cursor:
        cursor.execute(FOUND.format(stated=stated), params)
        rows = cursor.fetchall()
    found_in = {account_id: orders for _, _, account_id, orders in rows if account_id}
    return MissingOrders(rows[0][0], rows[0][1], found_in) if rows[0][1] else None
