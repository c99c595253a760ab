"""Agencies and their accounts: open, take on, hand back."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts import identifiers, keys, scoping
from accounts.models import Agency, SellerAccount


class AlreadyLookedAfter(Exception):
    """The agency has an account of this selling partner."""


def open_agency(*, name: str, now: datetime) -> tuple[Agency, str]:
    """A new agency and the text of its first key."""
    agency_id = identifiers.uuid7()
    with scoping.agency(agency_id):
        agency = Agency.objects.create(id=agency_id, name=name, created_at=now)
        _, text = keys.mint(agency=agency, name="first key", now=now)
    return agency, text


def take_on(
    *, agency: Agency, name: str, selling_partner_id: str, home_marketplace: str, external_id: str | None, now: datetime
) -> SellerAccount:
    """A new account. Raises AlreadyLookedAfter."""
    try:
        with transaction.atomic():
            return SellerAccount.objects.create(
                agency=agency,
                name=name,
                selling_partner_id=selling_partner_id,
                home_marketplace=home_marketplace,
                external_id=external_id,
                marketplaces=[home_marketplace],
                created_at=now,
            )
    except IntegrityError as error:
        if "selling_partner_once" in str(error):
            raise AlreadyLookedAfter from None
        raise


def change(*, thing: Agency | SellerAccount, fields: dict[str, Any]) -> None:
    """Change these fields and touch no other: a worker may be writing the rest of the row at this moment."""
    for name, value in fields.items():
        setattr(thing, name, value)
    thing.save(update_fields=list(fields))


def hand_back(*, account: SellerAccount, now: datetime) -> None:
    """The account is gone for every reader at once; its rows are erased by the next hourly job."""
    SellerAccount.objects.filter(pk=account.pk, deleted_at=None).update(deleted_at=now)
