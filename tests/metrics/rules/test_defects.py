"""Test which defects count, with a table of all kinds and states."""

import pytest

from metrics.rules import defects

COUNT = {
    ("feedback", "posted", 1),
    ("feedback", "posted", 2),
    ("a_to_z_claim", "pending", None),
    ("a_to_z_claim", "granted", None),
    ("a_to_z_claim", "refunded_by_seller", None),
    ("a_to_z_claim", "order_cancelled", None),
    ("chargeback", "service", None),
}
DO_NOT = {
    ("feedback", "posted", 3),
    ("feedback", "posted", 4),
    ("feedback", "posted", 5),
    ("feedback", "removed", 1),
    ("feedback", "removed", None),
    ("a_to_z_claim", "denied", None),
    ("a_to_z_claim", "withdrawn", None),
    ("a_to_z_claim", "amazon_funded", None),
    ("a_to_z_claim", "appeal_won", None),
    ("chargeback", "fraud", None),
    ("chargeback", "reversed", None),
}


@pytest.mark.parametrize(("kind", "state", "rating"), sorted(COUNT | DO_NOT, key=str))
def test_ruling_by_kind_state_and_rating(kind: str, state: str, rating: int | None) -> None:
    ruling = defects.ruling(kind=kind, state=state, rating=rating)

    assert ruling.counts is ((kind, state, rating) in COUNT)
    assert ruling.reason.endswith(".")


def test_states_are_complete_for_every_kind() -> None:
    covered = {(kind, state) for kind, state, _ in COUNT | DO_NOT}

    assert {(kind, state) for kind, states in defects.STATES.items() for state in states} == covered


@pytest.mark.parametrize(
    ("kind", "state"), [("return", "posted"), ("feedback", "granted"), ("chargeback", "pending")]
)
def test_ruling_raises_for_an_unknown_kind_or_state(kind: str, state: str) -> None:
    with pytest.raises(KeyError):
        defects.ruling(kind=kind, state=state, rating=None)
