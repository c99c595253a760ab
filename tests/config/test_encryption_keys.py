"""Test that every process refuses keys that did not encrypt its database, and names them."""

import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client as Stranger
from pytest_django import Settings

from accounts.agencies import lifecycle as agencies
from accounts.models import EncryptionKey
from config.encryption import fingerprints
from config.encryption import keys as encryption_keys
from config.encryption.key_fingerprint import compute
from config.encryption.keys import WrongKeys
from tests.client import Client

OLD, NEW, OTHER = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
WRONG = "SECRETS_KEYS: key 1 is not the key this database was encrypted with."
# The scheduler writes and deletes it.
SCHEDULE = Path(tempfile.gettempdir()) / f"underone-schedule-{os.getpid()}"
PROCESSES = {
    "web": [
        *("-m", "gunicorn", "config.wsgi:application", "--bind=127.0.0.1:0"),
        "--config=python:config.web.gunicorn_settings",
    ],
    "worker": ["-m", "celery", "-A", "config.celery", "--skip-checks", "worker", "--queues=celery"],
    "beat": [
        "-m",
        "celery",
        "-A",
        "config.celery",
        "--skip-checks",
        "beat",
        f"--schedule={SCHEDULE}",
        "--pidfile=",
    ],
    "check": ["manage.py", "check", "--database", "default"],
    "rotate_secrets": ["manage.py", "rotate_secrets"],
}

# Each process has a home of its own.
pytestmark = pytest.mark.usefixtures("unmarked_storage")


@pytest.fixture(autouse=True)
def ring(settings: Settings) -> Settings:
    """Set a key ring of one key."""
    settings.SECRETS_KEYS = {1: OLD}
    return settings


@pytest.fixture
def stay_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the connection that holds the test's transaction."""
    monkeypatch.setattr(connections, "close_all", lambda: None)


@pytest.fixture
def encrypted_database(committed_db: None, ring: Settings) -> Client:
    """Commit an agency with an endpoint whose secret key 1 encrypts, and its fingerprint."""
    client = Client(*agencies.create_agency(name="Acme", now=NOON))
    client.listen()
    encryption_keys.verify_at_start()
    return client


def text_of(ring: dict[int, bytes]) -> str:
    return ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in ring.items())


def run(words: list[str], ring: dict[int, bytes], home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=project.BASE_DIR,
        # gunicorn logs a traceback of its own if two processes are refused at once.
        env=os.environ | {"SECRETS_KEYS": text_of(ring), "UNDERONE_HOME": str(home), "WEB_WORKERS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("name", PROCESSES)
def test_process_with_wrong_key_is_refused_by_name(
    encrypted_database: Client, tmp_path: Path, name: str
) -> None:
    refused = run(PROCESSES[name], {1: OTHER}, tmp_path)

    assert refused.returncode != 0
    assert WRONG in refused.stderr
    assert base64.b64encode(OTHER).decode() not in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr


def test_process_without_key_in_use_is_refused_by_name(encrypted_database: Client, tmp_path: Path) -> None:
    refused = run(PROCESSES["worker"], {2: NEW}, tmp_path)

    assert refused.returncode != 0
    assert "SECRETS_KEYS: key 1 is missing, and secrets are encrypted with it." in refused.stderr


def test_check_accepts_right_keys(encrypted_database: Client, tmp_path: Path) -> None:
    accepted = run(PROCESSES["check"], {2: NEW, 1: OLD}, tmp_path)

    assert (accepted.returncode, accepted.stderr) == (0, "")


def test_first_start_records_fingerprint_and_no_key(db: None, stay_connected: None) -> None:
    encryption_keys.verify_at_start()

    (recorded,) = EncryptionKey.objects.all()
    assert (recorded.key_id, recorded.fingerprint) == (1, compute(OLD))
    assert len(recorded.fingerprint) == 32
    assert OLD.hex() not in recorded.fingerprint


def test_wrong_key_is_refused_before_anything_is_encrypted(
    db: None, stay_connected: None, ring: Settings
) -> None:
    encryption_keys.verify_at_start()
    ring.SECRETS_KEYS = {1: OTHER}

    with pytest.raises(WrongKeys, match=WRONG):
        encryption_keys.verify_at_start()

    assert fingerprints.recorded() == {1: compute(OLD)}


def test_database_without_fingerprints_is_compared_by_its_secrets(
    acme: Client, stay_connected: None, ring: Settings
) -> None:
    acme.listen()
    ring.SECRETS_KEYS = {1: OTHER}

    with pytest.raises(WrongKeys, match=WRONG):
        encryption_keys.verify_at_start()
    assert fingerprints.recorded() == {}

    ring.SECRETS_KEYS = {1: OLD}
    encryption_keys.verify_at_start()
    assert fingerprints.recorded() == {1: compute(OLD)}


@pytest.fixture
def without_table(committed_db: None, owner_dsn: str) -> Iterator[None]:
    """Take the table of fingerprints away, as before the migration that creates it."""
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("ALTER TABLE accounts_encryptionkey RENAME TO accounts_away")
    yield
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("ALTER TABLE accounts_away RENAME TO accounts_encryptionkey")


def test_keys_are_not_compared_before_migration(without_table: None) -> None:
    assert fingerprints.recorded() == {}
    assert encryption_keys.problems() == []


def test_rotation_records_new_key_and_forgets_old_one(
    acme: Client, stay_connected: None, ring: Settings
) -> None:
    acme.listen()
    encryption_keys.verify_at_start()
    ring.SECRETS_KEYS = {2: NEW, 1: OLD}
    encryption_keys.verify_at_start()
    assert set(fingerprints.recorded()) == {1, 2}

    call_command("rotate_secrets")

    assert fingerprints.recorded() == {2: compute(NEW)}
    ring.SECRETS_KEYS = {2: NEW}
    encryption_keys.verify_at_start()


def test_rotation_with_wrong_key_changes_nothing(acme: Client, stay_connected: None, ring: Settings) -> None:
    acme.listen()
    encryption_keys.verify_at_start()
    ring.SECRETS_KEYS = {2: NEW, 1: OTHER}

    with pytest.raises(CommandError, match=WRONG):
        call_command("rotate_secrets")

    assert set(fingerprints.recorded()) == {1}


def test_readiness_names_wrong_key(encrypted_database: Client, ring: Settings) -> None:
    ring.SECRETS_KEYS = {1: OTHER}

    response = Stranger().get("/readyz")

    assert (response.status_code, response.json()["keys"]) == (503, WRONG.removesuffix("."))
