"""Remove the second factors of a user who has lost them and the recovery codes."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Person
from accounts.people import mail, second_factors, sessions

NOTICE_SECONDS = 86400


class Command(BaseCommand):
    help = (
        "Remove the authenticator app, the passkeys and the recovery codes of a user, and end all sessions. Check "
        "the identity of the user first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        person = Person.objects.filter(email=email).first()
        if person is None:
            raise CommandError(f"No user has the e-mail address {email}.")
        kinds = {each.kind for each in second_factors.list_for_person(person_id=person.pk)}
        if not kinds:
            raise CommandError(f"{email} has no second factor.")
        Authenticator.objects.filter(user=person).delete()
        sessions.revoke_all(person=person)
        what, now = second_factors.REMOVED, timezone.now()
        for kind in sorted(kinds - {"recovery_codes"}):
            second_factors.record(person=person, what=what, kind=kind, now=now, actor=audit.UNDERONE)
        mail.queue(
            kind="second_factors_removed",
            to=person.email,
            values={},
            expires_in=NOTICE_SECONDS,
            language=person.language,
        )
        self.stdout.write(f"The second factors of {email} were removed.")
