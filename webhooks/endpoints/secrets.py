"""What signs the deliveries of an endpoint: shown once, sealed at rest, two at a time while one takes over from the other.

Source: Standard Webhooks 1.0.0, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
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


def mint(*, endpoint: Endpoint, now: datetime) -> str:
    """A new secret of the endpoint as its receiver takes it, `whsec_…`. It cannot be had again."""
    secret = EndpointSecret(id=identifiers.uuid7(), agency_id=endpoint.agency_id, endpoint=endpoint, created_at=now)
    plain = secrets.token_bytes(BYTES)
    secret.encrypted = at_rest.encrypt(plain, context=context_of(secret))
    secret.save(force_insert=True)
    return PREFIX + base64.b64encode(plain).decode()


@transaction.atomic
def rotate(*, endpoint: Endpoint, now: datetime, overlap: timedelta = OVERLAP) -> str:
    """A new secret, which signs from now on; the one before signs too until the overlap is over.

    At most two are alive: a second rotation inside the overlap ends the oldest at once. Two rotations at once follow each other.
    Raises Endpoint.DoesNotExist.
    """
    held = Endpoint.objects.locked(agency_id=endpoint.agency_id, endpoint_id=endpoint.pk)
    mine = EndpointSecret.objects.filter(agency_id=held.agency_id, endpoint=held)
    mine.exclude(expires_at=None).delete()
    mine.update(expires_at=now + overlap)
    return mint(endpoint=held, now=now)


def signing_secrets(*, agency_id: UUID, endpoint_ids: Collection[UUID], now: datetime) -> dict[UUID, list[bytes]]:
    """The secrets that sign for each of these endpoints at this moment, newest first. Raises sealing.CannotOpen."""
    secrets = EndpointSecret.objects.filter(agency_id=agency_id, endpoint_id__in=endpoint_ids)
    alive = secrets.filter(Q(expires_at=None) | Q(expires_at__gt=now))
    found: dict[UUID, list[bytes]] = {}
    for secret in alive.order_by(F("expires_at").desc(nulls_first=True)):
        plain = at_rest.decrypt(bytes(secret.encrypted), context=context_of(secret))
        found.setdefault(secret.endpoint_id, []).append(plain)
    return found


def context_of(secret: EndpointSecret) -> str:
    """What binds a secret to its row."""
    return f"webhooks_endpointsecret:{secret.agency_id}:{secret.pk}"


SEALED = EncryptedTable(model=EndpointSecret, context=context_of)
