"""Restore a backup into an empty database and an empty storage."""

import os
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import env
from config.backups import restoring
from config.backups.manifest import Manifest, UnusableBackup
from config.backups.programs import ProgramFailed
from config.backups.restoring import Target, TargetNotEmpty


class Command(BaseCommand):
    help = (
        "Restore a backup. Without DATABASE_URL, into a new UNDERONE_HOME, for `make up`; otherwise into the "
        "database of DATABASE_URL and DATABASE_OWNER_URL and the storage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="the folder of the backup")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        target = Target(
            owner_url=env.text("DATABASE_OWNER_URL"),
            application_role=str(settings.DATABASES["default"]["USER"]),
            backup_url=env.text("DATABASE_BACKUP_URL", default="") or None,
        )
        try:
            described = restoring.restore(
                options["folder"].absolute(),
                target=target,
                say=lambda text: self.stdout.write(f"{text} …"),
            )
        except (UnusableBackup, TargetNotEmpty, ProgramFailed, OSError, psycopg.Error) as error:
            raise CommandError(f"The backup was not restored. {error}") from error
        self._print(described)

    def _print(self, described: Manifest) -> None:
        self.stdout.write(
            f"Restored {sum(described.counts.values())} rows and {described.documents} documents, as of "
            f"{described.snapshot_at}. Migrate the database, then start the product."
        )
        if not described.with_documents:
            self.stdout.write("The backup has no documents. Restore them from the storage's own backup.")
        if missing := described.missing_documents:
            self.stderr.write(f"{len(missing)} documents were missing already when the backup was written.")
