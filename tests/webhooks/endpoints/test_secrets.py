"""Test signing secrets: created once, two valid at most, encrypted for their row."""

import base64
import hashlib
import hmac
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts.agencies import lifecycle as agencies
from accounts.encryption import at_rest
from accounts.tenancy import context
from tests.client import Client
from tests.conftest import NOON
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.models import Endpoint, EndpointSecret

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def endpoint_of(client: Client) -> Endpoint:
    return Endpoint.objects.create(
        agency=client.agency, url="https://acme.example/hooks", event_types=["*"], created_at=NOW
    )


def raw(text: str) -> bytes:
    return base64.b64decode(text.removeprefix("whsec_"))


def signing(endpoint: Endpoint, at: datetime) -> list[bytes]:
    return endpoint_secrets.signing_secrets(
        agency_id=endpoint.agency_id, endpoint_ids=[endpoint.pk], now=at
    ).get(endpoint.pk, [])


def test_secret_is_32_random_bytes(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        texts = [endpoint_secrets.create(endpoint=endpoint_of(acme), now=NOW) for _ in range(10)]

    assert len(set(texts)) == 10
    assert {(text[:6], len(raw(text))) for text in texts} == {("whsec_", 32)}


def test_secret_is_encrypted_at_rest(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        text = endpoint_secrets.create(endpoint=endpoint_of(acme), now=NOW)

        stored = bytes(EndpointSecret.objects.get().encrypted)

    assert raw(text) not in stored
    assert text.encode() not in stored


def test_shown_secret_signs(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        endpoint = endpoint_of(acme)
        text = endpoint_secrets.create(endpoint=endpoint, now=NOW)

        assert signing(endpoint, NOW) == [raw(text)]


def test_rotation_keeps_both_secrets_for_a_day(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        endpoint = endpoint_of(acme)
        old = endpoint_secrets.create(endpoint=endpoint, now=NOW)
        new = endpoint_secrets.rotate(endpoint=endpoint, now=NOW + HOUR)

        assert signing(endpoint, NOW + HOUR) == [raw(new), raw(old)]
        assert signing(endpoint, NOW + 24 * HOUR) == [raw(new), raw(old)]
        assert signing(endpoint, NOW + 25 * HOUR) == [raw(new)]


def test_second_rotation_ends_the_oldest_secret(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        endpoint = endpoint_of(acme)
        texts = [endpoint_secrets.create(endpoint=endpoint, now=NOW)]
        texts += [endpoint_secrets.rotate(endpoint=endpoint, now=NOW + n * HOUR) for n in range(1, 6)]

        assert signing(endpoint, NOW + 5 * HOUR) == [raw(texts[5]), raw(texts[4])]
        assert signing(endpoint, NOW + 29 * HOUR) == [raw(texts[5])]
        assert EndpointSecret.objects.count() == 2


@pytest.mark.parametrize("overlap", [timedelta(0), HOUR, timedelta(days=7)])
def test_previous_secret_signs_until_its_overlap_ends(acme: Client, overlap: timedelta) -> None:
    with context.agency(acme.agency.pk):
        endpoint = endpoint_of(acme)
        endpoint_secrets.create(endpoint=endpoint, now=NOW)
        endpoint_secrets.rotate(endpoint=endpoint, now=NOW, overlap=overlap)

        assert len(signing(endpoint, NOW + overlap * 0.99)) == (2 if overlap else 1)
        assert len(signing(endpoint, NOW + overlap)) == 1


def test_endpoint_signs_with_its_own_secret(acme: Client, rival: Client) -> None:
    with context.agency(acme.agency.pk):
        first, second, without = (endpoint_of(acme) for _ in range(3))
        texts = [endpoint_secrets.create(endpoint=each, now=NOW) for each in (first, second)]

        secrets = endpoint_secrets.signing_secrets(
            agency_id=first.agency_id, endpoint_ids=[first.pk, second.pk, without.pk], now=NOW
        )

        assert secrets == {first.pk: [raw(texts[0])], second.pk: [raw(texts[1])]}
    with context.agency(rival.agency.pk):
        assert (
            endpoint_secrets.signing_secrets(
                agency_id=first.agency_id, endpoint_ids=[first.pk, second.pk], now=NOW
            )
            == {}
        )


def test_encrypted_secret_moved_to_another_row_is_refused(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        first, second = (endpoint_of(acme) for _ in range(2))
        for each in (first, second):
            endpoint_secrets.create(endpoint=each, now=NOW)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE webhooks_endpointsecret "
                "SET encrypted = (SELECT encrypted FROM webhooks_endpointsecret WHERE endpoint_id = %s)",
                [first.pk],
            )

        assert len(signing(first, NOW)) == 1
        with pytest.raises(at_rest.WrongContext):
            signing(second, NOW)


def test_rotations_at_once_follow_each_other(committed_db: None) -> None:
    acme = Client(*agencies.create_agency(name="Acme", now=NOON))
    with context.agency(acme.agency.pk):
        endpoint = endpoint_of(acme)
        endpoint_secrets.create(endpoint=endpoint, now=NOW)

    def rotate(number: int) -> str:
        try:
            with context.agency(acme.agency.pk):
                return endpoint_secrets.rotate(endpoint=endpoint, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as threads:
        texts = list(threads.map(rotate, range(16)))

    with context.agency(acme.agency.pk):
        alive = signing(endpoint, NOW)
        current = EndpointSecret.objects.filter(expires_at=None).count()
    assert (len(alive), current) == (2, 1)
    assert set(alive) <= {raw(text) for text in texts}


def signed(secret: bytes, body: bytes) -> dict[str, str]:
    """Compute the headers of a delivery by the specification."""
    timestamp = int(time.time())
    content = f"evt_1.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def test_documented_receiver_verifies_signatures(acme: Client) -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "webhooks.md").read_text()
    queue: dict[str, Any] = {}
    receiver: dict[str, Any] = {"put_into_your_queue": queue.__setitem__}
    exec(re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[0], receiver)  # noqa: S102  our own page
    body = b'{"id":"evt_1","type":"breach.opened"}'
    with context.agency(acme.agency.pk):
        endpoint = endpoint_of(acme)
        text = endpoint_secrets.create(endpoint=endpoint, now=NOW)
        (secret,) = signing(endpoint, NOW)

    answers = [
        receiver["receive"](body, signed(secret, body), text),
        receiver["receive"](body + b" ", signed(secret, body), text),
        receiver["receive"](body, signed(bytes(32), body), text),
        receiver["receive"](body, {}, text),
    ]

    assert answers == [204, 401, 401, 401]
    assert queue == {"evt_1": {"id": "evt_1", "type": "breach.opened"}}
