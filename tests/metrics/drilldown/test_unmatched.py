"""Test which defects have an unknown order or package, and how many, now and then."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from api import cursors
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


def path(account: str) -> str:
    return f"/v1/accounts/{account}/unmatched-defects"


def read_all(acme: Client, account: str, **params: Any) -> list[dict[str, Any]]:
    """Return the rows of all pages."""
    page = acme.read(path(account), **params)
    rows: list[dict[str, Any]] = page["data"]
    while page["next_cursor"]:
        page = acme.read(path(account), **params, cursor=page["next_cursor"])
        rows += page["data"]
    return rows


def test_unmatched_defects_are_listed_with_what_is_missing(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(defect(1, state="pending", reference="C1"), at=NINE)
    recorder.load(defect(2, kind="late_delivery", state="listed", reference=""), order(2), at=TEN)
    recorder.load(defect(3, kind="feedback", state="posted", rating=1), order(3), at=ELEVEN)

    package, claim = read_all(acme, shop)

    assert claim == {
        "order_id": defect(1).order_id,
        "kind": "a_to_z_claim",
        "state": "pending",
        "rating": None,
        "occurred_on": claim["occurred_on"],
        "reference": "C1",
        "missing": "order",
        "found_in": None,
        "report": claim["report"],
        "recorded_at": NINE.isoformat().replace("+00:00", "Z"),
    }
    assert claim["report"].startswith("rpt_")
    assert (package["order_id"], package["missing"], package["found_in"]) == (
        defect(2).order_id,
        "package",
        None,
    )


@pytest.mark.parametrize("seed", range(12))
def test_unmatched_list_and_count_agree(acme: Client, shop: str, recorder: FactRecorder, seed: int) -> None:
    random = Random(seed)
    moments = [NINE, TEN, ELEVEN, TWELVE]
    kinds = {
        "a_to_z_claim": ("pending", "granted", "denied", "filed", "listed"),
        "feedback": ("posted", "removed", "listed"),
        "chargeback": ("service", "listed"),
        "late_delivery": ("listed",),
        "invalid_tracking": ("listed",),
    }
    for moment in moments:
        facts: dict[Any, Any] = {}
        for _ in range(random.randint(1, 12)):
            number, kind = random.randint(1, 6), random.choice(list(kinds))
            reference = random.choice(("", "C1", "C2"))
            rating = {"rating": 1} if kind == "feedback" else {}
            state = random.choice(kinds[kind])
            facts[number, kind, reference] = defect(
                number, kind=kind, reference=reference, state=state, **rating
            )
        for number in random.sample(range(1, 7), random.randint(0, 2)):
            facts["order", number] = order(number, last_updated_at=moment)
        for number in random.sample(range(1, 7), random.randint(0, 2)):
            facts["package", number] = shipment(number, is_scanned=random.choice((None, True, False)))
        recorder.load(*facts.values(), at=moment)

    for moment in (NINE - A_MOMENT, *moments):
        known_at = {"known_at": moment.isoformat()}
        rows = read_all(acme, shop, **known_at, limit=random.randint(1, 4))
        by_kind = [len(read_all(acme, shop, **known_at, kind=kind)) for kind in kinds]
        counted = acme.read(f"/v1/accounts/{shop}/metrics", **known_at)["unmatched_defects"]

        assert len(rows) == sum(by_kind) == counted
        assert len({(row["order_id"], row["kind"], row["reference"]) for row in rows}) == counted
        recorded = [(row["recorded_at"], row["order_id"], row["kind"]) for row in rows]
        assert recorded == sorted(recorded, reverse=True)


def test_unmatched_defect_names_account_that_has_its_order(
    acme: Client, rival: Client, shop: str, recorder: FactRecorder
) -> None:
    other, of_rival = acme.take_on(partner="A2OTHER"), rival.take_on(partner="A2RIVAL")
    recorder.load(defect(1), defect(2), at=NINE)
    FactRecorder(acme.agency.pk, UUID(other.removeprefix("acct_"))).load(order(1), at=TEN)
    FactRecorder(rival.agency.pk, UUID(of_rival.removeprefix("acct_"))).load(order(2), at=TEN)

    def found(client: Client, **params: Any) -> dict[str, str | None]:
        return {row["order_id"]: row["found_in"] for row in read_all(client, shop, **params)}

    one, two = defect(1).order_id, defect(2).order_id
    assert found(acme) == {one: other, two: None}
    assert found(acme, known_at=NINE.isoformat()) == {one: None, two: None}
    assert found(acme, known_at=TEN.isoformat()) == {one: other, two: None}
    body = {"name": "limited", "role": "viewer", "accounts": [shop]}
    limited = Client(acme.agency, acme.post("/v1/api-keys", body, format="json").json()["key"])
    assert found(limited) == {one: None, two: None}
    acme.delete(f"/v1/accounts/{other}")
    assert found(acme) == {one: None, two: None}
    acme.post(f"/v1/accounts/{other}/restore")
    assert found(acme) == {one: other, two: None}


def test_unmatched_defects_of_strangers_are_not_found(acme: Client, rival: Client, shop: str) -> None:
    assert rival.get(path(shop)).status_code == 404
    assert acme.get(path("acct_nonsense")).status_code == 404


def test_unmatched_defects_are_available_as_csv(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(defect(1, reference="=C1"), at=NINE)

    response = acme.get(path(shop), {"format": "csv"})
    header, line = response.content.decode().splitlines()

    assert response["Content-Type"].startswith("text/csv")
    assert header.startswith("order_id,kind,state,rating,occurred_on,reference,missing,found_in,report")
    assert line.startswith(f"{defect(1).order_id},a_to_z_claim,")
    assert ",'=C1,order,," in line


@pytest.mark.parametrize(
    "params",
    [
        {"kind": "return"},
        {"known_at": "2099-01-01T00:00:00Z"},
        {"known_at": "yesterday"},
        {"marketplace": "US"},
    ],
)
def test_unmatched_defects_refuse_wrong_parameters(acme: Client, shop: str, params: dict[str, str]) -> None:
    assert acme.get(path(shop), params).status_code == 400


def test_unmatched_defects_refuse_cursor_of_another_list(acme: Client, shop: str) -> None:
    for position in (["x", "1", "2", "3"], ["2026-01-01T00:00:00", "1", "2", "3"], ["1"]):
        assert acme.get(path(shop), {"cursor": cursors.encode(position)}).status_code == 404
