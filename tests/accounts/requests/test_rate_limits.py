"""Test rate limits per principal and agency, and failed authentications per client address."""

import dataclasses
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from limits import parse
from pytest_django.fixtures import Settings

from accounts.models import Agency, Role
from accounts.requests import rate_limit_store, rate_limits
from accounts.requests.rate_limits import Quota
from accounts.tenancy.principals import Principal
from api import identifiers

pytestmark = pytest.mark.usefixtures("servers")


@pytest.fixture(autouse=True)
def present() -> Iterator[None]:
    """Reset the state of the store, which other tests make unavailable."""
    rate_limit_store.Outage.until = 0.0
    yield
    rate_limit_store.Outage.until = 0.0


def principal() -> Principal:
    return Principal(
        agency=Agency(name="Acme"),
        id=identifiers.uuid7(),
        public_id=identifiers.public("key", identifiers.uuid7()),
        kind="key",
        name="a key",
        role=Role.ADMIN,
        read_only=False,
        accounts=None,
        expires_at=None,
    )


def other_principal(one: Principal) -> Principal:
    """Return another principal of the same agency."""
    return dataclasses.replace(principal(), agency=one.agency)


@pytest.fixture
def strict(settings: Settings) -> Settings:
    settings.RATE_LIMIT_BEARER, settings.RATE_LIMIT_AGENCY = parse("3/minute"), parse("5/minute")
    settings.RATE_LIMIT_FAILURES = parse("4/minute")
    return settings


def test_principal_and_agency_have_separate_quotas(strict: Settings) -> None:
    one = principal()
    other = other_principal(one)

    of_one = [rate_limits.consume(principal=one) for _ in range(5)]
    of_other = [rate_limits.consume(principal=other) for _ in range(3)]

    assert [spent.wait is None for spent in of_one] == [True, True, True, False, False]
    assert [spent.wait is None for spent in of_other] == [True, True, False]
    assert [quota.remaining for quota in of_one[0].quotas] == [2, 4]
    assert [quota.remaining for quota in of_other[-1].quotas] == [1, 0]


def test_quota_of_other_agency_is_independent(strict: Settings) -> None:
    limited = principal()
    for _ in range(5):
        rate_limits.consume(principal=limited)

    assert rate_limits.consume(principal=principal()).wait is None


def test_exhausted_quota_returns_wait(settings: Settings) -> None:
    settings.RATE_LIMIT_BEARER, settings.RATE_LIMIT_AGENCY = parse("4/second"), None
    one = principal()
    while (refused := rate_limits.consume(principal=one)).wait is None:
        pass

    time.sleep(refused.wait + 0.01)

    assert 0 < refused.wait < 2
    assert rate_limits.consume(principal=one).wait is None


def test_expensive_request_takes_its_cost_from_both_quotas(settings: Settings) -> None:
    settings.RATE_LIMIT_BEARER, settings.RATE_LIMIT_AGENCY = parse("20/minute"), parse("25/minute")
    one = principal()
    other = other_principal(one)

    first = rate_limits.consume(principal=one, cost=13)
    refused = rate_limits.consume(principal=one, cost=8)
    of_other = rate_limits.consume(principal=other, cost=13)
    cheap = rate_limits.consume(principal=one, cost=7)

    assert [quota.remaining for quota in first.quotas] == [7, 12]
    # Refused by the principal's quota, so it is taken from the agency's neither.
    assert [quota.remaining for quota in refused.quotas] == [7, 12]
    assert (refused.wait is None, of_other.wait is None) == (False, False)
    assert [quota.remaining for quota in of_other.quotas] == [20, 12]
    assert (cheap.wait, [quota.remaining for quota in cheap.quotas]) == (None, [0, 5])


def test_request_that_costs_more_than_the_quota_takes_all_of_it(settings: Settings) -> None:
    settings.RATE_LIMIT_BEARER, settings.RATE_LIMIT_AGENCY = parse("3/minute"), None
    one = principal()

    spent = rate_limits.consume(principal=one, cost=13)
    refused = rate_limits.consume(principal=one, cost=13)

    assert (spent.wait, spent.quotas[0].remaining) == (None, 0)
    assert refused.wait is not None


def test_expensive_request_is_allowed_after_its_wait(settings: Settings) -> None:
    settings.RATE_LIMIT_BEARER, settings.RATE_LIMIT_AGENCY = parse("20/second"), None
    one = principal()
    rate_limits.consume(principal=one, cost=18)
    refused = rate_limits.consume(principal=one, cost=10)

    assert refused.wait is not None
    time.sleep(refused.wait + 0.01)

    # A cheap one was possible all the time.
    assert 0.4 < refused.wait < 2
    assert rate_limits.consume(principal=one, cost=10).wait is None


def test_window_slides_without_burst_at_its_edge(settings: Settings) -> None:
    settings.RATE_LIMIT_BEARER, settings.RATE_LIMIT_AGENCY = parse("20/second"), None
    one, let_through, asked_at, end = principal(), [], [time.monotonic()], time.monotonic() + 3.2
    while asked_at[-1] < end:
        if rate_limits.consume(principal=one).wait is None:
            let_through.append(time.monotonic())
        time.sleep(0.002)
        asked_at.append(time.monotonic())

    busiest = max(sum(moment <= each < moment + 1 for each in let_through) for moment in let_through)
    # A machine that stops this process for a while lets it ask for less than the whole time.
    asking = sum(min(later - earlier, 0.1) for earlier, later in pairwise(asked_at))

    assert busiest <= 30  # a fixed window lets 40 through around its edge
    assert 20 * asking - 4 <= len(let_through) <= 84


def test_rate_limit_headers_follow_the_draft() -> None:
    quotas = (
        Quota(name="bearer", limit=6000, window=60, remaining=5999, resets_in=60),
        Quota(name="agency", limit=30000, window=60, remaining=29990, resets_in=41),
    )

    assert rate_limits.Usage(quotas=quotas).headers == {
        "RateLimit-Policy": '"bearer";q=6000;w=60, "agency";q=30000;w=60',
        "RateLimit": '"bearer";r=5999;t=60, "agency";r=29990;t=41',
    }
    assert rate_limits.Usage().headers == {}


@pytest.mark.parametrize("missing", ["no limits", "no store"])
def test_requests_without_limits_or_store_are_not_limited(strict: Settings, missing: str) -> None:
    if missing == "no limits":
        strict.RATE_LIMIT_BEARER = strict.RATE_LIMIT_AGENCY = strict.RATE_LIMIT_FAILURES = None
    else:
        strict.CACHE_URL = "redis://127.0.0.1:1/0"
    one, address = principal(), identifiers.uuid7().hex

    spent = [rate_limits.consume(principal=one) for _ in range(10)]
    for _ in range(10):
        rate_limits.record_failure(address=address)

    assert {each.wait for each in spent} == {None}
    assert spent[0].headers == {}
    assert not rate_limits.has_too_many_failures(address=address)


def test_failures_of_address_are_limited(strict: Settings) -> None:
    address, other = identifiers.uuid7().hex, identifiers.uuid7().hex

    limited = []
    for _ in range(6):
        limited.append(rate_limits.has_too_many_failures(address=address))
        rate_limits.record_failure(address=address)

    assert limited == [False, False, False, False, True, True]
    assert not rate_limits.has_too_many_failures(address=other)


SOCKET = "192.0.2.7"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", SOCKET),
        (0, "203.0.113.5", SOCKET),
        (1, "203.0.113.5", "203.0.113.5"),
        (1, "198.51.100.1, 203.0.113.5", "203.0.113.5"),
        (2, "198.51.100.1, 203.0.113.5,192.0.2.1", "203.0.113.5"),
        (2, "203.0.113.5", SOCKET),
        (1, "unknown", SOCKET),
        (1, "", SOCKET),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "::ffff:203.0.113.5", "203.0.113.5"),
    ],
)
def test_client_address_is_what_outermost_proxy_saw(
    settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    meta = {"REMOTE_ADDR": SOCKET, "HTTP_X_FORWARDED_FOR": forwarded}

    assert rate_limits.client_address(meta) == address


def test_client_without_address_is_nowhere() -> None:
    assert rate_limits.client_address({"REMOTE_ADDR": ""}) == "nowhere"
