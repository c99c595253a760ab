"""Test health: liveness needs no dependency, readiness needs all."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client as Stranger
from pytest_django import Settings

from api.version import VERSION
from config.celery import app
from config.observability import health
from config.observability.probes import Probe
from tests import stopwatch

NOWHERE = "redis://127.0.0.1:1/0"


OK = {"database": "ok", "broker": "ok", "keys": "ok", "documents": "ok"}
NO_DATABASE = {"database": "no answer", "keys": "no answer"}


def probed(path: str) -> tuple[int, Any]:
    response = Stranger().get(path)
    assert response["Cache-Control"] == "no-store"
    return response.status_code, response.json()


@pytest.fixture
def without_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.conf, "broker_write_url", NOWHERE)


@pytest.fixture
def without_database(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    yield
    connection.close()


@pytest.fixture
def without_newest_migration(committed_db: None, owner_dsn: str) -> Iterator[None]:
    with psycopg.connect(owner_dsn) as owner:
        removed = owner.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations) RETURNING app, "
            "name, applied"
        ).fetchone()
    yield
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", removed)


def test_readiness_is_ok_with_all_dependencies(db: None) -> None:
    assert probed("/readyz") == (200, OK)


def test_readiness_fails_without_broker(db: None, without_broker: None) -> None:
    assert probed("/readyz") == (503, OK | {"broker": "no answer"})


def test_readiness_fails_without_database(without_database: None) -> None:
    assert probed("/readyz") == (503, OK | NO_DATABASE)


def test_readiness_fails_without_migration(without_newest_migration: None) -> None:
    assert probed("/readyz") == (503, OK | {"database": "migrations are missing"})


@pytest.mark.parametrize("place", ["/proc/documents", "/dev/null/documents"])
def test_readiness_fails_without_document_folder(db: None, settings: Settings, place: str) -> None:
    settings.MEDIA_ROOT = place

    assert probed("/readyz") == (503, OK | {"documents": "cannot be written"})


def test_readiness_leaves_no_file_in_document_folder(db: None, settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "documents"

    assert probed("/readyz") == (200, OK)
    assert list((tmp_path / "documents").iterdir()) == []


@pytest.fixture
def silence() -> Iterator[int]:
    """Open a port that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_readiness_does_not_wait_for_hanging_database(
    committed_db: None, monkeypatch: pytest.MonkeyPatch, silence: int
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", str(silence))

    with stopwatch.running() as watch:
        answers = [probed("/readyz") for _ in range(2)]

    # The storage of documents is compared with the database.
    assert answers[0] == (503, OK | NO_DATABASE | {"documents": "no answer"})
    assert answers[1][1]["database"] == "no answer"
    assert watch.seconds < 2 * (health.READINESS_TIMEOUT + 1)
    monkeypatch.undo()
    for name in NO_DATABASE:  # the probes that hung give up by themselves
        health.PROBES[name].start().join()
    assert probed("/readyz") == (200, OK)


def test_readiness_does_not_wait_for_hanging_broker(
    db: None, monkeypatch: pytest.MonkeyPatch, silence: int
) -> None:
    monkeypatch.setattr(app.conf, "broker_write_url", f"redis://127.0.0.1:{silence}/0")
    monkeypatch.setitem(app.conf.broker_transport_options, "socket_timeout", 4)

    with stopwatch.running() as watch:
        response = probed("/readyz")

    assert response == (503, OK | {"broker": "no answer"})
    assert watch.seconds < health.READINESS_TIMEOUT + 1
    health.PROBES["broker"].start().join()


def test_readiness_requests_share_one_probe() -> None:
    begun, go_on = [], threading.Event()

    def hang() -> str:
        begun.append(1)
        go_on.wait()
        return "at last"

    probe = Probe(hang)
    first, second = probe.start(), probe.start()

    assert [first.result(timeout=0.01), second.result(timeout=0)] == ["no answer", "no answer"]
    assert first.daemon
    go_on.set()
    assert first.result(timeout=5) == "at last"
    assert len(begun) == 1
    assert probe.start().result(timeout=5) == "at last"
    assert len(begun) == 2


def test_liveness_needs_no_dependency(without_database: None, without_broker: None) -> None:
    assert probed("/healthz") == (200, {"status": "ok", "version": VERSION})
    assert probed("/readyz") == (503, OK | NO_DATABASE | {"broker": "no answer"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_health_endpoints_allow_get_only(db: None, path: str, method: str) -> None:
    response = getattr(Stranger(), method)(path)

    assert (response.status_code, response.json()["type"]) == (405, "/problems/method-not-allowed")


def test_request_without_database_is_a_problem(without_database: None) -> None:
    client = Stranger(raise_request_exception=False)

    response = client.get("/v1/me", headers={"Authorization": "Bearer uo_live_000000000000_x"})

    assert (response.status_code, response["Content-Type"]) == (503, "application/problem+json")
    assert "127.0.0.1" not in response.content.decode()
