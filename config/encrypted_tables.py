"""Everything that is kept sealed under SECRETS_KEYS: one line for each table."""

from collections import Counter

from django.conf import settings
from django.db import connection

from accounts.encryption import rotation
from accounts.encryption.rotation import EncryptedTable
from accounts.requests import idempotency
from webhooks.endpoints import secrets as endpoint_secrets

EVERYTHING: tuple[EncryptedTable, ...] = (idempotency.ENCRYPTED, endpoint_secrets.ENCRYPTED)


def key_ids_in_use() -> Counter[int]:
    """How many secrets each key has sealed, of the tables that the database is migrated to."""
    names = {f"{table.name}_encryption_keys": table for table in EVERYTHING}
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname FROM pg_proc WHERE proname = ANY(%s)", [list(names)])
        counted = [names[name] for (name,) in cursor.fetchall()]
    in_use: Counter[int] = Counter()
    for table in counted:
        in_use.update(rotation.key_ids_in_use(table=table))
    return in_use


def missing_key_ids() -> list[int]:
    """The keys that something is sealed with and that SECRETS_KEYS does not have: what they sealed opens no more."""
    return sorted(key_ids_in_use().keys() - settings.SECRETS_KEYS.keys())
