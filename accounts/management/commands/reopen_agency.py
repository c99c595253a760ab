"""Open an agency again that closed itself, as long as nothing of it is erased."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import Agency
from accounts.tenancy import context
from api import identifiers


class Command(BaseCommand):
    help = "Open a closed agency again, until the days of CLOSED_AGENCY_DAYS are over."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agency", help="agcy_…")

    def handle(self, *args: Any, **options: Any) -> None:
        agency_id = identifiers.private("agcy", options["agency"])
        with context.agency(agency_id):
            agency = Agency.objects.filter(pk=agency_id).first()
            if agency is None:
                raise CommandError("No agency with this id.")
            try:
                agencies.reopen(agency=agency, now=timezone.now())
            except agencies.NotClosed:
                raise CommandError("The agency is open.") from None
            except agencies.TooLate:
                raise CommandError("The agency is being erased, or was: it cannot be opened again.") from None
        self.stdout.write(f"{agency.name} is open again.")
