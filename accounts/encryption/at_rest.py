"""Encrypt and decrypt stored secrets with AES-256-GCM, bound to the row they belong to.

Encrypted bytes: layout version (1 byte), key ID (2, big-endian), nonce (12), ciphertext with its tag. Version
and key ID are authenticated together with the context, so bytes that were copied to another row cannot be
decrypted there.

Keys come from `SECRETS_KEYS` (config/env.py). The first one encrypts; every one decrypts.
"""

import secrets
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

LAYOUT = 1
HEADER = struct.Struct(">BH")
NONCE_BYTES = 12


class DecryptionError(Exception):
    """Signal that bytes cannot be decrypted."""


class UnknownKey(DecryptionError):
    """Signal that `SECRETS_KEYS` lacks the key that encrypted the bytes."""


class WrongContext(DecryptionError):
    """Signal that the bytes were changed, cut, or encrypted for another context."""


def encrypt(plain: bytes, *, context: str) -> bytes:
    """Return encrypted bytes, which can be decrypted only with the same context: table, agency and row."""
    key_id, key = next(iter(settings.SECRETS_KEYS.items()))
    header, nonce = HEADER.pack(LAYOUT, key_id), secrets.token_bytes(NONCE_BYTES)
    return header + nonce + AESGCM(key).encrypt(nonce, plain, _associated_data(header, context))


def decrypt(encrypted: bytes, *, context: str) -> bytes:
    """Return the plain bytes. Raises UnknownKey, WrongContext."""
    if len(encrypted) < HEADER.size + NONCE_BYTES or encrypted[0] != LAYOUT:
        raise WrongContext("The bytes have no known layout.")
    header, rest = encrypted[: HEADER.size], encrypted[HEADER.size :]
    nonce, ciphertext = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
    _, key_id = HEADER.unpack(header)
    if key_id not in settings.SECRETS_KEYS:
        raise UnknownKey(f"SECRETS_KEYS has no key {key_id}.")
    try:
        return AESGCM(settings.SECRETS_KEYS[key_id]).decrypt(
            nonce, ciphertext, _associated_data(header, context)
        )
    except InvalidTag:
        raise WrongContext(f"Encrypted with key {key_id}, but not for {context}.") from None


class EncryptionKeyId(models.Func):
    """Compute in the database which key encrypted a column's bytes: bytes 1 and 2, as in HEADER."""

    template = (
        "(CASE WHEN length(%(expressions)s) > 2 THEN get_byte(%(expressions)s, 1) * 256 + "
        "get_byte(%(expressions)s, 2) END)"
    )
    output_field = models.IntegerField(null=True)


def key_id_column(column: str) -> models.GeneratedField:
    """Build a generated column that says which key encrypted another column."""
    return models.GeneratedField(
        expression=EncryptionKeyId(column), output_field=models.IntegerField(null=True), db_persist=True
    )


def _associated_data(header: bytes, context: str) -> bytes:
    return header + context.encode()
