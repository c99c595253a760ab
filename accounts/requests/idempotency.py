"""Store the response to a write under its `Idempotency-Key`, so that a repeated write happens once.

The record is written in the transaction of the write: first the key is claimed, then the write happens, then
the response is stored. A crash leaves all of it or nothing. A concurrent request with the same key waits for
the first, up to the lock timeout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from accounts.encryption import at_rest
from accounts.encryption.rotation import EncryptedTable
from accounts.models import IdempotencyRecord
from accounts.tenancy import batches, locks
from accounts.tenancy.principals import Principal

ENCRYPTED = EncryptedTable(model=IdempotencyRecord, context=lambda record: record.context)
Param = UUID | str | bytes | datetime | int
STORED_RESPONSE_HOURS = 24
STORED_RESPONSE_LIFETIME = timedelta(hours=STORED_RESPONSE_HOURS)
# One statement, so that no other request can come between the check and the claim.
# An expired key is claimed anew.
CLAIM = """
INSERT INTO accounts_idempotencyrecord AS record (agency_id, bearer_id, key, fingerprint, headers, encrypted, created_at)
VALUES (%(agency)s, %(principal)s, %(key)s, %(fingerprint)s, '{}', '', %(now)s)
ON CONFLICT (agency_id, bearer_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, status = NULL, headers = '{}', encrypted = '', created_at = excluded.created_at
    WHERE record.created_at <= %(until)s
"""
DELETE_EXPIRED = """
DELETE FROM accounts_idempotencyrecord WHERE agency_id = %(agency)s AND (agency_id, bearer_id, key) IN (
    SELECT agency_id, bearer_id, key FROM accounts_idempotencyrecord
    WHERE agency_id = %(agency)s AND created_at <= %(until)s
    ORDER BY created_at LIMIT %(batch_size)s
    FOR UPDATE SKIP LOCKED)
"""


class InFlight(Exception):
    """Raise when the first request with this key has not ended yet."""


class DifferentRequest(Exception):
    """Raise when the key was used for another request."""


class ResponseUnreadable(Exception):
    """Raise when the write succeeded, but the key that encrypted its response was removed."""


@dataclass(frozen=True, kw_only=True)
class StoredResponse:
    """Store the response to replay: the body as it was sent, and its headers."""

    status: int
    headers: dict[str, str]
    body: bytes


def claim(*, principal: Principal, key: str, fingerprint: bytes, now: datetime) -> StoredResponse | None:
    """Return the response stored under a key, or None if the key was free and is now claimed.

    `fingerprint` identifies the request. Raises InFlight, DifferentRequest, ResponseUnreadable.
    """
    params: dict[str, Param] = {
        "agency": principal.agency_id,
        "principal": principal.id,
        "key": key,
        "fingerprint": fingerprint,
        "now": now,
    }
    if _insert(params | {"until": now - STORED_RESPONSE_LIFETIME}):
        return None
    # A statement of its own: it sees what the other request committed while the insert waited for it.
    record = _records(principal, key).get()
    if bytes(record.fingerprint) != fingerprint:
        raise DifferentRequest
    try:
        body = at_rest.decrypt(bytes(record.encrypted), context=record.context)
    # The operator removed the encryption key within the day. Answering "in progress" or repeating
    # the write would both be wrong.
    except at_rest.UnknownKey as error:
        raise ResponseUnreadable from error
    return StoredResponse(status=record.status or 0, headers=record.headers, body=body)


def store(*, principal: Principal, key: str, response: StoredResponse) -> None:
    """Store the response to this transaction's write under its claimed key."""
    context = IdempotencyRecord(agency_id=principal.agency_id, bearer_id=principal.id, key=key).context
    encrypted = at_rest.encrypt(response.body, context=context)
    _records(principal, key).update(status=response.status, headers=response.headers, encrypted=encrypted)


def release(*, principal: Principal, key: str) -> None:
    """Release a claimed key without a response: it may be used again."""
    _records(principal, key).delete()


def delete_expired(*, agency_id: UUID, now: datetime) -> int:
    """Delete an agency's expired records in batches; return how many."""
    return batches.run(agency_id=agency_id, statement=DELETE_EXPIRED, until=now - STORED_RESPONSE_LIFETIME)


def _records(principal: Principal, key: str) -> QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.filter(agency_id=principal.agency_id, bearer_id=principal.id, key=key)


def _insert(params: Mapping[str, Param]) -> bool:
    """Return whether the key was free or expired. Waits for a concurrent claim of the same key.

    Raises InFlight.
    """
    try:
        with locks.lock_timeout() as cursor:
            cursor.execute(CLAIM, params)
            return bool(cursor.rowcount)
    except locks.LockTimeout:
        raise InFlight from None
