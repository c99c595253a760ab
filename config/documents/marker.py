"""Recognize the storage of documents that belongs to this installation.

The database has the ID of the installation, and the storage has a marker file with the same ID. The first
process that starts writes both. Every other process compares them when it starts, and `/readyz` later. A second
machine with a folder of its own would accept uploads that no worker of the first machine can read.
"""

import logging
from typing import cast
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import DatabaseError, connection, connections, transaction

NAME = "underone-installation"
logger = logging.getLogger(__name__)


class WrongStorage(SystemExit):
    """Raise when the storage of documents is not that of this installation."""


def verify_at_start() -> None:
    """Write the marker if this process is the first. Raises WrongStorage if another storage has it.

    If the database or the storage does not answer, the process starts: `/readyz` compares again.
    """
    # Its own: processes are forked after this, and must not share its connections.
    storage = storages.create_storage(settings.STORAGES["default"])
    try:
        if problem := claim(storage):
            raise WrongStorage(problem)
    except (DatabaseError, OSError) as error:
        logger.warning("The storage of documents could not be compared with the database: %s", error)
    finally:
        connections.close_all()


def claim(storage: Storage) -> str:
    """Mark the storage as that of this installation if no storage is marked yet. Return a problem or an empty
    text."""
    installation = _installation()
    if installation is None:
        installation = _mark_first(storage)
    return _compare(installation, read(storage), storage)


def problem(storage: Storage) -> str:
    """Return why the storage is not that of this installation, or an empty text."""
    installation = _installation()
    return _compare(installation, read(storage), storage) if installation else ""


def replace(storage: Storage) -> UUID:
    """Mark the storage as that of this installation, whatever marker it has. Return the installation's ID."""
    installation = _installation() or _mark_first(storage)
    write(storage, installation)
    return installation


def read(storage: Storage) -> UUID | None:
    """Return the ID in the storage's marker, or None if it has none. Raises OSError."""
    try:
        with storage.open(NAME) as file:
            return UUID(file.read(100).decode().strip())
    except FileNotFoundError:
        return None
    except ValueError:
        # Not a marker of ours, so it equals no ID.
        return UUID(int=0)


def write(storage: Storage, installation: UUID) -> None:
    """Write the marker, and replace one that is there. Raises OSError."""
    content = f"{installation}\n".encode()
    if put := getattr(storage, "put", None):
        put(NAME, content)
        return
    storage.delete(NAME)
    storage.save(NAME, ContentFile(content))


def place(storage: Storage) -> str:
    """Return where the storage is, for messages."""
    if isinstance(storage, FileSystemStorage):
        return f"The folder {storage.location}"
    location = getattr(storage, "location", "")
    return f"The bucket s3://{getattr(storage, 'bucket_name', '')}/{location}"


def _installation() -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT installation FROM accounts_documentstorage")
        row = cursor.fetchone()
    return cast("UUID", row[0]) if row else None


def _mark_first(storage: Storage) -> UUID:
    """Record an ID in the database and the storage, unless another process does so now. Return the ID."""
    with transaction.atomic(), connection.cursor() as cursor:
        # A marker without a row is from a process that was killed before it committed, or from a database that
        # was created anew beside its documents.
        found = read(storage)
        cursor.execute(
            "INSERT INTO accounts_documentstorage (id, installation) VALUES (1, %s) ON CONFLICT DO NOTHING",
            [found or uuid4()],
        )
        # The insert waited for another process that was about to commit its own ID.
        is_first = cursor.rowcount == 1
        installation = cast("UUID", _installation())
        if is_first and found is None:
            # Before the commit: a row without its marker would refuse every process.
            write(storage, installation)
    return installation


def _compare(installation: UUID, found: UUID | None, storage: Storage) -> str:
    if found == installation:
        return ""
    what = "has no marker" if found is None else "has the marker of another installation"
    return (
        f"{place(storage)} is not the storage of documents of this installation: it {what} ({NAME}). All machines "
        f"must use one storage. {_remedy(storage)} If you moved or restored the documents to this place yourself, "
        "run `manage.py mark_documents`."
    )


def _remedy(storage: Storage) -> str:
    if isinstance(storage, FileSystemStorage):
        return (
            f"Mount the folder of the first machine at {settings.MEDIA_ROOT}, or set DOCUMENTS_URL to the same "
            "bucket on every machine."
        )
    return "Set DOCUMENTS_URL to the same value on every machine."
