"""Compare the keys of SECRETS_KEYS with the fingerprints of the keys that encrypted this database."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings
from django.db import connection

from accounts.models import EncryptionKey
from config.encryption.key_fingerprint import compute


def recorded() -> dict[int, str]:
    """Return the recorded fingerprints by key ID; {} before the migration that creates their table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.accounts_encryptionkey') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return {}
    return dict(EncryptionKey.objects.order_by("key_id").values_list("key_id", "fingerprint"))


def differing(*, expected: Mapping[int, str]) -> list[int]:
    """Return the IDs of the keys in SECRETS_KEYS whose fingerprint is another than the expected one."""
    return [
        key_id
        for key_id, key in sorted(settings.SECRETS_KEYS.items())
        if key_id in expected and expected[key_id] != compute(key)
    ]


def record(*, key_ids: Iterable[int], now: datetime) -> None:
    """Record the fingerprints of these keys of SECRETS_KEYS. A recorded fingerprint is never replaced."""
    EncryptionKey.objects.bulk_create(
        [
            EncryptionKey(key_id=key_id, fingerprint=compute(settings.SECRETS_KEYS[key_id]), recorded_at=now)
            for key_id in key_ids
        ],
        # Several processes start at the same time. The first one decides, and the others are compared with it.
        ignore_conflicts=True,
    )


def forget(*, key_ids: Iterable[int]) -> None:
    """Delete the fingerprints of keys that encrypt nothing any more, so that their numbers can be used again."""
    EncryptionKey.objects.filter(key_id__in=list(key_ids)).delete()
