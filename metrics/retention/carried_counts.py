"""Carry what orders of earlier days contribute to days whose data is complete, so that recounts do not change.

An order may have a ship-by day, a promised day or a return weeks after its own day. When the first day of an
account's data moves past the order, these counts are stored: `metrics_carriedcounts`. From then on a day's counts
are the sum of what is carried and of the orders since the first day. The order itself may be deleted at any time,
or be stated again by a late report, without a change of the numbers.
"""

from datetime import date, datetime
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from metrics.pipeline import daily_counts
from metrics.rules.catalogue.definitions import COUNTS

# The days from the new first day on to which the orders before it contribute.
LATER_DAYS = """
WITH placed AS (
    SELECT order_id FROM metrics_order
    WHERE agency_id = %(agency)s AND account_id = %(account)s AND ordered_on >= %(since)s AND ordered_on < %(until)s
)
SELECT DISTINCT day FROM (
    SELECT unnest(ARRAY[ship_by_on, shipped_on, deliver_by_on]) AS day
    FROM metrics_shipment JOIN placed USING (order_id)
    WHERE agency_id = %(agency)s AND account_id = %(account)s
    UNION ALL
    SELECT requested_on FROM metrics_return JOIN placed USING (order_id)
    WHERE agency_id = %(agency)s AND account_id = %(account)s
) AS days WHERE day >= %(until)s
"""
ADD = f"""
INSERT INTO metrics_carriedcounts AS carried (agency_id, account_id, marketplace, channel, day, {", ".join(COUNTS)})
VALUES (%s, %s, %s, %s, %s, {", ".join(["%s"] * len(COUNTS))})
ON CONFLICT (agency_id, account_id, marketplace, channel, day) DO UPDATE SET
    {", ".join(f"{name} = carried.{name} + excluded.{name}" for name in COUNTS)}
"""
NOTHING = (0,) * len(COUNTS)


def carry(*, account: SellerAccount, since: date | None, until: date, now: datetime) -> None:
    """Carry what the orders before `until` contribute to later days. Those before `since` are carried already.

    Requires a transaction that holds the account's lock and moves the account's `data_from` to `until`.
    """
    params: dict[str, Any] = {
        "agency": account.agency_id,
        "account": account.pk,
        "since": since or date.min,
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(LATER_DAYS, params)
        days = [day for (day,) in cursor.fetchall()]
        if not days:
            return
        before, after = (
            daily_counts.count(account=account, days=days, known_at=now, data_from=data_from)
            for data_from in (since, until)
        )
        rows: list[tuple[Any, ...]] = []
        for place, counts in before.items():
            carried = tuple(one - other for one, other in zip(counts, after.get(place, NOTHING), strict=True))
            if any(carried):
                rows.append((account.agency_id, account.pk, *place, *carried))
        cursor.executemany(ADD, rows)
