"""Create many accounts, in a constant number of statements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.agencies.lifecycle import ACCOUNT_FIELDS
from accounts.models import Actor, Agency, SellerAccount


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """Describe an account to create."""

    name: str
    selling_partner_id: str
    home_marketplace: str
    external_id: str | None = None


@transaction.atomic
def create_accounts(
    *, agency: Agency, accounts: Sequence[NewAccount], actor: Actor, now: datetime
) -> list[tuple[SellerAccount, bool]]:
    """Return, in the order of `accounts`, each account and whether it is new.

    Existing accounts are not changed. Of several with the same selling partner ID, the first counts.

    1. Find existing accounts by selling partner ID.
    2. Insert the others, in the order of their primary keys.
    3. Find all accounts again: a concurrent request may have inserted some of them first.
    4. Record an audit entry for each new account.
    """
    # Reversed: of several rows with one key, a dictionary keeps the last.
    first = {each.selling_partner_id: each for each in reversed(accounts)}
    existing = _by_partner(agency, first)
    new = [_build(agency, each, now) for partner, each in first.items() if partner not in existing]
    new.sort(key=lambda account: account.pk)
    # A concurrent request may insert one of these accounts at this moment; a conflict would refuse all rows.
    SellerAccount.objects.bulk_create(new, ignore_conflicts=True)
    # Django cannot tell which rows of a bulk_create with ignored conflicts were inserted.
    existing = _by_partner(agency, first)
    created = {account.pk for account in new} & {account.pk for account in existing.values()}
    entries = [
        (account.public_id, {name: getattr(account, name) for name in ACCOUNT_FIELDS})
        for account in new
        if account.pk in created
    ]
    audit.record_all(agency_id=agency.pk, actor=actor, what="account.created", about=entries, now=now)
    results: list[tuple[SellerAccount, bool]] = []
    for each in accounts:
        account = existing[each.selling_partner_id]
        results.append((account, account.pk in created))
        # A later row with the same selling partner ID exists by then.
        created.discard(account.pk)
    return results


def _build(agency: Agency, account: NewAccount, now: datetime) -> SellerAccount:
    return SellerAccount(
        agency=agency,
        name=account.name,
        selling_partner_id=account.selling_partner_id,
        home_marketplace=account.home_marketplace,
        external_id=account.external_id,
        marketplaces=[account.home_marketplace],
        created_at=now,
    )


def _by_partner(agency: Agency, partners: Iterable[str]) -> dict[str, SellerAccount]:
    accounts = SellerAccount.objects.present().filter(agency=agency, selling_partner_id__in=list(partners))
    return {account.selling_partner_id: account for account in accounts}
