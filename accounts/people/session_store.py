"""Store sessions so that the table gives no access: each under the digest of its key, encrypted, and visible only to
a transaction that names that digest.

The setting SESSION_ENGINE names this module. The data contains codes of e-mails and secrets of authenticator apps
that are not activated yet, so it is encrypted with a key from SECRET_KEY, which also signs the tokens.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.tenancy import context

PREFIX = "aes:"
SALT = "accounts.people.session_store"
NONCE_BYTES = 12
# The size of the column that Django declares. 160 bits of a digest identify a session.
DIGEST_LENGTH = 40


class SessionStore(db.SessionStore):
    """Implement Django's store of sessions in the database. Its async methods are not used."""

    def load(self) -> dict[str, Any]:
        with _visible(self.session_key):
            rows = Session.objects.filter(
                session_key=digest(self.session_key), expire_date__gt=timezone.now()
            )
            row = rows.first()
        if row is None:
            # As Django's does: the next save creates a session with a new key.
            self._session_key = None
            return {}
        return self.decode(row.session_data)

    def exists(self, session_key: str) -> bool:
        with _visible(session_key):
            return Session.objects.filter(session_key=digest(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = digest(self.session_key)
        return row

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002  as Django declares it
        if self.session_key is None:
            self.create()
            return
        # Loaded first: a session that was not read yet would be, within the block, and reset its setting.
        self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # the stubs lack it
        with _visible(self.session_key):
            super().save(must_create=must_create)

    def delete(self, session_key: str | None = None) -> None:
        session_key = session_key or self.session_key
        if session_key is not None:
            with _visible(session_key):
                Session.objects.filter(session_key=digest(session_key)).delete()

    def encode(self, session_dict: dict[str, Any]) -> str:
        """Return the data of a session, encrypted and bound to its key."""
        nonce, plain = secrets.token_bytes(NONCE_BYTES), json.dumps(session_dict).encode()
        key = _encryption_key(settings.SECRET_KEY)
        encrypted = AESGCM(key).encrypt(nonce, plain, digest(self.session_key).encode())
        return PREFIX + base64.b64encode(nonce + encrypted).decode()

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Return the data of a session. Empty if it is not this session's, or SECRET_KEY has changed."""
        session_data = str(session_data)
        if not session_data.startswith(PREFIX):
            # Written by the store that Django uses by default, before sessions were encrypted.
            return super().decode(session_data)
        content = base64.b64decode(session_data.removeprefix(PREFIX))
        nonce, encrypted, bound_to = content[:NONCE_BYTES], content[NONCE_BYTES:], digest(self.session_key)
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            try:
                plain = AESGCM(_encryption_key(key)).decrypt(nonce, encrypted, bound_to.encode())
            except InvalidTag:
                continue
            return dict(json.loads(plain))
        return {}

    @classmethod
    def clear_expired(cls) -> None:
        """Delete the expired sessions, with a function of the owner: none is visible without its digest."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT delete_expired_sessions(%s)", [timezone.now()])


def digest(session_key: str | None) -> str:
    """Return under what a session is stored."""
    # A key has 165 random bits, so a fast hash is enough.
    return hashlib.sha256((session_key or "").encode()).hexdigest()[:DIGEST_LENGTH]


@contextmanager
def _visible(session_key: str | None) -> Iterator[None]:
    """Open a transaction that sees and writes this session only."""
    with transaction.atomic():
        context.set_local(session=digest(session_key))
        yield
        context.set_local(session="")


def _encryption_key(secret: str) -> bytes:
    return salted_hmac(SALT, "data", secret=secret, algorithm="sha256").digest()
