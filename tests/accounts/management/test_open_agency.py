"""Test `manage.py open_agency`: a new agency and its first key."""

import io
import json
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client as Stranger
from psycopg import sql

from accounts.models import Agency
from accounts.tenancy import context


def open_agency(*words: str) -> str:
    """Run the command, and return what it prints."""
    output = io.StringIO()
    call_command("open_agency", *words, stdout=output)
    return output.getvalue()


def test_open_agency_prints_agency_and_valid_key(db: None) -> None:
    printed = open_agency("Marlowe & Finch").splitlines()

    agency, key = (line.split()[1] for line in printed[:2])
    response = Stranger().get("/v1/me", headers={"Authorization": f"Bearer {key}"})
    assert [line.split()[0] for line in printed[:2]] == ["agency", "key"]
    assert printed[2:] == ["This key is shown only once."]
    assert response.json()["agency"].items() >= {"id": agency, "name": "Marlowe & Finch"}.items()


def test_open_agency_prints_json(db: None) -> None:
    printed = json.loads(open_agency("Acme", "--json"))

    response = Stranger().get("/v1/me", headers={"Authorization": f"Bearer {printed.pop('key')}"})
    assert printed == {"agency": response.json()["agency"]["id"], "name": "Acme"}


def test_open_agency_creates_agency_each_time(db: None) -> None:
    first, second = (json.loads(open_agency("Acme", "--json")) for _ in range(2))

    assert first["agency"] != second["agency"]
    assert first["key"] != second["key"]
    assert len(context.open_agency_ids()) == 2


@pytest.mark.parametrize("name", ["Ünïcode 株式会社", "O'Brien; DROP TABLE accounts_agency; --", "x" * 200])
def test_open_agency_keeps_name(db: None, name: str) -> None:
    open_agency(name)

    (agency_id,) = context.open_agency_ids()
    with context.agency(agency_id):
        assert Agency.objects.get().name == name


@pytest.mark.parametrize("words", [(), ("Acme", "Second"), ("Acme", "--xml"), ("",), ("  ",), ("x" * 201,)])
def test_open_agency_refuses_invalid_arguments(db: None, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        open_agency(*words)

    assert context.open_agency_ids() == []


def test_open_agency_key_is_in_no_table(db: None) -> None:
    key = json.loads(open_agency("Acme", "--json"))["key"]
    secret = key[21:]
    (agency_id,) = context.open_agency_ids()

    with context.agency(agency_id), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [table for (table,) in cursor.fetchall()]
        matches = []
        for table in tables:
            wanted = [f"%{text}%" for text in (secret, secret.encode().hex(), key.encode().hex())]
            statement = sql.SQL("SELECT count(*) FROM {0} WHERE {0}::text LIKE ANY(%s)").format(
                sql.Identifier(table)
            )
            cursor.execute(statement.as_string(), [wanted])
            matches += [table] if cursor.fetchone()[0] else []

    assert "accounts_apikey" in tables
    assert matches == []


def test_open_agency_prints_key_to_stdout_only(committed_db: None, owner_dsn: str) -> None:
    command = [sys.executable, "manage.py", "open_agency", "Acme", "--json"]

    result = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)

    with psycopg.connect(owner_dsn) as session:
        opened = session.execute("SELECT open_agency_ids()").fetchall()
    assert result.stderr == ""
    assert len(result.stdout.splitlines()) == 1
    assert json.loads(result.stdout)["agency"] == f"agcy_{opened[0][0].hex}"
