"""What an account shows of its numbers follows every report, and the clock."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import AccountStatus
from metrics import refresh
from metrics.models import Breach
from metrics.pipeline import account_summary
from tests.client import Client
from tests.metrics.books import (
    A_MOMENT,
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    TWELVE,
    Books,
    counter,
    defect,
    message,
    order,
    orders,
    shipment,
)

ORDERS, RETURNS = timedelta(hours=72), timedelta(hours=168)


def look(books: Books, at: datetime) -> None:
    """Nothing arrives; the clock goes on."""
    refresh.refresh(account=books.locked(), touched=(), now=at)


def worst(books: Books) -> dict[str, Any]:
    shown = books.account.worst_series
    assert shown is not None
    return dict(shown)


def test_an_account_of_which_nothing_is_known_stands_nowhere(books: Books) -> None:
    look(books, NINE)

    account = books.account
    assert (account.status, account.distance, account.worst_series) == (AccountStatus.NO_DATA, None, None)
    assert (account.open_breaches, account.open_warnings, account.stale_from) == (0, 0, None)


def test_an_account_shows_its_worst_series_whole(books: Books) -> None:
    books.load(*orders(50), *orders(400, first=101, channel="afn"))
    books.load(defect(1), defect(101), at=TEN)

    assert (books.account.status, books.account.distance) == (AccountStatus.BREACHED, -1.0)
    assert worst(books) == {
        "metric": "order_defect_rate",
        "name": "Order Defect Rate",
        "marketplace": "US",
        "channel": "mfn",
        "numerator": 1,
        "denominator": 50,
        "rate": 0.02,
        "target": {"comparator": "lt", "value": 0.01, "source": "default"},
        "status": "breached",
        "enforced": True,
    }


def test_what_is_better_again_is_shown_so(books: Books) -> None:
    books.load(*orders(50))
    books.load(defect(1), at=TEN)
    books.load(defect(1, state="denied"), at=ELEVEN)

    assert (books.account.status, books.account.distance, worst(books)["numerator"]) == (AccountStatus.HEALTHY, 1.0, 0)


def test_a_metric_that_amazon_only_recommends_is_not_the_worst_beside_one_that_it_enforces(books: Books) -> None:
    books.load(*orders(200), *[message(n, is_answered_in_time=False) for n in (1, 2)])
    books.load(defect(1), defect(2), at=TEN)

    assert (worst(books)["metric"], worst(books)["enforced"], books.account.distance) == ("order_defect_rate", True, 0.0)


def test_a_metric_that_amazon_only_recommends_is_the_worst_where_nothing_else_is_as_bad(books: Books) -> None:
    books.load(*orders(200), message(1, is_answered_in_time=False, on=TODAY))

    assert (worst(books)["metric"], worst(books)["enforced"]) == ("message_response_rate_24h", False)
    assert books.account.status == worst(books)["status"] == "breached"


@pytest.mark.parametrize(("violations", "far"), [(0, 1.0), (1, -1.0), (4, -4.0)])
def test_a_counter_of_amazon_s_is_compared_with_rates(books: Books, violations: int, far: float) -> None:
    books.tell(counter(count=violations, comparator="eq", limit_numerator=0, limit_denominator=1))

    assert (worst(books)["metric"], books.account.distance) == ("listing_policy_violations", far)
    assert worst(books)["target"]["source"] == "amazon_report"


def test_breaches_and_warnings_are_counted_while_they_are_open(books: Books) -> None:
    books.load(*orders(50), *orders(50, first=101, channel="afn"))
    books.load(defect(1), defect(101), at=TEN)
    both = books.account.open_breaches

    books.load(defect(1, state="denied"), at=ELEVEN)

    assert (both, books.account.open_breaches) == (2, 1)
    Breach.objects.filter(status=Breach.State.OPEN).update(level=Breach.Level.WARNING)
    account_summary.note(account=books.account, values=books.values(since=TODAY, known_at=TWELVE), now=TWELVE)
    assert books.account.open_warnings == 1


def test_an_account_is_stale_from_the_moment_its_first_source_is(books: Books) -> None:
    books.load(order(1), at=NINE)
    books.load(shipment(1, on=DAY), at=TEN)
    first = books.account.stale_from
    books.load(order(2), at=ELEVEN)

    account = books.account
    assert (first, account.stale_from) == (NINE + ORDERS, TEN + ORDERS)
    assert not account.is_stale(at=TEN + ORDERS)
    assert account.is_stale(at=TEN + ORDERS + A_MOMENT)


def test_what_never_spoke_is_not_silent(books: Books) -> None:
    look(books, NINE)

    assert not books.account.is_stale(at=NINE + timedelta(days=9999))


def test_each_source_may_be_silent_for_its_own_time(books: Books, settings: LazySettings) -> None:
    books.load(order(1), at=NINE)
    settings.SOURCES_MAX_AGE_HOURS = settings.SOURCES_MAX_AGE_HOURS | {"orders": 1}

    assert account_summary.stale_from(account=books.account, at=TEN) == NINE + timedelta(hours=1)


def test_what_was_recorded_later_does_not_make_a_past_moment_fresh(books: Books) -> None:
    books.load(order(1), at=NINE)
    books.load(order(2), at=ELEVEN)

    assert account_summary.stale_from(account=books.account, at=TEN) == NINE + ORDERS
    assert account_summary.stale_from(account=books.account, at=NINE - A_MOMENT) is None


def test_the_api_tells_how_an_account_stands(acme: Client, shop: str) -> None:
    books = Books.of(acme, shop)
    moment = datetime.now(tz=NINE.tzinfo)
    books.load(*orders(50, on=moment.date() - timedelta(days=40)), at=moment)
    books.load(defect(1), at=moment + A_MOMENT)

    account = acme.read(f"/v1/accounts/{shop}")

    assert (account["status"], account["distance"], account["stale"]) == ("breached", -1.0, False)
    assert (account["open_breaches"], account["open_warnings"]) == (1, 0)
    assert (account["worst_series"]["metric"], account["worst_series"]["rate"]) == ("order_defect_rate", 0.02)
    assert acme.read("/v1/accounts")["data"] == [account]
