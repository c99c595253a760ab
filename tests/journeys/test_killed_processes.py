"""Test that every event arrives once while web, workers, scheduler and broker are killed at random times.

KILLED_BREACHES=500 opens and resolves that many breaches; the default is fewer.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from typing import Any

import httpx
import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from metrics.models import Breach
from tests import build
from tests.client import Client
from tests.installation import Installation, installed, wait_until
from tests.webhooks import receiver_process
from tests.webhooks.receiver_process import Receiver
from webhooks.models import Delivery, Event

BREACHES = int(os.environ.get("KILLED_BREACHES", "25"))
KILLS = max(8, BREACHES // 8)  # then the rest is processed undisturbed
EPISODES_PER_ACCOUNT = 5  # of each account
PROCESSES = ("web", "worker", "job-worker", "delivery-worker", "beat", "valkey")
ENDED = {"loaded", "rejected", "failed"}


class Caller:
    """Call the API as an agency's system does: retry until there is a response."""

    def __init__(self, *, port: int, key: str) -> None:
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {key}", "Host": "localhost"},
        )

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def call(self, method: str, path: str, **content: Any) -> Any:
        for _ in range(300):
            try:
                response = self.http.request(method, path, timeout=60, **content)
            except httpx.TransportError:
                time.sleep(0.2)
                continue
            if response.status_code < 500:
                assert response.status_code < 300, response.text
                return response.json()
            time.sleep(0.2)
        raise TimeoutError(f"{method} {path} was never answered")

    def load(self, path: str, **content: Any) -> None:
        """Send a document and wait until it is loaded, asking more and more seldom."""
        report = self.call("POST", path, **content)
        deadline, pause = time.monotonic() + 180, 0.1
        while not self._is_loaded(report["id"]):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{report['id']} was not loaded")
            time.sleep(pause)
            pause = min(1.5 * pause, 1)

    def _is_loaded(self, report: str) -> bool:
        body = self.call("GET", f"/v1/reports/{report}")
        assert body["status"] not in ENDED - {"loaded"}, body
        return bool(body["status"] == "loaded")


def open_and_resolve_breaches(caller: Caller, n: int) -> None:
    """Create an account with 100 orders, and grant and deny its claim repeatedly."""
    body = {"name": f"Shop {n}", "selling_partner_id": f"A{n}", "home_marketplace": "US"}
    account = caller.call("POST", "/v1/accounts", json=body)["id"]
    orders = build.orders_file(build.orders_on(build.days_ago(30), count=100))
    caller.load(f"/v1/accounts/{account}/reports", files={"file": ("orders.txt", orders)})
    for _ in range(EPISODES_PER_ACCOUNT):
        for state in ("granted", "denied"):
            claim = build.defect(order=build.order_id(7), kind="a_to_z_claim", state=state, reference="C1")
            caller.load(f"/v1/accounts/{account}/defects", json={"defects": [claim]})


@contextmanager
def killing_processes(installation: Installation, *, chance: random.Random) -> Iterator[Counter[str]]:
    """Kill and restart random processes during the block, and yield how often each was killed."""
    killed: Counter[str] = Counter()
    finished = Signal()

    def kill_repeatedly() -> None:
        while killed.total() < KILLS and not finished.wait(chance.uniform(0.3, 2)):
            name = chance.choice(PROCESSES)
            installation.kill(name)
            killed[name] += 1
            finished.wait(chance.uniform(0, 0.5))
            installation.start_again(name)

    thread = Thread(target=kill_repeatedly)
    thread.start()
    try:
        yield killed
    finally:
        finished.set()
        thread.join()


@pytest.fixture
def agency(committed_db: None, real_clock: None) -> Client:
    return Client(*agencies.create_agency(name="Acme", now=timezone.now()))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiver_process.running() as one:
        yield one


def test_events_all_arrive_although_processes_are_killed(
    agency: Client, receiver: Receiver, tmp_path: Path
) -> None:
    with (
        installed(place=tmp_path / "home", WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8") as installation,
        ExitStack() as stack,
    ):
        callers = [stack.enter_context(Caller(port=installation.port, key=agency.key)) for _ in range(4)]
        endpoint = {"url": receiver.url("ok/breaches"), "event_types": ["breach.*"]}
        secret = callers[0].call("POST", "/v1/webhook-endpoints", json=endpoint)["secret"]
        with (
            killing_processes(installation, chance=random.Random(7)) as killed,
            ThreadPoolExecutor(len(callers)) as pool,
        ):
            done = [
                pool.submit(open_and_resolve_breaches, callers[n % len(callers)], n)
                for n in range(BREACHES // EPISODES_PER_ACCOUNT)
            ]
            for each in done:
                each.result()
        wait_until(partial(is_all_delivered, agency), seconds=180, every=0.5)

    with context.agency(agency.agency.pk):
        episodes = Breach.objects.filter(level="breach")
        events = list(Event.objects.filter(type__startswith="breach.").order_by("id"))
        counts = Counter((event.type, event.data["breach"]) for event in events)
        assert episodes.count() == BREACHES
        assert set(counts) == {
            (f"breach.{edge}", each.public_id) for each in episodes for edge in ("opened", "resolved")
        }
    assert set(counts.values()) == {1}
    arrived = receiver.received("ok/breaches")
    assert {each["headers"]["webhook-id"] for each in arrived} == {event.public_id for event in events}
    assert is_in_order(arrived)
    assert all(
        Webhook(secret).verify(each["body"], each["headers"]) for each in arrived[-50:]
    )  # the library refuses old ones
    assert killed.total() >= 5
    print(f"{len(events)} events, {len(arrived)} deliveries, killed {dict(killed)}")  # noqa: T201  shows the load


def is_all_delivered(agency: Client) -> bool:
    with context.agency(agency.agency.pk):
        return not Delivery.objects.exclude(state="delivered").exists()


def is_in_order(arrived: list[dict[str, Any]]) -> bool:
    """Return whether the events of each account arrived first in the order of their IDs."""
    first: dict[str, list[str]] = {}
    for each in arrived:
        ids = first.setdefault(json.loads(each["body"])["account"], [])
        if each["headers"]["webhook-id"] not in ids:
            ids.append(each["headers"]["webhook-id"])
    return all(ids == sorted(ids) for ids in first.values())
