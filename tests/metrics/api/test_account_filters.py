"""Test filters of accounts by the status of a metric, open breaches and staleness."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import SellerAccount
from accounts.tenancy import context
from metrics.models import CurrentValue
from tests.client import Client
from tests.conftest import NOON

SERIES = {
    # account: (its status, metric, marketplace, status of the series) …
    "bad": ("breached", ("order_defect_rate", "DE", "breached"), ("valid_tracking_rate", "DE", "healthy")),
    "half": ("breached", ("order_defect_rate", "DE", "healthy"), ("order_defect_rate", "FR", "breached")),
    "near": ("at_risk", ("order_defect_rate", "DE", "at_risk"), ("order_defect_rate", "FR", "no_data")),
    "other": ("breached", ("order_defect_rate", "DE", "healthy"), ("valid_tracking_rate", "DE", "breached")),
    "empty": ("no_data", ("order_defect_rate", "DE", "no_data"), ("order_defect_rate", "FR", "no_data")),
    "new": ("no_data",),
}


@pytest.fixture
def shops(acme: Client) -> Client:
    """Create an account for every status of metrics."""
    for name, (status, *series) in SERIES.items():
        account_id = acme.take_on(name=name, partner=f"A{name.upper()}", home="DE")
        with context.agency(acme.agency.pk):
            account = SellerAccount.objects.get(name=name)
            assert account.public_id == account_id
            SellerAccount.objects.filter(pk=account.pk).update(status=status)
            CurrentValue.objects.bulk_create(value(account, *each) for each in series)
    return acme


def value(account: SellerAccount, metric: str, marketplace: str, status: str) -> CurrentValue:
    day = NOON.date()
    days = {"as_of": day, "window_from": day, "window_to": day}
    series = {"metric": metric, "marketplace": marketplace, "channel": "mfn", "status": status}
    return CurrentValue(
        agency_id=account.agency_id,
        account_id=account.pk,
        numerator=0,
        denominator=1,
        computed_at=NOON,
        **days,
        **series,
    )


def names(client: Client, **params: Any) -> set[str]:
    return {account["name"] for account in client.read("/v1/accounts", **params)["data"]}


@pytest.mark.parametrize(
    ("params", "names_expected"),
    [
        # a status alone is the account's own
        ({"status": "breached"}, {"bad", "half", "other"}),
        ({"status": "at_risk"}, {"near"}),
        ({"status": "healthy"}, set()),
        # with a metric it is that of the worst series of the metric
        ({"metric": "order_defect_rate", "status": "breached"}, {"bad", "half"}),
        ({"metric": "order_defect_rate", "status": "at_risk"}, {"near"}),
        ({"metric": "order_defect_rate", "status": "healthy"}, {"other"}),
        ({"metric": "order_defect_rate", "status": "no_data"}, {"empty", "new"}),
        ({"metric": "valid_tracking_rate", "status": "breached"}, {"other"}),
        ({"metric": "valid_tracking_rate", "status": "healthy"}, {"bad"}),
        ({"metric": "valid_tracking_rate", "status": "no_data"}, {"half", "near", "empty", "new"}),
        # a metric alone asks for data of it
        ({"metric": "order_defect_rate"}, {"bad", "half", "near", "other"}),
        ({"metric": "valid_tracking_rate"}, {"bad", "other"}),
        ({"metric": "return_rate"}, set()),
        # and narrows with the rest
        ({"metric": "order_defect_rate", "status": "breached", "search": "half"}, {"half"}),
        ({"metric": "order_defect_rate", "status": "breached", "marketplace": "FR"}, set()),
    ],
)
def test_accounts_are_filtered_by_the_status_of_a_metric(
    shops: Client, params: dict[str, str], names_expected: set[str]
) -> None:
    assert names(shops, **params) == names_expected


@pytest.mark.parametrize("metric", ["order_defect_rate", "valid_tracking_rate"])
def test_accounts_filtered_by_status_match_the_portfolio(shops: Client, metric: str) -> None:
    (counts,) = [each for each in shops.read("/v1/portfolio")["metrics"] if each["metric"] == metric]

    for status in ("breached", "at_risk", "undecided", "healthy", "no_data"):
        assert len(names(shops, metric=metric, status=status)) == counts[status]


@pytest.mark.parametrize(
    "params",
    [
        {"metric": "imagined"},
        {"metric": "\0"},
        {"stale": "perhaps"},
        {"stale": "True"},
        {"has_open_breach": "1"},
        {"metric": "order_defect_rate", "status": "fine"},
    ],
)
def test_account_filter_with_an_unknown_choice_is_refused(shops: Client, params: dict[str, str]) -> None:
    response = shops.get("/v1/accounts", params)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [f"/{list(params)[-1]}"]


def test_accounts_are_filtered_by_open_breaches(shops: Client) -> None:
    with context.agency(shops.agency.pk):
        SellerAccount.objects.filter(name="bad").update(open_breaches=2, open_warnings=1)
        SellerAccount.objects.filter(name="near").update(open_warnings=1)

    assert names(shops, has_open_breach="true") == {"bad"}
    assert names(shops, has_open_breach="false") == set(SERIES) - {"bad"}


def test_accounts_are_filtered_by_staleness(shops: Client) -> None:
    now = NOON + timedelta(days=36500)
    with context.agency(shops.agency.pk):
        SellerAccount.objects.filter(name="bad").update(stale_from=NOON - timedelta(days=36500))
        SellerAccount.objects.filter(name="near").update(stale_from=now)

    assert names(shops, stale="true") == {"bad"}
    assert names(shops, stale="false") == set(SERIES) - {"bad"}
    assert {account["name"] for account in shops.read("/v1/accounts")["data"] if account["stale"]} == {"bad"}


def test_accounts_of_another_agency_are_never_returned(shops: Client, rival: Client) -> None:
    foreign = rival.take_on(name="foreign")

    assert (
        names(rival, metric="order_defect_rate")
        == names(rival, metric="order_defect_rate", status="breached")
        == set()
    )
    assert [
        each["id"] for each in rival.read("/v1/accounts", stale="false", has_open_breach="false")["data"]
    ] == [foreign]
