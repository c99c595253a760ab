"""Query the portfolio: accounts by status and metric, open breaches, worst and stale accounts."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import public_account_id
from metrics.retention import retained_days
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.judgement import WORST_FIRST, Status

# One pass over the accounts instead of a query for each status.
BY_STATUS = ", ".join(f"'{status}', count(*) FILTER (WHERE status = '{status}')" for status in Status)
RANK = (
    "CASE status "
    + " ".join(f"WHEN '{status}' THEN {rank}" for rank, status in enumerate(WORST_FIRST, start=1))
    + " END"
)
STATUS_BY_RANK = "(ARRAY[" + ", ".join(f"'{status}'" for status in WORST_FIRST) + "])"

PORTFOLIO = f"""
WITH accounts AS MATERIALIZED (
    SELECT id, name, status, severity, distance, ordered_distance, worst_series, open_breaches,
        open_warnings, stale_from, greatest(sp_api_data_from, own_data_from) AS data_from,
        coalesce(stale_from < %(now)s, false) AS stale
    FROM accounts_selleraccount
    WHERE agency_id = %(agency)s AND deleted_at IS NULL
        AND (%(marketplace)s::text IS NULL OR %(marketplace)s = ANY(marketplaces))
), by_account AS (
    -- The status of an account in a metric is that of its worst series of the metric.
    SELECT metric, account_id, {STATUS_BY_RANK}[min({RANK})] AS status
    FROM metrics_currentvalue
    WHERE agency_id = %(agency)s AND (%(marketplace)s::text IS NULL OR marketplace = %(marketplace)s)
    GROUP BY metric, account_id
), by_metric AS (
    -- Accounts without a series of the metric have no data, so that the counts add up to all accounts.
    SELECT metric, jsonb_build_object({BY_STATUS}) || jsonb_build_object('{Status.NO_DATA}',
        (SELECT count(*) FROM accounts) - count(*) FILTER (WHERE status <> '{Status.NO_DATA}')) AS counts
    FROM by_account WHERE account_id IN (SELECT id FROM accounts) GROUP BY metric
), named AS (
    SELECT metric, counts || jsonb_build_object('metric', metric, 'name', rule.name) AS counts
    FROM by_metric CROSS JOIN LATERAL (
        SELECT name FROM metrics_metricrule AS rule
        WHERE rule.metric = by_metric.metric AND effective_from <= (%(now)s AT TIME ZONE 'UTC')::date
        ORDER BY rule.marketplace = %(marketplace)s IS TRUE DESC, rule.marketplace = '*' DESC,
            effective_from DESC LIMIT 1
    ) AS rule
), opened AS (
    SELECT level, acknowledged_at FROM metrics_breach
    WHERE agency_id = %(agency)s AND status = 'open' AND account_id IN (SELECT id FROM accounts)
        AND (%(marketplace)s::text IS NULL OR marketplace = %(marketplace)s)
), worst AS (
    SELECT * FROM accounts WHERE distance IS NOT NULL
    ORDER BY severity, ordered_distance, id LIMIT %(limit)s
), stale_accounts AS (
    SELECT id, name, stale_from FROM accounts WHERE stale ORDER BY stale_from, id LIMIT %(limit)s
)
SELECT
    (SELECT jsonb_build_object('total', count(*), {BY_STATUS}, 'stale', count(*) FILTER (WHERE stale))
        FROM accounts),
    (SELECT coalesce(jsonb_agg(counts ORDER BY array_position(%(catalogue)s, metric)), '[]') FROM named),
    (SELECT jsonb_build_object('breach', count(*) FILTER (WHERE level = 'breach'),
        'warning', count(*) FILTER (WHERE level = 'warning'),
        'unacknowledged', count(*) FILTER (WHERE acknowledged_at IS NULL)) FROM opened),
    (SELECT coalesce(jsonb_agg(to_jsonb(worst) ORDER BY severity, ordered_distance, id), '[]') FROM worst),
    (SELECT coalesce(jsonb_agg(to_jsonb(stale_accounts) ORDER BY stale_from, id), '[]') FROM stale_accounts),
    (SELECT max(data_from) FROM accounts)
"""


def query(*, agency_id: UUID, now: datetime, limit: int, marketplace: str | None = None) -> dict[str, Any]:
    """Return the counts over all accounts, and the first `limit` of the worst and of the stale accounts.

    With a `marketplace`: only accounts that sell there, and only their series and breaches there. The status,
    distance and worst series of an account still cover all its marketplaces.
    """
    params: dict[str, Any] = {"agency": agency_id, "now": now, "limit": limit, "marketplace": marketplace}
    with connection.cursor() as cursor:
        cursor.execute(PORTFOLIO, params | {"catalogue": list(CATALOGUE)})
        # Plain cursors return jsonb as text (see pipeline/amazon_reported.py).
        *documents, data_from = cursor.fetchone()
    accounts, metrics, open_breaches, worst, stale = map(json.loads, documents)
    return {
        "retained_from": retained_days.first_value_day(data_from),
        "accounts": accounts,
        "metrics": metrics,
        "open_breaches": open_breaches,
        "worst": [account | {"account": public_account_id(UUID(account["id"]))} for account in worst],
        "stale_accounts": [
            {
                "account": public_account_id(UUID(account["id"])),
                "name": account["name"],
                "stale_from": datetime.fromisoformat(account["stale_from"]),
            }
            for account in stale
        ],
    }
