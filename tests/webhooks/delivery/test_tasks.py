"""Test delivery workers as tasks: woken, stopped, killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from tests import stopwatch
from tests.webhooks.conftest import Sender
from tests.webhooks.receiver_process import Receiver, sees
from webhooks.delivery import concurrency, tasks
from webhooks.models import WorkerSlot

WORKER = [sys.executable, "-m", "celery", "-A", "config.celery", "--skip-checks", "worker"]
QUIET = ("--queues=webhooks", "--concurrency=1", "--without-mingle", "--without-gossip", "--loglevel=INFO")


@contextmanager
def worker(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker of the queue of webhooks, which may send to this host."""
    environ = os.environ | {"WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*WORKER, *QUIET],
            cwd=settings.BASE_DIR,
            env=environ,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        assert sees(lambda: b" ready." in log.read_bytes()), log.read_text()
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


def test_publishing_wakes_a_worker(sender: Sender, receiver: Receiver, log: Path) -> None:
    endpoint, _ = sender.endpoint(receiver.url("ok/woken"))

    with worker(log):
        events = sender.publish(count=3)

        assert sees(lambda: receiver.messages("ok/woken") == events), log.read_text()
        assert sees(lambda: sender.states(endpoint) == ["delivered"] * 3)
        late = sender.publish()
        assert sees(lambda: receiver.messages("ok/woken") == events + late, seconds=2), log.read_text()


def test_stopping_worker_finishes_attempts_and_leases_no_more(
    sender: Sender, receiver: Receiver, log: Path
) -> None:
    endpoint, _ = sender.endpoint(receiver.url("late/stopped"))
    sender.publish(count=200)

    with worker(log) as process:
        tasks.deliver.delay()
        assert sees(lambda: bool(receiver.messages("late/stopped")))
        process.send_signal(signal.SIGTERM)
        with stopwatch.running() as watch:
            assert process.wait(timeout=600) == 0

    arrived = receiver.messages("late/stopped")
    states = sender.states(endpoint)
    assert watch.seconds < 5
    assert len(set(arrived)) == len(arrived) < 200
    assert states.count("delivered") == len(arrived)
    assert states.count("pending") == 200 - len(arrived)
    assert {delivery.leased_until for delivery in sender.deliveries(endpoint)} == {None}


def is_free_elsewhere(count: int) -> bool:
    """Return whether another connection can lease one of the slots. It is released at once."""

    def take() -> bool:
        with concurrency.limited_to(count) as slot:
            is_free = slot is not None
        connection.close()
        return is_free

    with ThreadPoolExecutor() as threads:
        return threads.submit(take).result()


def test_worker_without_free_slot_ends_and_loses_nothing(sender: Sender, receiver: Receiver) -> None:
    endpoint, _ = sender.endpoint(receiver.url("ok/slots"))
    sender.publish()

    with concurrency.limited_to(1) as slot:
        assert slot is not None
        assert not is_free_elsewhere(1)

    assert is_free_elsewhere(1)
    assert sender.states(endpoint) == ["pending"]


def test_concurrency_allows_the_configured_number(committed_db: None) -> None:
    with concurrency.limited_to(2), concurrency.limited_to(2) as second:
        assert second is not None
        assert not is_free_elsewhere(2)
        assert is_free_elsewhere(3)


def test_slot_is_released_after_an_error(committed_db: None) -> None:
    with pytest.raises(ZeroDivisionError), concurrency.limited_to(1):
        raise ZeroDivisionError

    assert is_free_elsewhere(1)


DIE_WITH_SLOT = """
import os, signal
from datetime import timedelta
import django
django.setup()
from webhooks.delivery import concurrency
concurrency.LEASE = timedelta(seconds=3)
with concurrency.limited_to(1) as slot:
    print(slot is not None, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_slot_of_killed_worker_is_free_after_its_lease(committed_db: None) -> None:
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}

    killed = subprocess.run(
        [sys.executable, "-c", DIE_WITH_SLOT],
        cwd=settings.BASE_DIR,
        env=environ,
        stdout=subprocess.PIPE,
        check=False,
    )

    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, b"True\n")
    assert not is_free_elsewhere(1)
    assert sees(lambda: is_free_elsewhere(1), seconds=10)


def test_slot_taken_after_its_lease_is_lost(committed_db: None) -> None:
    with concurrency.limited_to(1) as slow:
        assert slow is not None
        WorkerSlot.objects.update(leased_until=F("leased_until") - concurrency.LEASE)
        with concurrency.limited_to(1) as other:
            slow.renew()

            assert other is not None
            assert slow.is_lost
            other.renew()
            assert not other.is_lost

    assert not WorkerSlot.objects.exists()


def test_slot_is_no_state_of_a_session(committed_db: None) -> None:
    with concurrency.limited_to(1) as slot:
        connection.close()

        assert slot is not None
        assert not is_free_elsewhere(1)
        slot.renew()
        assert not slot.is_lost


def test_deliver_without_due_deliveries_takes_one_query(committed_db: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        tasks.deliver()

    assert [query["sql"] for query in queries] == ["SELECT next_delivery_at()"]
