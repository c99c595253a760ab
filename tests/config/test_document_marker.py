"""Test that every process recognizes the storage of documents of its installation, and refuses another one."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import settings as project
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client as Stranger
from pytest_django import Settings

from accounts.models import DocumentStorage
from config.documents import marker
from config.documents.marker import WrongStorage
from tests.config.test_encryption_keys import PROCESSES
from tests.object_storage import CREDENTIALS, Bucket, s3_server, storages_at

pytestmark = pytest.mark.usefixtures("unmarked_storage")


@pytest.fixture
def stay_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the connection that holds the test's transaction."""
    monkeypatch.setattr(connections, "close_all", lambda: None)


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "documents"
    return tmp_path / "documents"


def run(words: list[str], home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=project.BASE_DIR,
        # gunicorn logs a traceback of its own if two processes are refused at once.
        env=os.environ | {"UNDERONE_HOME": str(home), "WEB_WORKERS": "1"} | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_first_start_writes_one_id_to_database_and_storage(
    db: None, stay_connected: None, folder: Path
) -> None:
    marker.verify_at_start()

    stored = UUID((folder / marker.NAME).read_text().strip())
    assert DocumentStorage.objects.get().installation == stored
    marker.verify_at_start()
    assert marker.problem(default_storage) == ""


@pytest.mark.parametrize("name", sorted(PROCESSES.keys() - {"rotate_secrets"}))
def test_process_with_folder_of_its_own_is_refused(committed_db: None, tmp_path: Path, name: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run(PROCESSES["check"], first).returncode == 0

    refused = run(PROCESSES[name], second)

    assert refused.returncode != 0
    message = " ".join(refused.stderr.split())
    assert f"The folder {second}/documents is not the storage of documents of this installation" in message
    assert "Mount the folder of the first machine" in message
    assert "Traceback" not in refused.stderr
    assert not (second / "documents" / marker.NAME).exists()


def test_folder_of_another_installation_is_refused(db: None, stay_connected: None, folder: Path) -> None:
    marker.verify_at_start()
    (folder / marker.NAME).write_text(f"{uuid4()}\n")

    with pytest.raises(WrongStorage, match="it has the marker of another installation"):
        marker.verify_at_start()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"not an ID"])
def test_damaged_marker_is_refused(db: None, stay_connected: None, folder: Path, content: bytes) -> None:
    marker.verify_at_start()
    (folder / marker.NAME).write_bytes(content)

    with pytest.raises(WrongStorage):
        marker.verify_at_start()


def test_database_without_id_takes_that_of_its_documents(
    db: None, stay_connected: None, folder: Path
) -> None:
    installation = uuid4()
    marker.write(FileSystemStorage(location=folder), installation)

    marker.verify_at_start()

    assert DocumentStorage.objects.get().installation == installation


def test_processes_that_start_at_once_agree_on_one_storage(committed_db: None, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(6)]
    problems: list[str] = []
    barrier = threading.Barrier(len(folders))

    def start(folder: Path) -> None:
        barrier.wait()
        problems.append(marker.claim(FileSystemStorage(location=folder)))
        connection.close()

    threads = [threading.Thread(target=start, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems.count("") == 1
    assert sum((folder / marker.NAME).exists() for folder in folders) == 1
    assert DocumentStorage.objects.count() == 1


def test_marking_moved_documents_ends_the_refusal(
    db: None, stay_connected: None, folder: Path, settings: Settings, tmp_path: Path
) -> None:
    marker.verify_at_start()
    settings.MEDIA_ROOT = tmp_path / "moved"
    with pytest.raises(WrongStorage, match="mark_documents"):
        marker.verify_at_start()

    call_command("mark_documents")

    marker.verify_at_start()


def test_process_starts_while_the_database_is_away(folder: Path, tmp_path: Path) -> None:
    script = "import django; django.setup(); from config import startup; startup.verify(); print('started')"
    environ = {
        "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/none",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }

    started = run(["-c", script], tmp_path, **environ)

    assert started.stdout == "started\n"
    assert "could not be compared" in started.stderr


def test_readiness_fails_with_folder_of_another_machine(committed_db: None, folder: Path) -> None:
    marker.claim(default_storage)
    assert Stranger().get("/readyz").json()["documents"] == "ok"

    (folder / marker.NAME).unlink()

    response = Stranger().get("/readyz")
    assert (response.status_code, response.json()["documents"]) == (
        503,
        "not the storage of this installation",
    )


def test_marker_in_object_storage(
    committed_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with s3_server() as server:
        first, second = Bucket(server), Bucket(server)
        settings.STORAGES = storages_at(first.url())
        marker.verify_at_start()
        marker.verify_at_start()
        assert first.keys() == [f"underone/{marker.NAME}"]
        assert Stranger().get("/readyz").json()["documents"] == "ok"

        settings.STORAGES = storages_at(second.url())
        with pytest.raises(WrongStorage, match=f"The bucket s3://{second.name}/underone is not"):
            marker.verify_at_start()
        assert second.keys() == []
        assert Stranger().get("/readyz").json()["documents"] == "not the storage of this installation"

        settings.STORAGES = storages_at(first.url(endpoint="http://127.0.0.1:1"))
        # The storage is away: the process starts, and is not ready.
        marker.verify_at_start()
        assert Stranger().get("/readyz").status_code == 503
