"""Create, update, close and reopen agencies; create, update, delete and restore accounts.

Each change is in the audit log.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.api_keys import secrets as key_secrets
from accounts.models import Actor, Agency, SellerAccount, constraints
from accounts.tenancy import context
from api import identifiers

ACCOUNT_FIELDS = ("name", "selling_partner_id", "home_marketplace", "external_id")


class AccountExists(Exception):
    """Raise when the agency already has an account of this selling partner."""


class NotClosed(Exception):
    """Raise when the agency is open."""


class ErasureStarted(Exception):
    """Raise when the agency or account is being erased or has been erased."""


def create_agency(*, name: str, now: datetime, actor: Actor = audit.UNDERONE) -> tuple[Agency, str]:
    """Create an agency with its first API key, and return it with the text of that key. Opens a
    transaction."""
    # The ID comes first: row-level security accepts the new row only in the context of its own agency.
    agency_id = identifiers.uuid7()
    with context.agency(agency_id):
        agency = Agency.objects.create(id=agency_id, name=name, created_at=now)
        key, text = key_secrets.create(agency=agency, name="first key", now=now)
        _record(agency, "agency.opened", actor, now, detail={"key": key.public_id}, after={"name": name})
    return agency, text


@transaction.atomic
def create_account(
    *,
    agency: Agency,
    name: str,
    selling_partner_id: str,
    home_marketplace: str,
    external_id: str | None,
    now: datetime,
    actor: Actor = audit.UNDERONE,
) -> SellerAccount:
    """Create an account. Raises AccountExists."""
    fields = {
        "name": name,
        "selling_partner_id": selling_partner_id,
        "home_marketplace": home_marketplace,
        "external_id": external_id,
    }
    with _one_account_per_partner():
        account = SellerAccount.objects.create(
            agency=agency, marketplaces=[home_marketplace], created_at=now, **fields
        )
    _record(account, "account.created", actor, now, after=fields)
    return account


@transaction.atomic
def update(
    *, instance: Agency | SellerAccount, fields: dict[str, Any], now: datetime, actor: Actor = audit.UNDERONE
) -> None:
    """Update these fields of an agency or account. Raises AccountExists."""
    # Read again under the lock: `instance` may be older than another change, and the audit log records both
    # states.
    locked = _lock(instance)
    before = {name: getattr(locked, name) for name in fields}
    for name, value in fields.items():
        setattr(instance, name, value)
    if before != fields:
        _save(instance, fields)
        kind = "agency" if isinstance(instance, Agency) else "account"
        _record(instance, f"{kind}.changed", actor, now, before=before, after=fields)


@transaction.atomic
def correct_account(
    *, account: SellerAccount, fields: dict[str, Any], now: datetime, actor: Actor = audit.UNDERONE
) -> SellerAccount:
    """Correct the selling partner or the home marketplace of an account that has reports, and return it.

    Its facts, figures and reports stay as they are: a report keeps the marketplace with which it was read. Raises
    AccountExists.
    """
    locked = SellerAccount.objects.locked(agency_id=account.agency_id, account_id=account.pk)
    before = {name: getattr(locked, name) for name in fields}
    if before == fields:
        return locked
    for name, value in fields.items():
        setattr(locked, name, value)
    # The earlier marketplace stays: its history does.
    locked.marketplaces = sorted({*locked.marketplaces, locked.home_marketplace})
    _save(locked, {**fields, "marketplaces": locked.marketplaces})
    _record(locked, "account.corrected", actor, now, before=before, after=fields)
    return locked


@transaction.atomic
def delete_account(*, account: SellerAccount, now: datetime, actor: Actor = audit.UNDERONE) -> None:
    """Hide an account from all reads now. Its rows are erased DELETED_ACCOUNT_DAYS later.

    Deleting it again changes nothing.
    """
    erased_from = now + timedelta(days=settings.DELETED_ACCOUNT_DAYS)
    # The condition is part of the update: of two requests at once, only one deletes and records it.
    if SellerAccount.objects.filter(agency_id=account.agency_id, pk=account.pk, deleted_at=None).update(
        deleted_at=now, erased_from=erased_from
    ):
        _record(
            account,
            "account.deleted",
            actor,
            now,
            detail={"erased_from": erased_from.isoformat()},
            before={name: getattr(account, name) for name in ACCOUNT_FIELDS},
        )


@transaction.atomic
def restore_account(*, account: SellerAccount, now: datetime, actor: Actor = audit.UNDERONE) -> SellerAccount:
    """Show a deleted account again as it was, and return it. An account that is not deleted stays as it is.

    Raises SellerAccount.DoesNotExist, ErasureStarted, and AccountExists if the agency has another account of
    this selling partner by now.
    """
    # The lock makes an erasure that begins at this moment wait, and then find the account restored.
    locked = SellerAccount.objects.select_for_update(no_key=True, of=("self",)).get(
        agency_id=account.agency_id, pk=account.pk
    )
    if locked.deleted_at is None:
        return locked
    if not SellerAccount.objects.restorable(at=now).filter(agency_id=locked.agency_id, pk=locked.pk).exists():
        raise ErasureStarted
    locked.deleted_at = locked.erased_from = None
    with _one_account_per_partner():
        locked.save(update_fields=["deleted_at", "erased_from"])
    after = {name: getattr(locked, name) for name in ACCOUNT_FIELDS}
    _record(locked, "account.restored", actor, now, after=after)
    return locked


@transaction.atomic
def close(*, agency: Agency, by: str, actor: Actor, now: datetime) -> Agency:
    """Close an agency, so that its principals cannot authenticate and nothing is loaded or sent for it.

    Closing it again changes nothing. `by` is the public ID of the principal that closes it. All its data is
    erased CLOSED_AGENCY_DAYS later. Returns the agency as it is now.
    """
    locked = Agency.objects.locked(agency_id=agency.pk)
    if locked.closed_at is None:
        locked.closed_at, locked.closed_by = now, by
        locked.erased_from = now + timedelta(days=settings.CLOSED_AGENCY_DAYS)
        locked.save(update_fields=["closed_at", "closed_by", "erased_from"])
        _record(locked, "agency.closed", actor, now, detail={"erased_from": locked.erased_from.isoformat()})
    return locked


def erase_now(*, agency: Agency, now: datetime) -> None:
    """Allow the erasure of a closed agency to start now. It cannot be reopened after that."""
    # The condition keeps an erasure that is due already at its own time, and open agencies out.
    Agency.objects.filter(pk=agency.pk, erased_from__gt=now).update(erased_from=now)


@transaction.atomic
def reopen(*, agency: Agency, now: datetime) -> None:
    """Reopen a closed agency as it was. Raises NotClosed, and ErasureStarted from the start of its
    erasure."""
    locked = Agency.objects.locked(agency_id=agency.pk)
    if locked.erased_from is None:
        raise NotClosed
    # From then on the hourly job may have erased some tables, and what is left is no longer whole.
    if now >= locked.erased_from:
        raise ErasureStarted
    locked.closed_at, locked.closed_by, locked.erased_from = None, "", None
    locked.save(update_fields=["closed_at", "closed_by", "erased_from"])
    _record(locked, "agency.reopened", audit.UNDERONE, now)


@contextmanager
def _one_account_per_partner() -> Iterator[None]:
    """Raise AccountExists for a second account of the same selling partner in an agency."""
    try:
        # A savepoint: after an integrity error PostgreSQL refuses every statement of the transaction.
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if constraints.violated(error) != constraints.PARTNER_OF_AGENCY:
            raise
        raise AccountExists from None


def _save(instance: Agency | SellerAccount, fields: dict[str, Any]) -> None:
    """Save these fields. Raises AccountExists."""
    if isinstance(instance, SellerAccount) and "marketplaces" not in fields and "home_marketplace" in fields:
        # Without reports, the account sells in no other.
        instance.marketplaces = [instance.home_marketplace]
        fields = {**fields, "marketplaces": instance.marketplaces}
    with _one_account_per_partner():
        # No other field: a worker may have updated the rest of the row since it was read.
        instance.save(update_fields=list(fields))


def _lock(instance: Agency | SellerAccount) -> Agency | SellerAccount:
    """Lock a row until the transaction ends, and return it as it is now, even if it is deleted or closed."""
    if isinstance(instance, Agency):
        return Agency.objects.locked(agency_id=instance.pk)
    accounts = SellerAccount.objects.select_for_update(no_key=True, of=("self",))
    return accounts.get(agency_id=instance.agency_id, pk=instance.pk)


def _record(instance: Agency | SellerAccount, what: str, actor: Actor, now: datetime, **more: Any) -> None:
    agency_id = instance.pk if isinstance(instance, Agency) else instance.agency_id
    audit.record(agency_id=agency_id, actor=actor, what=what, about=instance.public_id, now=now, **more)
