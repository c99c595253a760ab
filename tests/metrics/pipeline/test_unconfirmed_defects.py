"""Test unconfirmed defects: a list or a return mentions them without details."""

from typing import Any

import pytest

from metrics.rules import defects
from tests.client import Client
from tests.metrics.fact_recorder import (
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    FactRecorder,
    defect,
    order,
)


def listed(acme: Client, shop: str, metric: str, **params: Any) -> list[Any]:
    path = f"/v1/accounts/{shop}/metrics/{metric}/orders"
    return list(acme.read(path, **{"as_of": TODAY.isoformat(), "limit": 200} | params)["data"])


UNCONFIRMED = [
    ("a_to_z_claim", "listed"),
    ("a_to_z_claim", "filed"),
    ("feedback", "listed"),
    ("chargeback", "listed"),
]
CONFIRMED: dict[str, list[tuple[str, int | None, bool]]] = {
    "a_to_z_claim": [("granted", None, True), ("denied", None, False)],
    "feedback": [("posted", 1, True), ("posted", 4, False), ("removed", None, False)],
    "chargeback": [("service", None, True), ("fraud", None, False)],
}


@pytest.mark.parametrize(("kind", "unconfirmed"), UNCONFIRMED)
def test_unconfirmed_defect_counts_while_nothing_more_is_known(
    acme: Client, shop: str, recorder: FactRecorder, kind: str, unconfirmed: str
) -> None:
    recorder.load(order())
    recorder.load(defect(kind=kind, state=unconfirmed), at=TEN)

    (listed_row,) = listed(acme, shop, "order_defect_rate")

    (row,) = listed_row["defects"]
    assert listed_row["counted"] is row["counts"] is True
    assert row["reason"] == defects.UNCONFIRMED[kind][unconfirmed].reason
    assert recorder.odr() == [(1, 1)]


@pytest.mark.parametrize("details_first", [True, False])
@pytest.mark.parametrize(
    ("kind", "unconfirmed", "confirmed"),
    [(kind, state, confirmed) for kind, state in UNCONFIRMED for confirmed in CONFIRMED[kind]],
)
def test_unconfirmed_defect_is_superseded_by_details(
    acme: Client,
    shop: str,
    recorder: FactRecorder,
    kind: str,
    unconfirmed: str,
    confirmed: tuple[str, int | None, bool],
    details_first: bool,
) -> None:
    state, rating, counts = confirmed
    mention = defect(kind=kind, state=unconfirmed, reference="listed")
    details = defect(kind=kind, state=state, rating=rating)
    recorder.load(order())
    for fact, at in zip(
        (details, mention) if details_first else (mention, details), (TEN, ELEVEN), strict=True
    ):
        recorder.load(fact, at=at)

    (listed_row,) = listed(acme, shop, "order_defect_rate")

    by_state = {row["state"]: (row["counts"], row["reason"]) for row in listed_row["defects"]}
    assert listed_row["counted"] is counts
    assert by_state[unconfirmed] == (False, defects.SUPERSEDED.reason)
    assert by_state[state] == (counts, defects.ruling(kind=kind, state=state, rating=rating).reason)
    assert recorder.odr() == [(int(counts), 1)]


def test_unconfirmed_defect_is_not_superseded_by_another_kind(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(order())
    recorder.load(
        defect(kind="feedback", state="removed"),
        defect(kind="a_to_z_claim", state="filed", reference="x"),
        at=TEN,
    )

    (listed_row,) = listed(acme, shop, "order_defect_rate")

    assert {row["kind"]: row["counts"] for row in listed_row["defects"]} == {
        "feedback": False,
        "a_to_z_claim": True,
    }
    assert listed_row["counted"] is True


def test_unconfirmed_defect_with_one_counted_detail_counts(recorder: FactRecorder) -> None:
    recorder.load(order())

    recorder.load(
        defect(state="denied"),
        defect(state="granted", reference="2"),
        defect(state="filed", reference="3"),
        at=TEN,
    )

    assert recorder.odr() == [(1, 1)]


def test_unconfirmed_defect_counts_as_known_then(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(order(), at=NINE)
    recorder.load(defect(state="filed", reference="return"), at=TEN)
    recorder.load(defect(state="denied"), at=ELEVEN)

    counts_then = [
        [
            (row["counted"], len(row["defects"]))
            for row in listed(acme, shop, "order_defect_rate", known_at=at.isoformat())
        ]
        for at in (NINE, TEN, ELEVEN)
    ]

    assert counts_then == [[(False, 0)], [(True, 1)], [(False, 2)]]
    assert [recorder.odr(known_at=at) for at in (NINE, TEN, ELEVEN)] == [[(0, 1)], [(1, 1)], [(0, 1)]]
