"""Sign deliveries as Standard Webhooks 1.0.0 specifies. Pure.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence


def headers(*, message_id: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """Return the three headers with which a receiver verifies `body`.

    `timestamp` is the time of this attempt in Unix seconds. There is one signature for each secret, in the
    order given.
    """

    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_sign(content, secret) for secret in secrets),
    }


def _sign(content: bytes, secret: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
