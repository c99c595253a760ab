"""Several accounts in one go: one look at those that are there, one insert, one entry each in the audit log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.agencies.lifecycle import OF_ACCOUNT
from accounts.models import Actor, Agency, SellerAccount


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An account that the agency wants to look after."""

    name: str
    selling_partner_id: str
    home_marketplace: str
    external_id: str | None = None


@transaction.atomic
def take_on_all(*, agency: Agency, wanted: Sequence[Wanted], who: Actor, now: datetime) -> list[tuple[SellerAccount, bool]]:
    """Of each that is wanted, in that order: the account, and whether it is new.

    What the agency looks after already is left as it is; of two that are wanted for one selling partner the first counts.
    """
    first = {each.selling_partner_id: each for each in reversed(wanted)}
    there = _by_partner(agency, first)
    new = [_account(agency, each, now) for partner, each in first.items() if partner not in there]
    new.sort(key=lambda account: account.pk)
    SellerAccount.objects.bulk_create(new, ignore_conflicts=True)  # somebody else may take one on at this moment
    there = _by_partner(agency, first)
    made = {account.pk for account in new} & {account.pk for account in there.values()}
    entries = [
        (account.public_id, {name: getattr(account, name) for name in OF_ACCOUNT}) for account in new if account.pk in made
    ]
    audit.note_all(agency_id=agency.pk, who=who, what="account.created", about=entries, now=now)
    told: list[tuple[SellerAccount, bool]] = []
    for each in wanted:
        account = there[each.selling_partner_id]
        told.append((account, account.pk in made))
        made.discard(account.pk)
    return told


def _account(agency: Agency, wanted: Wanted, now: datetime) -> SellerAccount:
    return SellerAccount(
        agency=agency,
        name=wanted.name,
        selling_partner_id=wanted.selling_partner_id,
        home_marketplace=wanted.home_marketplace,
        external_id=wanted.external_id,
        marketplaces=[wanted.home_marketplace],
        created_at=now,
    )


def _by_partner(agency: Agency, partners: Iterable[str]) -> dict[str, SellerAccount]:
    mine = SellerAccount.objects.present().filter(agency=agency, selling_partner_id__in=list(partners))
    return {account.selling_partner_id: account for account in mine}
