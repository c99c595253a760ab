"""Test that the demo's causes are found: a faulty product and a bad carrier, each in two shops."""

from collections import Counter
from typing import Any

import pytest

from config.launcher.demo.history import build_history
from config.launcher.demo.products import FAULTY_ASIN
from config.launcher.demo.sample_accounts import SAMPLE_ACCOUNTS, SampleAccount
from metrics.rules import return_reasons
from tests.client import Client
from tests.config.test_demo import (
    BRIGHTSIDE,
    KESSLER,
    RECENT_DAYS,
    TRADING,
    build_recent,
    contents_of,
    load,
    read_all,
)
from tests.conftest import NOON

FAULTY_SKU = {KESSLER.name: "KW-REGAL-20", BRIGHTSIDE.name: "BH-BRACKET-8"}


def test_products_have_own_sku_and_asin_and_two_sellers_share_one() -> None:
    every = [product for account in SAMPLE_ACCOUNTS for product in account.products]

    asins = Counter(product.asin for product in every)
    assert len({product.sku for product in every}) == len({product.title for product in every}) == len(every)
    assert {asin for asin, sellers in asins.items() if sellers > 1} == {FAULTY_ASIN}
    assert all(len(asin) == 10 and asin.startswith("B0") for asin in asins)
    assert {account.name for account in TRADING if any(p.is_faulty for p in account.products)} == set(
        FAULTY_SKU
    )


@pytest.mark.parametrize("account", [KESSLER, BRIGHTSIDE], ids=lambda account: account.name)
def test_returns_and_claims_state_known_reasons(account: SampleAccount) -> None:
    history = build_history(account=account, now=NOON, days=RECENT_DAYS)
    claims = [fact for fact in read_all(history, "claims.csv") if fact.kind == "a_to_z_claim"]
    returns = [fact for fact in read_all(history, "returns.") if hasattr(fact, "sku")]
    reasons = {False: Counter[str](), True: Counter[str]()}
    for fact in [*returns, *read_all(history, "fba-returns.txt")]:
        reasons[fact.sku == FAULTY_SKU[account.name]][fact.reason_code] += 1

    assert {fact.reason_code for fact in claims} == {"NEVER_ARRIVED", "NOT_AS_DESCRIBED", ""}
    assert len(history.returns) == reasons[False].total() + reasons[True].total()
    assert set(reasons[False] | reasons[True]) <= set(return_reasons.WORDS)
    assert [by.most_common(1)[0][0] for by in reasons.values()] == ["UNWANTED_ITEM", "DEFECTIVE"]
    assert (b"\tCR-DEFECTIVE\t" in contents_of(history).get("returns.txt", b"")) is (account is BRIGHTSIDE)


def test_faulty_product_and_bad_carrier_are_named(acme: Client) -> None:
    kessler = load(acme, build_recent(KESSLER), status="breached")
    brightside = load(acme, build_recent(BRIGHTSIDE), status="at_risk")

    for account_id, account in ((kessler, KESSLER), (brightside, BRIGHTSIDE)):
        found = read_causes(acme, f"/v1/accounts/{account_id}/causes", "order_defect_rate", "sku")
        worst = found["groups"][0]
        assert worst["key"] == FAULTY_SKU[account.name]
        assert worst["lift"] > 2
        assert worst["p_value"] < 0.05
        assert 2 * worst["defects"] > found["total"]["defects"]
        assert worst["before"]["rate"] < worst["rate"]
    for metric, by, key in (
        ("order_defect_rate", "asin", FAULTY_ASIN),
        ("on_time_delivery_rate", "carrier", "DPD"),
    ):
        cause = read_causes(acme, "/v1/portfolio/causes", metric, by)["causes"][0]
        assert (cause["key"], cause["q_value"] < 0.1) == (key, True)
        assert {series["account"] for series in cause["series"]} == {kessler, brightside}


def read_causes(acme: Client, path: str, metric: str, by: str) -> Any:
    return acme.read(path, metric=metric, by=by)
