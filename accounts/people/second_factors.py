"""Know the second factors of users: an authenticator app (TOTP), passkeys, and recovery codes.

allauth.mfa stores and verifies them. Users belong to no agency, so its table does not either. The secrets in it
are encrypted.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from accounts import audit
from accounts.encryption import at_rest
from accounts.models import Actor, Person
from accounts.people import members
from accounts.tenancy import context

# Entries of the audit log.
ADDED, REMOVED = "member.second_factor_added", "member.second_factor_removed"
CONTEXT = "mfa_authenticator"
KINDS = {"totp": "totp", "webauthn": "passkey", "recovery_codes": "recovery_codes"}
# Recovery codes exist only beside one of these.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
# Seconds for which a code of an authenticator app can be valid: thirty, and thirty before and after.
CODE_VALID_FOR = 90
KEY_IDS = """
SELECT get_byte(header, 1) * 256 + get_byte(header, 2), count(*)
FROM (
    SELECT decode(left(coalesce(data->>'secret', data->>'seed'), 4), 'base64') AS header
    FROM mfa_authenticator WHERE type <> 'webauthn'
) AS secrets
GROUP BY 1
"""


@dataclass(frozen=True)
class SecondFactor:
    """Describe a second factor without its secret."""

    id: str
    kind: str
    name: str | None
    created_at: datetime
    last_used_at: datetime | None
    unused_codes: int | None


def exists_for(person_id: UUID) -> bool:
    """Return whether a user has a second factor."""
    return bool(Authenticator.objects.filter(user_id=person_id, type__in=FACTORS).exists())


def exists_for_row(column: str) -> Exists:
    """Return the SQL condition that the user in a column has a second factor."""
    return Exists(Authenticator.objects.filter(user_id=OuterRef(column), type__in=FACTORS))


def list_for_person(*, person_id: UUID) -> list[SecondFactor]:
    """Return the second factors of a user, the oldest first."""
    return [describe(each) for each in Authenticator.objects.filter(user_id=person_id).order_by("pk")]


def describe(authenticator: Authenticator) -> SecondFactor:
    """Return a second factor without its secret."""
    is_codes = authenticator.type == Authenticator.Type.RECOVERY_CODES
    return SecondFactor(
        id=f"fac_{authenticator.pk}",
        kind=KINDS[authenticator.type],
        name=authenticator.data.get("name"),
        created_at=authenticator.created_at,
        last_used_at=authenticator.last_used_at,
        unused_codes=len(authenticator.wrap().get_unused_codes()) if is_codes else None,
    )


def record(*, person: Person, what: str, kind: str, now: datetime, actor: Actor | None = None) -> None:
    """Record a change of a user's second factors in the audit log of each agency of the user.

    Without an actor, the user has made it.
    """
    for member in members.list_for_person(person_id=person.pk):
        with context.agency(member.agency_id):
            audit.record(
                agency_id=member.agency_id,
                actor=actor or Actor(member.public_id, person.name),
                what=what,
                about=member.public_id,
                detail={"kind": kind},
                now=now,
            )


def verify_code(*, person: Person, code: str) -> bool:
    """Return whether this is a code of the user's authenticator app, or an unused recovery code."""
    if not claim_code(mailbox=person.email, code=code):
        return False
    for authenticator in Authenticator.objects.filter(user=person).exclude(type=Authenticator.Type.WEBAUTHN):
        if authenticator.wrap().validate_code(code):
            authenticator.record_usage()
            return True
    return False


def claim_code(*, mailbox: str, code: str) -> bool:
    """Return whether the code was not sent before while it could be valid."""
    # allauth remembers a used code for thirty seconds, and with its tolerance a code is valid for longer.
    digits = "".join(each for each in code if each.isalnum())
    digest = hashlib.sha256(f"{mailbox} {digits}".encode()).hexdigest()
    return bool(cache.add(f"second-factor-code:{digest}", 1, CODE_VALID_FOR))


def encrypt(text: str) -> str:
    """Encrypt a secret for allauth's table."""
    return base64.b64encode(at_rest.encrypt(text.encode(), context=CONTEXT)).decode()


def decrypt(text: str) -> str:
    """Decrypt a secret of allauth's table. Raises at_rest.DecryptionError."""
    return at_rest.decrypt(base64.b64decode(text), context=CONTEXT).decode()


def key_ids_in_use() -> dict[int, int]:
    """Return how many secrets each key of SECRETS_KEYS encrypts; none before the table exists."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('mfa_authenticator') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return {}
        cursor.execute(KEY_IDS)
        return dict(cursor.fetchall())


def rotate() -> int:
    """Encrypt the secrets again that another key than the first encrypted; return how many.

    Raises at_rest.DecryptionError.
    """
    first, rotated = next(iter(settings.SECRETS_KEYS)), 0
    for pk in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            names = [name for name in ("secret", "seed") if row is not None and name in row.data]
            for name in names:
                if at_rest.key_id(base64.b64decode(row.data[name])) != first:
                    row.data[name] = encrypt(decrypt(row.data[name]))
                    row.save(update_fields=["data"])
                    rotated += 1
    return rotated
