"""Reopen a closed agency before its data is erased."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import Agency
from accounts.tenancy import context
from api import identifiers


class Command(BaseCommand):
    help = "Reopen a closed agency. This is possible for CLOSED_AGENCY_DAYS after it was closed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agency", help="the ID of the agency, agcy_…")

    def handle(self, *args: Any, **options: Any) -> None:
        agency_id = identifiers.private("agcy", options["agency"])
        with context.agency(agency_id):
            agency = Agency.objects.filter(pk=agency_id).first()
            if agency is None:
                raise CommandError(f"No agency has the ID {options['agency']}.")
            try:
                agencies.reopen(agency=agency, now=timezone.now())
            except agencies.NotClosed:
                raise CommandError("The agency is not closed.") from None
            except agencies.ErasureStarted:
                raise CommandError(
                    "The agency's data is erased or being erased. It cannot be reopened."
                ) from None
        self.stdout.write(f"{agency.name} is reopened.")
