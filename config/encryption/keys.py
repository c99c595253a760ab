"""Refuse to start with keys that did not encrypt this database, and record the fingerprints of those that did."""

import logging
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

from accounts.encryption import at_rest, rotation
from accounts.encryption.rotation import EncryptedTable
from accounts.tenancy import context
from config.encrypted_tables import ENCRYPTED_TABLES, key_ids_in_use
from config.encryption import fingerprints

MAX_SAMPLES = 10
logger = logging.getLogger(__name__)


class WrongKeys(SystemExit):
    """Raise when SECRETS_KEYS does not have the keys that encrypted this database."""


def problems() -> list[str]:
    """Return what is wrong with SECRETS_KEYS for this database, without the keys; [] if nothing is."""
    absent = fingerprints.recorded().keys() - settings.SECRETS_KEYS
    # Counting reads every stored secret, so it is done only if the fingerprints leave a question.
    needed = sorted(absent & key_ids_in_use().keys()) if absent else []
    return [
        *(describe_wrong(key_id) for key_id in wrong_key_ids()),
        *(f"key {key_id} is missing, and secrets are encrypted with it" for key_id in needed),
    ]


def wrong_key_ids() -> list[int]:
    """Return the IDs of the keys in SECRETS_KEYS that are not those which encrypted this database.

    1. Compare each key with the recorded fingerprint.
    2. Try each key that has no fingerprint, because an older release used it, on one stored secret.
    """
    recorded = fingerprints.recorded()
    wrong = set(fingerprints.differing(expected=recorded))
    if unrecorded := settings.SECRETS_KEYS.keys() - recorded:
        wrong |= {key_id for key_id in unrecorded & key_ids_in_use().keys() if not _decrypts(key_id)}
    return sorted(wrong)


def describe_wrong(key_id: int) -> str:
    """Return what is said of a key with another fingerprint than the recorded one."""
    return f"key {key_id} is not the key this database was encrypted with"


def verify_at_start() -> None:
    """Raise WrongKeys if SECRETS_KEYS is wrong; otherwise record the keys in use and the key that encrypts.

    If the database does not answer, the process starts: `/readyz` compares the keys again.
    """
    try:
        _raise_problems()
        record(now=timezone.now())
        # Another process may have started at the same time with another key, and recorded it first.
        _raise_problems()
    except DatabaseError as error:
        logger.warning("The encryption keys could not be compared with the database: %s", error)
    finally:
        # Processes are forked after this, and a connection must not be shared.
        connections.close_all()


def _raise_problems() -> None:
    if found := problems():
        raise WrongKeys(f"SECRETS_KEYS: {'; '.join(found)}.")


def record(*, now: datetime) -> None:
    """Record the keys that encrypt stored secrets, and the one that will encrypt the next."""
    unrecorded = settings.SECRETS_KEYS.keys() - fingerprints.recorded()
    if unrecorded:
        # A key that encrypts nothing, and never will, is not recorded: nobody could say that it is wrong.
        used = {next(iter(settings.SECRETS_KEYS)), *key_ids_in_use()}
        fingerprints.record(key_ids=sorted(unrecorded & used), now=now)


def _decrypts(key_id: int) -> bool:
    """Return whether the key decrypts one of the first stored secrets that were encrypted with its number."""
    # Several, because a single row may be damaged.
    tried = [_decrypts_row(table, row) for table, row in islice(_samples(key_id), MAX_SAMPLES)]
    return any(tried) or not tried


def _samples(key_id: int) -> Iterator[tuple[EncryptedTable, object]]:
    """Yield a stored secret of each table and agency that was encrypted with this key ID, in its context."""
    for table in ENCRYPTED_TABLES:
        # Closed agencies as well: they can be reopened, and need their secrets then.
        for agency_id in (*context.open_agency_ids(), *context.closed_agency_ids()):
            with context.agency(agency_id):
                row = rotation.sample(table=table, agency_id=agency_id, key_id=key_id)
                if row is not None:
                    yield table, row


def _decrypts_row(table: EncryptedTable, row: object) -> bool:
    try:
        at_rest.decrypt(bytes(getattr(row, table.column)), context=table.context(row))
    except at_rest.DecryptionError:
        return False
    return True
