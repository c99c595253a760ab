"""Amazon's stores: every name leads to one of them."""

import re

import pytest

from accounts.marketplaces import CODE_OF_AMAZON_ID, CODE_OF_SALES_CHANNEL, CODES, MARKETPLACES, NON_AMAZON, Marketplace


def test_codes_sales_channels_and_ids_are_each_unique() -> None:
    for names in zip(*((store.code, store.sales_channel.lower(), store.amazon_id) for store in MARKETPLACES), strict=True):
        assert len(set(names)) == len(MARKETPLACES)


@pytest.mark.parametrize("store", MARKETPLACES, ids=lambda store: store.code)
def test_a_store_is_written_as_amazon_writes_it(store: Marketplace) -> None:
    assert re.fullmatch("[A-Z]{2}", store.code)
    assert re.fullmatch(r"Amazon\.(com|com?\.[a-z]{2}|[a-z]{2})", store.sales_channel)
    assert re.fullmatch("A[A-Z0-9]{11,13}", store.amazon_id)
    assert store.region in {"NA", "EU", "FE"}


@pytest.mark.parametrize(
    ("sales_channel", "code"),
    [
        ("amazon.com", "US"),
        ("amazon.co.uk", "GB"),
        ("amazon.de", "DE"),
        ("amazon.com.be", "BE"),
        ("amazon.co.za", "ZA"),
        ("amazon.co.jp", "JP"),
        ("amazon.com.au", "AU"),
        ("amazon.com.tr", "TR"),
        ("amazon.eg", "EG"),
    ],
)
def test_a_sales_channel_leads_to_the_country_that_it_sells_in(sales_channel: str, code: str) -> None:
    assert CODE_OF_SALES_CHANNEL[sales_channel] == code


def test_a_country_that_has_a_domain_of_its_own_is_called_by_it() -> None:
    own = [store for store in MARKETPLACES if store.sales_channel.count(".") == 1 and store.code != "US"]

    assert {store.sales_channel.removeprefix("Amazon.").upper() for store in own} == {store.code for store in own}


@pytest.mark.parametrize("name", ["UK", "EU", "EL", "JA", NON_AMAZON])
def test_what_is_no_country_code_is_no_store(name: str) -> None:
    assert name not in CODES


@pytest.mark.parametrize(
    ("region", "codes"),
    [("NA", {"US", "CA", "MX", "BR"}), ("FE", {"JP", "AU", "SG"}), ("EU", {"GB", "DE", "IN", "AE", "ZA", "EG", "TR"})],
)
def test_a_region_is_the_one_whose_server_amazon_answers_from(region: str, codes: set[str]) -> None:
    assert codes <= {store.code for store in MARKETPLACES if store.region == region}


def test_the_tables_of_names_lose_no_store() -> None:
    assert tuple(store.code for store in MARKETPLACES) == CODES
    assert tuple(CODE_OF_SALES_CHANNEL.values()) == CODES
    assert tuple(CODE_OF_AMAZON_ID.values()) == CODES
