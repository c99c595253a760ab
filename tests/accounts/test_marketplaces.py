"""Test Amazon's marketplaces: codes, sales channels, IDs and regions."""

import re

import pytest

from accounts.marketplaces import (
    CODE_OF_AMAZON_ID,
    CODE_OF_SALES_CHANNEL,
    CODES,
    MARKETPLACES,
    NON_AMAZON,
    Marketplace,
)


def test_marketplace_codes_channels_and_ids_are_unique() -> None:
    for names in zip(
        *((store.code, store.sales_channel.lower(), store.amazon_id) for store in MARKETPLACES), strict=True
    ):
        assert len(set(names)) == len(MARKETPLACES)


@pytest.mark.parametrize("store", MARKETPLACES, ids=lambda store: store.code)
def test_marketplace_has_amazon_spelling(store: Marketplace) -> None:
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
def test_marketplace_sales_channel_matches_country(sales_channel: str, code: str) -> None:
    assert CODE_OF_SALES_CHANNEL[sales_channel] == code


def test_marketplace_code_is_country_of_domain() -> None:
    own = [store for store in MARKETPLACES if store.sales_channel.count(".") == 1 and store.code != "US"]

    assert {store.sales_channel.removeprefix("Amazon.").upper() for store in own} == {
        store.code for store in own
    }


@pytest.mark.parametrize("name", ["UK", "EU", "EL", "JA", NON_AMAZON])
def test_marketplace_codes_are_country_codes(name: str) -> None:
    assert name not in CODES


@pytest.mark.parametrize(
    ("region", "codes"),
    [
        ("NA", {"US", "CA", "MX", "BR"}),
        ("FE", {"JP", "AU", "SG"}),
        ("EU", {"GB", "DE", "IN", "AE", "ZA", "EG", "TR"}),
    ],
)
def test_marketplace_region_matches_amazon_endpoint(region: str, codes: set[str]) -> None:
    assert codes <= {store.code for store in MARKETPLACES if store.region == region}


def test_marketplace_lookups_are_complete() -> None:
    assert tuple(store.code for store in MARKETPLACES) == CODES
    assert tuple(CODE_OF_SALES_CHANNEL.values()) == CODES
    assert tuple(CODE_OF_AMAZON_ID.values()) == CODES
