"""Encrypt every stored secret with the first key of SECRETS_KEYS."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.encryption import at_rest, rotation
from accounts.people import second_factors
from accounts.tenancy import context
from config.encrypted_tables import ENCRYPTED_TABLES, key_ids_in_use, missing_key_ids
from config.encryption import fingerprints
from config.encryption import keys as encryption_keys


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret with the first key of SECRETS_KEYS, and show which keys are still in "
        "use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only show which keys are in use")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate the secrets. Safe to repeat, to interrupt, and to run twice at the same time."""
        if not options["check"]:
            self._verify()
        failed = 0 if options["check"] else self._rotate()
        in_use = key_ids_in_use()
        for key_id, number in sorted(in_use.items()):
            self.stdout.write(f"key {key_id} encrypts {number}")
        if missing := missing_key_ids():
            raise CommandError(
                f"SECRETS_KEYS lacks keys that are in use: {_listed(missing)}. Their secrets cannot be "
                "decrypted."
            )
        if failed:
            raise CommandError(
                f"Some secrets of {failed} agencies or of users cannot be decrypted. See the lines above."
            )
        if not options["check"]:
            first = next(iter(settings.SECRETS_KEYS))
            unused = sorted(settings.SECRETS_KEYS.keys() - in_use.keys() - {first})
            # Their numbers can be given to other keys.
            fingerprints.forget(key_ids=fingerprints.recorded().keys() - in_use.keys() - {first})
            self.stdout.write(f"keys no longer needed in SECRETS_KEYS: {_listed(unused) or 'none'}")

    def _verify(self) -> None:
        """Raise CommandError if a key is wrong: what it encrypts, the running processes could not decrypt."""
        if wrong := encryption_keys.wrong_key_ids():
            raise CommandError(f"SECRETS_KEYS: {encryption_keys.describe_wrong(wrong[0])}.")
        encryption_keys.record(now=timezone.now())

    def _rotate(self) -> int:
        """Encrypt the secrets of all agencies again. Return the number of agencies where that failed."""
        failed = 0
        for table in ENCRYPTED_TABLES:
            moved = 0
            # Closed agencies as well: they can be reopened, and need their secrets then.
            for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
                try:
                    moved += rotation.rotate(table=table, agency_id=agency_id)
                except at_rest.DecryptionError as error:
                    failed += 1
                    self.stderr.write(f"{table.name}: {error}")
            self.stdout.write(f"{table.name}: {moved} encrypted with key {next(iter(settings.SECRETS_KEYS))}")
        return failed + self._rotate_second_factors()

    def _rotate_second_factors(self) -> int:
        """Encrypt the second factors of users again, who belong to no agency. Return 1 if that failed."""
        try:
            moved = second_factors.rotate()
        except at_rest.DecryptionError as error:
            self.stderr.write(f"{second_factors.CONTEXT}: {error}")
            return 1
        self.stdout.write(
            f"{second_factors.CONTEXT}: {moved} encrypted with key {next(iter(settings.SECRETS_KEYS))}"
        )
        return 0


def _listed(key_ids: list[int]) -> str:
    return ", ".join(map(str, key_ids))
