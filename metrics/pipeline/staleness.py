"""Decide which sources of an account are stale.

A source (`Metric.source`) is stale if it was loaded before, and its newest data are older than
SOURCES_MAX_AGE_HOURS allows. The age of Amazon's own report counts from the moment that it describes, that of
other sources from their load. A source that was never loaded is not stale. An account is stale if one of its
sources is. Listings are the source of no metric, so they are never stale.

These places make the comparison:

- `stale_sources_by_moment` below: for values, for the alert state machine and for the days of a breach
- `BreachQuerySet.with_stale` (metrics/models/breaches.py): for breaches in lists
- `AmazonAge` (metrics/pipeline/amazon_reported.py): for each of Amazon's figures
- `stale_from` below computes the moment from which the account is stale; account_summary saves it on the
  account's row. It is compared with the clock by `SellerAccount.is_stale`, `SellerAccountQuerySet.stale` and
  `fresh` (accounts/models/seller_accounts.py), the portfolio (metrics/drilldown/portfolio.py) and
  operational_figures() (ingestion/migrations/0003_operational_figures.py)
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import SellerAccount
from metrics.rules.catalogue.definitions import METRICS
from metrics.rules.catalogue.reading import ACCOUNT_ROWS

SOURCES = tuple(sorted({metric.source for metric in METRICS}))
NEWEST_LOADS = f"""
SELECT moment, source, (
    SELECT max(described_at) FROM metrics_sourceload AS load
    WHERE {ACCOUNT_ROWS} AND load.source = sources.source AND recorded_at <= moment
) AS loaded_at
FROM unnest(%(moments)s::timestamptz[]) AS moment CROSS JOIN unnest(%(sources)s::text[]) AS sources (source)
"""


def stale_sources(*, account: SellerAccount, at: datetime) -> frozenset[str]:
    """Return the sources that are stale at a moment."""
    return stale_sources_by_moment(account=account, moments=[at])[at]


def stale_sources_by_moment(
    *, account: SellerAccount, moments: Collection[datetime], sources: Collection[str] = SOURCES
) -> dict[datetime, frozenset[str]]:
    """Return, for each moment, the sources that were stale then."""
    stale: dict[datetime, set[str]] = {moment: set() for moment in moments}
    for moment, source, loaded_at in _query_newest_loads(account, moments, sources):
        if loaded_at and moment - loaded_at > max_age(source):
            stale[moment].add(source)
    return {moment: frozenset(names) for moment, names in stale.items()}


def stale_from(*, account: SellerAccount, at: datetime) -> datetime | None:
    """Return the moment from which a source is stale if nothing more is loaded after `at`.

    None if nothing was loaded by `at`.
    """
    loads = _query_newest_loads(account, [at], SOURCES)
    return min((loaded_at + max_age(source) for _, source, loaded_at in loads if loaded_at), default=None)


def _query_newest_loads(
    account: SellerAccount, moments: Collection[datetime], sources: Collection[str]
) -> list[tuple[datetime, str, datetime | None]]:
    """Return until when each source was described by each moment, None if it was not loaded."""
    params: dict[str, Any] = {
        "agency": account.agency_id,
        "account": account.pk,
        "moments": list(moments),
        "sources": list(sources),
    }
    with connection.cursor() as cursor:
        cursor.execute(NEWEST_LOADS, params)
        loads: list[tuple[datetime, str, datetime | None]] = cursor.fetchall()
    return loads


def max_age(source: str) -> timedelta:
    """Return how old a source may be (SOURCES_MAX_AGE_HOURS)."""
    return timedelta(hours=settings.SOURCES_MAX_AGE_HOURS[source])
