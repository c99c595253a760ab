"""Test the portfolio: counts, order, and access."""

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
from tests.metrics.fact_recorder import A_MOMENT, FactRecorder, defect, message, orders, shipment

ORDERED = NOW.date() - timedelta(days=40)
NOTHING = {"breached": 0, "at_risk": 0, "undecided": 0, "healthy": 0, "no_data": 0}


def recorder(
    client: Client, name: str, *, of_a_hundred: int | None, home: str = "US", at: datetime = NOW
) -> FactRecorder:
    """Create an account with this many defects in a hundred merchant orders; None for one without data."""
    of = FactRecorder.for_account(
        client, client.take_on(name=name, partner=f"A{name.upper().replace(' ', '')}", home=home)
    )
    if of_a_hundred is not None:
        of.load(*orders(400, on=ORDERED, marketplace=home), at=at)
        of.load(*[defect(n + 1) for n in range(of_a_hundred * 4)], defect(999), at=at + A_MOMENT)
    return of


def portfolio(client: Client, **params: Any) -> dict[str, Any]:
    return dict(client.read("/v1/portfolio", **params))


def odr(answer: dict[str, Any]) -> dict[str, int]:
    (counts,) = [each for each in answer["metrics"] if each["metric"] == "order_defect_rate"]
    return {status: counts[status] for status in NOTHING}


@pytest.fixture
def four(acme: Client) -> Client:
    """Create one account over its limit, one farther over, one without defects, and one without data."""
    for name, defects in (("Two", 2), ("Three", 3), ("None", 0)):
        recorder(acme, name, of_a_hundred=defects)
    recorder(acme, "Empty", of_a_hundred=None)
    return acme


def test_portfolio_without_accounts_is_empty(acme: Client) -> None:
    assert portfolio(acme) == {
        "as_of": NOW.date().isoformat(),
        "retained_from": None,
        "accounts": NOTHING | {"total": 0, "stale": 0},
        "metrics": [],
        "open_breaches": {"breach": 0, "warning": 0, "unacknowledged": 0},
        "worst": [],
        "stale_accounts": [],
    }


def test_portfolio_counts_accounts_by_status(four: Client) -> None:
    assert portfolio(four)["accounts"] == {
        "total": 4,
        "breached": 2,
        "at_risk": 0,
        "undecided": 0,
        "healthy": 1,
        "no_data": 1,
        "stale": 0,
    }


def test_portfolio_counts_accounts_by_the_worst_series_of_each_metric(four: Client) -> None:
    answer = portfolio(four)

    assert odr(answer) == NOTHING | {"breached": 2, "healthy": 1, "no_data": 1}
    names = {each["metric"]: each["name"] for each in answer["metrics"]}
    assert list(names)[:2] == ["order_defect_rate", "negative_feedback_rate"]
    assert names["on_time_delivery_rate"] == "On-Time Delivery Rate"
    assert "listing_policy_violations" not in names


def test_portfolio_counts_an_account_with_a_good_and_a_bad_marketplace_once(acme: Client) -> None:
    both = recorder(acme, "Both", of_a_hundred=2)
    both.load(*orders(100, first=601, on=ORDERED, marketplace="CA"), at=NOW + 2 * A_MOMENT)

    assert odr(portfolio(acme)) == NOTHING | {"breached": 1}


def test_portfolio_lists_the_worst_accounts_first(four: Client) -> None:
    worst = portfolio(four)["worst"]

    assert [(each["name"], each["distance"], each["status"]) for each in worst] == [
        ("Three", -2.0, "breached"),
        ("Two", -1.0, "breached"),
        ("None", 1.0, "healthy"),
    ]
    assert worst[0]["worst_series"] == four.read(f"/v1/accounts/{worst[0]['account']}")["worst_series"]
    assert (worst[0]["worst_series"]["numerator"], worst[0]["worst_series"]["denominator"]) == (12, 400)
    assert (worst[0]["open_breaches"], worst[0]["open_warnings"], worst[0]["stale"]) == (1, 0, False)


@pytest.mark.parametrize(
    ("limit", "names"), [(1, ["Three"]), (2, ["Three", "Two"]), (100, ["Three", "Two", "None"])]
)
def test_portfolio_lists_as_many_worst_accounts_as_requested(
    four: Client, limit: int, names: list[str]
) -> None:
    assert [each["name"] for each in portfolio(four, limit=limit)["worst"]] == names


def test_portfolio_counts_open_breaches_by_level_and_acknowledgement(four: Client) -> None:
    with context.agency(four.agency.pk):
        two, three = Breach.objects.order_by("opened_at")
        Breach.objects.filter(pk=two.pk).update(level=Breach.Level.WARNING)
        Breach.objects.filter(pk=three.pk).update(acknowledged_at=NOW)

    assert portfolio(four)["open_breaches"] == {"breach": 1, "warning": 1, "unacknowledged": 1}


def test_portfolio_does_not_count_resolved_breaches(four: Client) -> None:
    with context.agency(four.agency.pk):
        Breach.objects.update(status=Breach.State.RESOLVED, resolved_at=NOW)

    assert portfolio(four)["open_breaches"] == {"breach": 0, "warning": 0, "unacknowledged": 0}


def test_portfolio_lists_the_longest_stale_accounts_first(four: Client) -> None:
    long_ago, longer_ago = NOW - timedelta(days=10), NOW - timedelta(days=20)
    recorder(four, "Silent", of_a_hundred=0, at=long_ago)
    recorder(four, "Quiet", of_a_hundred=0, at=longer_ago)

    answer = portfolio(four)

    assert answer["accounts"]["stale"] == 2
    assert [each["name"] for each in answer["stale_accounts"]] == ["Quiet", "Silent"]
    assert answer["stale_accounts"][1]["stale_from"] == (long_ago + timedelta(hours=72)).isoformat().replace(
        "+00:00", "Z"
    )
    assert [each["stale"] for each in answer["worst"] if each["name"] in {"Quiet", "Three"}] == [False, True]


def test_portfolio_leaves_out_deleted_accounts(four: Client) -> None:
    (worst, *_) = portfolio(four)["worst"]
    four.delete(f"/v1/accounts/{worst['account']}")

    answer = portfolio(four)

    assert (answer["accounts"]["total"], answer["accounts"]["breached"], odr(answer)["breached"]) == (3, 1, 1)
    assert answer["open_breaches"]["breach"] == 1
    assert worst["account"] not in str(answer)


def test_portfolio_of_one_marketplace_counts_only_what_is_in_it(four: Client) -> None:
    both = recorder(four, "German", of_a_hundred=2, home="DE")
    both.load(*orders(100, first=601, on=ORDERED, marketplace="US"), at=NOW + 2 * A_MOMENT)

    german, american, japanese = (portfolio(four, marketplace=code) for code in ("DE", "US", "JP"))

    assert [answer["accounts"]["total"] for answer in (german, american, japanese)] == [1, 5, 0]
    assert odr(german) == NOTHING | {"breached": 1}
    assert odr(american) == NOTHING | {"breached": 2, "healthy": 2, "no_data": 1}
    assert [answer["open_breaches"]["breach"] for answer in (german, american, japanese)] == [1, 2, 0]
    assert [each["name"] for each in german["worst"]] == ["German"]
    assert (japanese["metrics"], japanese["worst"]) == ([], [])


def test_portfolio_uses_the_metric_name_of_the_marketplace(acme: Client) -> None:
    recorder(acme, "Shipping", of_a_hundred=0).load(
        shipment(1, on=ORDERED), message(1, on=NOW.date()), at=NOW + 2 * A_MOMENT
    )

    def name(**params: str) -> str:
        (metric_counts,) = [
            each for each in portfolio(acme, **params)["metrics"] if each["metric"] == "on_time_delivery_rate"
        ]
        return str(metric_counts["name"])

    assert (name(), name(marketplace="US")) == (
        "On-Time Delivery Rate",
        "On-Time Delivery Rate without promise extension",
    )


def test_portfolio_uses_the_language_of_the_request(four: Client) -> None:
    body = four.get("/v1/portfolio", headers={"Accept-Language": "zh-CN"}).json()
    account = four.get("/v1/accounts", {"ordering": "distance"}, headers={"Accept-Language": "zh-CN"}).json()[
        "data"
    ][0]

    assert body["metrics"][0]["name"] == "订单缺陷率"
    assert body["worst"][0]["worst_series"]["name"] == account["worst_series"]["name"] == "订单缺陷率"


@pytest.mark.parametrize(
    "params", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"marketplace": "UK"}, {"limit": "\0"}]
)
def test_portfolio_with_a_wrong_parameter_is_refused(acme: Client, params: dict[str, str]) -> None:
    response = acme.get("/v1/portfolio", params)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [f"/{name}" for name in params]


def test_portfolio_leaves_out_accounts_of_other_agencies(four: Client, rival: Client) -> None:
    empty = portfolio(rival)
    recorder(rival, "Theirs", of_a_hundred=5)

    assert (empty["accounts"]["total"], empty["worst"], empty["open_breaches"]["breach"]) == (0, [], 0)
    assert portfolio(rival)["accounts"]["total"] == 1
    assert portfolio(four)["accounts"]["total"] == 4


def test_portfolio_without_a_key_is_refused(four: Client) -> None:
    four.credentials()

    assert four.get("/v1/portfolio").status_code == 401


def test_portfolio_takes_one_statement(four: Client) -> None:
    def statements(path: str) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            four.read(path)
        return [each["sql"] for each in captured]

    of_the_key_alone = statements("/v1/event-types")

    queries = statements("/v1/portfolio")

    assert len(queries) == len(of_the_key_alone) + 1
    with context.agency(four.agency.pk):
        assert SellerAccount.objects.count() == 4
