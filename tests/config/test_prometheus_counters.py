"""Test counters of requests and tasks, which are summed over processes and outlive them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client as Stranger
from pytest_django import Settings

from config.observability import prometheus_counters
from tests.client import Client

COUNT = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from config.observability import prometheus_counters
for _ in range(int(sys.argv[1])):
    prometheus_counters.count_task(task="a.b", outcome="succeeded", seconds=0.2)
    prometheus_counters.count_wait(task="a.b", seconds=-1)
"""


def read_metrics(name: str, **labels: str) -> float:
    """Return the sum of a counter over all processes for these labels."""
    samples = [
        sample
        for metric in prometheus_counters.collect_all()
        for sample in metric.samples
        if sample.name == name
    ]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


@pytest.fixture
def own_folder(tmp_path: Path, settings: Settings) -> Path:
    """Store counters of child processes in a separate folder."""
    settings.UNDERONE_HOME = tmp_path
    return tmp_path


def count_elsewhere(home: Path, times: int) -> None:
    subprocess.run(
        [sys.executable, "-c", COUNT, str(times)],
        cwd=settings.BASE_DIR,
        env=os.environ | {"UNDERONE_HOME": str(home)},
        check=True,
    )


def test_metrics_without_counts_are_empty(own_folder: Path) -> None:
    assert list(prometheus_counters.collect_all()) == []


def test_metrics_of_other_processes_are_summed_after_their_end(own_folder: Path) -> None:
    for times in (3, 4):
        count_elsewhere(own_folder, times)

    assert read_metrics("underone_tasks_total", task="a.b", outcome="succeeded") == 7
    assert read_metrics("underone_task_seconds_count", task="a.b") == 7
    assert read_metrics("underone_task_seconds_bucket", task="a.b", le="0.1") == 0
    assert read_metrics("underone_task_seconds_bucket", task="a.b", le="0.5") == 7
    assert read_metrics("underone_task_wait_seconds_sum", task="a.b") == 0


def test_successive_processes_reuse_files(own_folder: Path) -> None:
    for _ in range(4):
        count_elsewhere(own_folder, 1)

    assert sorted(file.name for file in (own_folder / "meters").iterdir()) == [
        "counter_0.db",
        "histogram_0.db",
        "slot-0.lock",
    ]


def test_requests_are_counted_by_route(acme: Client, shop: str) -> None:
    labels = {"method": "GET", "route": "/v1/accounts/{account_id}"}
    before = read_metrics("underone_http_requests_total", **labels, status="200")
    timed = read_metrics("underone_http_request_seconds_count", **labels)

    acme.read(f"/v1/accounts/{shop}")

    assert read_metrics("underone_http_requests_total", **labels, status="200") == before + 1
    assert read_metrics("underone_http_request_seconds_count", **labels) == timed + 1
    assert read_metrics("underone_http_requests_total", route=f"/v1/accounts/{shop}") == 0


def test_unknown_paths_are_one_row(db: None) -> None:
    before = read_metrics("underone_http_requests_total", method="GET", route="", status="404")

    for n in range(3):
        Stranger().get(f"/v1/nothing/{n}")

    assert read_metrics("underone_http_requests_total", method="GET", route="", status="404") == before + 3


def test_unknown_methods_are_one_row(db: None) -> None:
    before = read_metrics("underone_http_requests_total", method="other", route="/healthz", status="405")

    for method in ("BREW", "WHEN", "PROPFIND"):
        Stranger().generic(method, "/healthz")

    assert (
        read_metrics("underone_http_requests_total", method="other", route="/healthz", status="405")
        == before + 3
    )


def test_task_of_killed_process_is_counted_without_duration() -> None:
    timed = read_metrics("underone_task_seconds_count", task="c.d")

    prometheus_counters.count_task(task="c.d", outcome="killed", seconds=None)

    assert read_metrics("underone_tasks_total", task="c.d", outcome="killed") >= 1
    assert read_metrics("underone_task_seconds_count", task="c.d") == timed
