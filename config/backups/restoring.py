"""Restore a backup into an empty database and an empty storage.

1. Verify every file against the manifest, the keys, and the versions of this release and of the server.
2. Check that the database has no tables, and the storage no other documents.
3. Store the documents. An interrupted restore can be repeated: documents of the backup may be there already.
4. Let pg_restore write the database in one transaction, as the owner of its tables.
5. Compare the number of rows of each table, if a backup role can read them.
6. Mark the storage as that of the restored installation.

Restoring the database is the last step that writes, so that an interrupted restore leaves no half of it.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.files.storage import default_storage
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from config.backups import files, manifest, programs, snapshot
from config.backups.manifest import DATABASE, DOCUMENTS, Manifest, UnusableBackup
from config.documents import marker

OBJECTS = """
SELECT count(*) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
"""
# Rights that the owner's new tables get by themselves. The dump has the rights of each table; by themselves,
# the tables would get more. At its end, the dump creates the default rights again.
DEFAULT_RIGHTS = (
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON {kind} FROM {role}",
    "ALTER DEFAULT PRIVILEGES REVOKE ALL ON {kind} FROM {role}",
)
# The schema exists already. Its rights belong to the administrator of the server.
NOT_RESTORED = (" SCHEMA - public ", " ACL - SCHEMA public ", " COMMENT - SCHEMA public ")


class TargetNotEmpty(Exception):
    """Raise when the database or the storage has contents that a restore would mix with the backup's."""


@dataclass(frozen=True)
class Target:
    """Name the database to restore into, by the URLs of its roles."""

    owner_url: str
    application_role: str
    # Reads all rows, to compare their number. Optional.
    backup_url: str | None


def restore(folder: Path, *, target: Target, say: Callable[[str], None] = lambda _: None) -> Manifest:
    """Restore the backup in `folder` and return its manifest.

    Raises UnusableBackup, TargetNotEmpty, ProgramFailed and psycopg.Error.
    """
    say("Verifying the backup")
    described = manifest.read(folder)
    check_keys(described)
    _check_migrations(described)
    with psycopg.connect(target.owner_url, connect_timeout=10, autocommit=True) as owner:
        _check_target(owner, described, target)
        server_version = owner.info.server_version
    manifest.verify(folder, manifest=described)
    _check_storage(folder, described)
    say("Restoring the documents")
    _restore_documents(folder, described)
    say("Restoring the database")
    _restore_database(folder, target=target, server_version=server_version)
    if target.backup_url:
        _compare_counts(described, target.backup_url)
    if described.with_documents:
        marker.replace(default_storage)
    return described


def check_keys(described: Manifest) -> None:
    """Raise UnusableBackup if SECRETS_KEYS cannot decrypt the secrets of the backup."""
    if found := manifest.wrong_keys(described, keys=settings.SECRETS_KEYS):
        raise UnusableBackup(f"SECRETS_KEYS: {'; '.join(found)}.")


def _check_migrations(described: Manifest) -> None:
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if unknown := sorted(set(described.migrations) - known):
        raise UnusableBackup(
            f"The backup was written by Underone {described.version}, whose database has migrations that this "
            f"version does not have: {', '.join(unknown)}. Restore it with the version that wrote it or a newer one."
        )


def _check_target(owner: psycopg.Connection, described: Manifest, target: Target) -> None:
    if owner.info.server_version // 10000 < described.postgres // 10000:
        raise UnusableBackup(
            f"The backup was written by PostgreSQL {described.postgres // 10000}, and the server is PostgreSQL "
            f"{owner.info.server_version // 10000}. Restore it to the same or a newer version."
        )
    roles = (described.owner_role, described.application_role)
    given = (owner.info.user, target.application_role)
    # Policies and rights in the dump name them.
    if roles != given:
        raise UnusableBackup(
            f"The backup belongs to the roles {' and '.join(roles)}. DATABASE_OWNER_URL and DATABASE_URL name "
            f"{' and '.join(given)}. Use roles of the same names."
        )
    row = owner.execute(OBJECTS).fetchone()
    if row is not None and row[0]:
        raise TargetNotEmpty("The database is not empty. Restore into a new, empty database.")


def _check_storage(folder: Path, described: Manifest) -> None:
    entries = {entry.name: entry for entry in manifest.documents(folder)} if described.with_documents else {}
    for name in files.stored_names():
        if name == marker.NAME:
            # Of an earlier use of the same place. It is replaced at the end.
            continue
        if name not in entries or not files.is_stored(entries[name]):
            raise TargetNotEmpty(
                f"The storage of documents is not empty: it has {name}, which the backup does not have. Restore "
                "into an empty folder or bucket."
            )


def _restore_documents(folder: Path, described: Manifest) -> None:
    if described.with_documents:
        present = set(files.stored_names())
        for entry in manifest.documents(folder):
            if entry.name not in present:
                files.copy_to_storage(entry, folder=folder / DOCUMENTS)


def _restore_database(folder: Path, *, target: Target, server_version: int) -> None:
    program = programs.find("pg_restore", server_version=server_version)
    entries = programs.list_entries(program, folder / DATABASE)
    rights = _revoke_default_rights(target)
    with tempfile.NamedTemporaryFile("w", prefix="underone-restore-") as listed:
        listed.writelines(
            f"{entry}\n" for entry in entries if not any(word in entry for word in NOT_RESTORED)
        )
        listed.flush()
        try:
            programs.run(
                program,
                *("--single-transaction", "--exit-on-error", "--no-owner", f"--use-list={listed.name}"),
                str(folder / DATABASE),
                url=target.owner_url,
            )
        except BaseException:
            _execute(target, rights)
            raise
    _execute(target, ["ANALYZE"])


def _revoke_default_rights(target: Target) -> list[str]:
    """Revoke the default rights of the application role. Return the statements that grant them again."""
    names = {"role": sql.Identifier(target.application_role)}
    with psycopg.connect(target.owner_url, connect_timeout=10, autocommit=True) as owner:
        for statement in DEFAULT_RIGHTS:
            for kind in ("TABLES", "SEQUENCES"):
                owner.execute(sql.SQL(statement).format(kind=sql.SQL(kind), **names))
        role = names["role"].as_string(owner)
    return [
        f"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
        f"ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO {role}",
    ]


def _execute(target: Target, statements: Sequence[str]) -> None:
    with psycopg.connect(target.owner_url, connect_timeout=10, autocommit=True) as owner:
        for statement in statements:
            owner.execute(statement.encode())


def _compare_counts(described: Manifest, url: str) -> None:
    with psycopg.connect(url, connect_timeout=10) as connection:
        counts = snapshot.count_rows(connection)
    if differing := sorted(name for name in described.counts if counts.get(name) != described.counts[name]):
        raise UnusableBackup(
            f"The restored database has other numbers of rows than the backup in {', '.join(differing)}."
        )
