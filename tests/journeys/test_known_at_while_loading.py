"""Test that responses during loading are repeated exactly for the same `known_at`."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from redis import Redis

from accounts.agencies import lifecycle as agencies
from tests import build, clock
from tests.client import Client
from tests.clock import NOW

ORDERED = clock.NOON - timedelta(days=40)
MANY = 40_000


@pytest.fixture
def agency(committed_db: None) -> Iterator[Client]:
    yield Client(*agencies.create_agency(name="Acme", now=NOW))
    with Redis.from_url(settings.CELERY_BROKER_URL, protocol=2) as redis:
        redis.flushdb()


def load_in_thread(client: Client, account: str, document: bytes) -> dict[str, Any]:
    try:
        return client.load(account, document)
    finally:
        connections.close_all()


def test_response_is_repeated_exactly_for_its_known_at(agency: Client) -> None:
    account = agency.take_on()
    agency.load(account, build.orders_file(build.orders_on(ORDERED, count=10)))
    document = build.orders_file(build.orders_on(ORDERED, count=MANY, first=100))
    columns = {"metric": "order_defect_rate", "marketplace": "US", "channel": "mfn"}
    path = f"/v1/accounts/{account}/metrics"

    bodies = [agency.read(path, **columns)]
    with ThreadPoolExecutor(1) as pool:
        loading: Future[dict[str, Any]] = pool.submit(load_in_thread, agency, account, document)
        while not loading.done():
            bodies.append(agency.read(path, **columns))
    bodies.append(agency.read(path, **columns))

    again = [
        agency.read(path, **columns, as_of=answer["as_of"], known_at=answer["known_at"]) for answer in bodies
    ]
    seen = {answer["metrics"][0]["denominator"] for answer in bodies}
    assert again == bodies
    assert seen == {10, 10 + MANY}
    assert len(bodies) > 20
    assert loading.result()["status"] == "loaded"
