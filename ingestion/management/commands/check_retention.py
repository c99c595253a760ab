"""Prove that no data is stored longer than it may be: count the overdue rows of every table."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.tenancy import context
from ingestion.data_retention import proof


class Command(BaseCommand):
    help = (
        "Count the rows that SP_API_RETENTION_MONTHS, or the months that an agency chose, should have ended, by "
        "table and over all agencies. Fails unless there are none."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now, overdue = timezone.now(), Counter[str]()
        for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
            overdue.update(proof.count(agency_id=agency_id, now=now))
        for table in sorted(overdue):
            self.stdout.write(f"{overdue[table]:>10}  {table}")
        total = sum(overdue.values())
        self.stdout.write(f"{total:>10}  in all")
        if total:
            raise CommandError(
                f"{total} rows are overdue. The scheduled job ends them daily; check that it runs "
                "(docs/operations.md, Scheduled jobs)."
            )
