"""Close an agency and erase all of it at once, without the days in which it could be opened again."""

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
    help = "Close an agency and erase all of it now. There is no way back; interrupted, call it again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agency", help="agcy_…")
        parser.add_argument("--confirm", required=True, metavar="NAME", help="the agency's name, so that the right one goes")

    def handle(self, *args: Any, **options: Any) -> None:
        agency_id, now = identifiers.private("agcy", options["agency"]), timezone.now()
        with context.agency(agency_id):
            agency = Agency.objects.filter(pk=agency_id).first()
            if agency is None or agency.erased_at:
                raise CommandError("No agency with this id, or it was erased.")
            if agency.name != options["confirm"]:
                raise CommandError("This is not the agency's name. Nothing was closed.")
            agencies.close(agency=agency, by=audit.UNDERONE, who=audit.UNDERONE, now=now)
            agencies.hasten(agency=agency, now=now)
        erasure.erase_agency(agency_id=agency_id, now=timezone.now())
        self.stdout.write(f"{options['agency']} is erased.")
