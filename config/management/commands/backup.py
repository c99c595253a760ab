"""Write a backup of the database and the stored documents."""

import logging
import os
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from accounts.models import Backup
from config import env
from config.backups import writing
from config.backups.programs import ProgramFailed
from config.backups.snapshot import CannotRead
from config.backups.writing import TargetExists, Written
from config.encryption import keys as encryption_keys

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Write a backup of the database and the stored documents to a new folder. Needs DATABASE_BACKUP_URL; "
        "beside `make up`, it is known."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="the folder to create")
        parser.add_argument(
            "--without-documents",
            action="store_true",
            help="leave out the documents, for storages that have a backup of their own",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # The backup contains personal data.
        os.umask(0o077)
        url = env.text("DATABASE_BACKUP_URL")
        try:
            self._check_keys()
            written = writing.write(
                options["folder"].absolute(),
                url=url,
                with_documents=not options["without_documents"],
                say=lambda text: self.stdout.write(f"{text} …"),
            )
        except (TargetExists, CannotRead, ProgramFailed, OSError, DatabaseError, psycopg.Error) as error:
            raise CommandError(f"No backup was written. {error}") from error
        self._record(written)
        self._print(written, options["folder"])

    def _check_keys(self) -> None:
        """Raise CommandError if the keys of this process are not those of the database."""
        # A backup would carry fingerprints of keys that cannot decrypt it.
        if found := encryption_keys.problems():
            raise CommandError(f"No backup was written. SECRETS_KEYS: {'; '.join(found)}.")
        encryption_keys.record(now=timezone.now())

    def _record(self, written: Written) -> None:
        """Record the backup in the database, where `/metrics` finds it."""
        try:
            Backup.objects.create(
                snapshot_at=writing.moment_of(written.manifest),
                completed_at=timezone.now(),
                size=written.size,
                documents=written.manifest.documents,
                missing_documents=len(written.manifest.missing_documents),
            )
        except DatabaseError as error:
            # The backup is complete all the same.
            self.stderr.write(f"The backup could not be recorded in the database: {error}")

    def _print(self, written: Written, folder: Path) -> None:
        described = written.manifest
        self.stdout.write(
            f"{folder}: {sum(described.counts.values())} rows, {described.documents} documents, "
            f"{written.size} bytes, as of {described.snapshot_at}."
        )
        keys = ", ".join(map(str, described.keys_in_use)) or "none"
        self.stdout.write(f"Keys of SECRETS_KEYS that a restore needs: {keys}. They are not in the backup.")
        if missing := described.missing_documents:
            self.stderr.write(
                f"{len(missing)} documents are kept by the database but missing from the storage. The backup "
                f"lists them as missing_documents. The first: {missing[0]}"
            )
