"""Hearsay: a defect of which a list or a return says no more than that there is one."""

from typing import Any

import pytest

from metrics.rules import defects
from tests.client import Client
from tests.metrics.books import (
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    Books,
    defect,
    order,
)


def listed(acme: Client, shop: str, metric: str, **asked: Any) -> list[Any]:
    path = f"/v1/accounts/{shop}/metrics/{metric}/orders"
    return list(acme.read(path, **{"as_of": TODAY.isoformat(), "limit": 200} | asked)["data"])


HEARD = [("a_to_z_claim", "listed"), ("a_to_z_claim", "filed"), ("feedback", "listed"), ("chargeback", "listed")]
KNOWN: dict[str, list[tuple[str, int | None, bool]]] = {
    "a_to_z_claim": [("granted", None, True), ("denied", None, False)],
    "feedback": [("posted", 1, True), ("posted", 4, False), ("removed", None, False)],
    "chargeback": [("service", None, True), ("fraud", None, False)],
}


@pytest.mark.parametrize(("kind", "heard"), HEARD)
def test_hearsay_counts_while_nothing_more_is_known(acme: Client, shop: str, books: Books, kind: str, heard: str) -> None:
    books.load(order())
    books.load(defect(kind=kind, state=heard), at=TEN)

    (found,) = listed(acme, shop, "order_defect_rate")

    (row,) = found["defects"]
    assert found["counted"] is row["counts"] is True
    assert row["reason"] == defects.HEARSAY[kind][heard].reason
    assert books.odr() == [(1, 1)]


@pytest.mark.parametrize("details_first", [True, False])
@pytest.mark.parametrize(("kind", "heard", "known"), [(kind, heard, known) for kind, heard in HEARD for known in KNOWN[kind]])
def test_a_statement_with_details_overrules_hearsay(
    acme: Client, shop: str, books: Books, kind: str, heard: str, known: tuple[str, int | None, bool], details_first: bool
) -> None:
    state, rating, counts = known
    hearsay = defect(kind=kind, state=heard, reference="listed")
    details = defect(kind=kind, state=state, rating=rating)
    books.load(order())
    for fact, at in zip((details, hearsay) if details_first else (hearsay, details), (TEN, ELEVEN), strict=True):
        books.load(fact, at=at)

    (found,) = listed(acme, shop, "order_defect_rate")

    by_state = {row["state"]: (row["counts"], row["reason"]) for row in found["defects"]}
    assert found["counted"] is counts
    assert by_state[heard] == (False, defects.OVERRULED.reason)
    assert by_state[state] == (counts, defects.ruling(kind=kind, state=state, rating=rating).reason)
    assert books.odr() == [(int(counts), 1)]


def test_details_of_one_kind_say_nothing_of_another(acme: Client, shop: str, books: Books) -> None:
    books.load(order())
    books.load(defect(kind="feedback", state="removed"), defect(kind="a_to_z_claim", state="filed", reference="x"), at=TEN)

    (found,) = listed(acme, shop, "order_defect_rate")

    assert {row["kind"]: row["counts"] for row in found["defects"]} == {"feedback": False, "a_to_z_claim": True}
    assert found["counted"] is True


def test_one_detailed_statement_that_counts_is_enough(books: Books) -> None:
    books.load(order())

    books.load(defect(state="denied"), defect(state="granted", reference="2"), defect(state="filed", reference="3"), at=TEN)

    assert books.odr() == [(1, 1)]


def test_the_hearsay_of_before_counts_as_it_was_known(acme: Client, shop: str, books: Books) -> None:
    books.load(order(), at=NINE)
    books.load(defect(state="filed", reference="return"), at=TEN)
    books.load(defect(state="denied"), at=ELEVEN)

    seen = [
        [(row["counted"], len(row["defects"])) for row in listed(acme, shop, "order_defect_rate", known_at=at.isoformat())]
        for at in (NINE, TEN, ELEVEN)
    ]

    assert seen == [[(False, 0)], [(True, 1)], [(False, 2)]]
    assert [books.odr(known_at=at) for at in (NINE, TEN, ELEVEN)] == [[(0, 1)], [(1, 1)], [(0, 1)]]
