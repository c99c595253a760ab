"""The endpoints of an agency: added, changed, disabled, taken away. Each change is in the audit log."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from accounts import audit
from accounts.models import Actor, Agency, public_account_id
from accounts.tenancy.principals import Principal
from webhooks.endpoints import addresses
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.models import Delivery, Endpoint

MOST = 100
MOST_OF_LIMITED = 20
AGENCY_IS_FULL = f"An agency has at most {MOST} endpoints. Delete one, or let one ask for more."
LIMIT_IS_FULL = (
    f"Who sees some accounts only has at most {MOST_OF_LIMITED} endpoints within them. Delete one, or let one ask for more."
)
AWAY = "DELETE FROM webhooks_endpoint WHERE agency_id = %(agency)s AND id = %(endpoint)s"


class TooMany(Exception):
    """The agency, or who asks, has as many endpoints as it may have."""


@transaction.atomic
def add(*, by: Principal, fields: dict[str, Any], now: datetime) -> tuple[Endpoint, str | None]:
    """A new endpoint with these fields, and the secret that signs for it where its kind has one. Raises TooMany.

    Two of the same address are two endpoints: one may be told of breaches and the other of everything.
    """
    agency = Agency.objects.locked(agency_id=by.agency_id)
    there_are = Endpoint.objects.filter(agency=agency)
    if there_are.count() >= MOST:
        raise TooMany(AGENCY_IS_FULL)
    if by.accounts is not None and there_are.within(by.accounts).count() >= MOST_OF_LIMITED:
        raise TooMany(LIMIT_IS_FULL)
    endpoint = Endpoint.objects.create(agency=agency, created_at=now, **fields)
    secret = endpoint_secrets.mint(endpoint=endpoint, now=now) if endpoint.kind == Endpoint.Kind.WEBHOOK else None
    _note(endpoint, "endpoint.created", by.actor, now, after=_told(endpoint), **_described(endpoint))
    return endpoint, secret


@transaction.atomic
def change(*, endpoint: Endpoint, fields: dict[str, Any], who: Actor, now: datetime) -> Endpoint:
    """The endpoint with these fields changed and no other: a worker may be writing the rest of the row at this moment.

    `enabled` is one of them, though no column. Raises Endpoint.DoesNotExist.
    """
    held = Endpoint.objects.locked(agency_id=endpoint.agency_id, endpoint_id=endpoint.pk)
    before = _told(held)
    changed = {name: value for name, value in fields.items() if name != "enabled" and getattr(held, name) != value}
    for name, value in changed.items():
        setattr(held, name, value)
    if "url" in changed:  # what another address did says nothing of this one
        changed["failing_since"] = held.failing_since = None
    if changed:
        held.save(update_fields=list(changed))
        _note(held, "endpoint.changed", who, now, before=before, after=_told(held), changed=sorted(changed), **_described(held))
    if fields.get("enabled") is True and held.disabled_at:
        _enable(held, who, now)
    if fields.get("enabled") is False and not held.disabled_at:
        disable(endpoint=held, reason=Endpoint.Reason.BY_HAND, who=who, now=now)
    return held


@transaction.atomic
def disable(*, endpoint: Endpoint, reason: Endpoint.Reason, who: Actor, now: datetime) -> None:
    """Nothing is sent to it any more: what is on its way ends as failed, unless a worker has it in hand, and can be recovered."""
    endpoint.disabled_at, endpoint.disabled_reason = now, reason
    endpoint.save(update_fields=["disabled_at", "disabled_reason"])
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    pending = Delivery.objects.filter(free, agency_id=endpoint.agency_id, endpoint=endpoint, state=Delivery.State.PENDING)
    # Who holds one of them may wait for the endpoint, which is held here: none of them is waited for.
    waiting = pending.select_for_update(skip_locked=True, no_key=True).values("pk")
    ended = Delivery.objects.filter(agency_id=endpoint.agency_id, pk__in=waiting).update(
        state=Delivery.State.FAILED, next_attempt_at=None, leased_until=None, finished_at=now
    )
    off = {"before": {"enabled": True}, "after": {"enabled": False}}
    _note(endpoint, "endpoint.disabled", who, now, **off, reason=reason.value, ended=ended)


@transaction.atomic
def remove(*, endpoint: Endpoint, who: Actor, now: datetime) -> None:
    """The endpoint goes with its secrets and deliveries, by the database's own keys; the events stay.

    Raises Endpoint.DoesNotExist.
    """
    held = Endpoint.objects.locked(agency_id=endpoint.agency_id, endpoint_id=endpoint.pk)
    _note(held, "endpoint.deleted", who, now, before=_told(held), **_described(held))
    with connection.cursor() as cursor:
        cursor.execute(AWAY, {"agency": held.agency_id, "endpoint": held.pk})


@transaction.atomic
def rotate_secret(*, endpoint: Endpoint, who: Actor, now: datetime) -> str:
    """A new secret of the endpoint; the one before signs too for a day. Raises Endpoint.DoesNotExist."""
    text = endpoint_secrets.rotate(endpoint=endpoint, now=now)
    _note(endpoint, "endpoint.secret_rotated", who, now)
    return text


def _enable(endpoint: Endpoint, who: Actor, now: datetime) -> None:
    endpoint.disabled_at, endpoint.disabled_reason, endpoint.failing_since = None, "", None
    endpoint.save(update_fields=["disabled_at", "disabled_reason", "failing_since"])
    _note(endpoint, "endpoint.enabled", who, now, before={"enabled": False}, after={"enabled": True})


def _described(endpoint: Endpoint) -> dict[str, Any]:
    """What the audit log may say of it for good: no secret and no mailbox."""
    host = addresses.host(kind=endpoint.kind, url=endpoint.url)
    return {"kind": endpoint.kind, "host": host, "event_types": endpoint.event_types}


def _told(endpoint: Endpoint) -> dict[str, Any]:
    """Those of its fields that change, as far as the audit log may tell them."""
    return {
        "host": addresses.host(kind=endpoint.kind, url=endpoint.url),
        "description": endpoint.description,
        "event_types": endpoint.event_types,
        "accounts": None if endpoint.accounts is None else [public_account_id(each) for each in endpoint.accounts],
    }


def _note(
    endpoint: Endpoint,
    what: str,
    who: Actor,
    now: datetime,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    **detail: Any,
) -> None:
    audit.record(
        agency_id=endpoint.agency_id,
        who=who,
        what=what,
        about=endpoint.public_id,
        detail=detail,
        before=before,
        after=after,
        now=now,
    )
