"""Manage the signing secrets of an endpoint.

A secret is shown once and encrypted at rest. For a day after a rotation, an endpoint has two.

Source: Standard Webhooks 1.0.0,
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from accounts.encryption import at_rest
from accounts.encryption.rotation import EncryptedTable
from api import identifiers
from webhooks.models import Endpoint, EndpointSecret

PREFIX = "whsec_"
BYTES = 32
OVERLAP = timedelta(hours=24)


def create(*, endpoint: Endpoint, now: datetime) -> str:
    """Create a secret, and return it as the receiver needs it, `whsec_…`. It cannot be read again."""
    # The ID is chosen before encrypting: it is part of what binds the encrypted secret to its row.
    secret = EndpointSecret(
        id=identifiers.uuid7(), agency_id=endpoint.agency_id, endpoint=endpoint, created_at=now
    )
    plain = secrets.token_bytes(BYTES)
    secret.encrypted = at_rest.encrypt(plain, context=context_of(secret))
    secret.save(force_insert=True)
    return PREFIX + base64.b64encode(plain).decode()


@transaction.atomic
def rotate(*, endpoint: Endpoint, now: datetime, overlap: timedelta = OVERLAP) -> str:
    """Create a secret that signs from now on, and return it. The previous secret also signs until the overlap
    ends.

    At most two secrets sign. A second rotation within the overlap deletes the oldest. Raises
    Endpoint.DoesNotExist. Opens a transaction.
    """

    # Two rotations at once would each leave a secret without an end.
    locked = Endpoint.objects.locked(agency_id=endpoint.agency_id, endpoint_id=endpoint.pk)
    current = EndpointSecret.objects.filter(agency_id=locked.agency_id, endpoint=locked)
    # In this order: the secret that has signed until now gets an end only after the older one is deleted.
    current.exclude(expires_at=None).delete()
    current.update(expires_at=now + overlap)
    return create(endpoint=locked, now=now)


def signing_secrets(
    *, agency_id: UUID, endpoint_ids: Collection[UUID], now: datetime
) -> dict[UUID, list[bytes]]:
    """Return the secrets that sign for each of these endpoints now, newest first. Raises
    at_rest.DecryptionError."""

    not_expired = Q(expires_at=None) | Q(expires_at__gt=now)
    valid = EndpointSecret.objects.filter(not_expired, agency_id=agency_id, endpoint_id__in=endpoint_ids)
    by_endpoint: dict[UUID, list[bytes]] = {}
    # The present secret has no end. Its signature stands first, for receivers that read only one.
    for secret in valid.order_by(F("expires_at").desc(nulls_first=True)):
        plain = at_rest.decrypt(bytes(secret.encrypted), context=context_of(secret))
        by_endpoint.setdefault(secret.endpoint_id, []).append(plain)
    return by_endpoint


def context_of(secret: EndpointSecret) -> str:
    """Return the context that binds an encrypted secret to its row."""
    return f"webhooks_endpointsecret:{secret.agency_id}:{secret.pk}"


ENCRYPTED = EncryptedTable(model=EndpointSecret, context=context_of)
