"""Test that clients that send or read slowly do not slow the requests of others."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from accounts.agencies import lifecycle as agencies
from tests import slow_clients
from tests.client import Client
from tests.conftest import NOON
from tests.web_servers import Address, ask, get, web_server


@dataclass(frozen=True, kw_only=True)
class Site:
    """Describe a web server, and an agency on it."""

    address: Address
    key: str
    account: str


@pytest.fixture(scope="module")
def site(committed_module: None) -> Iterator[Site]:
    """Start the web server with its usual processes and threads."""
    client = Client(*agencies.create_agency(name="Nord", now=NOON))
    with web_server(WEB_WORKERS="2") as address:
        # Each process builds this document once, which takes seconds.
        for _ in range(20):
            ask(address, get("/v1/openapi.json"))
        yield Site(address=address, key=client.key, account=client.take_on())


@pytest.mark.parametrize("kind", slow_clients.KINDS)
def test_requests_of_others_stay_fast_with_slow_clients(site: Site, kind: str) -> None:
    request = slow_clients.requests(key=site.key, account=site.account)[kind]

    ratios = slow_clients.ratios(
        request_me=partial(slow_clients.get_me, site.address, site.key),
        slow=partial(slow_clients.slow_clients, site.address, request=request),
    )

    assert min(ratios) <= slow_clients.MAX_RATIO, ratios
