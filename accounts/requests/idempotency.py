"""A write that is asked for twice under one `Idempotency-Key` happens once, and is answered the same.

The answer is a row of the write's own transaction: its key is claimed before the write and its columns are filled after it, so
that a crash leaves both or neither. Who asks at the same moment waits for the first to end, for a while.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from accounts.encryption import at_rest
from accounts.encryption.rotation import Sealed
from accounts.models import IdempotencyRecord
from accounts.tenancy import batches, locks
from accounts.tenancy.principals import Bearer

SEALED = Sealed(model=IdempotencyRecord, context=lambda kept: kept.context)
Named = UUID | str | bytes | datetime | int
KEPT = timedelta(hours=24)
CLAIM = """
INSERT INTO accounts_idempotencyrecord AS kept (agency_id, bearer_id, key, fingerprint, headers, sealed, created_at)
VALUES (%(agency)s, %(bearer)s, %(key)s, %(fingerprint)s, '{}', '', %(now)s)
ON CONFLICT (agency_id, bearer_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, status = NULL, headers = '{}', sealed = '', created_at = excluded.created_at
    WHERE kept.created_at <= %(until)s
"""
OLD = """
DELETE FROM accounts_idempotencyrecord WHERE agency_id = %(agency)s AND (agency_id, bearer_id, key) IN (
    SELECT agency_id, bearer_id, key FROM accounts_idempotencyrecord
    WHERE agency_id = %(agency)s AND created_at <= %(until)s
    ORDER BY created_at LIMIT %(at_once)s
    FOR UPDATE SKIP LOCKED)
"""


class InFlight(Exception):
    """The first request with this key has not ended yet."""


class AnotherRequest(Exception):
    """The key was used for another request."""


class CannotBeTold(Exception):
    """The write was done, and the keys that would open its answer are gone."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is told again: the body as it was sent, and the headers that belong to it."""

    status: int
    headers: dict[str, str]
    body: bytes


def claim(*, bearer: Bearer, key: str, fingerprint: bytes, now: datetime) -> Answer | None:
    """The answer that was kept under the key; None where the key is the caller's from now on, until the transaction ends.

    Raises InFlight, AnotherRequest, CannotBeTold.
    """
    named: dict[str, Named] = {
        "agency": bearer.agency_id,
        "bearer": bearer.id,
        "key": key,
        "fingerprint": fingerprint,
        "now": now,
    }
    if _is_claimed(named | {"until": now - KEPT}):
        return None
    kept = _mine(bearer, key).get()
    if bytes(kept.fingerprint) != fingerprint:
        raise AnotherRequest
    try:
        body = at_rest.open_sealed(bytes(kept.sealed), context=kept.context)
    except at_rest.UnknownKey as error:
        raise CannotBeTold from error
    return Answer(status=kept.status or 0, headers=kept.headers, body=body)


def keep(*, bearer: Bearer, key: str, answer: Answer) -> None:
    """Keep the answer to the write of this transaction under its key, which was claimed."""
    context = IdempotencyRecord(agency_id=bearer.agency_id, bearer_id=bearer.id, key=key).context
    sealed = at_rest.seal(answer.body, context=context)
    _mine(bearer, key).update(status=answer.status, headers=answer.headers, sealed=sealed)


def give_up(*, bearer: Bearer, key: str) -> None:
    """Nothing is kept of this transaction: the key may be used again."""
    _mine(bearer, key).delete()


def delete_old(*, agency_id: UUID, now: datetime) -> int:
    """Delete the agency's answers that were kept long enough, in batches; returns how many."""
    return batches.run(agency_id=agency_id, statement=OLD, until=now - KEPT)


def _mine(bearer: Bearer, key: str) -> QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.filter(agency_id=bearer.agency_id, bearer_id=bearer.id, key=key)


def _is_claimed(named: Mapping[str, Named]) -> bool:
    """Whether the key was free, or its answer old. Waits for whoever claimed it at this moment. Raises InFlight."""
    try:
        with locks.a_while() as cursor:
            cursor.execute(CLAIM, named)
            return bool(cursor.rowcount)
    except locks.TooLong:
        raise InFlight from None
