"""Which orders are in a denominator: the agency's choice, followed by an account as a whole, with its past."""

from datetime import datetime, timedelta

import pytest

from accounts.models import Agency
from metrics import refresh
from metrics.models import DenominatorRule
from metrics.pipeline import denominators
from metrics.rules.facts import OrderStatus
from tests import build
from tests.client import Client
from tests.metrics.books import DAY, ELEVEN, NINE, TEN, TODAY, TWELVE, Books, defect, order

NEXT_DAY = DAY + timedelta(days=1)
PENDING, CANCELLED = int(OrderStatus.PENDING), int(OrderStatus.CANCELLED)


@pytest.fixture
def sold(books: Books) -> Books:
    """An order of each status on one day, a pending one on the next; the pending one of the first day has a claim."""
    books.load(*[order(int(status), status=status) for status in OrderStatus], order(9, on=NEXT_DAY, status=PENDING))
    books.load(defect(PENDING), at=TEN)
    return books


def choose(books: Books, *, counts_all: bool, at: datetime) -> None:
    """The agency chooses; the account follows."""
    Agency.objects.update(counts_pending_and_cancelled=counts_all)
    refresh.refresh(account=books.locked(), touched=(), now=at)


def test_without_a_choice_pending_and_cancelled_are_left_out(sold: Books) -> None:
    assert denominators.left_out(account=sold.account, known_at=TWELVE) == [PENDING, CANCELLED]
    assert sold.odr() == [(1, 4)]


def test_a_choice_counts_every_day_again(sold: Books) -> None:
    choose(sold, counts_all=True, at=ELEVEN)

    assert denominators.left_out(account=sold.account, known_at=ELEVEN) == []
    assert sold.odr() == [(1, 6)]


def test_a_choice_taken_back_counts_as_before(sold: Books) -> None:
    choose(sold, counts_all=True, at=ELEVEN)
    choose(sold, counts_all=False, at=TWELVE)

    assert sold.odr() == [(1, 4)]
    assert DenominatorRule.objects.count() == 2


def test_an_answer_as_known_before_a_choice_is_the_answer_of_then(acme: Client, shop: str, sold: Books) -> None:
    choose(sold, counts_all=True, at=ELEVEN)
    path, asked = f"/v1/accounts/{shop}/metrics/order_defect_rate/orders", {"as_of": TODAY.isoformat()}

    before, after = (acme.read(path, known_at=at.isoformat(), **asked)["data"] for at in (TEN, ELEVEN))

    numbers = {each["order_id"] for each in after} - {each["order_id"] for each in before}
    assert numbers == {build.order_id(CANCELLED), build.order_id(9)}
    assert sold.odr(known_at=TEN) == [(1, len(before))] == [(1, 4)]
    assert sold.odr(known_at=ELEVEN) == [(1, len(after))] == [(1, 6)]


def test_following_names_every_order_day_once(sold: Books) -> None:
    Agency.objects.update(counts_pending_and_cancelled=True)
    account = sold.account

    first, again = (sorted(denominators.follow(account=account, now=at)) for at in (ELEVEN, TWELVE))

    assert (first, again) == ([DAY, NEXT_DAY], [])


def test_an_account_taken_on_later_follows_with_its_first_report(books: Books) -> None:
    Agency.objects.update(counts_pending_and_cancelled=True)

    books.load(order(1, status=PENDING), order(2, status=CANCELLED), at=NINE)

    assert books.odr() == [(0, 2)]
