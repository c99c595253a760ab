"""Test that nothing is lost or counted twice while processes, servers, the storage and the disk fail at random.

`make chaos` runs ten minutes of it for each broker and each way to the database. The suite runs a minute of the first way
of SHORT that this machine has the servers for.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import build, chaos_installation
from tests.chaos_installation import ChaosInstallation
from tests.webhooks import receiver_process

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
SHORT = (("rabbitmq", "pgbouncer"), ("valkey", "direct"))
WAYS = (
    chaos_installation.WAYS
    if "CHAOS_SECONDS" in os.environ
    else [way for way in SHORT if not chaos_installation.missing_program(broker=way[0], database=way[1])][:1]
)
SEED = int(os.environ.get("CHAOS_SEED", "7"))
ACCOUNTS = 6
ENDED = {"loaded", "rejected", "failed"}
UNUSABLE = b"no report of anything\n"
UNFINISHED = """
SELECT (SELECT count(*) FROM ingestion_report WHERE status IN ('queued', 'processing'))
    + (SELECT count(*) FROM webhooks_delivery WHERE state = 'pending')
"""
COUNTED_ORDERS = """
SELECT sum(orders) FROM (
    SELECT DISTINCT ON (account_id, marketplace, channel, day) orders FROM metrics_dailycounts
    ORDER BY account_id, marketplace, channel, day, recorded_at DESC
) AS newest
"""
EVENTS = "SELECT type, count(*) FROM webhooks_event WHERE type LIKE 'report.%' GROUP BY type"


class Agency:
    """Use the API as an agency's system does: repeat a request until it is answered."""

    def __init__(self, *, port: int, key: str, until: float) -> None:
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {key}", "Host": "localhost"},
            timeout=30,
        )
        self.until = until

    def call(self, method: str, path: str, **content: Any) -> Any:
        """Return the answer. Refusals that are to be repeated (409, 429 and 5xx) are repeated."""
        headers = {"Idempotency-Key": f"chaos-{random.getrandbits(64)}"} if method == "POST" else {}
        while time.monotonic() < self.until + 300:
            with suppress(httpx.TransportError):
                response = self.http.request(method, path, headers=headers, **content)
                if response.status_code < 300:
                    return response.json()
                assert response.status_code in {409, 429} or response.status_code >= 500, response.text
            time.sleep(0.3)
        raise TimeoutError(f"{method} {path} was never answered")

    def upload(self, account: str, document: bytes) -> str:
        files = {"file": ("orders.txt", document)}
        return str(self.call("POST", f"/v1/accounts/{account}/reports", files=files)["id"])


def upload_until(agency: Agency, account: str, number: int) -> tuple[dict[str, int], int]:
    """Upload documents until the time is over. Return the orders of each report, and how many were unusable."""
    orders: dict[str, int] = {}
    unusable, n = 0, 0
    while time.monotonic() < agency.until:
        n += 1
        count = 20 + n % 50
        first = 1_000_000 * number + 100 * n
        orders[
            agency.upload(
                account, build.orders_file(build.orders_on(build.days_ago(30), count=count, first=first))
            )
        ] = count
        if n % 4 == 1:
            agency.upload(account, UNUSABLE + str(first).encode())
            unusable += 1
        time.sleep(0.2)
    return orders, unusable


def break_until(installation: ChaosInstallation, until: float, chance: random.Random) -> Counter[str]:
    """Break something at random, again and again, and repair it. Return how often each was broken."""
    broken: Counter[str] = Counter()
    while time.monotonic() < until:
        name = chance.choice(installation.breakable)
        with installation.broken(name):
            time.sleep(chance.uniform(0.2, 4))
        broken[name] += 1
        installation.restart_ended()
        time.sleep(chance.uniform(0.5, 3))
    return broken


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize(("broker", "database"), WAYS)
def test_nothing_is_lost_or_doubled_in_chaos(
    stack: ExitStack, tmp_path: Path, broker: str, database: str
) -> None:
    if missing := chaos_installation.missing_program(broker=broker, database=database):
        pytest.skip(f"{missing} is not installed")
    receiver = stack.enter_context(receiver_process.running())
    installation = stack.enter_context(
        chaos_installation.running(
            place=tmp_path / "home", broker=broker, database=database, WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8"
        )
    )
    chance, until = random.Random(SEED), time.monotonic() + SECONDS
    agency = Agency(port=installation.port, key=installation.open_agency("Acme"), until=until)
    stack.enter_context(agency.http)
    endpoint = {"url": receiver.url("ok/reports"), "event_types": ["report.*"]}
    agency.call("POST", "/v1/webhook-endpoints", json=endpoint)
    accounts = [agency.call("POST", "/v1/accounts", json=shop(n))["id"] for n in range(ACCOUNTS)]

    with ThreadPoolExecutor(ACCOUNTS + 1) as pool:
        breaking = pool.submit(break_until, installation, until, chance)
        uploading = [pool.submit(upload_until, agency, account, n + 1) for n, account in enumerate(accounts)]
        broken = breaking.result()
        uploaded = [each.result() for each in uploading]
    finish(installation)

    orders = {report: count for each, _ in uploaded for report, count in each.items()}
    unusable = sum(count for _, count in uploaded)
    statuses = dict(installation.rows("SELECT status, count(*) FROM ingestion_report GROUP BY status"))
    summary = f"{broker}, {database}: {len(orders)} reports, {unusable} unusable, broken {dict(broken)}"
    print(summary, statuses)  # noqa: T201  shows the load
    assert statuses == {"loaded": len(orders), "rejected": unusable}
    assert installation.query("SELECT count(*) FROM metrics_order") == sum(orders.values())
    assert installation.query(COUNTED_ORDERS) == sum(orders.values())
    assert dict(installation.rows(EVENTS)) == {"report.loaded": len(orders), "report.rejected": unusable}
    assert installation.query("SELECT count(*) FROM webhooks_delivery WHERE state <> 'delivered'") == 0
    arrived = {each["headers"]["webhook-id"] for each in receiver.received("ok/reports")}
    assert len(arrived) == len(orders) + unusable
    installation.sweep_originals()
    assert installation.originals() == []


def shop(number: int) -> dict[str, str]:
    return {"name": f"Shop {number}", "selling_partner_id": f"A{number}", "home_marketplace": "US"}


def finish(installation: ChaosInstallation, *, seconds: float = 180) -> None:
    """Wait until all reports are loaded and all events delivered, as long as their number becomes smaller."""
    fewest, deadline = None, 0.0
    while unfinished := installation.query(UNFINISHED):
        if fewest is None or unfinished < fewest:
            fewest, deadline = unfinished, time.monotonic() + seconds
        if time.monotonic() > deadline:
            raise TimeoutError(f"{unfinished} reports and deliveries did not become fewer")
        installation.restart_ended()
        time.sleep(0.5)
