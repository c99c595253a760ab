"""Keys and tokens given out, renamed, replaced and taken back, each with an entry in the audit log."""

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
from accounts.tenancy.principals import Bearer

LONGEST_OVERLAP = timedelta(days=7)
MOST_TOKENS = 1000


class Outlives(Exception):
    """It would open something when the key that asks for it does not any more."""


class AlreadyOver(Exception):
    """The key opens nothing any more."""


class AlreadyReplaced(Exception):
    """The key has a successor."""


class TooManyTokens(Exception):
    """The key has as many tokens as it may have; the first of them ends after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What a key may do, and until when."""

    role: Role = Role.ADMIN
    read_only: bool = False
    accounts: Collection[UUID] | None = None
    expires_at: datetime | None = None


@transaction.atomic
def key(*, agency: Agency, name: str, rights: Rights, who: Actor, now: datetime, by: Bearer | None = None) -> tuple[ApiKey, str]:
    """A new key and its text, which cannot be had again.

    Raises Outlives: a key that ends one day gives out none that ends later.
    """
    _refuse_longer(by, rights.expires_at)
    made, text = key_secrets.mint(agency=agency, name=name, now=now, **vars(rights))
    _note(made, "key.created", who, now, **_described(made))
    return made, text


@transaction.atomic
def rename(*, key: ApiKey, name: str, who: Actor, now: datetime) -> None:
    """The key is called so from now on. The same name again is no change."""
    if key.name != name:
        key.name = name
        key.save(update_fields=["name"])
        _note(key, "key.renamed", who, now, name=name)


@transaction.atomic
def revoke(*, key: ApiKey, who: Actor, now: datetime) -> None:
    """The key opens nothing any more, nor do the tokens and invitations that were made with it. A second time changes nothing."""
    held = _hold(key)
    if held.revoked_at is None:
        key_secrets.revoke(key=held, now=now)
        _note(held, "key.revoked", who, now, name=held.name)
        invitation_revocation.withdraw_all(agency_id=held.agency_id, by=held.public_id, who=who, now=now)


@transaction.atomic
def rotate(*, key: ApiKey, overlap: timedelta, by: Bearer, now: datetime) -> tuple[ApiKey, str]:
    """A key with the same name and rights, and its text; the one before ends after the overlap, and no later than it would have.

    What it invited is withdrawn: whoever else has the key that is rotated is not let in by that.

    Raises AlreadyOver, AlreadyReplaced, Outlives.
    """
    held = _hold(key)
    if not key_secrets.is_valid(key=held, now=now):
        raise AlreadyOver
    if ApiKey.objects.filter(agency=held.agency, replaces=held).exists():
        raise AlreadyReplaced
    _refuse_longer(by, held.expires_at)
    rights = Rights(role=Role(held.role), read_only=held.read_only, accounts=held.accounts, expires_at=held.expires_at)
    made, text = key_secrets.mint(agency=held.agency, name=held.name, now=now, replaces=held, **vars(rights))
    held.expires_at = min(held.expires_at or now + overlap, now + overlap)
    held.save(update_fields=["expires_at"])
    _note(held, "key.rotated", by.who, now, by=made.public_id, until=held.expires_at.isoformat())
    invitation_revocation.withdraw_all(agency_id=held.agency_id, by=held.public_id, who=by.who, now=now)
    return made, text


@transaction.atomic
def token(*, by: Bearer, accounts: Collection[UUID] | None, lifetime: timedelta, now: datetime) -> tuple[ApiKey, str]:
    """A token that reads for a while what the bearer sees, or less, and its text. It ends with the key that it is made with.

    The first of a key in a minute is noted, and stands for those after it. Raises TooManyTokens.
    """
    keys = ApiKey.objects.select_for_update(no_key=True, of=("self",))
    parent = keys.get(agency_id=by.agency_id, pk=by.id, kind=ApiKey.Kind.KEY)
    made_with_it = ApiKey.objects.filter(agency_id=parent.agency_id, parent=parent)
    _refuse_more(made_with_it, now)
    is_first = not made_with_it.filter(created_at__gte=now.replace(second=0, microsecond=0)).exists()
    expires_at = min(parent.expires_at or now + lifetime, now + lifetime)
    made, text = key_secrets.mint_token(parent=parent, accounts=accounts, expires_at=expires_at, now=now)
    if is_first:
        _note(made, "token.created", by.who, now, **_described(made))
    return made, text


def _refuse_more(tokens: QuerySet[ApiKey], now: datetime) -> None:
    live = tokens.filter(expires_at__gt=now).aggregate(count=Count("pk"), first=Min("expires_at"))
    if live["count"] >= MOST_TOKENS:
        raise TooManyTokens(live["first"] - now)


def _refuse_longer(by: Bearer | None, expires_at: datetime | None) -> None:
    ends = by.expires_at if by and by.kind == "key" else None
    if ends and (expires_at is None or expires_at > ends):
        raise Outlives


def _hold(key: ApiKey) -> ApiKey:
    """The key as it is now, and as it stays until the transaction ends."""
    return ApiKey.objects.select_for_update(no_key=True, of=("self",)).get(agency_id=key.agency_id, pk=key.pk)


def _described(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "role": key.role,
        "read_only": key.read_only,
        "accounts": None if key.accounts is None else len(key.accounts),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }


def _note(key: ApiKey, what: str, who: Actor, now: datetime, **detail: Any) -> None:
    audit.note(agency_id=key.agency_id, who=who, what=what, about=key.public_id, detail=detail, now=now)
