"""Copy stored documents to a backup and back, and bring files to the disk."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath

from django.core.files.base import File
from django.core.files.storage import default_storage

from config.backups.manifest import BLOCK, FileEntry, UnusableBackup


def copy_from_storage(name: str, *, folder: Path) -> FileEntry | None:
    """Copy a stored document into the backup, and return its entry; None if the storage does not have it."""
    target = folder / PurePosixPath(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    try:
        document = default_storage.open(name)
    except FileNotFoundError:
        return None
    with closing(document), target.open("wb") as output:
        while block := document.read(BLOCK):
            output.write(block)
            digest.update(block)
            size += len(block)
    return FileEntry(name, size, digest.hexdigest())


def copy_to_storage(entry: FileEntry, *, folder: Path) -> None:
    """Store a document of the backup under its name. Raises UnusableBackup if the storage chose another."""
    with (folder / PurePosixPath(entry.name)).open("rb") as content:
        saved = default_storage.save(entry.name, File(content))
    if saved != entry.name:
        default_storage.delete(saved)
        raise UnusableBackup(f"The storage already has a file named {entry.name}.")


def stored_names(folder: str = "") -> Iterator[str]:
    """Yield the name of every file in the storage."""
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        yield f"{folder}/{name}" if folder else name
    for subfolder in folders:
        yield from stored_names(f"{folder}/{subfolder}" if folder else subfolder)


def is_stored(entry: FileEntry) -> bool:
    """Return whether the storage has this document with the same content."""
    digest, size = hashlib.sha256(), 0
    with closing(default_storage.open(entry.name)) as document:
        while block := document.read(BLOCK):
            digest.update(block)
            size += len(block)
    return (size, digest.hexdigest()) == (entry.size, entry.sha256)


def flush_tree(folder: Path) -> None:
    """Bring every file and folder below `folder` to the disk."""
    for path in (*folder.rglob("*"), folder):
        flush(path)


def flush(path: Path) -> None:
    """Bring a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
