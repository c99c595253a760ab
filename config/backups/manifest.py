"""Describe a backup: its versions, its files with their digests, and the fingerprints of its keys. Pure.

A backup is a folder:

    manifest.json      what this module describes; written last
    database.dump      pg_dump's custom format
    documents.jsonl    one line for each document: its name, size and SHA-256
    documents/         the documents, under their names in the storage
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from config.encryption.key_fingerprint import compute

FORMAT = "underone-backup/1"
MANIFEST, DATABASE, DOCUMENT_LIST, DOCUMENTS = (
    "manifest.json",
    "database.dump",
    "documents.jsonl",
    "documents",
)
BLOCK = 1024 * 1024


class UnusableBackup(Exception):
    """Raise when a folder is not a complete backup, is damaged, or does not fit this installation."""


@dataclass(frozen=True)
class FileEntry:
    """Describe a file of the backup."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Describe a backup."""

    # The version of Underone, and the migrations of its database as "app.name".
    version: str
    migrations: list[str]
    # As `SHOW server_version_num`.
    postgres: int
    snapshot_at: str
    owner_role: str
    application_role: str
    # The fingerprints of the keys, by the number in SECRETS_KEYS. Those in `keys_in_use` encrypt secrets.
    keys: dict[str, str]
    keys_in_use: list[int]
    # Rows by table.
    counts: dict[str, int]
    files: list[FileEntry]
    documents: int
    # Names of documents that the database says are kept, and that the storage did not have.
    missing_documents: list[str] = field(default_factory=list)
    with_documents: bool = True
    format: str = FORMAT


def write(manifest: Manifest, *, folder: Path) -> Path:
    """Write the manifest into the folder, and return its path."""
    path = folder / MANIFEST
    values = asdict(manifest)
    path.write_text(json.dumps(values | {"digest": _digest(values)}, indent=2) + "\n")
    return path


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup. Raises UnusableBackup."""
    try:
        values = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        raise UnusableBackup(f"{folder} is not a backup: it has no {MANIFEST}.") from None
    except (OSError, ValueError) as error:
        raise UnusableBackup(f"{folder / MANIFEST} cannot be read: {error}.") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise UnusableBackup(f"{folder / MANIFEST} has another format than {FORMAT}.")
    if values.pop("digest", "") != _digest(values):
        raise UnusableBackup(f"{folder / MANIFEST} is damaged: its digest is not the recorded one.")
    try:
        files = [FileEntry(**entry) for entry in values.pop("files")]
        return Manifest(files=files, **values)
    except (KeyError, TypeError) as error:
        raise UnusableBackup(f"{folder / MANIFEST} is incomplete: {error}.") from None


def verify(folder: Path, *, manifest: Manifest) -> None:
    """Raise UnusableBackup unless every file has the size and the digest that were recorded for it."""
    for entry in manifest.files:
        _verify_file(folder / entry.name, entry)
    number = 0
    for entry in documents(folder):
        _verify_file(folder / DOCUMENTS / entry.name, entry)
        number += 1
    if number != manifest.documents:
        raise UnusableBackup(f"The backup should have {manifest.documents} documents, and lists {number}.")


def documents(folder: Path) -> Iterator[FileEntry]:
    """Yield the listed documents. Raises UnusableBackup."""
    with (folder / DOCUMENT_LIST).open() as lines:
        for line in lines:
            entry = FileEntry(**json.loads(line))
            if PurePosixPath(entry.name).is_absolute() or ".." in PurePosixPath(entry.name).parts:
                raise UnusableBackup(f"{entry.name!r} is no name of a document.")
            yield entry


def wrong_keys(manifest: Manifest, *, keys: Mapping[int, bytes]) -> list[str]:
    """Return what is wrong with these keys for the backup; [] if they decrypt its secrets."""
    recorded = {int(key_id): fingerprint for key_id, fingerprint in manifest.keys.items()}
    wrong = [
        f"key {key_id} is not the key this backup was encrypted with"
        for key_id, fingerprint in sorted(recorded.items())
        if key_id in keys and compute(keys[key_id]) != fingerprint
    ]
    absent = sorted(set(manifest.keys_in_use) - set(keys))
    return [*wrong, *(f"key {key_id} is missing, and secrets are encrypted with it" for key_id in absent)]


def describe(path: Path, *, name: str) -> FileEntry:
    """Return the entry of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            size += len(block)
    return FileEntry(name, size, digest.hexdigest())


def as_line(entry: FileEntry) -> str:
    """Return the entry as a line of the list of documents."""
    values: dict[str, Any] = asdict(entry)
    return json.dumps(values) + "\n"


def _digest(values: Mapping[str, Any]) -> str:
    """Return the digest of all other values of a manifest."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _verify_file(path: Path, entry: FileEntry) -> None:
    try:
        actual = describe(path, name=entry.name)
    except OSError as error:
        raise UnusableBackup(f"{path} cannot be read: {error.strerror}.") from None
    if actual.size != entry.size or not hmac.compare_digest(actual.sha256, entry.sha256):
        raise UnusableBackup(f"{path} is damaged: its size or its digest is not the recorded one.")
