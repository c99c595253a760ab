"""Test signatures as receivers verify them: unchanged deliveries only."""

import base64
import json
import time
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from webhooks.channels import signing

OLD, NEW = b"o" * 32, b"n" * 32
BODY = '{"id":"evt_1","data":{"name":"Übergröße"}}'.encode()


def receiver(secret: bytes) -> Webhook:
    """Return a verifier with this secret."""
    return Webhook("whsec_" + base64.b64encode(secret).decode())


def signed(
    *secrets: bytes, body: bytes = BODY, message: str = "evt_1", at: float | None = None
) -> dict[str, str]:
    return signing.headers(message_id=message, timestamp=int(at or time.time()), body=body, secrets=secrets)


def test_signature_equals_the_specification() -> None:
    """Use the example of the reference libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signing.headers(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
        secrets=[secret],
    )

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_receiver_verifies_signature() -> None:
    assert receiver(NEW).verify(BODY, signed(NEW)) == json.loads(BODY)


def test_signatures_of_both_secrets_are_sent_newest_first() -> None:
    headers = signed(NEW, OLD)

    assert headers["webhook-signature"].split(" ")[0] == signed(NEW)["webhook-signature"]
    for secret in (OLD, NEW):
        receiver(secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        receiver(b"x" * 32).verify(BODY, headers)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_changed_message_is_refused(place: int, change: int) -> None:
    changed = BODY[:place] + bytes([BODY[place] ^ change]) + BODY[place + 1 :]

    assert signed(NEW, body=changed, at=1e9)["webhook-signature"] != signed(NEW, at=1e9)["webhook-signature"]


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_headers_of_another_message_are_refused(header: str) -> None:
    headers, other = signed(NEW), signed(NEW, message=f"evt_{uuid4().hex}", at=time.time() - 60)

    with pytest.raises(WebhookVerificationError):
        receiver(NEW).verify(BODY, headers | {header: other[header]})


def test_message_older_than_five_minutes_is_refused() -> None:
    with pytest.raises(WebhookVerificationError):
        receiver(NEW).verify(BODY, signed(NEW, at=time.time() - 301))
