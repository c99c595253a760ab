"""Test the causes that accounts have in common, with small accounts worked out by hand."""

from datetime import timedelta

import pytest

from tests.client import Client
from tests.metrics.fact_recorder import TEN, TODAY, FactRecorder, defect, order, returned, shipment

PATH = "/v1/portfolio/causes"
ON = TODAY - timedelta(days=20)


@pytest.fixture
def accounts(acme: Client) -> list[str]:
    """Load two accounts: each with 4 packages late of 10 with DPD, and none of 40 with DHL."""
    ids = []
    for partner in ("A1NORD", "A2SUED"):
        account_id = acme.take_on(home="DE", partner=partner)
        ids.append(account_id)
        recorder = FactRecorder.for_account(acme, account_id)
        recorder.load(
            *[order(n, on=ON, marketplace="DE", sku="CUP", asin="B000000001") for n in range(1, 51)]
        )
        recorder.load(
            *[
                shipment(n, on=ON, carrier="dpd" if n <= 10 else "DHL", is_on_time=n > 4)
                for n in range(1, 51)
            ],
            at=TEN,
        )
    return ids


def test_carrier_of_both_accounts_is_a_common_cause(acme: Client, accounts: list[str]) -> None:
    body = acme.read(PATH, metric="on_time_delivery_rate")

    assert (body["series"], body["left_out"], body["tried"]) == (2, 0, 2)
    (cause,) = body["causes"]
    assert (cause["key"], cause["label"], cause["accounts"]) == ("DPD", "dpd", 2)
    assert (cause["orders"], cause["defects"], cause["expected"]) == (20, 8, pytest.approx(1.6))
    assert cause["p_value"] == pytest.approx((210 / 230300) ** 2, rel=1e-6)
    assert cause["q_value"] == pytest.approx(2 * cause["p_value"])
    assert cause["playbook"] == ["CARRIER_DELAY"]
    assert {each["account"] for each in cause["series"]} == set(accounts)
    assert {(each["orders"], each["defects"], each["expected"]) for each in cause["series"]} == {(10, 4, 0.8)}


def test_product_that_all_orders_have_is_no_cause(acme: Client, accounts: list[str]) -> None:
    body = acme.read(PATH, metric="on_time_delivery_rate", by="asin", marketplace="DE")

    assert (body["tried"], body["causes"]) == (1, [])
    assert acme.read(PATH, metric="on_time_delivery_rate", marketplace="FR")["series"] == 0


def test_reason_of_returns_is_a_common_cause(acme: Client, accounts: list[str]) -> None:
    for account_id in accounts:
        recorder = FactRecorder.for_account(acme, account_id)
        old = TODAY - timedelta(days=60)
        recorder.load(*[order(100 + n, on=old, marketplace="DE") for n in range(50)], at=TEN)
        recorder.load(*[returned(100 + n, reason_code="DEFECTIVE") for n in range(5)], at=TEN)
        recorder.load(*[defect(100 + n, reason_code="NEVER_ARRIVED") for n in range(4)], at=TEN)

    (cause,) = acme.read(PATH, by="reason")["causes"]

    # Not the reason of the claims, which only defective orders have.
    assert (cause["key"], cause["orders"], cause["defects"]) == ("DEFECTIVE", 10, 8)
    assert (cause["label"], cause["playbook"]) == ("The item is defective or does not work.", ["QUALITY"])


def test_return_rate_cannot_be_grouped_by_reason(acme: Client) -> None:
    response = acme.get(PATH, {"metric": "return_rate", "by": "reason"})

    assert response.status_code == 409
    assert response.json()["errors"][0]["pointer"] == "/by"


def test_another_agency_has_no_common_cause(rival: Client, accounts: list[str]) -> None:
    assert rival.read(PATH, metric="on_time_delivery_rate")["series"] == 0
