"""Every account at a glance: what is counted, what comes first, and whose it is."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import SellerAccount
from accounts.tenancy import context
from metrics.models import Breach
from tests.client import Client
from tests.clock import NOW
from tests.metrics.books import A_MOMENT, Books, defect, message, orders, shipment

ORDERED = NOW.date() - timedelta(days=40)
NOTHING = {"breached": 0, "at_risk": 0, "healthy": 0, "no_data": 0}


def books(client: Client, name: str, *, of_a_hundred: int | None, home: str = "US", at: datetime = NOW) -> Books:
    """An account with so many defects in a hundred merchant's orders; None for one of which nothing is known."""
    of = Books.of(client, client.take_on(name=name, partner=f"A{name.upper().replace(' ', '')}", home=home))
    if of_a_hundred is not None:
        of.load(*orders(400, on=ORDERED, marketplace=home), at=at)
        of.load(*[defect(n + 1) for n in range(of_a_hundred * 4)], defect(999), at=at + A_MOMENT)
    return of


def portfolio(client: Client, **asked: Any) -> dict[str, Any]:
    return dict(client.read("/v1/portfolio", **asked))


def odr(answer: dict[str, Any]) -> dict[str, int]:
    (counts,) = [each for each in answer["metrics"] if each["metric"] == "order_defect_rate"]
    return {status: counts[status] for status in NOTHING}


@pytest.fixture
def four(acme: Client) -> Client:
    """One account beyond its limit, one farther, one spotless, and one of which nothing is known."""
    for name, defects in (("Two", 2), ("Three", 3), ("None", 0)):
        books(acme, name, of_a_hundred=defects)
    books(acme, "Empty", of_a_hundred=None)
    return acme


def test_an_agency_without_accounts_has_an_empty_one(acme: Client) -> None:
    assert portfolio(acme) == {
        "as_of": NOW.date().isoformat(),
        "accounts": NOTHING | {"total": 0, "stale": 0},
        "metrics": [],
        "open_breaches": {"breach": 0, "warning": 0, "unacknowledged": 0},
        "worst": [],
        "stale_accounts": [],
    }


def test_accounts_are_counted_by_their_status(four: Client) -> None:
    assert portfolio(four)["accounts"] == {"total": 4, "breached": 2, "at_risk": 0, "healthy": 1, "no_data": 1, "stale": 0}


def test_accounts_are_counted_by_their_worst_series_of_each_metric(four: Client) -> None:
    answer = portfolio(four)

    assert odr(answer) == {"breached": 2, "at_risk": 0, "healthy": 1, "no_data": 0}
    names = {each["metric"]: each["name"] for each in answer["metrics"]}
    assert list(names)[:2] == ["order_defect_rate", "negative_feedback_rate"]
    assert names["on_time_delivery_rate"] == "On-Time Delivery Rate"
    assert "listing_policy_violations" not in names


def test_an_account_with_a_good_and_a_bad_store_is_counted_once_and_as_bad(acme: Client) -> None:
    both = books(acme, "Both", of_a_hundred=2)
    both.load(*orders(100, first=601, on=ORDERED, marketplace="CA"), at=NOW + 2 * A_MOMENT)

    assert odr(portfolio(acme)) == NOTHING | {"breached": 1}


def test_the_worst_come_first_and_say_why(four: Client) -> None:
    worst = portfolio(four)["worst"]

    assert [(each["name"], each["distance"], each["status"]) for each in worst] == [
        ("Three", -2.0, "breached"),
        ("Two", -1.0, "breached"),
        ("None", 1.0, "healthy"),
    ]
    assert worst[0]["worst_series"] == four.read(f"/v1/accounts/{worst[0]['account']}")["worst_series"]
    assert (worst[0]["worst_series"]["numerator"], worst[0]["worst_series"]["denominator"]) == (12, 400)
    assert (worst[0]["open_breaches"], worst[0]["open_warnings"], worst[0]["stale"]) == (1, 0, False)


@pytest.mark.parametrize(("limit", "names"), [(1, ["Three"]), (2, ["Three", "Two"]), (100, ["Three", "Two", "None"])])
def test_so_many_of_the_worst_are_told_as_are_asked_for(four: Client, limit: int, names: list[str]) -> None:
    assert [each["name"] for each in portfolio(four, limit=limit)["worst"]] == names


def test_what_is_open_is_counted_by_level_and_by_who_has_seen_it(four: Client) -> None:
    with context.agency(four.agency.pk):
        two, three = Breach.objects.order_by("opened_at")
        Breach.objects.filter(pk=two.pk).update(level=Breach.Level.WARNING)
        Breach.objects.filter(pk=three.pk).update(acknowledged_at=NOW)

    assert portfolio(four)["open_breaches"] == {"breach": 1, "warning": 1, "unacknowledged": 1}


def test_what_is_over_is_not_open(four: Client) -> None:
    with context.agency(four.agency.pk):
        Breach.objects.update(status=Breach.State.RESOLVED, resolved_at=NOW)

    assert portfolio(four)["open_breaches"] == {"breach": 0, "warning": 0, "unacknowledged": 0}


def test_the_accounts_that_are_silent_for_longest_are_told_first(four: Client) -> None:
    long_ago, longer_ago = NOW - timedelta(days=10), NOW - timedelta(days=20)
    books(four, "Silent", of_a_hundred=0, at=long_ago)
    books(four, "Quiet", of_a_hundred=0, at=longer_ago)

    answer = portfolio(four)

    assert answer["accounts"]["stale"] == 2
    assert [each["name"] for each in answer["stale_accounts"]] == ["Quiet", "Silent"]
    assert answer["stale_accounts"][1]["stale_from"] == (long_ago + timedelta(hours=72)).isoformat().replace("+00:00", "Z")
    assert [each["stale"] for each in answer["worst"] if each["name"] in {"Quiet", "Three"}] == [False, True]


def test_an_account_that_was_handed_back_is_in_no_number(four: Client) -> None:
    (worst, *_) = portfolio(four)["worst"]
    four.delete(f"/v1/accounts/{worst['account']}")

    answer = portfolio(four)

    assert (answer["accounts"]["total"], answer["accounts"]["breached"], odr(answer)["breached"]) == (3, 1, 1)
    assert answer["open_breaches"]["breach"] == 1
    assert worst["account"] not in str(answer)


def test_of_one_store_only_what_sells_there_and_is_there_counts(four: Client) -> None:
    both = books(four, "German", of_a_hundred=2, home="DE")
    both.load(*orders(100, first=601, on=ORDERED, marketplace="US"), at=NOW + 2 * A_MOMENT)

    german, american, japanese = (portfolio(four, marketplace=code) for code in ("DE", "US", "JP"))

    assert [answer["accounts"]["total"] for answer in (german, american, japanese)] == [1, 5, 0]
    assert odr(german) == NOTHING | {"breached": 1}
    assert odr(american) == {"breached": 2, "at_risk": 0, "healthy": 2, "no_data": 0}
    assert [answer["open_breaches"]["breach"] for answer in (german, american, japanese)] == [1, 2, 0]
    assert [each["name"] for each in german["worst"]] == ["German"]
    assert (japanese["metrics"], japanese["worst"]) == ([], [])


def test_a_metric_is_called_by_the_name_of_the_store_that_is_asked_for(acme: Client) -> None:
    books(acme, "Shipping", of_a_hundred=0).load(shipment(1, on=ORDERED), message(1, on=NOW.date()), at=NOW + 2 * A_MOMENT)

    def name(**asked: str) -> str:
        (found,) = [each for each in portfolio(acme, **asked)["metrics"] if each["metric"] == "on_time_delivery_rate"]
        return str(found["name"])

    assert (name(), name(marketplace="US")) == (
        "On-Time Delivery Rate",
        "On-Time Delivery Rate without promise extension",
    )


def test_names_are_told_in_the_language_that_is_asked_for(four: Client) -> None:
    answer = four.get("/v1/portfolio", headers={"Accept-Language": "zh-CN"}).json()
    account = four.get("/v1/accounts", {"ordering": "distance"}, headers={"Accept-Language": "zh-CN"}).json()["data"][0]

    assert answer["metrics"][0]["name"] == "订单缺陷率"
    assert answer["worst"][0]["worst_series"]["name"] == account["worst_series"]["name"] == "订单缺陷率"


@pytest.mark.parametrize("asked", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"marketplace": "UK"}, {"limit": "\0"}])
def test_a_wrong_question_is_pointed_at(acme: Client, asked: dict[str, str]) -> None:
    response = acme.get("/v1/portfolio", asked)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [f"/{name}" for name in asked]


def test_a_rival_s_accounts_are_in_no_number(four: Client, rival: Client) -> None:
    empty = portfolio(rival)
    books(rival, "Theirs", of_a_hundred=5)

    assert (empty["accounts"]["total"], empty["worst"], empty["open_breaches"]["breach"]) == (0, [], 0)
    assert portfolio(rival)["accounts"]["total"] == 1
    assert portfolio(four)["accounts"]["total"] == 4


def test_without_a_key_there_is_no_answer(four: Client) -> None:
    four.credentials()

    assert four.get("/v1/portfolio").status_code == 401


def test_one_statement_answers_it(four: Client) -> None:
    def statements(path: str) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            four.read(path)
        return [each["sql"] for each in captured]

    of_the_key_alone = statements("/v1/event-types")

    asked = statements("/v1/portfolio")

    assert len(asked) == len(of_the_key_alone) + 1
    with context.agency(four.agency.pk):
        assert SellerAccount.objects.count() == 4
