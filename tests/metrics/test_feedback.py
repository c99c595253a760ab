"""Feedback that is gone: a report that names all of some days says by silence what was removed."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from metrics.models import Defect, FeedbackCoverage, PastDefect
from metrics.pipeline import feedback_removal
from tests.client import Client
from tests.metrics.books import A_MOMENT, DAY, ELEVEN, NINE, TEN, TODAY, TWELVE, Books, defect, order, orders, posted

NEXT_DAY = DAY + timedelta(days=1)
WEEK = ("US", DAY, DAY + timedelta(days=6))


def states(books: Books) -> dict[int, tuple[str, bool]]:
    """The state of each order's feedback, and whether it counts."""
    return {
        int(order_id[-7:]): (state, counts)
        for order_id, state, counts in Defect.objects.filter(kind="feedback").values_list("order_id", "state", "counts")
    }


POSTED, REMOVED = ("posted", True), ("removed", False)


def covered(books: Books, *numbers: int, at: datetime, covers: tuple[str, date, date] = ("US", DAY, TODAY), **more: Any) -> None:
    """A report of all feedback that names that of these orders."""
    books.load(*[posted(number) for number in numbers], at=at, covers=covers, **more)


def test_feedback_that_a_later_report_does_not_name_was_removed(books: Books) -> None:
    books.load(*orders(3))
    covered(books, 1, 2, at=NINE)

    covered(books, 2, at=TEN)

    assert states(books) == {1: REMOVED, 2: POSTED}
    assert books.odr(known_at=TEN - A_MOMENT) == [(2, 3)]
    assert books.odr(known_at=TEN) == [(1, 3)]


def test_what_was_removed_keeps_what_it_was_and_since_when(books: Books) -> None:
    books.load(*orders(2))
    covered(books, 1, 2, at=NINE)

    covered(books, 2, at=TEN)

    row = Defect.objects.get(state="removed")
    past = PastDefect.objects.get()
    assert (row.recorded_at, row.received_at, row.line) == (TEN, TEN, 0)
    assert row.report_id == FeedbackCoverage.objects.get(recorded_at=TEN).report_id
    assert (past.state, past.counts, past.recorded_at, past.superseded_at) == ("posted", True, NINE + A_MOMENT, TEN)


def test_the_order_behind_it_says_why_it_counts_no_more(acme: Client, shop: str, books: Books) -> None:
    books.load(*orders(2))
    covered(books, 1, 2, at=NINE)
    covered(books, 2, at=TEN)

    rows = acme.read(f"/v1/accounts/{shop}/metrics/order_defect_rate/orders", as_of=TODAY.isoformat())["data"]

    told = {row["order_id"][-1]: (row["counted"], row["defects"][0]["reason"]) for row in rows}
    assert told == {
        "1": (False, "Removed or struck-through feedback does not count."),
        "2": (True, "Feedback of 1 or 2 stars is negative."),
    }


@pytest.mark.parametrize(("rating", "state"), [(1, "removed"), (2, "removed"), (3, "removed"), (4, "posted"), (5, "posted")])
def test_reports_never_name_good_feedback_so_it_stays(books: Books, rating: int, state: str) -> None:
    books.load(*orders(2))
    books.load(posted(1, rating=rating), at=NINE)

    covered(books, 2, at=TEN)

    assert states(books)[1][0] == state


@pytest.mark.parametrize(
    ("fact", "state"),
    [
        (defect(1), "granted"),
        (defect(1, kind="feedback", state="listed"), "listed"),
        (posted(1, reference="F2"), "posted"),
    ],
)
def test_nothing_else_is_removed(books: Books, fact: Any, state: str) -> None:
    books.load(*orders(2))
    books.load(fact, at=NINE)

    covered(books, 2, at=TEN)

    assert Defect.objects.get(order_id=fact.order_id).state == state


@pytest.mark.parametrize(
    ("on", "state"),
    [
        (DAY - timedelta(days=1), POSTED),
        (DAY, REMOVED),
        (DAY + timedelta(days=6), REMOVED),
        (DAY + timedelta(days=7), POSTED),
    ],
)
def test_only_feedback_of_its_days_is_missed(books: Books, on: date, state: tuple[str, bool]) -> None:
    books.load(*orders(2))
    books.load(posted(1, on=on), received_at=datetime(2026, 10, 5, tzinfo=UTC), at=NINE)

    covered(books, 2, at=TEN, covers=WEEK)

    assert states(books)[1] == state


@pytest.mark.parametrize(("marketplace", "state"), [("US", REMOVED), ("CA", POSTED), ("non_amazon", POSTED)])
def test_the_store_of_the_order_decides(books: Books, marketplace: str, state: tuple[str, bool]) -> None:
    books.load(order(1, marketplace=marketplace), order(2))
    books.load(posted(1), at=NINE)

    covered(books, 2, at=TEN)

    assert states(books)[1] == state


def test_a_report_of_days_long_gone_speaks_of_the_moment_it_was_received(books: Books) -> None:
    books.load(*orders(2))
    books.load(posted(1), at=NINE)

    covered(books, 2, at=TEN, covers=WEEK)

    assert states(books)[1] == REMOVED


def test_of_two_reports_of_one_moment_the_one_with_the_later_id_is_right(books: Books) -> None:
    books.load(*orders(2))
    covered(books, 1, 2, at=NINE)

    covered(books, 2, at=TEN, received_at=NINE)

    assert states(books) == {1: REMOVED, 2: POSTED}


def test_a_later_listing_brings_it_back(books: Books) -> None:
    books.load(*orders(2))
    covered(books, 1, 2, at=NINE)
    covered(books, 2, at=TEN)

    covered(books, 1, 2, at=ELEVEN)

    assert states(books) == {1: POSTED, 2: POSTED}
    assert [books.odr(known_at=at) for at in (TEN - A_MOMENT, TEN, ELEVEN)] == [[(2, 2)], [(1, 2)], [(2, 2)]]


def test_an_earlier_report_that_arrives_later_changes_nothing(books: Books) -> None:
    books.load(*orders(2))
    covered(books, 1, 2, at=TEN)

    covered(books, 2, at=ELEVEN, received_at=NINE)

    assert states(books) == {1: POSTED, 2: POSTED}
    assert not PastDefect.objects.exists()


REPORTS = {NINE: (1, 2, 3), TEN: (2, 3), ELEVEN: (1, 3)}
"""What each report of all feedback names, by the moment of its receipt."""


@pytest.mark.parametrize("arrived", [*permutations(REPORTS)])
def test_whatever_arrives_first_the_latest_word_is_right(books: Books, arrived: tuple[datetime, ...]) -> None:
    books.load(*orders(3))

    for hour, received_at in enumerate(arrived):
        covered(books, *REPORTS[received_at], at=TWELVE + timedelta(hours=hour), received_at=received_at)

    assert states(books) == {1: POSTED, 2: REMOVED, 3: POSTED}
    assert books.odr(known_at=TWELVE + timedelta(days=1)) == [(2, 3)]


@pytest.mark.parametrize("orders_after", [0, 1, 2, 3])
def test_whenever_the_orders_arrive_the_same_feedback_is_gone(books: Books, orders_after: int) -> None:
    steps: list[Any] = [lambda at: covered(books, 1, 2, at=at), lambda at: covered(books, 2, at=at)]
    steps.insert(min(orders_after, 2), lambda at: books.load(*orders(2), at=at))

    for step, at in zip(steps, (NINE, TEN, ELEVEN), strict=True):
        step(at)

    assert states(books) == {1: REMOVED, 2: POSTED}
    assert books.odr() == [(1, 2)]


def test_without_its_order_feedback_waits(books: Books) -> None:
    books.load(order(2))
    covered(books, 1, 2, at=NINE)

    covered(books, 2, at=TEN)

    assert states(books) == {1: POSTED, 2: POSTED}


def test_a_report_without_a_line_says_nothing(books: Books) -> None:
    books.load(*orders(2))
    covered(books, 1, at=NINE)

    books.load(at=TEN, nothing_of=type(posted()), covers=("US", DAY, TODAY))

    assert states(books) == {1: POSTED}
    assert FeedbackCoverage.objects.count() == 1


@pytest.mark.parametrize("on", [DAY - timedelta(days=1), DAY + timedelta(days=7)])
def test_a_report_that_names_feedback_of_other_days_covers_nothing(books: Books, on: date) -> None:
    books.load(*orders(3))
    books.load(posted(1), at=NINE, received_at=datetime(2026, 10, 5, tzinfo=UTC))

    books.load(posted(2), posted(3, on=on), at=TEN, covers=WEEK)

    assert states(books)[1] == POSTED
    assert not FeedbackCoverage.objects.exists()


def test_coverage_is_kept_as_it_was_said(books: Books) -> None:
    books.load(order(2))

    covered(books, 2, at=TEN, received_at=NINE, covers=WEEK)

    row = FeedbackCoverage.objects.get()
    assert (row.marketplace, row.first_on, row.last_on, row.recorded_at) == (*WEEK, TEN)
    assert row.received_at == NINE


def test_a_sweep_answers_the_days_whose_counts_change(books: Books) -> None:
    books.load(order(1), order(2), order(3, on=NEXT_DAY))
    books.record(posted(1), posted(3), at=NINE)
    books.record(posted(2), at=TEN, covers=("US", DAY, TODAY))

    swept = feedback_removal.sweep(account=books.account, recorded_at=TEN)
    again = feedback_removal.sweep(account=books.account, recorded_at=ELEVEN)

    assert (sorted(swept), again) == ([DAY, NEXT_DAY], [])


def test_an_announced_removal_stays_one(books: Books) -> None:
    books.load(*orders(2))
    covered(books, 1, 2, at=NINE)
    books.load(defect(1, kind="feedback", state="removed"), at=TEN)

    covered(books, 2, at=ELEVEN)

    assert states(books)[1] == REMOVED
    assert PastDefect.objects.count() == 1


def test_the_feedback_of_another_account_is_not_ours_to_remove(acme: Client, books: Books) -> None:
    other = Books.of(acme, acme.take_on(partner="A2OTHER"))
    other.load(*orders(2))
    other.load(posted(1), at=TEN)
    books.load(*orders(2))

    covered(books, 2, at=ELEVEN)

    assert Defect.objects.get(account_id=other.account_id).state == "posted"
