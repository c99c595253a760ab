"""Health: alive whatever is missing, ready only when nothing is."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client as Stranger

from config.celery import app

NOWHERE = "redis://127.0.0.1:1/0"


def asked(path: str) -> tuple[int, Any]:
    answer = Stranger().get(path)
    return answer.status_code, answer.json()


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
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations) RETURNING app, name, applied"
        ).fetchone()
    yield
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", removed)


def test_with_everything_there_it_is_ready(db: None) -> None:
    assert asked("/readyz") == (200, {"database": "ok", "broker": "ok"})


def test_without_its_broker_it_is_not_ready(db: None, without_broker: None) -> None:
    assert asked("/readyz") == (503, {"database": "ok", "broker": "no answer"})


def test_without_its_database_it_is_not_ready(without_database: None) -> None:
    assert asked("/readyz") == (503, {"database": "no answer", "broker": "ok"})


def test_without_a_migration_it_is_not_ready(without_newest_migration: None) -> None:
    assert asked("/readyz") == (503, {"database": "migrations are missing", "broker": "ok"})


def test_it_is_alive_without_anything(without_database: None, without_broker: None) -> None:
    assert asked("/healthz") == (200, {"status": "ok"})
    assert asked("/readyz") == (503, {"database": "no answer", "broker": "no answer"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_health_is_only_read(db: None, path: str, method: str) -> None:
    answer = getattr(Stranger(), method)(path)

    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/method-not-allowed")


def test_a_request_that_needs_the_database_fails_as_a_problem_without_it(without_database: None) -> None:
    stranger = Stranger(raise_request_exception=False)

    answer = stranger.get("/v1/me", headers={"Authorization": "Bearer uo_live_000000000000_x"})

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "127.0.0.1" not in answer.content.decode()
