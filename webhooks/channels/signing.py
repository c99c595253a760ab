"""Signatures of what is sent, as Standard Webhooks 1.0.0 has them. Pure.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence


def headers(*, message: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """What goes out beside `body` so that its receiver knows whose it is; `timestamp` is of this try, in whole seconds.

    Every secret signs, in the order given: the newest first, for receivers that look at one signature only.
    """
    signed = b".".join((message.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(signed, secret) for secret in secrets),
    }


def _signature(signed: bytes, secret: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
