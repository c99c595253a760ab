"""Create an agency and print its ID and first API key."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.agencies import lifecycle as agencies


class Command(BaseCommand):
    help = "Create an agency and print its ID and first API key. The key is shown only once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 0 < len(name) <= 200:
            raise CommandError("The name of an agency must have 1 to 200 characters.")
        agency, text = agencies.create_agency(name=name, now=timezone.now())
        answer = {"agency": agency.public_id, "name": agency.name, "key": text}
        if options["json"]:
            self.stdout.write(json.dumps(answer))
        else:
            self.stdout.write(f"agency  {agency.public_id}\nkey     {text}\nThis key is shown only once.")
