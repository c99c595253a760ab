"""Lease reports as workers do, and end leases as the death of a worker does."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from accounts.tenancy import context
from ingestion import leases, loading, tasks
from ingestion.models import Report
from tests.client import Client
from tests.clock import NOW


def claim(client: Client, report_id: UUID) -> Report | None:
    """Lease the report as a worker does. None if it cannot be leased now or was given up."""
    leased = leases.lease_report()
    assert leased is None or (leased.agency_id, leased.report_id) == (client.agency.pk, report_id)
    return loading.begin(leased, now=NOW) if leased else None


def claimed(client: Client, report_id: UUID) -> Report:
    report = claim(client, report_id)
    assert report is not None
    return report


def end_leases(client: Client) -> None:
    """Let the leases of the agency's reports end."""
    with context.agency(client.agency.pk):
        Report.objects.exclude(leased_until=None).update(leased_until=timezone.now() - timedelta(seconds=1))


def load_waiting() -> None:
    """Load every report that waits, as workers do."""
    while leases.report_is_waiting():
        tasks.load_report()
