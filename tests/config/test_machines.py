"""Test that /metrics shows the heartbeats and counters of machines without a shared folder."""

import os
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings as project
from django.test import Client as Stranger
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from pytest_django import Settings

from config.observability import heartbeats, machines
from tests import stopwatch

COUNT_AND_PUBLISH = """
import sys, time
from config.observability import heartbeats, machines, prometheus_counters
for _ in range(int(sys.argv[1])):
    prometheus_counters.count_task(task="a.b", outcome="succeeded", seconds=0.2)
heartbeats.beat("queue-celery")
machines.publish_if_due(now=time.time())
print(machines.name())
"""


@pytest.fixture
def store() -> redis.Redis:
    return redis.Redis.from_url(project.CACHE_URL)


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path, store: redis.Redis) -> Iterator[Path]:
    """Make this process one of a new machine, in a store without machines."""
    settings.UNDERONE_HOME = tmp_path / "here"
    store.delete(machines.KEY)
    yield tmp_path / "here"
    store.delete(machines.KEY)


def elsewhere(home: Path, count: int) -> str:
    """Count tasks in a process of another machine, and return the machine's name."""
    result = subprocess.run(
        [sys.executable, "-c", COUNT_AND_PUBLISH, str(count)],
        cwd=project.BASE_DIR,
        env=os.environ | {"UNDERONE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return result.stdout.strip()


def scraped() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = Stranger().get("/metrics")
    assert response.status_code == 200
    families = text_string_to_metric_families(response.content.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def tasks_of(samples: dict[tuple[str, frozenset[tuple[str, str]]], float]) -> dict[str, float]:
    """Return the number of tasks a.b by machine."""
    return {
        dict(labels)["machine"]: value
        for (name, labels), value in samples.items()
        if name == "underone_tasks_total" and ("task", "a.b") in labels
    }


def test_counters_and_heartbeats_of_other_machines_are_shown(db: None, tmp_path: Path) -> None:
    first, second = elsewhere(tmp_path / "first", 3), elsewhere(tmp_path / "second", 4)
    machines.publish(now=time.time())

    samples = scraped()

    counted = tasks_of(samples)
    assert (counted[first], counted[second]) == (3, 4)
    age = samples["underone_worker_age_seconds", frozenset({("queue", "celery")})]
    assert age < 60
    assert samples["underone_store_up", frozenset()] == 1
    ages = [labels for name, labels in samples if name == "underone_machine_age_seconds"]
    assert len(ages) == 3


def test_processes_of_one_machine_publish_once_in_ten_seconds(home: Path, store: redis.Redis) -> None:
    machines.publish_if_due(now=time.time())
    (first,) = store.hvals(machines.KEY)

    machines.publish_if_due(now=time.time() + 5)
    assert store.hvals(machines.KEY) == [first]

    heartbeats.beat(heartbeats.SCHEDULER)
    machines.publish_if_due(now=time.time() + 11)
    assert store.hvals(machines.KEY) != [first]


def test_age_of_a_machine_that_is_gone_grows_and_its_counters_end(tmp_path: Path) -> None:
    gone, now = elsewhere(tmp_path / "gone", 3), time.time()

    soon, later = machines.others(now=now + 200), machines.others(now=now + 4000)

    assert soon is not None
    assert later is not None
    assert {sample.labels["machine"] for sample in samples_of(soon, now + 200)} == {gone}
    assert samples_of(later, now + 4000) == []
    assert machines.ages(later, now=now + 4000)["queue-celery"] == pytest.approx(4000, abs=60)
    assert machines.others(now=now + 8 * 86400) == {}
    assert machines.others(now=now) == {}


def samples_of(snapshots: dict[str, machines.Snapshot], now: float) -> list[Sample]:
    return [
        sample
        for metric in machines.counters(snapshots, now=now)
        for sample in metric.samples
        if sample.labels.get("task") == "a.b"
    ]


def test_heartbeat_of_the_machine_where_it_is_youngest_counts(home: Path) -> None:
    now = time.time()
    heartbeats.beat("queue-celery")
    os.utime(home / "heartbeats" / "queue-celery", (now - 500, now - 500))
    other = machines.Snapshot(now, "", {"queue-celery": now - 7, "clock": now + 30}, [])

    assert machines.ages({}, now=now)["queue-celery"] == pytest.approx(500, abs=1)
    assert machines.ages({"other": other}, now=now) == {"queue-celery": pytest.approx(7), "clock": 0}


@pytest.mark.parametrize("content", [b"", b"not packed", zlib.compress(b"[]"), zlib.compress(b'{"at": 1}')])
def test_snapshot_that_cannot_be_read_is_left_out(db: None, store: redis.Redis, content: bytes) -> None:
    store.hset(machines.KEY, "strange", content)

    assert scraped()["underone_store_up", frozenset()] == 1
    assert machines.others(now=time.time()) == {}


def test_metrics_show_their_own_machine_while_the_store_is_away(db: None, settings: Settings) -> None:
    settings.CACHE_URL = "redis://127.0.0.1:1/0"
    heartbeats.beat(heartbeats.SCHEDULER)

    machines.publish(now=time.time())
    samples = scraped()

    assert samples["underone_store_up", frozenset()] == 0
    assert samples["underone_clock_age_seconds", frozenset()] < 60
    assert samples["underone_machine_age_seconds", frozenset({("machine", machines.name())})] == 0


def test_metrics_do_not_wait_for_a_hanging_store(db: None, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silence, stopwatch.running() as watch:
        settings.CACHE_URL = f"redis://127.0.0.1:{silence.getsockname()[1]}/0"

        assert scraped()["underone_store_up", frozenset()] == 0

    assert watch.seconds < 5


def test_machine_keeps_its_name(home: Path) -> None:
    name = machines.name()

    assert (home / "machine").read_text() == name
    assert name.startswith(machines.INVALID.sub("-", socket.gethostname())[:60])
    assert machines.name() == name
