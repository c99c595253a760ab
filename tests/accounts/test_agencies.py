"""Agencies open; accounts are taken on and handed back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connections

from accounts import agencies, keys, scoping
from accounts.models import AccountStatus, Agency, ApiKey, SellerAccount
from tests.client import Client
from tests.conftest import NOON

LATER = NOON + timedelta(days=1)


def take_on(agency: Agency, **fields: Any) -> SellerAccount:
    """An account as the API would take it on; the transaction must see the agency."""
    usual: dict[str, Any] = {
        "name": "Nordwind",
        "selling_partner_id": "A2NORDWIND",
        "home_marketplace": "DE",
        "external_id": None,
        "now": NOON,
    }
    return agencies.take_on(agency=agency, **usual | fields)


def test_a_new_agency_has_one_key_and_it_opens(db: None) -> None:
    agency, text = agencies.open_agency(name="Acme", now=NOON)

    key = keys.recognise(text=text, now=LATER)

    assert (key.agency_id, key.name, key.role, key.is_limited) == (agency.pk, "first key", "admin", False)
    assert (agency.name, agency.created_at) == ("Acme", NOON)
    assert not agency.counts_pending_and_cancelled


def test_opening_leaves_the_transaction_outside_of_the_new_agency(db: None) -> None:
    agencies.open_agency(name="Acme", now=NOON)

    assert scoping.current() is None


def test_two_agencies_may_bear_one_name(db: None) -> None:
    made = [agencies.open_agency(name="Acme", now=NOON)[0] for _ in range(2)]

    assert scoping.every_agency_id() == sorted(agency.pk for agency in made)


def test_an_agency_whose_name_is_too_long_is_not_opened_by_half(db: None) -> None:
    with pytest.raises(DataError):
        agencies.open_agency(name="x" * 201, now=NOON)

    assert scoping.every_agency_id() == []


def test_an_account_begins_at_home_and_without_data(acme: Client) -> None:
    with scoping.agency(acme.agency.pk):
        account = take_on(acme.agency, external_id="crm-1")
        account.refresh_from_db()

    assert (account.agency_id, account.external_id, account.created_at) == (acme.agency.pk, "crm-1", NOON)
    assert (account.home_marketplace, account.marketplaces) == ("DE", ["DE"])
    assert (account.status, account.deleted_at, account.last_recorded_at) == (AccountStatus.NO_DATA, None, None)


def test_the_same_selling_partner_twice_is_refused_and_the_transaction_goes_on(acme: Client) -> None:
    with scoping.agency(acme.agency.pk):
        take_on(acme.agency)
        with pytest.raises(agencies.AlreadyLookedAfter):
            take_on(acme.agency, name="Another name")

        assert [account.name for account in SellerAccount.objects.all()] == ["Nordwind"]


def test_two_agencies_may_look_after_one_selling_partner(acme: Client, rival: Client) -> None:
    for client in (acme, rival):
        with scoping.agency(client.agency.pk):
            take_on(client.agency)

            assert SellerAccount.objects.count() == 1


def test_a_handed_back_partner_may_be_taken_on_again_as_a_new_account(acme: Client) -> None:
    with scoping.agency(acme.agency.pk):
        first = take_on(acme.agency)
        agencies.hand_back(account=first, now=LATER)
        second = take_on(acme.agency)

        assert second.pk != first.pk
        assert list(SellerAccount.objects.present()) == [second]


@pytest.mark.parametrize("field", ["name", "selling_partner_id", "created_at"])
def test_what_the_database_forbids_for_another_reason_is_not_taken_for_a_repeat(acme: Client, field: str) -> None:
    wrong = {"now" if field == "created_at" else field: None}

    with scoping.agency(acme.agency.pk), pytest.raises(IntegrityError, match=field):
        take_on(acme.agency, **wrong)


def test_of_two_that_take_on_one_partner_at_once_one_wins(committed_db: None) -> None:
    agency, _ = agencies.open_agency(name="Acme", now=NOON)

    def attempt(name: str) -> str:
        try:
            with scoping.agency(agency.pk):
                return take_on(agency, name=name).name
        except agencies.AlreadyLookedAfter:
            return "refused"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=4) as threads:
        answers = list(threads.map(attempt, "abcd"))

    with scoping.agency(agency.pk):
        kept = SellerAccount.objects.get().name
    assert sorted(answers) == sorted([kept, "refused", "refused", "refused"])


def test_handing_back_hides_the_account_and_keeps_the_others(acme: Client) -> None:
    with scoping.agency(acme.agency.pk):
        gone, kept = take_on(acme.agency), take_on(acme.agency, selling_partner_id="A9KEPT")

        agencies.hand_back(account=gone, now=LATER)

        assert list(SellerAccount.objects.present()) == [kept]
        assert SellerAccount.objects.get(pk=gone.pk).deleted_at == LATER


def test_handing_back_twice_keeps_the_first_moment(acme: Client) -> None:
    with scoping.agency(acme.agency.pk):
        account = take_on(acme.agency)

        for moment in (NOON, LATER):
            agencies.hand_back(account=account, now=moment)

        assert SellerAccount.objects.get().deleted_at == NOON


def test_an_agency_with_accounts_cannot_be_deleted_and_one_without_goes_with_its_keys(acme: Client, rival: Client) -> None:
    with scoping.agency(acme.agency.pk):
        take_on(acme.agency)
        with pytest.raises(IntegrityError):
            Agency.objects.get().delete()

    with scoping.agency(rival.agency.pk):
        Agency.objects.get().delete()
        assert ApiKey.objects.count() == 0
    assert scoping.every_agency_id() == [acme.agency.pk]
