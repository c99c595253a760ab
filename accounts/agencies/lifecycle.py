"""Agencies and their accounts: open and close, take on and hand back. Each change is in the audit log."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.api_keys import secrets as key_secrets
from accounts.models import Actor, Agency, SellerAccount, constraints
from accounts.tenancy import context
from api import identifiers

OF_ACCOUNT = ("name", "selling_partner_id", "home_marketplace", "external_id")


class AlreadyLookedAfter(Exception):
    """The agency has an account of this selling partner."""


class NotClosed(Exception):
    """The agency is open."""


class TooLate(Exception):
    """The agency is being erased, or was."""


def open_agency(*, name: str, now: datetime, who: Actor = audit.UNDERONE) -> tuple[Agency, str]:
    """A new agency and the text of its first key."""
    agency_id = identifiers.uuid7()
    with context.agency(agency_id):
        agency = Agency.objects.create(id=agency_id, name=name, created_at=now)
        key, text = key_secrets.mint(agency=agency, name="first key", now=now)
        _note(agency, "agency.opened", who, now, detail={"key": key.public_id}, after={"name": name})
    return agency, text


@transaction.atomic
def take_on(
    *,
    agency: Agency,
    name: str,
    selling_partner_id: str,
    home_marketplace: str,
    external_id: str | None,
    now: datetime,
    who: Actor = audit.UNDERONE,
) -> SellerAccount:
    """A new account. Raises AlreadyLookedAfter."""
    fields = {
        "name": name,
        "selling_partner_id": selling_partner_id,
        "home_marketplace": home_marketplace,
        "external_id": external_id,
    }
    try:
        with transaction.atomic():
            account = SellerAccount.objects.create(agency=agency, marketplaces=[home_marketplace], created_at=now, **fields)
    except IntegrityError as error:
        if constraints.violated(error) != constraints.PARTNER_OF_AGENCY:
            raise
        raise AlreadyLookedAfter from None
    _note(account, "account.created", who, now, after=fields)
    return account


@transaction.atomic
def change(*, thing: Agency | SellerAccount, fields: dict[str, Any], now: datetime, who: Actor = audit.UNDERONE) -> None:
    """Change these fields and touch no other: a worker may be writing the rest of the row at this moment."""
    held = _lock(thing)
    before = {name: getattr(held, name) for name in fields}
    for name, value in fields.items():
        setattr(thing, name, value)
    if before != fields:
        thing.save(update_fields=list(fields))
        _note(thing, f"{_kind(thing)}.changed", who, now, before=before, after=fields)


@transaction.atomic
def hand_back(*, account: SellerAccount, now: datetime, who: Actor = audit.UNDERONE) -> None:
    """The account is gone for every reader at once; its rows are erased by the next hourly job."""
    if SellerAccount.objects.filter(agency_id=account.agency_id, pk=account.pk, deleted_at=None).update(deleted_at=now):
        _note(account, "account.handed_back", who, now, before={name: getattr(account, name) for name in OF_ACCOUNT})


@transaction.atomic
def close(*, agency: Agency, by: str, who: Actor, now: datetime) -> Agency:
    """The agency as it is closed: nobody gets in any more, and nothing is loaded or sent. A second time changes nothing.

    `by` is the public id of who closes it. After CLOSED_AGENCY_DAYS all of it is erased.
    """
    held = Agency.objects.locked(agency_id=agency.pk)
    if held.closed_at is None:
        held.closed_at, held.closed_by = now, by
        held.erased_from = now + timedelta(days=settings.CLOSED_AGENCY_DAYS)
        held.save(update_fields=["closed_at", "closed_by", "erased_from"])
        _note(held, "agency.closed", who, now, detail={"erased_from": held.erased_from.isoformat()})
    return held


def hasten(*, agency: Agency, now: datetime) -> None:
    """A closed agency is erased from now on, and not opened again."""
    Agency.objects.filter(pk=agency.pk, erased_from__gt=now).update(erased_from=now)


@transaction.atomic
def reopen(*, agency: Agency, now: datetime) -> None:
    """All is as it was when it was closed. Raises NotClosed, and TooLate from the moment at which it is erased."""
    held = Agency.objects.locked(agency_id=agency.pk)
    if held.erased_from is None:
        raise NotClosed
    if now >= held.erased_from:
        raise TooLate
    held.closed_at, held.closed_by, held.erased_from = None, "", None
    held.save(update_fields=["closed_at", "closed_by", "erased_from"])
    _note(held, "agency.reopened", audit.UNDERONE, now)


def _lock(thing: Agency | SellerAccount) -> Agency | SellerAccount:
    """Return the row as it is now, locked until the transaction ends; of a deleted account or a closed agency too."""
    if isinstance(thing, Agency):
        return Agency.objects.locked(agency_id=thing.pk)
    accounts = SellerAccount.objects.select_for_update(no_key=True, of=("self",))
    return accounts.get(agency_id=thing.agency_id, pk=thing.pk)


def _kind(thing: Agency | SellerAccount) -> str:
    return "agency" if isinstance(thing, Agency) else "account"


def _note(thing: Agency | SellerAccount, what: str, who: Actor, now: datetime, **more: Any) -> None:
    owner = thing.pk if isinstance(thing, Agency) else thing.agency_id
    audit.note(agency_id=owner, who=who, what=what, about=thing.public_id, now=now, **more)
