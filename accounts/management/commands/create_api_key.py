"""Create an API key for an agency that has lost access."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import audit
from accounts.api_keys import lifecycle as api_keys
from accounts.models import Agency, Role
from accounts.tenancy import context
from api import identifiers


class Command(BaseCommand):
    help = "Create an API key for an agency and print it. The key is shown only once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agency", help="the ID of the agency, agcy_…")
        parser.add_argument("--role", choices=Role.values, default=Role.ADMIN.value)
        parser.add_argument("--name", default="created by the operator")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 0 < len(name) <= 200:
            raise CommandError("The name of an API key must have 1 to 200 characters.")
        agency_id = identifiers.private("agcy", options["agency"])
        with context.agency(agency_id):
            agency = Agency.objects.filter(pk=agency_id).first()
            if agency is None:
                raise CommandError(f"No agency has the ID {options['agency']}.")
            rights = api_keys.Rights(role=Role(options["role"]))
            key, text = api_keys.create(
                agency=agency, name=name, rights=rights, actor=audit.UNDERONE, now=timezone.now()
            )
        if options["json"]:
            self.stdout.write(
                json.dumps({"agency": agency.public_id, "id": key.public_id, "role": key.role, "key": text})
            )
        else:
            self.stdout.write(f"agency  {agency.public_id}\nkey     {text}\nThis key is shown only once.")
