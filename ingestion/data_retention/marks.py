"""Find the first day of an account's data, by source."""

from dataclasses import replace
from typing import Any

from django.db import connection

from accounts.models import SellerAccount
from ingestion.data_retention import tables
from ingestion.data_retention.edges import Edges

HAS_SP_API_REPORTS = """
SELECT EXISTS (
    SELECT FROM ingestion_report WHERE agency_id = %(agency)s AND account_id = %(account)s AND source = 'sp_api')
"""
ANY_ENDED = "SELECT " + " OR ".join(
    f"EXISTS ({tables.ENDINGS[name].query('1')})"
    for name in ("ingestion_report", "metrics_snapshot", *tables.MESSAGES, *tables.ORDER_FACTS)
)


def find(*, account: SellerAccount, until: Edges) -> Edges:
    """Return the first day of the account's data by source, or None as long as no data of the source has ended.

    Requires the tenant context.
    """
    key: dict[str, Any] = {"agency": account.agency_id, "account": account.pk}
    sp_api, own = account.sp_api_data_from, account.own_data_from
    # Once data of the API has ended, what was derived from it goes on ending, even on days without a fact.
    if until.sp_api and (sp_api or (_has_sp_api_reports(key) and _has_ended(key, replace(until, own=None)))):
        sp_api = max(until.sp_api, sp_api or until.sp_api)
    if until.own and (own or _has_ended(key, replace(until, sp_api=None))):
        own = max(until.own, own or until.own)
    return Edges(sp_api=sp_api, own=own)


def _has_sp_api_reports(key: dict[str, Any]) -> bool:
    # Accounts without the API are the many. Their facts need not be read.
    with connection.cursor() as cursor:
        cursor.execute(HAS_SP_API_REPORTS, key)
        return bool(cursor.fetchone()[0])


def _has_ended(key: dict[str, Any], until: Edges) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(ANY_ENDED, key | until.params())
        return bool(cursor.fetchone()[0])
