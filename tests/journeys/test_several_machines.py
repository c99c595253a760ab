"""Test two machines without a shared folder: two homes, one database, one broker, one bucket.

Each machine runs a web server, a worker, a delivery worker and a scheduler.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import pytest
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from config.documents import marker
from config.launcher import product, smoke
from config.launcher.client import Client as ProductClient
from config.launcher.embedded.home import Home
from ingestion.models import Report
from tests import build
from tests.client import Client
from tests.installation import Broker, Member, free_port, wait_until
from tests.object_storage import CREDENTIALS, Bucket, s3_server
from tests.rabbitmq import needs_rabbitmq, rabbitmq

UPLOADS = int(os.environ.get("MACHINE_UPLOADS", "100"))
MACHINES = ("first", "second")


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with s3_server() as url:
        yield Bucket(url)


@pytest.fixture
def acme(committed_db: None, unmarked_storage: None, real_clock: None) -> Client:
    return Client(*agencies.create_agency(name="Acme", now=timezone.now()))


class Machine:
    """Manage the processes of one machine, which has a home of its own."""

    def __init__(self, home: Home, environ: dict[str, str]) -> None:
        self.home, self.port = home, free_port()
        shared = {**os.environ, **CREDENTIALS, **environ}
        shared |= {"UNDERONE_HOME": str(home.folder), "PORT": str(self.port)}
        commands = product.commands(port=self.port, schedule=home.folder / "beat-schedule", environ=shared)
        self.members = {
            name: Member(command=_named(command, home), environ=shared, log=home.logs / f"{name}.log")
            for name, command in commands.items()
        }

    def start(self) -> None:
        for member in self.members.values():
            member.start()
        wait_until(lambda: product.is_healthy(self.port))

    def stop(self) -> None:
        for member in self.members.values():
            member.kill()
        self.home.release()

    def log(self, name: str) -> str:
        return (self.home.logs / f"{name}.log").read_text()


def _named(command: list[str], home: Home) -> list[str]:
    """Give the workers of the second machine other names, because both have the host name of this one."""
    return [word.replace("@%h", f"@{home.folder.name}") for word in command]


@contextmanager
def machines(place: Path, environ: dict[str, str]) -> Iterator[list[Machine]]:
    """Start two machines, and stop them when the block ends."""
    with ExitStack() as stack:
        started = []
        for name in MACHINES:
            machine = Machine(Home(folder=place / name), environ)
            stack.callback(machine.stop)
            machine.start()
            started.append(machine)
        yield started


class Alternating:
    """Send each request to the other machine, as a load balancer does."""

    def __init__(self, clients: list[ProductClient]) -> None:
        self._turns = cycle(clients)

    def get(self, path: str, **query: str) -> Any:
        return next(self._turns).get(path, **query)

    def post(self, path: str, body: object) -> Any:
        return next(self._turns).post(path, body)

    def upload(self, path: str, **form: Any) -> Any:
        return next(self._turns).upload(path, **form)


class NoProcesses:
    """Stand for the processes that the smoke test watches."""

    def watch(self) -> None:
        """Watch nothing: a process that ends makes the test time out."""


class NoSteps:
    def say(self, text: str) -> None:
        """Say nothing."""


def run_story(started: list[Machine], key: str) -> list[smoke.Check]:
    client = Alternating([ProductClient(port=machine.port, key=key) for machine in started])
    return list(
        smoke._run_scenario(client=client, processes=NoProcesses(), steps=NoSteps())  # type: ignore[arg-type]  # noqa: SLF001
    )


def upload_many(started: list[Machine], acme: Client) -> list[dict[str, Any]]:
    """Upload to both machines, wait until all is loaded, and return the reports."""
    clients = [ProductClient(port=machine.port, key=acme.key) for machine in started]
    fields = {"selling_partner_id": "A0MANY", "home_marketplace": "US", "name": "Many"}
    account = clients[0].post("/v1/accounts", fields)["id"]

    def upload(number: int) -> str:
        content, client = orders_of(number), clients[number % 2]
        return str(client.upload(f"/v1/accounts/{account}/reports", name="o.txt", content=content)["id"])

    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(upload, range(UPLOADS)))
    return [await_report(clients, report) for report in ids]


def orders_of(number: int) -> bytes:
    rows = build.orders_on(build.days_ago(30), count=number % 3 + 1)
    for row in rows:
        row["amazon-order-id"] = f"{number + 100:03}-{row['amazon-order-id'].partition('-')[2]}"
    return build.orders_file(rows)


def await_report(clients: list[ProductClient], report: str) -> dict[str, Any]:
    while True:
        for client in clients:
            body: dict[str, Any] = client.get(f"/v1/reports/{report}")
            if body["status"] not in {"queued", "processing"}:
                return body
        sleep(0.5)


def attempts(acme: Client) -> set[tuple[str, int]]:
    with context.agency(acme.agency.pk):
        return set(Report.objects.values_list("status", "attempts"))


def test_two_machines_with_one_bucket_tell_one_story(acme: Client, bucket: Bucket, tmp_path: Path) -> None:
    broker_home = Home(folder=tmp_path / "broker")
    broker = Broker(broker_home)
    try:
        with machines(tmp_path, {"BROKER_URL": broker.url, "DOCUMENTS_URL": bucket.url()}) as started:
            checks = run_story(started, acme.key)
            reports = upload_many(started, acme)
            shown = [httpx.get(f"http://localhost:{each.port}/metrics", timeout=60).text for each in started]
            ready = [httpx.get(f"http://localhost:{each.port}/readyz", timeout=60).json() for each in started]
    finally:
        broker.kill()
        broker_home.release()

    assert [check for check in checks if not check.is_equal] == []
    assert {report["status"] for report in reports} == {"loaded"}
    assert len({report["id"] for report in reports}) == UPLOADS
    assert attempts(acme) == {("loaded", 1)}
    # Those of the story, and the marker.
    assert len(bucket.keys()) == UPLOADS + 7 + 1
    assert {each["documents"] for each in ready} == {"ok"}
    for text in shown:
        assert text.count("underone_machine_info{") == 2
    for machine in started:
        assert not list((machine.home.folder / "documents").rglob("rpt_*"))


@needs_rabbitmq
def test_two_machines_with_rabbitmq_load_every_report_once(
    acme: Client, bucket: Bucket, tmp_path: Path
) -> None:
    with rabbitmq(tmp_path / "rabbit") as broker:
        environ = {
            "BROKER_URL": broker.url,
            "CACHE_URL": os.environ["BROKER_URL"],
            "DOCUMENTS_URL": bucket.url(),
        }
        with machines(tmp_path, environ) as started:
            reports = upload_many(started, acme)
            queues = broker.control("list_queues", "name", "type")

    assert {report["status"] for report in reports} == {"loaded"}
    assert attempts(acme) == {("loaded", 1)}
    kinds = dict(line.split("\t") for line in queues.splitlines() if "\t" in line)
    assert {kinds[name] for name in ("celery", "reports", "short", "webhooks")} == {"quorum"}


def test_second_machine_with_folder_of_its_own_is_refused(acme: Client, tmp_path: Path) -> None:
    first, second = (Home(folder=tmp_path / name) for name in MACHINES)
    one, other = Machine(first, {}), Machine(second, {})
    try:
        one.start()
        web = other.members["web"]
        web.start()
        assert web.process is not None
        assert web.process.wait(timeout=120) != 0
        web.process = None
    finally:
        one.stop()
        other.stop()

    assert (first.folder / "documents" / marker.NAME).exists()
    assert f"The folder {second.folder}/documents is not the storage of documents" in other.log("web")
    assert "Mount the folder of the first machine" in other.log("web")
