"""Test idempotency records: claimed before the write, filled after it, replayed for a day."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from accounts.agencies import lifecycle as agencies
from accounts.api_keys import secrets as key_secrets
from accounts.models import IdempotencyRecord
from accounts.requests import idempotency, tasks
from accounts.requests.idempotency import StoredResponse
from accounts.tenancy import batches, context
from accounts.tenancy.principals import Principal
from tests.client import Client
from tests.conftest import NOON

ANSWER = StoredResponse(
    status=201, headers={"Location": "/v1/accounts/acct_1"}, body=b'{"secret": "whsec_once"}'
)
ASKED, OTHER = b"a" * 32, b"b" * 32


@pytest.fixture
def principal(acme: Client) -> Iterator[Principal]:
    """Return a principal in the transaction of Acme."""
    with context.agency(acme.agency.pk):
        yield key_secrets.authenticate(text=acme.key, now=NOON)


def send_claim(
    principal: Principal, *, key: str = "k1", fingerprint: bytes = ASKED, hours: float = 0
) -> StoredResponse | None:
    return idempotency.claim(
        principal=principal, key=key, fingerprint=fingerprint, now=NOON + timedelta(hours=hours)
    )


def test_idempotency_key_replays_stored_response(principal: Principal) -> None:
    first = send_claim(principal)
    idempotency.store(principal=principal, key="k1", response=ANSWER)

    assert (first, send_claim(principal), send_claim(principal, hours=23.9)) == (None, ANSWER, ANSWER)
    assert send_claim(principal, key="K1") is None


def test_idempotency_key_with_other_request_is_refused(principal: Principal) -> None:
    send_claim(principal)
    idempotency.store(principal=principal, key="k1", response=ANSWER)

    with pytest.raises(idempotency.DifferentRequest):
        send_claim(principal, fingerprint=OTHER)


def test_idempotency_key_is_free_after_a_day(principal: Principal) -> None:
    send_claim(principal)
    idempotency.store(principal=principal, key="k1", response=ANSWER)

    assert send_claim(principal, fingerprint=OTHER, hours=24) is None
    assert IdempotencyRecord.objects.get().status is None


def test_idempotency_keys_belong_to_one_principal(principal: Principal) -> None:
    send_claim(principal)
    idempotency.store(principal=principal, key="k1", response=ANSWER)

    assert send_claim(replace(principal, id=principal.agency_id)) is None


def test_idempotency_key_can_be_reused_after_release(principal: Principal) -> None:
    send_claim(principal)

    idempotency.release(principal=principal, key="k1")

    assert send_claim(principal, fingerprint=OTHER) is None


def test_idempotency_response_is_encrypted_for_its_key(principal: Principal) -> None:
    send_claim(principal)
    idempotency.store(principal=principal, key="k1", response=ANSWER)
    record = IdempotencyRecord.objects.get()

    IdempotencyRecord.objects.create(
        agency_id=record.agency_id,
        bearer_id=record.bearer_id,
        key="k2",
        fingerprint=ASKED,
        status=201,
        encrypted=record.encrypted,
        created_at=NOON,
    )

    assert b"whsec" not in bytes(record.encrypted)
    with pytest.raises(Exception, match="not for accounts_idempotencyrecord"):
        send_claim(principal, key="k2")


def test_idempotency_response_without_encryption_key_is_unreadable(
    principal: Principal, settings: Settings
) -> None:
    send_claim(principal)
    idempotency.store(principal=principal, key="k1", response=ANSWER)

    settings.SECRETS_KEYS = {99: bytes(32)}

    with pytest.raises(idempotency.ResponseUnreadable):
        send_claim(principal)


def test_idempotency_record_cannot_hold_error(principal: Principal) -> None:
    send_claim(principal)

    with (
        pytest.raises(IntegrityError, match="accounts_idempotencyrecord_status_success"),
        transaction.atomic(),
    ):
        idempotency.store(principal=principal, key="k1", response=replace(ANSWER, status=409))


def test_idempotency_records_expire_after_a_day(
    acme: Client, rival: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    for client in (acme, rival):
        with context.agency(client.agency.pk):
            actor = key_secrets.authenticate(text=client.key, now=NOON)
            for number in range(5):
                send_claim(actor, key=f"old {number}", hours=-24 * 365)
            send_claim(actor, key="young", hours=24 * 365 * 10)

    tasks.delete_idempotency_records()

    for client in (acme, rival):
        with context.agency(client.agency.pk):
            assert [record.key for record in IdempotencyRecord.objects.all()] == ["young"]


def test_idempotency_delete_expired_returns_count(acme: Client, principal: Principal) -> None:
    send_claim(principal)
    send_claim(principal, key="k2", hours=1)

    deleted = idempotency.delete_expired(agency_id=acme.agency.pk, now=NOON + timedelta(hours=24))

    assert deleted == 1


def test_idempotency_records_go_with_agency(principal: Principal) -> None:
    send_claim(principal)
    other, _ = agencies.create_agency(name="Other", now=NOON)

    assert IdempotencyRecord.objects.filter(agency=principal.agency).count() == 1
    with context.agency(other.pk):
        assert IdempotencyRecord.objects.count() == 0
