"""Test `manage.py backup` and `manage.py restore` on servers of one's own, without a superuser."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as project
from django.core.files.storage import default_storage
from psycopg import sql

from accounts.agencies import lifecycle as agencies
from accounts.models import Backup
from accounts.tenancy import context
from config.backups import manifest, programs
from config.backups.manifest import FileEntry, Manifest, UnusableBackup
from config.backups.snapshot import STORED_NAMES
from config.documents import marker
from config.encryption.key_fingerprint import compute
from config.launcher.embedded import roles
from config.launcher.embedded.roles import APPLICATION, BACKUP, OWNER, Role
from ingestion.models import Report
from tests import build
from tests.architecture.statements import rows
from tests.client import Client
from tests.clock import NOW
from tests.servers import of_this_run

OTHER_KEY = "1:" + "A" * 43 + "="
DOCUMENT = build.orders_file(build.orders_on(NOW - timedelta(days=30), count=3))
DESCRIBED = Manifest(
    version="0.1.0",
    migrations=["accounts.0001_initial"],
    postgres=180006,
    snapshot_at="2026-11-22T12:00:00+00:00",
    owner_role=OWNER,
    application_role=APPLICATION,
    keys={"1": compute(b"\x01" * 32)},
    keys_in_use=[1],
    counts={},
    files=[],
    documents=0,
)


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=project.BASE_DIR,
        env=os.environ | {"UNDERONE_HOME": str(project.UNDERONE_HOME)} | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def acme(committed_db: None) -> Client:
    """Return an agency with a loaded report and an endpoint, all committed."""
    client = Client(*agencies.create_agency(name="Acme", now=NOW))
    client.load(client.take_on(), DOCUMENT)
    client.listen()
    return client


@pytest.fixture
def backup(acme: Client, tmp_path: Path) -> Path:
    written = run("backup", str(tmp_path / "backup"))
    assert (written.returncode, written.stderr) == (0, "")
    return tmp_path / "backup"


@pytest.fixture
def empty_target(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return the environment of a new database with the same roles, and of a new storage."""
    superuser, home = of_this_run[0].superuser_url, of_this_run[0].home
    if superuser is None:
        pytest.skip("needs a server whose superuser is known")
    names = {
        name: Role(name=name, password=home.read_value(f"{name}_password"))
        for name in (OWNER, APPLICATION, BACKUP)
    }
    access = roles.provision(
        admin_url=superuser,
        database="restored",
        owner=names[OWNER],
        application=names[APPLICATION],
        backup=names[BACKUP],
    )
    yield {
        "DATABASE_URL": access.application_url,
        "DATABASE_OWNER_URL": access.owner_url,
        "DATABASE_BACKUP_URL": str(access.backup_url),
        "UNDERONE_HOME": str(tmp_path / "new home"),
    }
    with psycopg.connect(superuser, autocommit=True) as admin:
        admin.execute("DROP DATABASE restored WITH (FORCE)")


def documents_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_restore_on_own_servers_needs_no_superuser(
    acme: Client, backup: Path, empty_target: dict[str, str]
) -> None:
    restored = run("restore", str(backup), **empty_target)
    again = run("restore", str(backup), **empty_target)

    assert (restored.returncode, restored.stderr) == (0, "")
    assert re.search(r"Restored [0-9]+ rows and 1 documents", restored.stdout)
    stored = documents_below(Path(empty_target["UNDERONE_HOME"]) / "documents")
    assert stored.pop(marker.NAME)
    assert stored == documents_below(backup / "documents")
    with psycopg.connect(empty_target["DATABASE_BACKUP_URL"]) as restorer:
        (orders,) = restorer.execute("SELECT count(*) FROM metrics_order").fetchone() or (0,)
    with psycopg.connect(empty_target["DATABASE_URL"]) as application:
        (shown,) = application.execute("SELECT count(*) FROM metrics_order").fetchone() or (0,)
    assert (orders, shown) == (3, 0)
    assert run("migrate", "--skip-checks", DATABASE_URL=empty_target["DATABASE_OWNER_URL"]).returncode == 0
    assert run("check", "--database", "default", **empty_target).returncode == 0
    assert (again.returncode, again.stdout.count("Restoring")) == (1, 0)
    assert "The database is not empty" in again.stderr


def test_restore_continues_an_interrupted_one_and_refuses_other_documents(
    backup: Path, empty_target: dict[str, str]
) -> None:
    (name, content), *_ = documents_below(backup / "documents").items()
    document = Path(empty_target["UNDERONE_HOME"]) / "documents" / name
    document.parent.mkdir(parents=True)
    document.write_bytes(content + b"x")

    refused = run("restore", str(backup), **empty_target)
    document.write_bytes(content)
    restored = run("restore", str(backup), **empty_target)

    assert refused.returncode == 1
    assert f"The storage of documents is not empty: it has {name}" in refused.stderr
    assert (restored.returncode, restored.stderr) == (0, "")


def test_restore_with_other_role_names_is_refused(backup: Path, empty_target: dict[str, str]) -> None:
    described = manifest.read(backup)
    manifest.write(replace(described, application_role="another_app"), folder=backup)

    refused = run("restore", str(backup), **empty_target)

    assert refused.returncode == 1
    assert "The backup belongs to the roles underone_owner and another_app." in refused.stderr


def test_restore_of_newer_version_is_refused(backup: Path, empty_target: dict[str, str]) -> None:
    described = manifest.read(backup)
    newer = replace(described, migrations=[*described.migrations, "accounts.9999_later"], version="9.0.0")
    manifest.write(newer, folder=backup)

    refused = run("restore", str(backup), **empty_target)

    assert refused.returncode == 1
    assert "written by Underone 9.0.0" in refused.stderr
    assert "accounts.9999_later" in refused.stderr


def test_restore_to_older_server_is_refused(backup: Path, empty_target: dict[str, str]) -> None:
    manifest.write(replace(manifest.read(backup), postgres=990000), folder=backup)

    refused = run("restore", str(backup), **empty_target)

    assert refused.returncode == 1
    assert "The backup was written by PostgreSQL 99" in refused.stderr


def test_failed_restore_leaves_database_empty_and_default_rights(
    backup: Path, empty_target: dict[str, str]
) -> None:
    dump = backup / "database.dump"
    dump.write_bytes(dump.read_bytes()[: dump.stat().st_size // 2])
    described = manifest.read(backup)
    files = [manifest.describe(backup / entry.name, name=entry.name) for entry in described.files]
    manifest.write(replace(described, files=files), folder=backup)

    failed = run("restore", str(backup), **empty_target)

    assert failed.returncode == 1
    assert "The backup was not restored. pg_restore" in failed.stderr
    assert "Traceback" not in failed.stderr
    with psycopg.connect(empty_target["DATABASE_OWNER_URL"]) as owner:
        owner.execute("CREATE TABLE thing (id int)")
        rights = "SELECT has_table_privilege(%s, 'thing', 'INSERT'), count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert owner.execute(rights, [APPLICATION]).fetchone() == (True, 1)
        owner.rollback()


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DATABASE_OWNER_URL"])
def test_backup_by_role_bound_by_row_level_security_is_refused(
    acme: Client, tmp_path: Path, variable: str
) -> None:
    refused = run("backup", str(tmp_path / "backup"), DATABASE_BACKUP_URL=os.environ[variable])

    assert refused.returncode == 1
    assert "It needs BYPASSRLS and the role pg_read_all_data" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_backup_role_writes_nothing(acme: Client) -> None:
    with psycopg.connect(os.environ["DATABASE_BACKUP_URL"]) as role:
        (accounts,) = role.execute("SELECT count(*) FROM accounts_selleraccount").fetchone() or (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute("DELETE FROM accounts_selleraccount")

    assert accounts == 1


def test_backup_with_wrong_key_is_refused_by_name(acme: Client, tmp_path: Path) -> None:
    refused = run("backup", str(tmp_path / "backup"), SECRETS_KEYS=OTHER_KEY)

    assert refused.returncode == 1
    assert "SECRETS_KEYS: key 1 is not the key this database was encrypted with." in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_backup_to_existing_folder_is_refused(acme: Client, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "mine").touch()

    refused = run("backup", str(tmp_path / "backup"))

    assert refused.returncode == 1
    assert "exists already" in refused.stderr
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["mine"]


def test_backup_that_another_process_writes_is_refused(acme: Client, tmp_path: Path) -> None:
    partial = tmp_path / "backup.partial"
    partial.mkdir()
    lock = os.open(partial, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)

    refused = run("backup", str(tmp_path / "backup"))
    os.close(lock)

    assert refused.returncode == 1
    assert "Another process is writing a backup" in refused.stderr
    assert partial.exists()


def test_killed_backup_leaves_no_complete_folder_and_next_one_replaces_it(
    acme: Client, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "backup", str(tmp_path / "backup")],
        cwd=project.BASE_DIR,
        stdout=subprocess.DEVNULL,
    )
    while not (tmp_path / "backup.partial").exists():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = [path.name for path in tmp_path.iterdir()]

    written = run("backup", str(tmp_path / "backup"))

    assert left == ["backup.partial"]
    assert written.returncode == 0, written.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
    manifest.verify(tmp_path / "backup", manifest=manifest.read(tmp_path / "backup"))


def test_backup_names_missing_document_and_is_complete(acme: Client, tmp_path: Path) -> None:
    with context.agency(acme.agency.pk):
        name = Report.objects.get().document
    default_storage.delete(name)

    written = run("backup", str(tmp_path / "backup"))

    described = manifest.read(tmp_path / "backup")
    assert written.returncode == 0
    assert f"The first: {name}" in written.stderr
    assert (described.missing_documents, described.documents) == ([name], 0)
    (recorded,) = Backup.objects.all()
    assert (recorded.documents, recorded.missing_documents) == (0, 1)


def test_backup_without_documents_says_so(acme: Client, tmp_path: Path) -> None:
    written = run("backup", "--without-documents", str(tmp_path / "backup"))

    described = manifest.read(tmp_path / "backup")
    assert written.returncode == 0, written.stderr
    assert (described.with_documents, described.documents) == (False, 0)


def test_manifest_counts_rows_and_names_keys(backup: Path) -> None:
    described = manifest.read(backup)

    assert described.counts["metrics_order"] == 3
    assert described.keys_in_use == [1]
    assert set(described.keys) == {"1"}
    assert {entry.name for entry in described.files} == {"database.dump", "documents.jsonl"}


def test_stored_names_cover_every_column_with_file_names(db: None) -> None:
    columns = rows(
        "SELECT table_name || '.' || column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND column_name ~ '(document|original|archive|file)' "
        "AND data_type IN ('character varying', 'text')"
    )

    named = {
        f"{table}.{column}" for column, table in re.findall(r"SELECT (\w+)[ \w]* FROM (\w+)", STORED_NAMES)
    }
    assert set(columns) == named


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({1: b"\x01" * 32}, []),
        ({2: b"\x02" * 32, 1: b"\x01" * 32}, []),
        ({1: b"\x02" * 32}, ["key 1 is not the key this backup was encrypted with"]),
        ({2: b"\x02" * 32}, ["key 1 is missing, and secrets are encrypted with it"]),
    ],
)
def test_keys_are_compared_with_manifest(keys: dict[int, bytes], found: list[str]) -> None:
    assert manifest.wrong_keys(DESCRIBED, keys=keys) == found


def test_changed_manifest_is_refused(tmp_path: Path) -> None:
    path = manifest.write(DESCRIBED, folder=tmp_path)
    assert manifest.read(tmp_path) == DESCRIBED
    path.write_text(path.read_text().replace('"documents": 0', '"documents": 1'))

    with pytest.raises(UnusableBackup, match="is damaged"):
        manifest.read(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "other/1"}', "no json"])
def test_other_file_is_no_manifest(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)

    with pytest.raises(UnusableBackup):
        manifest.read(tmp_path)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b"])
def test_document_outside_of_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "documents.jsonl").write_text(json.dumps({"name": name, "size": 0, "sha256": ""}) + "\n")

    with pytest.raises(UnusableBackup, match="is no name of a document"):
        list(manifest.documents(tmp_path))


def test_entry_is_read_as_it_was_written(tmp_path: Path) -> None:
    entry = FileEntry("a/ü\n", 3, "0" * 64)
    (tmp_path / "documents.jsonl").write_text(manifest.as_line(entry))

    assert list(manifest.documents(tmp_path)) == [entry]


def test_password_is_not_among_arguments(tmp_path: Path) -> None:
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\necho "$@ $PGPASSWORD"\n')
    program.chmod(0o700)

    printed = programs.run(program, "--x", url="postgresql://role:pass%2Fword@host:5/base?sslmode=require")

    assert printed == "--x --dbname=postgresql://role@host:5/base?sslmode=require pass/word\n"


def test_program_older_than_server_is_refused() -> None:
    with pytest.raises(programs.ProgramFailed, match="no pg_dump of PostgreSQL 99 or newer"):
        programs.find("pg_dump", server_version=990000)


def test_owner_cannot_dump(acme: Client) -> None:
    """The reason for the backup role: the owner is bound by row-level security too."""
    server = sql.SQL("SELECT count(*) FROM accounts_selleraccount")
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        assert owner.execute(server).fetchone() == (0,)
    program = programs.find("pg_dump", server_version=180000)

    with pytest.raises(programs.ProgramFailed, match="row-level security policy"):
        programs.run(program, url=os.environ["DATABASE_OWNER_URL"])
