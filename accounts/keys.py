"""API keys: mint, recognise, revoke. A key reads `uo_live_<12 characters>_<43 characters>`; the last part is the secret."""

import hashlib
import hmac
import re
import secrets
import string
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from accounts import bearers, scoping
from accounts.bearers import Bearer
from accounts.models import Agency, ApiKey

USE_IS_NOTED_EVERY = timedelta(minutes=1)
ALPHABET = string.ascii_letters + string.digits
PREFIX = re.compile(r"uo_live_[A-Za-z0-9]{12}")
NO_DIGEST = bytes(32)


class UnknownKey(Exception):
    """The text is no key, or a key that was revoked or expired."""


def mint(*, agency: Agency, name: str, now: datetime) -> tuple[ApiKey, str]:
    """A new key and its text. The text cannot be had again."""
    prefix = "uo_live_" + "".join(secrets.choice(ALPHABET) for _ in range(12))
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(agency=agency, name=name, prefix=prefix, digest=_digest(text), created_at=now)
    return key, text


def recognise(*, text: str, now: datetime) -> Bearer:
    """The bearer behind this text; the rest of the transaction belongs to its agency. Raises UnknownKey.

    An unknown prefix costs the same comparison as a wrong secret, so the answer's time does not tell them apart.
    """
    key = _shown_by(prefix=text[:20])
    known = hmac.compare_digest(bytes(key.digest) if key else NO_DIGEST, _digest(text))
    if key is None or not known or not _is_valid(key, now):
        raise UnknownKey
    scoping.enter(key.agency_id)
    with scoping.agency(key.agency_id):  # an upload is no transaction of its own
        _note_use(key=key, now=now)
        return bearers.of_key(key)


def note_use(*, agency_id: UUID, key_id: UUID, now: datetime) -> None:
    """Note that the key was used, in a transaction of its own: the one of a refused request was rolled back."""
    with scoping.agency(agency_id):
        for key in ApiKey.objects.filter(pk=key_id):
            _note_use(key=key, now=now)


def revoke(*, key: ApiKey, now: datetime) -> None:
    """From now on the key opens nothing. A second time changes nothing."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)


def _shown_by(*, prefix: str) -> ApiKey | None:
    """The one row that the wall shows to somebody who names its prefix."""
    if not PREFIX.fullmatch(prefix):
        return None
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('underone.key_prefix', %s, true)", [prefix])
        key = ApiKey.objects.filter(prefix=prefix).first()
        cursor.execute("SELECT set_config('underone.key_prefix', '', true)")
    return key


def _is_valid(key: ApiKey, now: datetime) -> bool:
    """Whether it still opens anything."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def _note_use(*, key: ApiKey, now: datetime) -> None:
    """At most once a minute, and by one request at a time: none waits for another to end."""
    longer_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
    unnoted = ApiKey.objects.select_for_update(skip_locked=True, no_key=True).filter(longer_ago, pk=key.pk)
    if unnoted.first():
        key.last_used_at = now
        key.save(update_fields=["last_used_at"])


def _digest(text: str) -> bytes:
    """256 random bits need no slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
