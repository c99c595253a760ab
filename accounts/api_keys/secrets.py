"""API keys: mint, recognise, revoke. A key reads `uo_live_<12 characters>_<43 characters>`, a token `uo_tok_<13>_<43>`; the last
part is the secret, what stands before it shows the row.
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

from django.db.models import Q

from accounts.models import Agency, ApiKey, ApiKeyPrefix, Role
from accounts.tenancy import batches, context, principals
from accounts.tenancy.principals import Bearer

USE_IS_NOTED_EVERY = timedelta(minutes=1)
ALPHABET = string.ascii_letters + string.digits
PREFIX = re.compile(r"uo_live_[A-Za-z0-9]{12}|uo_tok_[A-Za-z0-9]{13}")
PREFIX_LENGTH = 20
NO_PREFIX = "uo_live_" + "-" * 12  # nobody's: no key is minted with it
NO_DIGEST = bytes(32)
OVER = """
DELETE FROM accounts_apikey WHERE agency_id = %(agency)s AND id IN (
    SELECT id FROM accounts_apikey
    WHERE agency_id = %(agency)s AND kind = 'token' AND expires_at <= %(now)s
    ORDER BY id LIMIT %(at_once)s
    FOR UPDATE SKIP LOCKED)
"""


class UnknownKey(Exception):
    """The text is no key, or a key that was revoked or expired."""


def mint(
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
    """A new key and its text. The text cannot be had again."""
    rights: dict[str, Any] = {"role": role, "read_only": read_only, "accounts": None if accounts is None else list(accounts)}
    return _make("uo_live_", agency=agency, name=name, created_at=now, expires_at=expires_at, replaces=replaces, **rights)


def mint_token(*, parent: ApiKey, accounts: Collection[UUID] | None, expires_at: datetime, now: datetime) -> tuple[ApiKey, str]:
    """A token that reads until then, and no longer than the key it was made with opens anything; and its text."""
    rights: dict[str, Any] = {"role": Role.VIEWER, "read_only": True, "accounts": None if accounts is None else list(accounts)}
    of = {"agency": parent.agency, "kind": ApiKey.Kind.TOKEN, "name": parent.name, "parent": parent}
    return _make("uo_tok_", **of, created_at=now, expires_at=expires_at, **rights)


def recognise(*, text: str, now: datetime) -> Bearer:
    """The bearer behind this text; the rest of the transaction belongs to what it may see. Raises UnknownKey.

    An unknown prefix, and a text that has none, cost the same work as a wrong secret: the answer's time tells nothing apart.
    """
    prefix = text[:PREFIX_LENGTH]
    key = _shown_by(prefix=prefix if PREFIX.fullmatch(prefix) else NO_PREFIX)
    known = hmac.compare_digest(bytes(key.digest) if key else NO_DIGEST, _digest(text))
    if key is None or not known or not is_valid(key=key, now=now):
        raise UnknownKey
    with context.agency(key.agency_id):  # an upload is no transaction of its own
        bearer = _admitted(key, now)
    context.enter(key.agency_id, accounts=key.accounts)
    return bearer


def note_use(*, agency_id: UUID, key_id: UUID, now: datetime) -> None:
    """Note that the key was used, in a transaction of its own: the one of a refused request was rolled back."""
    with context.agency(agency_id):
        for key in ApiKey.objects.filter(agency_id=agency_id, pk=key_id):
            _note_use(key=key, now=now)


def revoke(*, key: ApiKey, now: datetime) -> None:
    """From now on the key opens nothing. A second time changes nothing."""
    ApiKey.objects.filter(agency_id=key.agency_id, pk=key.pk, revoked_at=None).update(revoked_at=now)


def delete_expired_tokens(*, agency_id: UUID, now: datetime) -> int:
    """Tokens whose time is over open nothing and are named by nothing: delete them, in batches; returns how many there were."""
    return batches.run(agency_id=agency_id, statement=OVER, now=now)


def is_valid(*, key: ApiKey, now: datetime) -> bool:
    """Whether it still opens anything."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def _make(beginning: str, **columns: Any) -> tuple[ApiKey, str]:
    prefix = beginning + "".join(secrets.choice(ALPHABET) for _ in range(PREFIX_LENGTH - len(beginning)))
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(prefix=prefix, digest=_digest(text), **columns)
    ApiKeyPrefix.objects.create(prefix=prefix, agency_id=key.agency_id, key_id=key.pk)
    return key, text


def _shown_by(*, prefix: str) -> ApiKey | None:
    """The one row that the wall shows to somebody who names its prefix."""
    return next(iter(ApiKey.objects.raw("SELECT * FROM api_key_by_prefix(%s)", [prefix])), None)


def _admitted(key: ApiKey, now: datetime) -> Bearer:
    """Who bears the key. A token opens nothing once the key does not that it was made with. Raises UnknownKey."""
    if key.kind == ApiKey.Kind.TOKEN and not _parent_opens(key, now):
        raise UnknownKey
    if key.kind == ApiKey.Kind.KEY:
        _note_use(key=key, now=now)
    return principals.of_key(key)


def _parent_opens(token: ApiKey, now: datetime) -> bool:
    valid = ApiKey.objects.valid(at=now).filter(agency_id=token.agency_id)
    return token.parent_id is not None and valid.filter(pk=token.parent_id).exists()


def _note_use(*, key: ApiKey, now: datetime) -> None:
    """At most once a minute, and by one request at a time: none waits for another to end."""
    if key.last_used_at and key.last_used_at >= now - USE_IS_NOTED_EVERY:
        return
    longer_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
    unnoted = ApiKey.objects.filter(longer_ago, agency_id=key.agency_id, pk=key.pk)
    if unnoted.select_for_update(skip_locked=True, no_key=True).first():
        key.last_used_at = now
        key.save(update_fields=["last_used_at"])


def _digest(text: str) -> bytes:
    """256 random bits need no slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
