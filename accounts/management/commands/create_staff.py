"""Make a user staff, who may open /staff/ if STAFF_ADMIN is on. The database accepts this from the owner only."""

import sys
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import ProgrammingError, transaction
from django.utils import timezone
from psycopg.errors import InsufficientPrivilege

from accounts.models import Person
from accounts.people import members, sessions, users


class Command(BaseCommand):
    help = (
        "Make the user with this e-mail address staff. For a new user, the password is read from the "
        "terminal or standard input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--off", action="store_true", help="remove the staff role and end all sessions of the user"
        )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        person = Person.objects.filter(email=email).first()
        if options["off"]:
            if person is None:
                raise CommandError(f"No user has the e-mail address {email}.")
            sessions.revoke_all(person=person)
        person = person or self._create(email)
        if not options["off"] and not person.has_usable_password():
            person.set_password(self._password(person))
        person.is_staff = not options["off"]
        self._save(person)
        members.delete_if_unused(person_id=person.pk)
        self.stdout.write(f"{email} is {'no longer staff' if options['off'] else 'now staff'}.")

    def _save(self, person: Person) -> None:
        try:
            person.save(update_fields=["is_staff", "password"])
        except ProgrammingError as error:
            if not isinstance(error.__cause__, InsufficientPrivilege):
                raise
            raise CommandError(
                "Only the owner of the tables can make a user staff. Run: "
                "DATABASE_URL=$DATABASE_OWNER_URL manage.py create_staff EMAIL"
            ) from None

    def _create(self, email: str) -> Person:
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"{email} is not a valid e-mail address.") from None
        name = email.partition("@")[0]
        return users.get_or_create(
            email=email, profile=users.Profile(name=name, password=None), now=timezone.now()
        )[0]

    def _password(self, person: Person) -> str:
        # Not an argument: arguments are visible in the list of processes and in the shell's history.
        password = getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            validate_password(password, person)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return password
