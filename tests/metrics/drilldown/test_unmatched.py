"""Test how many defects have an unknown order, now and then."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from metrics.drilldown import unmatched
from tests.client import Client
from tests.metrics.fact_recorder import (
    A_MOMENT,
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    TWELVE,
    FactRecorder,
    defect,
    order,
    orders,
    shipment,
)


@pytest.mark.parametrize(
    ("known_at", "count"),
    [
        (NINE - A_MOMENT, 0),
        (NINE, 3),
        (TEN - A_MOMENT, 3),
        (TEN, 2),
        (ELEVEN - A_MOMENT, 2),
        (ELEVEN, 2),
        (TWELVE - A_MOMENT, 2),
        (TWELVE, 0),
    ],
)
def test_defect_is_unmatched_until_its_order_arrives(
    recorder: FactRecorder, known_at: datetime, count: int
) -> None:
    recorder.load(defect(1), defect(2), defect(2, reference="C2"), at=NINE)
    recorder.load(order(1), at=TEN)
    recorder.load(defect(2, state="denied"), at=ELEVEN)
    recorder.load(order(2), at=TWELVE)

    assert unmatched.count(account=recorder.account, known_at=known_at) == count


def test_defect_of_a_changed_order_stays_matched(recorder: FactRecorder) -> None:
    recorder.load(defect(1), at=NINE)
    recorder.load(order(1), at=TEN)
    recorder.load(order(1, on=DAY + timedelta(days=30), last_updated_at=TWELVE), at=ELEVEN)

    assert [unmatched.count(account=recorder.account, known_at=at) for at in (NINE, TEN, ELEVEN)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("kind", "judged", "unjudged"),
    [
        ("late_delivery", {}, {"is_on_time": None}),
        ("invalid_tracking", {}, {"is_scanned": None}),
        ("invoice_defect", {"is_invoiced_in_time": True}, {}),
    ],
)
def test_defect_of_amazons_list_is_unmatched_until_its_package_is_judged(
    recorder: FactRecorder, kind: str, judged: dict[str, Any], unjudged: dict[str, Any]
) -> None:
    recorder.load(defect(1, kind=kind, state="listed"), at=NINE)
    recorder.load(order(1), at=TEN)
    recorder.load(shipment(1, **unjudged), at=ELEVEN)
    recorder.load(shipment(1, **judged), at=TWELVE)

    known_at = (NINE, TEN, ELEVEN, TWELVE)
    assert [unmatched.count(account=recorder.account, known_at=at) for at in known_at] == [1, 1, 1, 0]


def test_defect_that_does_not_count_can_be_unmatched(recorder: FactRecorder) -> None:
    recorder.load(defect(1, state="denied"), defect(2, kind="feedback", state="posted", rating=5))

    assert unmatched.count(account=recorder.account, known_at=TWELVE) == 2


def test_defect_is_not_matched_by_another_account(acme: Client, recorder: FactRecorder) -> None:
    other = acme.take_on(partner="A2OTHER")
    FactRecorder(acme.agency.pk, UUID(other.removeprefix("acct_"))).load(*orders(3))
    recorder.load(defect(1))

    assert unmatched.count(account=recorder.account, known_at=TWELVE) == 1


def test_unmatched_defects_are_in_the_api_and_count_once_matched(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(*orders(10), at=NINE)
    recorder.load(defect(11), at=TEN)
    recorder.load(order(11), at=ELEVEN)

    def seen(at: datetime) -> tuple[int, int, int]:
        body = acme.read(
            f"/v1/accounts/{shop}/metrics",
            as_of=TODAY,
            known_at=at.isoformat(),
            metric="order_defect_rate",
            channel="mfn",
        )
        (value,) = body["metrics"]
        return body["unmatched_defects"], value["numerator"], value["denominator"]

    assert [seen(at) for at in (NINE, TEN, ELEVEN)] == [(0, 0, 10), (1, 0, 10), (0, 1, 11)]
