"""List the tables with secrets that are encrypted with SECRETS_KEYS, and the keys in use."""

from collections import Counter

from django.conf import settings
from django.db import connection

from accounts.encryption import rotation
from accounts.encryption.rotation import EncryptedTable
from accounts.people import second_factors
from accounts.requests import idempotency
from webhooks.endpoints import secrets as endpoint_secrets

ENCRYPTED_TABLES: tuple[EncryptedTable, ...] = (idempotency.ENCRYPTED, endpoint_secrets.ENCRYPTED)


def key_ids_in_use() -> Counter[int]:
    """Return how many secrets each key encrypts, in the tables to which the database is migrated."""
    names = {f"{table.name}_encryption_keys": table for table in ENCRYPTED_TABLES}
    with connection.cursor() as cursor:
        # A check may run before the migration that creates a table and its function.
        cursor.execute("SELECT proname FROM pg_proc WHERE proname = ANY(%s)", [list(names)])
        tables = [names[name] for (name,) in cursor.fetchall()]
    in_use: Counter[int] = Counter()
    for table in tables:
        in_use.update(rotation.key_ids_in_use(table=table))
    in_use.update(second_factors.key_ids_in_use())
    return in_use


def missing_key_ids() -> list[int]:
    """Return the IDs of keys that encrypt secrets and are missing in SECRETS_KEYS, so that those secrets
    cannot be decrypted."""

    return sorted(key_ids_in_use().keys() - settings.SECRETS_KEYS.keys())
