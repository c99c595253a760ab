"""Create many accounts with SQL, as a large agency has, with every series of two marketplaces."""

from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts.tenancy import context
from metrics.rules.catalogue.definitions import CATALOGUE
from tests.conftest import analyze

ACCOUNTS = """
INSERT INTO accounts_selleraccount (id, agency_id, name, selling_partner_id, home_marketplace, status,
    distance, worst_series,
    open_breaches, open_warnings, stale_from, marketplaces, amazon_statuses, created_at)
SELECT gen_random_uuid(), %(agency)s, 'Shop ' || md5(n::text), 'A' || n, 'US',
    CASE WHEN n %% 100 < 3 THEN 'breached' WHEN n %% 100 < 10 THEN 'at_risk' WHEN n %% 100 < 98 THEN 'healthy' ELSE 'no_data' END,
    CASE WHEN n %% 100 < 98 THEN (n %% 100 - 3) / 97.0 END,
    jsonb_build_object('metric', 'order_defect_rate', 'name', 'Order Defect Rate', 'marketplace', 'US',
        'channel', 'mfn',
        'numerator', n %% 100, 'denominator', 10000, 'rate', n %% 100 / 10000.0, 'status', 'healthy',
            'enforced', true,
        'target', jsonb_build_object('comparator', 'lt', 'value', 0.01, 'source', 'default')),
    (n %% 100 < 3)::int, (n %% 100 BETWEEN 3 AND 9)::int,
    CASE WHEN n %% 50 = 0 THEN %(now)s::timestamptz - interval '1 day' ELSE %(now)s::timestamptz + interval '2 days' END,
    CASE WHEN n %% 2 = 0 THEN ARRAY['CA', 'US'] ELSE ARRAY['US'] END, '{}', %(now)s::timestamptz - n * interval '1 minute'
FROM generate_series(1, %(count)s) AS n
"""
VALUES = """
INSERT INTO metrics_currentvalue (agency_id, account_id, metric, marketplace, channel, as_of, window_from,
    window_to,
    numerator, denominator, status, computed_at)
SELECT agency_id, account.id, metric, marketplace, channel, %(now)s::date, %(now)s::date - 74,
    %(now)s::date - 15, 1, 200,
    account.status, %(now)s::timestamptz
FROM accounts_selleraccount AS account
CROSS JOIN unnest(%(metrics)s::text[], %(channels)s::text[]) AS series (metric, channel)
CROSS JOIN unnest(ARRAY['US', 'CA']) AS marketplace
WHERE agency_id = %(agency)s
"""
BREACHES = """
INSERT INTO metrics_breach (id, agency_id, account_id, metric, marketplace, channel, level, status, opened_at,
    as_of,
    numerator, denominator, comparator, limit_numerator, limit_denominator, acknowledged_at)
SELECT gen_random_uuid(), agency_id, id, 'order_defect_rate', 'US', 'mfn',
    CASE WHEN open_breaches > 0 THEN 'breach' ELSE 'warning' END, 'open', %(now)s::timestamptz, %(now)s::date, 5, 200, 'lt',
        1, 100,
    CASE WHEN open_breaches > 0 THEN %(now)s::timestamptz END
FROM accounts_selleraccount WHERE agency_id = %(agency)s AND open_breaches + open_warnings > 0
"""
RESOLVED = """
INSERT INTO metrics_breach (id, agency_id, account_id, metric, marketplace, channel, level, status, opened_at,
    as_of,
    numerator, denominator, comparator, limit_numerator, limit_denominator, resolved_at)
SELECT gen_random_uuid(), agency_id, id, 'order_defect_rate', 'US', 'mfn', 'breach', 'resolved', %(now)s::timestamptz,
    %(now)s::date,
    5, 200, 'lt', 1, 100, %(now)s::timestamptz
FROM accounts_selleraccount, generate_series(1, 4) WHERE agency_id = %(agency)s
"""
ANALYZED = ("accounts_selleraccount", "metrics_currentvalue", "metrics_breach")


def fill(agency_id: UUID, *, accounts: int, owner_dsn: str) -> None:
    """Create this many accounts: of a hundred, 3 are breached, 7 at risk, 2 without data, 2 stale; 40 series each."""
    series = [(metric.code, channel.value) for metric in CATALOGUE.values() for channel in metric.channels][
        :20
    ]
    params: dict[str, Any] = {
        "agency": agency_id,
        "now": timezone.now(),
        "count": accounts,
        "metrics": [metric for metric, _ in series],
        "channels": [channel for _, channel in series],
    }
    for statement in (ACCOUNTS, VALUES, BREACHES, RESOLVED):
        with context.agency(agency_id), connection.cursor() as cursor:
            cursor.execute(statement, params)
        analyze(owner_dsn, *ANALYZED)
