"""Compute the fingerprint of an encryption key. Pure."""

import hashlib
import hmac

PURPOSE = b"underone encryption key fingerprint"


def compute(key: bytes) -> str:
    """Return the fingerprint of a key: 32 hexadecimal digits.

    The keys are 32 random bytes, so it reveals nothing about them.
    """
    return hmac.new(key, PURPOSE, hashlib.sha256).hexdigest()[:32]
