"""The status that Amazon's own reports give an account: the newest word, and an event when it changes."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.client import Client
from tests.metrics.books import ELEVEN, NINE, TEN, TWELVE, Books, order, snapshot
from webhooks.models import Event

CHANGED = "account.status_changed"


def told() -> list[dict[str, Any]]:
    return [event.data for event in Event.objects.filter(type=CHANGED).order_by("occurred_at")]


def word(status: str, at: str = "2026-11-22T09:00:00Z") -> dict[str, str]:
    return {"status": status, "reported_at": at}


def change(previous: str | None, current: str, *, at: str, marketplace: str = "US") -> dict[str, Any]:
    return {"marketplace": marketplace, "previous": previous, "current": current, "reported_at": at}


def test_the_first_word_is_no_news_where_it_is_the_usual_one(books: Books) -> None:
    books.load(snapshot(status="NORMAL"))

    assert books.account.amazon_statuses == {"US": word("NORMAL")}
    assert told() == []


@pytest.mark.parametrize("status", ["AT_RISK", "DEACTIVATED"])
def test_the_first_word_is_news_where_it_is_not(books: Books, status: str) -> None:
    books.load(snapshot(status=status))

    assert books.account.amazon_statuses == {"US": word(status)}
    assert told() == [change(None, status, at="2026-11-22T09:00:00Z")]


def test_each_change_is_told_once_with_what_was_before(books: Books) -> None:
    for hour, status in enumerate(["NORMAL", "AT_RISK", "AT_RISK", "DEACTIVATED", "NORMAL"]):
        at = NINE + timedelta(hours=hour)
        books.load(snapshot(status=status, at=at), at=at)

    assert told() == [
        change("NORMAL", "AT_RISK", at="2026-11-22T10:00:00Z"),
        change("AT_RISK", "DEACTIVATED", at="2026-11-22T12:00:00Z"),
        change("DEACTIVATED", "NORMAL", at="2026-11-22T13:00:00Z"),
    ]
    assert books.account.amazon_statuses == {"US": word("NORMAL", "2026-11-22T13:00:00Z")}


def test_an_event_happened_when_we_learned_of_it(books: Books) -> None:
    books.load(snapshot(status="AT_RISK", at=NINE), at=TWELVE)

    assert Event.objects.get().occurred_at == TWELVE


def test_an_older_report_that_comes_late_changes_nothing(books: Books) -> None:
    books.load(snapshot(status="NORMAL", at=TEN), at=TEN)

    books.load(snapshot(status="DEACTIVATED", at=NINE), at=ELEVEN)

    assert books.account.amazon_statuses == {"US": word("NORMAL", "2026-11-22T10:00:00Z")}
    assert told() == []


def test_of_one_moment_the_later_recorded_word_is_right(books: Books) -> None:
    books.load(snapshot(status="NORMAL", at=NINE), at=NINE)

    books.load(snapshot(status="AT_RISK", at=NINE), at=TEN)

    assert told() == [change("NORMAL", "AT_RISK", at="2026-11-22T09:00:00Z")]


def test_a_report_that_does_not_say_takes_nothing_back(books: Books) -> None:
    books.load(snapshot(status="AT_RISK", at=NINE), at=NINE)

    books.load(snapshot(status="", at=TEN), at=TEN)

    assert books.account.amazon_statuses == {"US": word("AT_RISK")}
    assert len(told()) == 1


def test_each_store_has_its_own_status(books: Books) -> None:
    books.load(snapshot(status="NORMAL"), snapshot(marketplace="CA", status="AT_RISK"))
    books.load(snapshot(status="AT_RISK", at=TEN), snapshot(marketplace="CA", status="AT_RISK", at=TEN), at=TEN)

    assert books.account.amazon_statuses == {
        "US": word("AT_RISK", "2026-11-22T10:00:00Z"),
        "CA": word("AT_RISK", "2026-11-22T10:00:00Z"),
    }
    assert told() == [
        change(None, "AT_RISK", at="2026-11-22T09:00:00Z", marketplace="CA"),
        change("NORMAL", "AT_RISK", at="2026-11-22T10:00:00Z"),
    ]


@pytest.mark.parametrize("later", [TEN, TEN + timedelta(days=3)])
def test_what_else_is_loaded_tells_nothing_again(books: Books, later: datetime) -> None:
    books.load(snapshot(status="AT_RISK"))

    books.load(order(), at=later)
    books.refresh(at=later + timedelta(hours=1))

    assert len(told()) == 1
    assert books.account.amazon_statuses == {"US": word("AT_RISK")}


def test_the_account_says_what_amazon_says_beside_its_own_status(acme: Client, shop: str, books: Books) -> None:
    before = acme.read(f"/v1/accounts/{shop}")

    books.load(snapshot(status="AT_RISK"))

    account = acme.read(f"/v1/accounts/{shop}")
    assert (account["status"], account["amazon_statuses"]) == ("no_data", {"US": word("AT_RISK")})
    assert before["amazon_statuses"] == {}
    assert acme.read("/v1/accounts")["data"][0]["amazon_statuses"] == account["amazon_statuses"]


def test_the_word_of_one_account_is_not_another_s(acme: Client, shop: str, books: Books) -> None:
    other = acme.take_on(partner="A2OTHER")

    books.load(snapshot(status="AT_RISK"))

    assert acme.read(f"/v1/accounts/{other}")["amazon_statuses"] == {}
