"""Create, authenticate and revoke the secrets of API keys and tokens.

A key has the form `uo_live_<12 characters>_<43 characters>`, and a token the form `uo_tok_<13>_<43>`. The
last part is the secret; the database stores only its digest. The part before it is the prefix, by which the
row is found.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import Agency, ApiKey, ApiKeyPrefix, Role
from accounts.tenancy import batches, context, principals
from accounts.tenancy.principals import Principal

# Every request would otherwise write the row of its key, and wait for the other requests with that key.
USE_RECORDED_EVERY = timedelta(minutes=1)
ALPHABET = string.ascii_letters + string.digits
PREFIX = re.compile(r"uo_live_[A-Za-z0-9]{12}|uo_tok_[A-Za-z0-9]{13}")
PREFIX_LENGTH = 20
# No key has this prefix: `-` is not in ALPHABET.
NO_PREFIX = "uo_live_" + "-" * 12
NO_DIGEST = bytes(32)
DELETE_EXPIRED = """
DELETE FROM accounts_apikey WHERE agency_id = %(agency)s AND id IN (
    SELECT id FROM accounts_apikey
    WHERE agency_id = %(agency)s AND kind = 'token' AND expires_at <= %(now)s
    ORDER BY id LIMIT %(batch_size)s
    FOR UPDATE SKIP LOCKED)
"""


class UnknownKey(Exception):
    """Signal a text that is not a valid key or token."""


def create(
    *,
    agency: Agency,
    name: str,
    now: datetime,
    role: Role = Role.ADMIN,
    read_only: bool = False,
    accounts: Collection[UUID] | None = None,
    expires_at: datetime | None = None,
    replaces: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """Create a key. Returns it with its text, which cannot be read again."""
    rights: dict[str, Any] = {
        "role": role,
        "read_only": read_only,
        "accounts": None if accounts is None else list(accounts),
    }
    return _create(
        "uo_live_",
        agency=agency,
        name=name,
        created_at=now,
        expires_at=expires_at,
        replaces=replaces,
        **rights,
    )


def create_token(
    *, parent: ApiKey, accounts: Collection[UUID] | None, expires_at: datetime, now: datetime
) -> tuple[ApiKey, str]:
    """Create a read-only token, and return it with its text.

    It is valid until `expires_at`, but no longer than its parent key.
    """
    rights: dict[str, Any] = {
        "role": Role.VIEWER,
        "read_only": True,
        "accounts": None if accounts is None else list(accounts),
    }
    columns = {"agency": parent.agency, "kind": ApiKey.Kind.TOKEN, "name": parent.name, "parent": parent}
    return _create("uo_tok_", **columns, created_at=now, expires_at=expires_at, **rights)


def authenticate(*, text: str, now: datetime) -> Principal:
    """Return the principal of a key or token, and set the tenant context for the rest of the transaction.

    Raises UnknownKey.
    """
    prefix = text[:PREFIX_LENGTH]
    # Malformed texts are looked up as well: one statement and one digest, as for a wrong secret.
    key = _find(prefix=prefix if PREFIX.fullmatch(prefix) else NO_PREFIX)
    # In constant time, and also without a key: the response time must not reveal which prefixes exist or
    # how much of a secret is right.
    matches = hmac.compare_digest(bytes(key.digest) if key else NO_DIGEST, _digest(text))
    if key is None or not matches or not is_valid(key=key, now=now):
        raise UnknownKey
    # A transaction of its own where there is none: the view of an upload runs without one.
    with transaction.atomic(savepoint=False):
        context.set_agency(key.agency_id)
        # Checked with every request: revoking a key must end its tokens at once.
        is_authentic = key.kind == ApiKey.Kind.KEY or _has_valid_parent(key, now)
        if key.kind == ApiKey.Kind.KEY:
            _record_use(key=key, now=now)
        principal = principals.from_key(key)
        if not is_authentic:
            # The transaction may go on without this caller, and must not go on in its agency.
            context.set_agency(None)
        elif key.accounts is not None:
            context.set_agency(key.agency_id, accounts=key.accounts)
    # Raised only here: an exception inside would end the transaction around it as well.
    if not is_authentic:
        raise UnknownKey
    return principal


def record_use(*, agency_id: UUID, key_id: UUID, now: datetime) -> None:
    """Record that a key was used, in a transaction of its own."""
    # A refused request is rolled back, and with it what it recorded; the key was used nevertheless.
    with context.agency(agency_id):
        for key in ApiKey.objects.filter(agency_id=agency_id, pk=key_id):
            _record_use(key=key, now=now)


def revoke(*, key: ApiKey, now: datetime) -> None:
    """End a key now. Revoking it again changes nothing."""
    ApiKey.objects.filter(agency_id=key.agency_id, pk=key.pk, revoked_at=None).update(revoked_at=now)


def delete_expired_tokens(*, agency_id: UUID, now: datetime) -> int:
    """Delete an agency's expired tokens in batches; return how many. Nothing refers to them."""
    return batches.run(agency_id=agency_id, statement=DELETE_EXPIRED, now=now)


def is_valid(*, key: ApiKey, now: datetime) -> bool:
    """Return whether a key is neither revoked nor expired."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def _create(head: str, **columns: Any) -> tuple[ApiKey, str]:
    prefix = head + "".join(secrets.choice(ALPHABET) for _ in range(PREFIX_LENGTH - len(head)))
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(prefix=prefix, digest=_digest(text), **columns)
    # The key's own table is hidden until its agency is known. This directory tells the agency (ADR 14).
    ApiKeyPrefix.objects.create(prefix=prefix, agency_id=key.agency_id, key_id=key.pk)
    return key, text


def _find(*, prefix: str) -> ApiKey | None:
    """Return the key with this prefix.

    Its agency is not known yet, so a database function finds it in the directory of prefixes.
    """
    return next(iter(ApiKey.objects.raw("SELECT * FROM api_key_by_prefix(%s)", [prefix])), None)


def _has_valid_parent(token: ApiKey, now: datetime) -> bool:
    valid = ApiKey.objects.valid(at=now).filter(agency_id=token.agency_id)
    return token.parent_id is not None and valid.filter(pk=token.parent_id).exists()


def _record_use(*, key: ApiKey, now: datetime) -> None:
    """Update `last_used_at` at most once a minute."""
    if key.last_used_at and key.last_used_at >= now - USE_RECORDED_EVERY:
        return
    is_due = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RECORDED_EVERY)
    # SKIP LOCKED: concurrent requests with the same key must not wait for each other's transactions.
    due = ApiKey.objects.filter(is_due, agency_id=key.agency_id, pk=key.pk)
    if due.select_for_update(skip_locked=True, no_key=True).first():
        key.last_used_at = now
        key.save(update_fields=["last_used_at"])


def _digest(text: str) -> bytes:
    # The secret has 256 random bits, so a fast hash is enough.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
