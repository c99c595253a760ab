"""Provide endpoints at a receiver process, and a delivery worker that runs until nothing is due."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from tests.client import Client
from tests.conftest import NOON
from tests.webhooks.receiver_process import Receiver, running
from webhooks.channels import http_client
from webhooks.channels.http_client import HttpClient
from webhooks.channels.url_policy import UrlPolicy
from webhooks.delivery.worker import DeliveryWorker, WorkerLimits
from webhooks.endpoints import secrets as endpoint_secrets
from webhooks.events import publishing
from webhooks.models import Delivery, Endpoint, Event

LOOPBACK = UrlPolicy(networks=(ip_network("127.0.0.0/8"),))
LIMITS = WorkerLimits(idle_time=0.3, poll_interval=0.02, batch_delay=0.01)


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with running() as one:
        yield one


@dataclass
class Sender:
    """Manage an agency's events and endpoints for tests of delivery."""

    client: Client
    account: SellerAccount

    def endpoint(self, url: str, **fields: Any) -> tuple[Endpoint, str]:
        """Create an endpoint, and return it with its secret. A mailbox is confirmed."""
        if fields.get("kind") == Endpoint.Kind.EMAIL:
            fields = {"confirmed_at": NOON} | fields
        with context.agency(self.client.agency.pk):
            endpoint = Endpoint.objects.create(
                agency=self.client.agency, url=url, created_at=NOON, **{"event_types": ["*"]} | fields
            )
            return endpoint, endpoint_secrets.create(endpoint=endpoint, now=NOON)

    def publish(
        self, *, series: str = "", count: int = 1, now: datetime | None = None, **data: Any
    ) -> list[str]:
        """Publish this many events, and return their public IDs, oldest first."""
        moment = now or timezone.now()
        with context.agency(self.client.agency.pk):
            return [
                publishing.publish(
                    account=self.account,
                    type_="account.status_changed",
                    data=data | {"n": n},
                    now=moment,
                    series=series,
                ).public_id
                for n in range(count)
            ]

    def deliveries(self, endpoint: Endpoint) -> list[Delivery]:
        """Return the deliveries to an endpoint, oldest first."""
        with context.agency(self.client.agency.pk):
            deliveries = Delivery.objects.filter(endpoint=endpoint).select_related("event").order_by("pk")
            return list(deliveries.prefetch_related("attempts"))

    def states(self, endpoint: Endpoint) -> list[str]:
        return [delivery.state for delivery in self.deliveries(endpoint)]

    def again(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint as stored now."""
        with context.agency(self.client.agency.pk):
            return Endpoint.objects.get(pk=endpoint.pk)

    def events(self, **fields: Any) -> list[Event]:
        with context.agency(self.client.agency.pk):
            return list(Event.objects.filter(**fields).order_by("pk"))


@pytest.fixture
def sender(committed_db: None, real_clock: None) -> Sender:
    return sender_of(Client(*agencies.create_agency(name="Acme", now=NOON)))


def sender_of(client: Client) -> Sender:
    """Create an agency with one account."""
    shop = client.take_on()
    with context.agency(client.agency.pk):
        return Sender(client, SellerAccount.objects.get(pk=identifiers.private("acct", shop)))


def work(
    *,
    at: timedelta = timedelta(),
    deadline: float = 10.0,
    until: Callable[[], bool] = lambda: False,
    **limits: Any,
) -> None:
    """Run a delivery worker until nothing has been due for a moment, or until a condition; `at` is added to the
    time."""

    async def go() -> None:
        client = HttpClient(policy=LOOPBACK, ssl_context=http_client.ssl_context(), deadline=deadline)
        worker = DeliveryWorker(
            client=client,
            clock=lambda: timezone.now() + at,
            is_stopping=until,
            limits=replace(LIMITS, **limits),
        )
        await worker.run()

    asyncio.run(go())


@pytest.fixture
def at_once() -> Iterator[Callable[..., list[Any]]]:
    """Run functions at the same time, each in a thread, and return their results."""
    with ThreadPoolExecutor(max_workers=8) as threads:
        yield lambda *functions: [
            future.result() for future in [threads.submit(function) for function in functions]
        ]
