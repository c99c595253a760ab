"""Test that nothing is lost or counted twice: documents sent again or at once, workers that race or are killed, and a
broker that loses messages.
"""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from functools import cache, partial
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import psutil
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone
from redis import Redis

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from api import identifiers
from ingestion import tasks
from ingestion.models import Report
from metrics.models import DailyCounts, Defect, Order, SourceLoad
from tests import build
from tests.client import Client
from tests.ingestion import report_leases

COLUMNS = (
    "amazon-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "sales-channel",
)
MANY, DAYS = (
    90_000,
    20,
)  # orders of a document that takes a worker seconds, spread over days inside of today's window
WORKER = [
    "-m",
    "celery",
    "-A",
    "config",
    "worker",
    "-P",
    "prefork",
    "-c",
    "2",
    "--without-mingle",
    "--without-gossip",
]
FINAL = {"loaded", "rejected", "failed"}
READING, RECORDING = "COPY staged_orders", "FROM staged_orders"  # statements as pg_stat_activity shows them
T = TypeVar("T")


@pytest.fixture
def broker() -> Iterator[Redis]:
    """Provide the broker without messages of other tests."""
    with Redis.from_url(settings.CELERY_BROKER_URL, protocol=2) as redis:
        redis.flushdb()
        yield redis
        redis.flushdb()


@pytest.fixture
def agency(committed_db: None, broker: Redis, real_clock: None) -> Client:
    return Client(*agencies.create_agency(name="Acme", now=timezone.now()))


@pytest.fixture
def account(agency: Client) -> str:
    return agency.take_on()


class Worker:
    """Manage a worker with two pool processes in a process group of its own. It is not started yet."""

    process: subprocess.Popen[bytes] | None = None

    def __init__(self, log: Path) -> None:
        self.log = log

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *WORKER],
                cwd=settings.BASE_DIR,
                env=dict(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End the whole group as a power cut would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def kill_child(self, port: int) -> None:
        """End the pool child whose connection to the database comes from this port."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):  # a process that has just ended has no connections
                if port in {each.laddr.port for each in child.net_connections("inet")}:
                    child.kill()


@pytest.fixture
def worker(agency: Client, tmp_path: Path) -> Iterator[Worker]:
    idle = Worker(tmp_path / "worker.log")
    yield idle
    idle.kill()


@cache
def big_document() -> bytes:
    """Build a document that takes a worker seconds."""
    rows = [
        row
        for n in range(DAYS)
        for row in build.orders_on(build.days_ago(40 - n), count=MANY // DAYS, first=1 + n * MANY // DAYS)
    ]
    return build.orders_file(rows, columns=COLUMNS)


def run_concurrently(*calls: Callable[[], T]) -> list[T]:
    """Call all functions at the same moment, each in its own thread and connection, and return their results."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def load(agency: Client, report: dict[str, Any]) -> None:
    """Work as a worker does until the report is done."""
    while get_report(agency, report).status not in FINAL:
        tasks.load_report()
        time.sleep(0.02)


def get_report(agency: Client, report: dict[str, Any]) -> Report:
    with context.agency(agency.agency.pk):
        return Report.objects.get(pk=identifiers.private("rpt", report["id"]))


def count_loads(agency: Client, report: dict[str, Any]) -> int:
    """Return how often the report was loaded."""
    with context.agency(agency.agency.pk):
        return SourceLoad.objects.filter(report_id=identifiers.private("rpt", report["id"])).count()


def count_rows(agency: Client, model: Any) -> int:
    with context.agency(agency.agency.pk):
        return int(model.objects.count())


def figures(agency: Client, account: str, **at: Any) -> tuple[int, int]:
    value = agency.odr(account, **at)
    return value["numerator"], value["denominator"]


def recompute(account: str) -> str:
    output = io.StringIO()
    call_command("recompute", "--account", account, stdout=output)
    return output.getvalue().strip().partition(": ")[2]


def wake_after_kill(agency: Client) -> None:
    """Let the lease of the killed worker end, and wake another worker as the scheduler does."""
    report_leases.end_leases(agency)
    tasks.wake_worker()


def wait_until(
    happened: Callable[[], Any], *, worker: Worker, every: float = 0.01, seconds: float = 60
) -> Any:
    """Wait until `happened()` is true, and return its value."""
    deadline = time.monotonic() + seconds
    while not (result := happened()):
        assert time.monotonic() < deadline, worker.log.read_text()[-3000:]
        time.sleep(every)
    return result


def is_final(agency: Client, *reports: dict[str, Any]) -> bool:
    """Return whether the reports have a final status. If not, wake a worker as the scheduler does."""
    if all(get_report(agency, report).status in FINAL for report in reports):
        return True
    tasks.wake_worker()
    return False


def find_worker_port(statement: str) -> int | None:
    """Return the client port of the other connection that runs the statement now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT client_port FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND state = 'active' AND pid <> pg_backend_pid() AND strpos(query, %s) > 0",
            [statement],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def test_file_sent_again_is_the_first_report(agency: Client, account: str) -> None:
    document = build.orders_file(build.orders_on(build.days_ago(40), count=3))
    first = agency.load(account, document)

    again = agency.send(account, document)

    assert (again.status_code, again.json()) == (200, first | {"duplicate": True})
    assert (count_rows(agency, Report), count_loads(agency, first), figures(agency, account)) == (
        1,
        1,
        (0, 3),
    )


def test_file_sent_four_times_at_once_is_one_report(agency: Client, account: str) -> None:
    document = build.orders_file(build.orders_on(build.days_ago(40), count=3))

    answers = run_concurrently(*[partial(copy(agency).send, account, document) for _ in range(4)])

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 202]
    assert sorted(answer.json()["duplicate"] for answer in answers) == [False, True, True, True]
    assert len({answer.json()["id"] for answer in answers}) == count_rows(agency, Report) == 1
    assert len(list(Path(settings.MEDIA_ROOT).rglob(f"*/{agency.agency.pk.hex}/*/rpt_*"))) == 1


def test_report_given_to_four_workers_is_loaded_once(agency: Client, account: str) -> None:
    report = agency.send(account, build.orders_file(build.orders_on(build.days_ago(40), count=2000))).json()

    run_concurrently(*[partial(load, agency, report)] * 4)

    row = get_report(agency, report)
    assert (row.status, row.attempts, row.rows_new, count_loads(agency, report)) == ("loaded", 1, 2000, 1)
    assert (count_rows(agency, Order), count_rows(agency, DailyCounts), figures(agency, account)) == (
        2000,
        1,
        (0, 2000),
    )


def test_reports_of_one_account_in_many_workers_give_one_set_of_facts_and_counts(
    agency: Client, account: str
) -> None:
    shipped = build.orders_on(build.days_ago(40), count=700)
    pending = [
        row | {"last-updated-date": row["purchase-date"], "order-status": "Pending"} for row in shipped
    ]
    cancelled = [
        row | {"last-updated-date": timezone.now().isoformat(), "order-status": "Cancelled"}
        for row in shipped[600:]
    ]
    posted = [build.defect(order=build.order_id(n), updated_at="2026-10-20T00:00:00Z") for n in range(1, 6)]
    removed = [build.defect(order=build.order_id(1), state="removed", updated_at="2026-10-21T00:00:00Z")]
    documents = [build.orders_file(rows) for rows in (pending, shipped[:500], shipped[400:], cancelled)]
    reports = [agency.send(account, document).json() for document in documents]
    path = f"/v1/accounts/{account}/defects"
    reports += [
        agency.post(path, {"defects": defects}, format="json").json() for defects in (posted, removed, posted)
    ]

    run_concurrently(*[partial(load, agency, report) for report in reports])

    loaded = [get_report(agency, report) for report in reports]
    assert [(row.status, row.attempts) for row in loaded] == [("loaded", 1)] * 7
    assert len({row.loaded_at for row in loaded}) == 7
    assert [count_loads(agency, report) for report in reports] == [1] * 7
    assert (count_rows(agency, Order), count_rows(agency, Defect), figures(agency, account)) == (
        700,
        5,
        (4, 600),
    )
    assert recompute(account) == "0 daily counts changed"


@pytest.mark.parametrize("victim", ["child", "group"])
@pytest.mark.parametrize("statement", [READING, RECORDING])
def test_report_of_killed_worker_is_loaded_once(
    agency: Client, account: str, worker: Worker, statement: str, victim: str
) -> None:
    report = agency.send(account, big_document()).json()
    worker.start()
    port = wait_until(partial(find_worker_port, statement), worker=worker)

    if victim == "child":
        worker.kill_child(port)
    else:
        worker.kill()
        worker.start()
    wake_after_kill(agency)
    wait_until(partial(is_final, agency, report), worker=worker, every=0.5)

    row = get_report(agency, report)
    assert (row.status, row.rows_new, count_loads(agency, report)) == ("loaded", MANY, 1)
    assert row.attempts >= 2
    assert (count_rows(agency, Order), count_rows(agency, DailyCounts), figures(agency, account)) == (
        MANY,
        DAYS,
        (0, MANY),
    )
    assert recompute(account) == "0 daily counts changed"


def test_report_that_kills_every_worker_fails_and_can_be_sent_again(
    agency: Client, account: str, worker: Worker
) -> None:
    report = agency.send(account, big_document()).json()
    worker.start()

    resumed_at = time.monotonic()

    def is_given_up() -> bool:
        nonlocal resumed_at
        port = find_worker_port(READING)
        if port is not None:
            worker.kill_child(port)
            wake_after_kill(agency)
        elif time.monotonic() < resumed_at + 0.1:
            return False
        resumed_at = time.monotonic()
        return is_final(agency, report)

    wait_until(is_given_up, worker=worker)

    row = get_report(agency, report)
    assert (row.status, row.attempts, count_loads(agency, report), count_rows(agency, Order)) == (
        "failed",
        # The sixth lease gives the report up.
        6,
        0,
        0,
    )
    assert agency.read(f"/v1/reports/{report['id']}")["problem"]["type"] == "/problems/loading-failed"
    assert agency.send(account, big_document()).status_code == 200
    wait_until(partial(is_final, agency, report), worker=worker, every=0.5)
    assert (get_report(agency, report).status, figures(agency, account)) == ("loaded", (0, MANY))


def test_broker_that_loses_messages_loses_no_report(
    agency: Client, account: str, worker: Worker, broker: Redis
) -> None:
    documents = [
        build.orders_file(build.orders_on(build.days_ago(40), count=50, first=1 + 50 * n)) for n in range(3)
    ]
    reports = [agency.send(account, document).json() for document in documents]
    posted = {"defects": [build.defect(order=build.order_id(7))]}
    reports.append(agency.post(f"/v1/accounts/{account}/defects", posted, format="json").json())

    broker.flushdb()
    worker.start()
    wait_until(partial(is_final, agency, *reports), worker=worker, every=0.5)

    assert [get_report(agency, report).status for report in reports] == ["loaded"] * 4
    assert [count_loads(agency, report) for report in reports] == [1] * 4
    assert figures(agency, account) == (1, 150)


def test_defect_before_or_after_its_order_gives_same_figures(agency: Client, account: str) -> None:
    other = agency.take_on(partner="A2OTHER")
    orders, posted_defect = (
        build.orders_file(build.orders_on(build.days_ago(40), count=9)),
        build.defect(order=build.order_id(4)),
    )

    agency.load(account, orders)
    agency.post_defects(account, posted_defect)
    agency.post_defects(other, posted_defect)
    waiting = agency.read(f"/v1/accounts/{other}/metrics")["unmatched_defects"]
    agency.load(other, orders)

    one, two = (agency.read(f"/v1/accounts/{each}/metrics") for each in (account, other))
    assert waiting == 1
    assert one["metrics"] == two["metrics"]
    assert (one["unmatched_defects"], two["unmatched_defects"], figures(agency, other)) == (0, 0, (1, 9))
