"""Count the rows that should have ended, by table. After a sweep, every number is 0."""

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.models import Agency, SellerAccount
from accounts.tenancy import context
from ingestion.data_retention import edges, marks, tables
from ingestion.data_retention.edges import Edges


def count(*, agency_id: UUID, now: datetime) -> Counter[str]:
    """Return the number of overdue rows by table, of every table whose rows end. Opens its own transactions."""
    with context.agency(agency_id):
        agency = Agency.objects.get(pk=agency_id)
        accounts = list(SellerAccount.objects.filter(agency_id=agency_id).values_list("pk", flat=True))
    until = edges.to_prove(
        today=now.astimezone(UTC).date(),
        sp_api_months=settings.SP_API_RETENTION_MONTHS,
        own_months=agency.data_retention_months,
    )
    overdue = Counter(dict.fromkeys((*tables.ENDINGS, tables.AUDIT_LOG), 0))
    for account_id in accounts:
        overdue.update(_count_account(agency_id, account_id, until))
    overdue.update(_count_audit_entries(agency_id, until))
    return overdue


def _count_account(agency_id: UUID, account_id: UUID, until: Edges) -> dict[str, int]:
    with context.agency(agency_id), connection.cursor() as cursor:
        account = SellerAccount.objects.filter(agency_id=agency_id, pk=account_id).first()
        if account is None:
            return {}
        first = marks.find(account=account, until=until)
        # The account's own first day may be later: a sweep deletes ahead.
        derived = max(
            (day for day in (first.sp_api and until.sp_api, first.own and until.own) if day), default=None
        )
        params = {"agency": agency_id, "account": account_id, "data_from": derived} | until.params()
        overdue = {}
        for table, ending in tables.ENDINGS.items():
            cursor.execute(ending.query("count(*)"), params)
            overdue[table] = int(cursor.fetchone()[0])
        return overdue


def _count_audit_entries(agency_id: UUID, until: Edges) -> dict[str, int]:
    with context.agency(agency_id), connection.cursor() as cursor:
        statement = tables.ENDED_AUDIT_ENTRIES.format(columns="count(*)")
        cursor.execute(statement, {"agency": agency_id} | until.params())
        return {tables.AUDIT_LOG: int(cursor.fetchone()[0])}
