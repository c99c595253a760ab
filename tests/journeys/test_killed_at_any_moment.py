"""Web, workers, clock and broker are killed at random moments while breaches open and resolve: every event
arrives, with one id each, none is lost and none is made twice.

KILLED_BREACHES=500 opens and resolves that many; the suite makes fewer.
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
KILLS = max(8, BREACHES // 8)  # then all is left alone, to come to its end
TIMES = 5  # that each account's breach opens and resolves
VICTIMS = ("web", "worker", "delivery-worker", "beat", "valkey")
ENDED = {"loaded", "rejected", "failed"}


class Caller:
    """An agency's own system: it asks again until it is answered, as it must when a server is killed."""

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
                answer = self.http.request(method, path, timeout=60, **content)
            except httpx.TransportError:
                time.sleep(0.2)
                continue
            if answer.status_code < 500:
                assert answer.status_code < 300, answer.text
                return answer.json()
            time.sleep(0.2)
        raise TimeoutError(f"{method} {path} was never answered")

    def loaded(self, path: str, **content: Any) -> None:
        """Send a document and wait until it is in every number."""
        report = self.call("POST", path, **content)
        wait_until(partial(self._has_ended, report["id"]), seconds=180)

    def _has_ended(self, report: str) -> bool:
        body = self.call("GET", f"/v1/reports/{report}")
        assert body["status"] not in ENDED - {"loaded"}, body
        return bool(body["status"] == "loaded")


def story_of(caller: Caller, n: int) -> None:
    """A shop of 100 orders whose one claim is granted and denied again and again."""
    body = {"name": f"Shop {n}", "selling_partner_id": f"A{n}", "home_marketplace": "US"}
    account = caller.call("POST", "/v1/accounts", json=body)["id"]
    orders = build.orders_file(build.orders_on(build.days_ago(30), count=100))
    caller.loaded(f"/v1/accounts/{account}/reports", files={"file": ("orders.txt", orders)})
    for _ in range(TIMES):
        for state in ("granted", "denied"):
            claim = build.defect(order=build.order_id(7), kind="a_to_z_claim", state=state, reference="C1")
            caller.loaded(f"/v1/accounts/{account}/defects", json={"defects": [claim]})


@contextmanager
def killing(installation: Installation, *, chance: random.Random) -> Iterator[Counter[str]]:
    """One process after the other is killed and started again, as long as the block lasts; how often
    which."""
    killed: Counter[str] = Counter()
    enough = Signal()

    def kill_on() -> None:
        while killed.total() < KILLS and not enough.wait(chance.uniform(0.3, 2)):
            name = chance.choice(VICTIMS)
            installation.kill(name)
            killed[name] += 1
            enough.wait(chance.uniform(0, 0.5))
            installation.start_again(name)

    thread = Thread(target=kill_on)
    thread.start()
    try:
        yield killed
    finally:
        enough.set()
        thread.join()


@pytest.fixture
def agency(committed_db: None, real_clock: None) -> Client:
    return Client(*agencies.create_agency(name="Acme", now=timezone.now()))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiver_process.running() as one:
        yield one


def test_every_event_arrives_though_everything_is_killed(
    agency: Client, receiver: Receiver, tmp_path: Path
) -> None:
    with (
        installed(place=tmp_path / "home", WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8") as installation,
        ExitStack() as stack,
    ):
        callers = [stack.enter_context(Caller(port=installation.port, key=agency.key)) for _ in range(4)]
        wanted = {"url": receiver.url("ok/breaches"), "event_types": ["breach.*"]}
        secret = callers[0].call("POST", "/v1/webhook-endpoints", json=wanted)["secret"]
        with (
            killing(installation, chance=random.Random(7)) as killed,
            ThreadPoolExecutor(len(callers)) as pool,
        ):
            done = [pool.submit(story_of, callers[n % len(callers)], n) for n in range(BREACHES // TIMES)]
            for each in done:
                each.result()
        wait_until(partial(is_all_delivered, agency), seconds=180)

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
    assert in_order(arrived)
    assert all(
        Webhook(secret).verify(each["body"], each["headers"]) for each in arrived[-50:]
    )  # no older than it believes
    assert killed.total() >= 5
    print(f"{len(events)} events, {len(arrived)} deliveries, killed {dict(killed)}")  # noqa: T201  how hard it was


def is_all_delivered(agency: Client) -> bool:
    with context.agency(agency.agency.pk):
        return not Delivery.objects.exclude(state="delivered").exists()


def in_order(arrived: list[dict[str, Any]]) -> bool:
    """Whether the first arrivals of each account's events came in the order in which the events happened."""
    first: dict[str, list[str]] = {}
    for each in arrived:
        ids = first.setdefault(json.loads(each["body"])["account"], [])
        if each["headers"]["webhook-id"] not in ids:
            ids.append(each["headers"]["webhook-id"])
    return all(ids == sorted(ids) for ids in first.values())
