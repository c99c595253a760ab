"""Write a backup: complete, or not at all.

1. Create `<folder>.partial`, and lock it.
2. Open one snapshot of the database with the backup role.
3. Let pg_dump write the database as of that snapshot; count its rows; note the names of its stored documents.
4. Close the snapshot, and copy the documents. One that is gone, although the database still refers to it, is
   listed as missing.
5. Write the manifest, bring everything to the disk, and rename the folder.
"""

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from api.version import VERSION
from config.backups import files, manifest, programs, snapshot
from config.backups.manifest import DATABASE, DOCUMENT_LIST, DOCUMENTS, FileEntry, Manifest
from config.backups.snapshot import Snapshot
from config.encrypted_tables import key_ids_in_use
from config.encryption.key_fingerprint import compute

# While a migration changes a table, pg_dump waits for it at most this long.
LOCK_TIMEOUT = "5min"
NAMES = "names.txt"
logger = logging.getLogger(__name__)


class TargetExists(Exception):
    """Raise when the folder of the backup exists, or another process is writing it."""


@dataclass(frozen=True)
class Written:
    """Describe a complete backup."""

    manifest: Manifest
    size: int


def write(
    folder: Path, *, url: str, with_documents: bool = True, say: Callable[[str], None] = lambda _: None
) -> Written:
    """Write a backup of the database at `url` and of the stored documents to `folder`.

    Raises TargetExists, CannotRead, ProgramFailed and OSError; nothing is left behind then.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise TargetExists(f"{folder} exists already. Choose the name of a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _partial(folder) as partial:
        say("Dumping the database")
        described = _dump(partial, url=url)
        say("Copying the documents")
        entries, missing = _copy_documents(partial, url=url) if with_documents else ([], [])
        complete = _complete(described, partial, entries, missing, with_documents=with_documents)
        manifest.write(complete, folder=partial)
        files.flush_tree(partial)
        partial.rename(folder)
        files.flush(folder.parent)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Written(complete, size)


@contextmanager
def _partial(folder: Path) -> Iterator[Path]:
    """Create the folder's temporary neighbour, which is on the same disk, and delete it if it is not renamed."""
    partial = folder.with_name(f"{folder.name}.partial")
    partial.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(partial, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whatever a killed process left.
        _empty(partial)
        yield partial
    except BlockingIOError:
        raise TargetExists(f"Another process is writing a backup to {folder}.") from None
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(lock)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _dump(partial: Path, *, url: str) -> Manifest:
    """Write the dump and the names of the stored documents, and return the manifest without files."""
    with snapshot.open_snapshot(url) as moment:
        program = programs.find("pg_dump", server_version=moment.server_version)
        programs.run(
            program,
            "--format=custom",
            f"--file={partial / DATABASE}",
            f"--snapshot={moment.name}",
            f"--lock-wait-timeout={LOCK_TIMEOUT}",
            url=url,
        )
        with (partial / NAMES).open("w") as names:
            names.writelines(f"{name}\n" for name in moment.stored_names())
        return _describe(moment)


def _describe(moment: Snapshot) -> Manifest:
    return Manifest(
        version=VERSION,
        migrations=moment.migrations(),
        postgres=moment.server_version,
        snapshot_at=moment.moment.astimezone(UTC).isoformat(),
        owner_role=moment.owner_role(),
        application_role=str(settings.DATABASES["default"]["USER"]),
        keys={str(key_id): compute(key) for key_id, key in settings.SECRETS_KEYS.items()},
        keys_in_use=sorted(key_ids_in_use()),
        counts=moment.counts(),
        files=[],
        documents=0,
    )


def _copy_documents(partial: Path, *, url: str) -> tuple[list[FileEntry], list[str]]:
    """Copy the noted documents, and return the list's own entry, and the names of those that are missing."""
    gone = []
    with (partial / NAMES).open() as names, (partial / DOCUMENT_LIST).open("w") as listed:
        for name in map(str.rstrip, names):
            entry = files.copy_from_storage(name, folder=partial / DOCUMENTS)
            if entry is None:
                gone.append(name)
            else:
                listed.write(manifest.as_line(entry))
    # Retention and repeated uploads may have deleted a document since the snapshot.
    missing = snapshot.still_stored(url, gone) if gone else []
    for name in missing:
        logger.error("The document %s is missing from the storage", name)
    return [manifest.describe(partial / DOCUMENT_LIST, name=DOCUMENT_LIST)], missing


def _complete(
    described: Manifest,
    partial: Path,
    entries: list[FileEntry],
    missing: list[str],
    *,
    with_documents: bool,
) -> Manifest:
    (partial / NAMES).unlink()
    number = sum(1 for _ in manifest.documents(partial)) if with_documents else 0
    return Manifest(
        **vars(described)
        | {
            "files": [manifest.describe(partial / DATABASE, name=DATABASE), *entries],
            "documents": number,
            "missing_documents": missing,
            "with_documents": with_documents,
        }
    )


def moment_of(described: Manifest) -> datetime:
    """Return the moment whose data the backup contains."""
    return datetime.fromisoformat(described.snapshot_at)
