"""Delete the data of an agency that has ended, in batches.

For each account, deleted ones included:

1. Move the first day of its data, and carry what orders of earlier days contribute to later ones. From then on,
   earlier days are not answered, and their orders are not counted again.
2. Delete the facts of orders, all facts of an order at once.
3. Delete what else reports stated, and the reports with their documents.
4. Delete what was derived from days before the first day.

And last, once for the agency, the entries of the audit log about what is gone.

Each batch is a transaction of its own that holds the account's lock. A sweep that is interrupted is continued by
the next one, and two at once delete different rows.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.models import Agency, SellerAccount
from accounts.tenancy import context
from ingestion import retention
from ingestion.data_retention import edges, marks, tables
from ingestion.data_retention.edges import Edges
from ingestion.models import Report
from metrics.retention import carried_counts

BATCH_SIZE = 5000
REPORTS_BATCH_SIZE = 100
logger = logging.getLogger(__name__)
Result = TypeVar("Result")

# UNION ALL: a batch needs some of the orders, and must not read all to find them.
ENDED_ORDERS = (
    "SELECT DISTINCT order_id FROM ("
    + " UNION ALL ".join(f"({each.query('it.order_id')})" for each in tables.ORDER_FACTS.values())
    + " LIMIT %(batch_size)s) AS ended"
)
# Orders of the batch that are themselves over, by whose edge. Their other facts of that source go with them.
ORDERS_THAT_END = (
    tables.ENDINGS["metrics_order"].query("it.order_id, report.source IS NULL OR report.source = 'sp_api'")
    + " AND it.order_id = ANY(%(orders)s)"
)
WITH_ORDER = """it.order_id = ANY(
    CASE WHEN report.source IN ('upload', 'json') THEN %(own_orders)s::text[] ELSE %(sp_api_orders)s::text[] END)"""
DELETE_OF_ORDERS = """
DELETE FROM {table} WHERE ctid = ANY (ARRAY(
    SELECT it.ctid FROM {rows} WHERE {of_account} AND it.order_id = ANY(%(orders)s) AND ({ended} OR {with_order})))
"""
# The next ones by position, not by what is left: documents that cannot be deleted would fill every batch.
ENDED_REPORTS = (
    tables.ENDINGS["ingestion_report"].query("report.id")
    + " AND report.id > %(after)s ORDER BY report.id LIMIT %(reports_batch_size)s"
)
DELETE = "DELETE FROM {table} WHERE ctid = ANY (ARRAY({query} LIMIT %(batch_size)s))"


@dataclass(frozen=True, slots=True)
class _Sweep:
    """Hold an account, locked until the transaction ends, and the parameters of the statements about it."""

    account: SellerAccount
    until: Edges
    params: dict[str, Any]
    now: datetime

    def run(self, statement: str, **params: Any) -> int:
        """Run a statement and return the number of its rows."""
        with connection.cursor() as cursor:
            cursor.execute(statement, self.params | params)
            return int(cursor.rowcount)

    def query(self, statement: str, **params: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, self.params | params)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows


def batches(*, agency_id: UUID, now: datetime) -> Generator[int, None, None]:
    """Delete one batch at each step, and yield its number of rows. Opens a transaction for each batch."""
    with context.agency(agency_id):
        agency = Agency.objects.filter(pk=agency_id).first()
        accounts = list(SellerAccount.objects.filter(agency_id=agency_id).values_list("pk", flat=True))
    if agency is None:
        return
    until = edges.to_sweep(
        today=now.astimezone(UTC).date(),
        sp_api_months=settings.SP_API_RETENTION_MONTHS,
        own_months=agency.data_retention_months,
    )
    for account_id in accounts:
        yield from _sweep_account(agency_id, account_id, until, now)
    yield from _repeat(partial(_delete_audit_entries, agency_id, until))


def _sweep_account(agency_id: UUID, account_id: UUID, until: Edges, now: datetime) -> Iterator[int]:
    def step(delete: Callable[..., int], *args: str) -> Iterator[int]:
        return _repeat(partial(_run_locked, agency_id, account_id, until, now, delete, *args))

    # First, in a transaction of its own: from here on, no day that is losing facts is answered or counted.
    if not _run_locked(agency_id, account_id, until, now, _move_first_day):
        return
    yield from step(_delete_facts_of_orders)
    for table, ending in tables.ENDINGS.items():
        if table == "ingestion_report":
            # With their documents. Nothing that is left names them: it would have ended too.
            yield from _delete_reports(partial(_run_locked, agency_id, account_id, until, now))
        elif not ending.is_of_order and not ending.cascades:
            yield from step(_delete_rows, table)


def _run_locked(
    agency_id: UUID,
    account_id: UUID,
    until: Edges,
    now: datetime,
    delete: Callable[..., Result],
    *args: object,
) -> Result | None:
    """Run a step of the sweep in a transaction that holds the account's lock, and return its result.

    Returns None if the account is erased.
    """
    with context.agency(agency_id):
        # Deleted accounts and closed agencies too: their data is stored until it is erased.
        accounts = SellerAccount.objects.select_for_update(no_key=True, of=("self",)).select_related("agency")
        account = accounts.filter(agency_id=agency_id, pk=account_id).first()
        if account is None:
            # Erased since the list was read.
            return None
        params = {"agency": agency_id, "account": account_id, "data_from": account.data_from}
        params |= until.params() | {"batch_size": BATCH_SIZE}
        return delete(_Sweep(account, until, params, now), *args)


def _repeat(step: Callable[[], int | None]) -> Iterator[int]:
    """Yield the number of rows of each batch, until a batch has none."""
    while count := step():
        yield count


def _move_first_day(sweep: _Sweep) -> int:
    """Move the first day of the account's data. Return 0 if none of its data has ended."""
    account = sweep.account
    before, first = account.data_from, marks.find(account=account, until=sweep.until)
    account.sp_api_data_from, account.own_data_from = first.sp_api, first.own
    if account.data_from is None:
        return 0
    if account.data_from != before:
        # Before anything is deleted, and in one transaction with the move.
        carried_counts.carry(account=account, since=before, until=account.data_from, now=sweep.now)
    account.save(update_fields=["sp_api_data_from", "own_data_from"])
    return 1


def _delete_facts_of_orders(sweep: _Sweep) -> int:
    orders = [order_id for (order_id,) in sweep.query(ENDED_ORDERS)]
    if not orders:
        return 0
    ended = sweep.query(ORDERS_THAT_END, orders=orders)
    params = {
        "orders": orders,
        "sp_api_orders": [order_id for order_id, is_sp_api in ended if is_sp_api],
        "own_orders": [order_id for order_id, is_sp_api in ended if not is_sp_api],
    }
    # The orders last: their days decide which of the other facts have ended.
    return sum(
        sweep.run(
            DELETE_OF_ORDERS.format(
                table=table,
                rows=ending.rows,
                of_account=ending.of_account,
                ended=ending.ended,
                with_order=WITH_ORDER,
            ),
            **params,
        )
        for table, ending in reversed(tables.ORDER_FACTS.items())
    )


def _delete_rows(sweep: _Sweep, table: str) -> int:
    ending = tables.ENDINGS[table]
    alias = ending.rows.split(" AS ", 1)[1].split(" ", 1)[0]
    return sweep.run(DELETE.format(table=table, query=ending.query(f"{alias}.ctid")))


def _delete_reports(run_locked: Callable[..., tuple[int, UUID | None] | None]) -> Iterator[int]:
    """Delete reports with their documents. Yield the number of rows of each batch that deletes some.

    Reports that are being loaded, and documents that cannot be deleted, are left to the next sweep.
    """
    last: UUID | None = UUID(int=0)
    while last is not None:
        count, last = run_locked(_delete_batch_of_reports, last) or (0, None)
        if count:
            yield count


def _delete_batch_of_reports(sweep: _Sweep, after: UUID) -> tuple[int, UUID | None]:
    """Delete the reports of the batch behind an ID. Return the number of rows, and the last ID of the batch."""
    page = {"after": after, "reports_batch_size": REPORTS_BATCH_SIZE}
    ids = [report_id for (report_id,) in sweep.query(ENDED_REPORTS, **page)]
    ended = Report.objects.filter(agency_id=sweep.account.agency_id, pk__in=ids).exclude(
        status__in=Report.IN_PROGRESS
    )
    reports = list(ended.select_for_update(skip_locked=True, of=("self",)).order_by("pk"))
    # Files before rows, as in ingestion/retention.py. A file that cannot be deleted is logged there.
    deleted = [
        report.pk
        for report in reports
        if report.document_deleted_at is not None or retention.delete_files(report)
    ]
    return ended.filter(pk__in=deleted).delete()[0], ids[-1] if ids else None


def _delete_audit_entries(agency_id: UUID, until: Edges) -> int:
    query = tables.ENDED_AUDIT_ENTRIES.format(columns="it.ctid")
    statement = DELETE.format(table=tables.AUDIT_LOG, query=query)
    params: dict[str, Any] = {"agency": agency_id, "batch_size": BATCH_SIZE}
    with context.agency(agency_id), connection.cursor() as cursor:
        cursor.execute(statement, params | until.params())
        return int(cursor.rowcount)
