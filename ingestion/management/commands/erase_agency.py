"""Close an agency and erase its data immediately, without waiting for CLOSED_AGENCY_DAYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import audit
from accounts.agencies import lifecycle as agencies
from accounts.models import Agency
from accounts.tenancy import context
from api import identifiers
from ingestion import erasure


class Command(BaseCommand):
    help = (
        "Close an agency and erase all of its data now. This cannot be undone. If it is interrupted, run "
        "it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agency", help="the ID of the agency, agcy_…")
        parser.add_argument(
            "--confirm", required=True, metavar="NAME", help="the name of the agency, to confirm the choice"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        agency_id, now = identifiers.private("agcy", options["agency"]), timezone.now()
        with context.agency(agency_id):
            agency = Agency.objects.filter(pk=agency_id).first()
            if agency is None or agency.erased_at:
                raise CommandError(f"No agency has the ID {options['agency']}, or it is already erased.")
            if agency.name != options["confirm"]:
                raise CommandError("--confirm does not match the agency's name. Nothing was changed.")
            agencies.close(agency=agency, by=audit.UNDERONE.id, actor=audit.UNDERONE, now=now)
            agencies.erase_now(agency=agency, now=now)
        erasure.erase_agency(agency_id=agency_id, now=timezone.now())
        self.stdout.write(f"{options['agency']} is erased.")
