"""Run stages of the product for benchmarks. Import this module after Django is set up."""

from pathlib import Path

from django.core.files.base import File
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from ingestion import intake, tasks
from ingestion.models import Report


def create_report(path: Path, *, partner: str) -> Report:
    """Store a report for a new account of a new agency, and return it."""
    now = timezone.now()
    agency, _ = agencies.create_agency(name="Bench", now=now)
    with context.agency(agency.pk), path.open("rb") as content:
        account = agencies.create_account(
            agency=agency,
            name="Bench",
            selling_partner_id=partner,
            home_marketplace="US",
            external_id=None,
            now=now,
        )
        received = intake.ReceivedDocument(
            content=File(content),
            sha256=partner,
            source=Report.Source.UPLOAD,
            announced_type="",
            marketplace="US",
        )
        report, _ = intake.receive(account=account, received=received, now=now)
    return report


def work(report: Report) -> None:
    """Load the report as a worker does."""
    tasks.load_report()
    with context.agency(report.agency_id):
        report.refresh_from_db(fields=["status"])
    if report.status != Report.Status.LOADED:
        raise RuntimeError("The report was not loaded.")
