"""Create, update, enable, disable and delete the endpoints of an agency. Each change is in the audit log."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from accounts import audit
from accounts.mailboxes import addresses as mailboxes
from accounts.models import Actor, Agency, constraints, public_account_id
from accounts.tenancy.principals import Principal
from webhooks.endpoints import addresses, confirmation
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.models import Delivery, Endpoint

MAX_PER_AGENCY = 100
MAX_PER_LIMITED_PRINCIPAL = 20
AGENCY_LIMIT = (
    f"An agency can have at most {MAX_PER_AGENCY} endpoints. Delete one, or subscribe an existing "
    "one to more events."
)
PRINCIPAL_LIMIT = (
    f"A key or member that is limited to some accounts can have at most {MAX_PER_LIMITED_PRINCIPAL} "
    "endpoints. "
    "Delete one, or subscribe an existing one to more events."
)
DELETE_ENDPOINT = "DELETE FROM webhooks_endpoint WHERE agency_id = %(agency)s AND id = %(endpoint)s"


class EndpointLimitReached(Exception):
    """Raise when the agency or the limited principal has reached its maximum number of endpoints.

    The text says which.
    """


class MailboxInUse(Exception):
    """Raise when another endpoint of the agency already has the mailbox."""


@transaction.atomic
def create(*, by: Principal, fields: dict[str, Any], now: datetime) -> tuple[Endpoint, str | None]:
    """Create an endpoint, and return it with its signing secret, which is None for a kind that is not signed.

    Several endpoints can have the same URL, but one mailbox has one endpoint. A mailbox gets a mail that asks for
    confirmation, unless it is the caller's own. Raises EndpointLimitReached, MailboxInUse,
    confirmation.AskedTooOften. Opens a transaction.
    """

    # The lock before the count: endpoints created at once are counted one after the other.
    agency = Agency.objects.locked(agency_id=by.agency_id)
    endpoints = Endpoint.objects.filter(agency=agency)
    if endpoints.count() >= MAX_PER_AGENCY:
        raise EndpointLimitReached(AGENCY_LIMIT)
    if by.accounts is not None and endpoints.within(by.accounts).count() >= MAX_PER_LIMITED_PRINCIPAL:
        raise EndpointLimitReached(PRINCIPAL_LIMIT)
    endpoint = Endpoint(agency=agency, created_at=now, **fields)
    _save(endpoint)
    _confirm_or_ask(endpoint, by, now)
    secret = (
        endpoint_secrets.create(endpoint=endpoint, now=now)
        if endpoint.kind == Endpoint.Kind.WEBHOOK
        else None
    )
    _record_audit(
        endpoint, "endpoint.created", by.actor, now, after=_audited_fields(endpoint), **_describe(endpoint)
    )
    return endpoint, secret


@transaction.atomic
def update(*, endpoint: Endpoint, fields: dict[str, Any], by: Principal, now: datetime) -> Endpoint:
    """Update these fields of the endpoint, and return it. `enabled` is a field, although it is not a column.

    A new mailbox is asked for confirmation, and so is one that has unsubscribed when it is enabled. Pending
    deliveries to the former mailbox end as failed. Raises Endpoint.DoesNotExist, MailboxInUse,
    confirmation.AskedTooOften. Opens a transaction.
    """
    actor = by.actor
    locked = Endpoint.objects.locked(agency_id=endpoint.agency_id, endpoint_id=endpoint.pk)
    before = _audited_fields(locked)
    changes = {
        name: value for name, value in fields.items() if name != "enabled" and getattr(locked, name) != value
    }
    # The failures of the former address say nothing about the new one.
    if "url" in changes:
        changes |= {"failing_since": None, "digest_at": None}
    for name, value in changes.items():
        setattr(locked, name, value)
    if changes:
        # Only the changed columns: the delivery worker writes `failing_since`.
        _save(locked, changes)
        if "url" in changes and locked.kind == Endpoint.Kind.EMAIL:
            _end_deliveries(locked, now)
            _confirm_or_ask(locked, by, now)
        after, changed = _audited_fields(locked), sorted(changes)
        _record_audit(
            locked,
            "endpoint.changed",
            actor,
            now,
            before=before,
            after=after,
            changed=changed,
            **_describe(locked),
        )
    if fields.get("enabled") is True and locked.disabled_at:
        _enable(locked, by, now)
    if fields.get("enabled") is False and not locked.disabled_at:
        disable(endpoint=locked, reason=Endpoint.Reason.BY_HAND, actor=actor, now=now)
    return locked


@transaction.atomic
def disable(*, endpoint: Endpoint, reason: Endpoint.Reason, actor: Actor, now: datetime) -> None:
    """Disable a locked endpoint, so that nothing more is sent to it. Requires the transaction that locks it.

    Pending deliveries end as failed, except leased ones. They can be recovered.
    """

    endpoint.disabled_at, endpoint.disabled_reason = now, reason
    endpoint.save(update_fields=["disabled_at", "disabled_reason"])
    failed = _end_deliveries(endpoint, now)
    change = {"before": {"enabled": True}, "after": {"enabled": False}}
    _record_audit(endpoint, "endpoint.disabled", actor, now, **change, reason=reason.value, ended=failed)


def _end_deliveries(endpoint: Endpoint, now: datetime) -> int:
    """Mark the pending deliveries of a locked endpoint as failed, except leased ones, and return how many."""
    # A worker may be sending a leased delivery, and records its end.
    not_leased = Q(leased_until=None) | Q(leased_until__lte=now)
    pending = Delivery.objects.filter(
        not_leased, agency_id=endpoint.agency_id, endpoint=endpoint, state=Delivery.State.PENDING
    )
    # SKIP LOCKED: a worker that has locked one of them may be waiting for the endpoint, which is locked here.
    free = pending.select_for_update(skip_locked=True, no_key=True).values("pk")
    return Delivery.objects.filter(agency_id=endpoint.agency_id, pk__in=free).update(
        state=Delivery.State.FAILED, next_attempt_at=None, leased_until=None, finished_at=now
    )


@transaction.atomic
def delete(*, endpoint: Endpoint, actor: Actor, now: datetime) -> None:
    """Delete the endpoint; foreign keys delete its secrets and deliveries. The events stay.

    Raises Endpoint.DoesNotExist. Opens a transaction.
    """
    locked = Endpoint.objects.locked(agency_id=endpoint.agency_id, endpoint_id=endpoint.pk)
    _record_audit(locked, "endpoint.deleted", actor, now, before=_audited_fields(locked), **_describe(locked))
    # By SQL: Django would look for dependent rows itself, without naming the agency (ADR 14).
    with connection.cursor() as cursor:
        cursor.execute(DELETE_ENDPOINT, {"agency": locked.agency_id, "endpoint": locked.pk})


@transaction.atomic
def rotate_secret(*, endpoint: Endpoint, actor: Actor, now: datetime) -> str:
    """Create a signing secret, and return it. The previous secret also signs for a day.

    Raises Endpoint.DoesNotExist. Opens a transaction.
    """
    secret = endpoint_secrets.rotate(endpoint=endpoint, now=now)
    _record_audit(endpoint, "endpoint.secret_rotated", actor, now)
    return secret


@transaction.atomic
def ask_again(*, endpoint: Endpoint, actor: Actor, now: datetime) -> Endpoint:
    """Send the mail that asks the mailbox for confirmation again, with a new token, and return the endpoint.

    Raises Endpoint.DoesNotExist, confirmation.AskedTooOften. Opens a transaction.
    """
    locked = Endpoint.objects.locked(agency_id=endpoint.agency_id, endpoint_id=endpoint.pk)
    if locked.is_unconfirmed:
        confirmation.request(endpoint=locked, now=now)
        _record_audit(locked, "endpoint.confirmation_sent", actor, now)
    return locked


def _save(endpoint: Endpoint, changes: Collection[str] | None = None) -> None:
    """Insert a new endpoint, or save the changed columns. Raises MailboxInUse."""
    columns = None if changes is None else [*changes]
    if endpoint.kind == Endpoint.Kind.EMAIL:
        endpoint.mailbox = mailboxes.canonical(addresses.mailbox_of(endpoint.url))
        columns = columns and [*columns, "mailbox"]
    # A savepoint: after an integrity error PostgreSQL refuses every statement of the transaction.
    try:
        with transaction.atomic():
            endpoint.save(update_fields=columns, force_insert=columns is None)
    except IntegrityError as error:
        if constraints.violated(error) != constraints.ENDPOINT_MAILBOX:
            raise
        raise MailboxInUse from None


def _confirm_or_ask(endpoint: Endpoint, by: Principal, now: datetime) -> None:
    """Take the caller's own mailbox as confirmed, and ask every other one."""
    if endpoint.kind != Endpoint.Kind.EMAIL:
        return
    # Letter for letter: a plus address of the caller may be a list that others read.
    if by.email and addresses.mailbox_of(endpoint.url).lower() == by.email.lower():
        endpoint.confirmed_at, endpoint.confirmation_digest = now, None
        endpoint.save(update_fields=["confirmed_at", "confirmation_digest"])
    else:
        confirmation.request(endpoint=endpoint, now=now)


def _enable(endpoint: Endpoint, by: Principal, now: datetime) -> None:
    has_unsubscribed = endpoint.disabled_reason == Endpoint.Reason.UNSUBSCRIBED
    # Without clearing `failing_since`, the next failure would disable it again at once.
    endpoint.disabled_at, endpoint.disabled_reason, endpoint.failing_since = None, "", None
    endpoint.save(update_fields=["disabled_at", "disabled_reason", "failing_since"])
    # Not if a new address was asked a moment ago.
    if has_unsubscribed and endpoint.confirmation_digest is None:
        _confirm_or_ask(endpoint, by, now)
    _record_audit(
        endpoint, "endpoint.enabled", by.actor, now, before={"enabled": False}, after={"enabled": True}
    )


def _describe(endpoint: Endpoint) -> dict[str, Any]:
    """Return the fields that the audit log may store for years, without secrets and mailboxes."""
    host = addresses.host(kind=endpoint.kind, url=endpoint.url)
    return {"kind": endpoint.kind, "host": host, "event_types": endpoint.event_types}


def _audited_fields(endpoint: Endpoint) -> dict[str, Any]:
    """Return the fields that `update` changes, as far as the audit log may show them."""
    return {
        "host": addresses.host(kind=endpoint.kind, url=endpoint.url),
        "description": endpoint.description,
        "event_types": endpoint.event_types,
        "accounts": None
        if endpoint.accounts is None
        else [public_account_id(each) for each in endpoint.accounts],
    }


def _record_audit(
    endpoint: Endpoint,
    what: str,
    actor: Actor,
    now: datetime,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    **detail: Any,
) -> None:
    audit.record(
        agency_id=endpoint.agency_id,
        actor=actor,
        what=what,
        about=endpoint.public_id,
        detail=detail,
        before=before,
        after=after,
        now=now,
    )
