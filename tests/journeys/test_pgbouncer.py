"""Test the product behind a PgBouncer that gives each transaction another connection."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from django.conf import settings as project
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import Role
from tests import build
from tests.accounts.people.visitors import PASSWORD, create_member, create_user
from tests.client import Client
from tests.config.test_encryption_keys import PROCESSES
from tests.installation import Installation, installed, wait_until
from tests.journeys.test_killed_processes import Caller, is_all_delivered
from tests.pgbouncer import needs_pgbouncer, pgbouncer
from tests.webhooks import receiver_process
from tests.webhooks.receiver_process import Receiver

pytestmark = needs_pgbouncer
READERS, READS = 12, 10


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiver_process.running() as one:
        yield one


@pytest.fixture
def acme(committed_db: None, real_clock: None) -> Client:
    return Client(*agencies.create_agency(name="Acme", now=timezone.now()))


@pytest.fixture
def rival(acme: Client) -> Client:
    return Client(*agencies.create_agency(name="Rival", now=timezone.now()))


@pytest.fixture
def installation(acme: Client, tmp_path: Path) -> Iterator[Installation]:
    """Run all processes behind the pooler."""
    with (
        pgbouncer(url=os.environ["DATABASE_URL"]) as through,
        installed(
            place=tmp_path / "home", DATABASE_URL=through, WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8"
        ) as installation,
    ):
        yield installation


def take_on(caller: Caller, name: str) -> str:
    body = {"name": name, "selling_partner_id": f"A{name.upper()}", "home_marketplace": "US"}
    return str(caller.call("POST", "/v1/accounts", json=body)["id"])


def test_events_are_delivered_once_behind_a_pooler(
    installation: Installation, acme: Client, receiver: Receiver
) -> None:
    with Caller(port=installation.port, key=acme.key) as caller:
        account = take_on(caller, "Shop")
        hook = {"url": receiver.url("ok/pooled"), "event_types": ["breach.*"]}
        caller.call("POST", "/v1/webhook-endpoints", json=hook)
        orders = build.orders_file(build.orders_on(build.days_ago(30), count=100))
        caller.load(f"/v1/accounts/{account}/reports", files={"file": ("orders.txt", orders)})
        for state in ("granted", "denied"):
            claim = build.defect(order=build.order_id(7), kind="a_to_z_claim", state=state, reference="C1")
            caller.load(f"/v1/accounts/{account}/defects", json={"defects": [claim]})
        wait_until(lambda: len(receiver.messages("ok/pooled")) >= 2, seconds=120)
        wait_until(partial(is_all_delivered, acme), seconds=60)

    messages = receiver.messages("ok/pooled")
    assert len(messages) == len(set(messages)) == 2


def test_agencies_share_connections_and_see_only_their_own(
    installation: Installation, acme: Client, rival: Client
) -> None:
    def read(client: Client, expected: str) -> list[list[str]]:
        with Caller(port=installation.port, key=client.key) as caller:
            found = [caller.call("GET", "/v1/accounts")["data"] for _ in range(READS)]
        return [[account["name"] for account in accounts] for accounts in found if accounts] + [[expected]]

    with Caller(port=installation.port, key=acme.key) as caller:
        take_on(caller, "Ours")
    with Caller(port=installation.port, key=rival.key) as caller:
        take_on(caller, "Theirs")
    clients = [(acme, "Ours"), (rival, "Theirs")] * (READERS // 2)
    with ThreadPoolExecutor(READERS) as threads:
        found = list(threads.map(lambda one: read(*one), clients))

    for (_, expected), names in zip(clients, found, strict=True):
        assert names == [[expected]] * (READS + 1)


def test_user_signs_in_behind_a_pooler(installation: Installation, acme: Client) -> None:
    person = create_user()
    create_member(acme.agency, person, role=Role.ADMIN)

    with httpx.Client(base_url=f"http://localhost:{installation.port}", timeout=60) as http:
        signed_in = http.post("/v1/auth/sign-in", json={"email": person.email, "password": PASSWORD})
        assert signed_in.status_code == 200, signed_in.text
        token = {"X-Session-Token": signed_in.json()["token"]}
        names = [http.get("/v1/me", headers=token).json()["agency"]["name"] for _ in range(5)]
        assert http.delete("/v1/auth/session", headers=token).status_code == 204
        assert http.get("/v1/me", headers=token).status_code == 401

    assert names == ["Acme"] * 5


def run(words: list[str], url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=project.BASE_DIR,
        # gunicorn logs a traceback of its own if two processes are refused at once.
        env=os.environ | {"DATABASE_URL": url, "WEB_WORKERS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("name", sorted(PROCESSES.keys() - {"rotate_secrets"}))
def test_process_behind_a_pooler_of_statements_is_refused(committed_db: None, name: str) -> None:
    with pgbouncer(url=os.environ["DATABASE_URL"], mode="statement") as through:
        refused = run(PROCESSES[name], through)

    assert refused.returncode != 0
    message = " ".join(refused.stderr.split())
    assert "DATABASE_URL is a pooler of statements" in message
    assert "Use PgBouncer with pool_mode = transaction or session" in message
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_process_behind_a_pooler_of_transactions_is_accepted(
    committed_db: None, unmarked_storage: None, mode: str
) -> None:
    with pgbouncer(url=os.environ["DATABASE_URL"], mode=mode) as through:
        accepted = run(PROCESSES["check"], through)

    assert (accepted.returncode, accepted.stderr) == (0, "")


def test_parameter_that_the_pooler_refuses_is_named(committed_db: None) -> None:
    with pgbouncer(url=os.environ["DATABASE_URL"]) as through:
        refused = run(PROCESSES["worker"], f"{through}?options=-c%20statement_timeout%3D5000")

    assert refused.returncode != 0
    assert "unsupported startup parameter: options" in refused.stderr
    assert "Traceback" not in refused.stderr
