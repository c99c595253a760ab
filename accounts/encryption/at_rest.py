"""Secrets at rest: AES-256-GCM, bound to the row they belong to.

Sealed bytes read: layout version (1), key id (2, big-endian), nonce (12), ciphertext with its tag. What stands in front of the
nonce is authenticated together with the context, so bytes that were moved to another row open nowhere.

Keys come from `SECRETS_KEYS` (config/env.py): the first one seals, every one of them opens.
"""

import secrets
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

LAYOUT = 1
HEAD = struct.Struct(">BH")
NONCE_BYTES = 12


class CannotOpen(Exception):
    """Sealed bytes that do not open here."""


class UnknownKey(CannotOpen):
    """They were sealed with a key that `SECRETS_KEYS` does not have."""


class NotOfThisPlace(CannotOpen):
    """They were changed, cut, or sealed for another context."""


def seal(plain: bytes, *, context: str) -> bytes:
    """The sealed form of `plain`, which opens with the same context only: table, agency and row."""
    key_id, key = next(iter(settings.SECRETS_KEYS.items()))
    head, nonce = HEAD.pack(LAYOUT, key_id), secrets.token_bytes(NONCE_BYTES)
    return head + nonce + AESGCM(key).encrypt(nonce, plain, _bound(head, context))


def open_sealed(sealed: bytes, *, context: str) -> bytes:
    """What was sealed with this context. Raises UnknownKey, NotOfThisPlace."""
    if len(sealed) < HEAD.size + NONCE_BYTES or sealed[0] != LAYOUT:
        raise NotOfThisPlace("These bytes are no layout that we know.")
    head, nonce, ciphertext = sealed[: HEAD.size], sealed[HEAD.size : HEAD.size + NONCE_BYTES], sealed[HEAD.size + NONCE_BYTES :]
    _, key_id = HEAD.unpack(head)
    if key_id not in settings.SECRETS_KEYS:
        raise UnknownKey(f"SECRETS_KEYS has no key {key_id}.")
    try:
        return AESGCM(settings.SECRETS_KEYS[key_id]).decrypt(nonce, ciphertext, _bound(head, context))
    except InvalidTag:
        raise NotOfThisPlace(f"Sealed with key {key_id}, and not for {context}.") from None


class SealedWith(models.Func):
    """The id of the key that sealed a column's bytes, for the database: bytes 1 and 2, as HEAD says. Null of none."""

    template = (
        "(CASE WHEN length(%(expressions)s) > 2 THEN get_byte(%(expressions)s, 1) * 256 + get_byte(%(expressions)s, 2) END)"
    )
    output_field = models.IntegerField(null=True)


def key_id_of(column: str) -> models.GeneratedField:
    """A column beside sealed bytes that says which key sealed them."""
    return models.GeneratedField(expression=SealedWith(column), output_field=models.IntegerField(null=True), db_persist=True)


def _bound(head: bytes, context: str) -> bytes:
    return head + context.encode()
