"""Lease reports to workers: the agencies in turn, and of an agency the report that has waited longest.

Any worker may take any report, so messages only wake workers and name no report.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from accounts.tenancy import leases
from ingestion.models import Report


@dataclass(frozen=True, slots=True)
class LeasedReport:
    """Identify a leased report.

    `held` is how long it was leased before, if that lease ended without a result.
    """

    agency_id: UUID
    report_id: UUID
    attempt: int
    held: timedelta = timedelta()


@transaction.atomic
def lease_report() -> LeasedReport | None:
    """Lease the next report, or return None if there is none that may be loaded now. Opens a transaction.

    At most REPORTS_AT_ONCE reports of an agency, and one of an account, are leased at the same time.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT agency, report, attempt, held FROM lease_report(%s, make_interval(secs => %s))",
            [settings.REPORTS_AT_ONCE, leases.LENGTH.total_seconds()],
        )
        row = cursor.fetchone()
    return LeasedReport(row[0], row[1], row[2], row[3] or timedelta()) if row else None


def report_is_waiting() -> bool:
    """Return whether a report of any agency is queued or its lease has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT report_is_waiting()")
        return bool(cursor.fetchone()[0])


def extended(leased: LeasedReport, *, most: timedelta) -> AbstractContextManager[None]:
    """Extend the lease while the report is loaded, for at most `most`."""
    return leases.extended(
        Report._meta.db_table,  # noqa: SLF001  Django's documented API
        agency_id=leased.agency_id,
        row_id=leased.report_id,
        attempt=leased.attempt,
        status=Report.Status.PROCESSING,
        most=most,
    )
