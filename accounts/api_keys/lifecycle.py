"""Create, rename, rotate and revoke API keys, and create tokens. Each change is recorded in the audit log."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Min, QuerySet

from accounts import audit, invitation_revocation
from accounts.api_keys import secrets as key_secrets
from accounts.models import Actor, Agency, ApiKey, Role
from accounts.tenancy.principals import Principal

MAX_OVERLAP = timedelta(days=7)
MAX_TOKENS = 1000


class OutlivesCreator(Exception):
    """Raise when a key would expire later than the key that creates it."""


class NotActive(Exception):
    """Raise when a key is revoked or expired."""


class AlreadyReplaced(Exception):
    """Raise when a key was already rotated."""


class TooManyTokens(Exception):
    """Raise when a key has MAX_TOKENS valid tokens. The first of them expires after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Describe the permissions of a key and its expiry."""

    role: Role = Role.ADMIN
    read_only: bool = False
    accounts: Collection[UUID] | None = None
    expires_at: datetime | None = None


@transaction.atomic
def create(
    *, agency: Agency, name: str, rights: Rights, actor: Actor, now: datetime, by: Principal | None = None
) -> tuple[ApiKey, str]:
    """Create a key and return it with its text, which cannot be read again.

    `by` is the principal that creates it. Raises OutlivesCreator if `by` is a key that expires earlier.
    """
    _check_expiry(by, rights.expires_at)
    key, text = key_secrets.create(agency=agency, name=name, now=now, **vars(rights))
    _record(key, "key.created", actor, now, **_details(key))
    return key, text


@transaction.atomic
def rename(*, key: ApiKey, name: str, actor: Actor, now: datetime) -> None:
    """Rename a key. The same name changes nothing."""
    if key.name != name:
        key.name = name
        key.save(update_fields=["name"])
        _record(key, "key.renamed", actor, now, name=name)


@transaction.atomic
def revoke(*, key: ApiKey, actor: Actor, now: datetime) -> None:
    """Revoke a key with its tokens and its open invitations. Revoking it again changes nothing."""
    locked = _lock(key)
    if locked.revoked_at is None:
        key_secrets.revoke(key=locked, now=now)
        _record(locked, "key.revoked", actor, now, name=locked.name)
        invitation_revocation.revoke_all(
            agency_id=locked.agency_id, by=locked.public_id, actor=actor, now=now
        )


@transaction.atomic
def rotate(*, key: ApiKey, overlap: timedelta, by: Principal, now: datetime) -> tuple[ApiKey, str]:
    """Create a key with the same name and rights, and let the old one expire after the overlap.

    1. Lock the old key and check that it can be rotated. Raises NotActive, AlreadyReplaced, OutlivesCreator.
    2. Create the new key.
    3. Set the expiry of the old key, never later than it was.
    4. Revoke the old key's open invitations, so that somebody else who has that key cannot use them.
    """
    old = _lock(key)
    if not key_secrets.is_valid(key=old, now=now):
        raise NotActive
    if ApiKey.objects.filter(agency=old.agency, replaces=old).exists():
        raise AlreadyReplaced
    _check_expiry(by, old.expires_at)
    rights = Rights(
        role=Role(old.role), read_only=old.read_only, accounts=old.accounts, expires_at=old.expires_at
    )
    new, text = key_secrets.create(agency=old.agency, name=old.name, now=now, replaces=old, **vars(rights))
    old.expires_at = min(old.expires_at or now + overlap, now + overlap)
    old.save(update_fields=["expires_at"])
    _record(old, "key.rotated", by.actor, now, by=new.public_id, until=old.expires_at.isoformat())
    invitation_revocation.revoke_all(agency_id=old.agency_id, by=old.public_id, actor=by.actor, now=now)
    return new, text


@transaction.atomic
def create_token(
    *, by: Principal, accounts: Collection[UUID] | None, lifetime: timedelta, now: datetime
) -> tuple[ApiKey, str]:
    """Create a read-only token of the principal's key, for these accounts. Returns it with its text.

    The audit log records the first token of a key in each minute. Raises TooManyTokens.
    """
    # Locks the key, so that concurrent requests count each other's tokens.
    keys = ApiKey.objects.select_for_update(no_key=True, of=("self",))
    parent = keys.get(agency_id=by.agency_id, pk=by.id, kind=ApiKey.Kind.KEY)
    tokens = ApiKey.objects.filter(agency_id=parent.agency_id, parent=parent)
    _check_token_count(tokens, now)
    is_first = not tokens.filter(created_at__gte=now.replace(second=0, microsecond=0)).exists()
    expires_at = min(parent.expires_at or now + lifetime, now + lifetime)
    token, text = key_secrets.create_token(parent=parent, accounts=accounts, expires_at=expires_at, now=now)
    if is_first:
        _record(token, "token.created", by.actor, now, **_details(token))
    return token, text


def _check_token_count(tokens: QuerySet[ApiKey], now: datetime) -> None:
    valid = tokens.filter(expires_at__gt=now).aggregate(count=Count("pk"), first=Min("expires_at"))
    if valid["count"] >= MAX_TOKENS:
        raise TooManyTokens(valid["first"] - now)


def _check_expiry(by: Principal | None, expires_at: datetime | None) -> None:
    creator_expires_at = by.expires_at if by and by.kind == "key" else None
    if creator_expires_at and (expires_at is None or expires_at > creator_expires_at):
        raise OutlivesCreator


def _lock(key: ApiKey) -> ApiKey:
    """Lock a key until the transaction ends, and return it as it is now."""
    return ApiKey.objects.select_for_update(no_key=True, of=("self",)).get(agency_id=key.agency_id, pk=key.pk)


def _details(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "role": key.role,
        "read_only": key.read_only,
        "accounts": None if key.accounts is None else len(key.accounts),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }


def _record(key: ApiKey, what: str, actor: Actor, now: datetime, **detail: Any) -> None:
    audit.record(agency_id=key.agency_id, actor=actor, what=what, about=key.public_id, detail=detail, now=now)
