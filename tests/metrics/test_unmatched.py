"""Defects whose order is not known: how many there are, and were."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from metrics.drilldown import unmatched
from tests.client import Client
from tests.metrics.books import A_MOMENT, DAY, ELEVEN, NINE, TEN, TODAY, TWELVE, Books, defect, order, orders


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
def test_a_defect_is_unmatched_until_its_order_comes(books: Books, known_at: datetime, count: int) -> None:
    books.load(defect(1), defect(2), defect(2, reference="C2"), at=NINE)
    books.load(order(1), at=TEN)
    books.load(defect(2, state="denied"), at=ELEVEN)
    books.load(order(2), at=TWELVE)

    assert unmatched.count(account=books.account, known_at=known_at) == count


def test_a_defect_whose_order_changed_is_matched_as_before(books: Books) -> None:
    books.load(defect(1), at=NINE)
    books.load(order(1), at=TEN)
    books.load(order(1, on=DAY + timedelta(days=30), last_updated_at=TWELVE), at=ELEVEN)

    assert [unmatched.count(account=books.account, known_at=at) for at in (NINE, TEN, ELEVEN)] == [1, 0, 0]


def test_a_defect_that_does_not_count_is_unmatched_too(books: Books) -> None:
    books.load(defect(1, state="denied"), defect(2, kind="feedback", state="posted", rating=5))

    assert unmatched.count(account=books.account, known_at=TWELVE) == 2


def test_the_order_of_another_account_matches_nothing(acme: Client, books: Books) -> None:
    other = acme.take_on(partner="A2OTHER")
    Books(acme.agency.pk, UUID(other.removeprefix("acct_"))).load(*orders(3))
    books.load(defect(1))

    assert unmatched.count(account=books.account, known_at=TWELVE) == 1


def test_it_is_answered_beside_the_numbers_and_counts_by_itself_once_matched(acme: Client, shop: str, books: Books) -> None:
    books.load(*orders(10), at=NINE)
    books.load(defect(11), at=TEN)
    books.load(order(11), at=ELEVEN)

    def seen(at: datetime) -> tuple[int, int, int]:
        answer = acme.read(
            f"/v1/accounts/{shop}/metrics", as_of=TODAY, known_at=at.isoformat(), metric="order_defect_rate", channel="mfn"
        )
        (value,) = answer["metrics"]
        return answer["unmatched_defects"], value["numerator"], value["denominator"]

    assert [seen(at) for at in (NINE, TEN, ELEVEN)] == [(0, 0, 10), (1, 0, 10), (0, 1, 11)]
