"""Mark the storage of documents as that of this installation, after the documents were moved or restored."""

from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError

from config.documents import marker


class Command(BaseCommand):
    help = (
        "Mark the storage of documents as that of this installation. Run it on one machine after you moved or "
        "restored the documents, and never to silence the message about a storage that is not shared."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the marker. Raises CommandError if the storage cannot be written."""
        try:
            installation = marker.replace(default_storage)
        except OSError as error:
            raise CommandError(f"The marker cannot be written: {error}") from None
        self.stdout.write(f"{marker.place(default_storage)} is marked: {installation}")
