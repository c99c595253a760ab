"""Test `manage.py rotate_secrets`: every secret can be decrypted at any moment of a key rotation."""

import base64
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django import Settings

from accounts.agencies import lifecycle as agencies
from accounts.encryption import at_rest, rotation
from accounts.tenancy import context as tenant_context
from config.encrypted_tables import ENCRYPTED_TABLES, key_ids_in_use, missing_key_ids
from tests.architecture.statements import TENANT_TABLES, rows
from tests.client import Client
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.models import EndpointSecret

OLD, NEW = b"\x01" * 32, b"\x02" * 32
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ring(settings: Settings) -> Settings:
    """Set a key ring of one key."""
    settings.SECRETS_KEYS = {1: OLD}
    return settings


def create_endpoints(client: Client, *, times: int = 1) -> dict[str, str]:
    """Create endpoints, and return their secrets by ID."""
    endpoints = [client.listen(url=f"https://acme.example/{n}") for n in range(times)]
    return {each["id"]: each["secret"] for each in endpoints}


def decrypt_secrets(client: Client) -> dict[str, str]:
    """Return the stored secrets by endpoint ID, decrypted."""
    with tenant_context.agency(client.agency.pk):
        secrets = EndpointSecret.objects.select_related("endpoint")
        return {
            row.endpoint.public_id: endpoint_secrets.PREFIX
            + base64.b64encode(
                at_rest.decrypt(bytes(row.encrypted), context=endpoint_secrets.context_of(row))
            ).decode()
            for row in secrets
        }


def rotate(*words: str) -> str:
    output = StringIO()
    call_command("rotate_secrets", *words, stdout=output, stderr=output)
    return output.getvalue()


def test_stored_response_is_replayed_after_key_is_removed(acme: Client, ring: Settings) -> None:
    request = {
        "path": "/v1/api-keys",
        "data": {"name": "front end"},
        "format": "json",
        "HTTP_IDEMPOTENCY_KEY": "once",
    }
    first = acme.post(**request)  # type: ignore[arg-type]
    ring.SECRETS_KEYS = {2: NEW, 1: OLD}

    rotate()

    ring.SECRETS_KEYS = {2: NEW}
    again = acme.post(**request)  # type: ignore[arg-type]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()


def test_rotation_encrypts_all_secrets_again(acme: Client, rival: Client, ring: Settings) -> None:
    acme_secrets, rival_secrets = create_endpoints(acme, times=3), create_endpoints(rival)
    ring.SECRETS_KEYS = {2: NEW, 1: OLD}

    output = rotate()

    assert output.splitlines() == [
        "accounts_idempotencyrecord: 0 encrypted with key 2",
        "webhooks_endpointsecret: 4 encrypted with key 2",
        "mfa_authenticator: 0 encrypted with key 2",
        "key 2 encrypts 4",
        "keys no longer needed in SECRETS_KEYS: 1",
    ]
    ring.SECRETS_KEYS = {2: NEW}
    assert (decrypt_secrets(acme), decrypt_secrets(rival)) == (acme_secrets, rival_secrets)


def test_rotation_twice_changes_nothing(acme: Client, ring: Settings) -> None:
    create_endpoints(acme, times=2)
    ring.SECRETS_KEYS = {2: NEW, 1: OLD}
    rotate()
    with tenant_context.agency(acme.agency.pk):
        before = [bytes(row.encrypted) for row in EndpointSecret.objects.order_by("pk")]

    output = rotate()

    assert "0 encrypted" in output
    with tenant_context.agency(acme.agency.pk):
        assert [bytes(row.encrypted) for row in EndpointSecret.objects.order_by("pk")] == before


def test_rotation_with_check_only_reports(acme: Client, ring: Settings) -> None:
    create_endpoints(acme, times=2)
    ring.SECRETS_KEYS = {2: NEW, 1: OLD}
    create_endpoints(acme)

    assert rotate("--check").splitlines() == ["key 1 encrypts 2", "key 2 encrypts 1"]
    assert key_ids_in_use() == {1: 2, 2: 1}


def test_rotation_covers_several_batches(
    acme: Client, ring: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = create_endpoints(acme, times=5)
    ring.SECRETS_KEYS = {2: NEW, 1: OLD}
    monkeypatch.setattr(rotation, "BATCH_SIZE", 2)

    assert rotation.rotate(table=endpoint_secrets.ENCRYPTED, agency_id=acme.agency.pk) == 5
    assert decrypt_secrets(acme) == secrets


def test_rotation_continues_after_unreadable_secret(acme: Client, rival: Client, ring: Settings) -> None:
    create_endpoints(acme)
    rival_secrets = create_endpoints(rival)
    with tenant_context.agency(acme.agency.pk):
        row = EndpointSecret.objects.get()
        EndpointSecret.objects.filter(pk=row.pk).update(
            encrypted=bytes(row.encrypted)[:-1] + bytes([row.encrypted[-1] ^ 1])
        )
    ring.SECRETS_KEYS = {2: NEW, 1: OLD}

    with pytest.raises(CommandError, match="Some secrets of 1 agencies or of users cannot be decrypted"):
        rotate()

    assert key_ids_in_use() == {1: 1, 2: 1}
    assert decrypt_secrets(rival) == rival_secrets


def test_rotation_names_missing_key_in_use(acme: Client, ring: Settings) -> None:
    create_endpoints(acme)
    ring.SECRETS_KEYS = {2: NEW}

    with pytest.raises(CommandError, match=r"lacks keys that are in use: 1\."):
        rotate()
    with pytest.raises(CommandError, match=r"lacks keys that are in use: 1\."):
        rotate("--check")

    assert missing_key_ids() == [1]


def test_rotation_names_unused_key(acme: Client, ring: Settings) -> None:
    ring.SECRETS_KEYS = {3: NEW, 1: OLD}

    assert "keys no longer needed in SECRETS_KEYS: 1" in rotate()
    assert missing_key_ids() == []


def test_key_id_is_stored_with_each_row(acme: Client, ring: Settings) -> None:
    for number in (1, 255, 256, 65535):
        ring.SECRETS_KEYS = {number: NEW}
        create_endpoints(acme)

    assert key_ids_in_use() == {1: 1, 255: 1, 256: 1, 65535: 1}


def test_counting_keys_reveals_no_rows(acme: Client) -> None:
    create_endpoints(acme)
    tenant_context.set_agency(None)

    assert key_ids_in_use() == {1: 1}
    assert not EndpointSecret.objects.exists()
    tenant_context.set_local(all_agencies="encryption_keys")
    assert not EndpointSecret.objects.exists()


def test_tables_with_encrypted_columns_are_listed(db: None) -> None:
    sealed = rows(
        "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attname LIKE %s",
        "%encrypted",
    )

    assert sorted({table.name for table in ENCRYPTED_TABLES}) == sorted(sealed)
    assert set(sealed) <= set(rows(TENANT_TABLES))


@pytest.fixture
def three_agencies(committed_db: None, ring: Settings) -> list[Client]:
    clients = [Client(*agencies.create_agency(name=name, now=NOON)) for name in ("One", "Two", "Three")]
    for client in clients:
        create_endpoints(client, times=20)
    ring.SECRETS_KEYS = {2: NEW, 1: OLD}
    return clients


def rotate_apart(_: int) -> str:
    try:
        return rotate()
    finally:
        connections.close_all()


def test_rotation_can_run_twice_at_once(
    three_agencies: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH_SIZE", 3)
    before = [decrypt_secrets(client) for client in three_agencies]

    with ThreadPoolExecutor(2) as both:
        outputs = list(both.map(rotate_apart, range(2)))

    assert (
        sum(int(line.split()[1]) for text in outputs for line in text.splitlines() if "encrypted" in line)
        == 60
    )
    assert key_ids_in_use() == {2: 60}
    assert [decrypt_secrets(client) for client in three_agencies] == before


def test_rotation_that_was_interrupted_is_completed_later(
    three_agencies: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [decrypt_secrets(client) for client in three_agencies]
    monkeypatch.setattr(rotation, "BATCH_SIZE", 3)
    sealed = iter(range(10))
    seal = at_rest.encrypt

    def until_killed(plain: bytes, *, context: str) -> bytes:
        if next(sealed, None) is None:
            raise KeyboardInterrupt
        return seal(plain, context=context)

    monkeypatch.setattr(at_rest, "encrypt", until_killed)
    with pytest.raises(KeyboardInterrupt):
        rotate()
    monkeypatch.setattr(at_rest, "encrypt", seal)
    assert key_ids_in_use() == {1: 51, 2: 9}  # whole batches
    assert [decrypt_secrets(client) for client in three_agencies] == before

    assert "51 encrypted" in rotate()
    assert [decrypt_secrets(client) for client in three_agencies] == before


def check(ring: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--database", "default"],
        cwd=project.BASE_DIR,
        env=os.environ | {"SECRETS_KEYS": ring},
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_names_missing_key_in_use(
    three_agencies: list[Client],
) -> None:
    old, new = base64.b64encode(OLD).decode(), base64.b64encode(NEW).decode()

    without, with_it = check(f"2:{new}"), check(f"2:{new},1:{old}")

    assert (without.returncode, with_it.returncode) == (1, 0)
    assert "underone.E002" in without.stderr
    assert "encrypted with key 1, which is missing in SECRETS_KEYS" in without.stderr
    assert new not in without.stderr
    assert "no issues" in with_it.stdout
