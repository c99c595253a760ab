"""Count requests and tasks in Prometheus counters and histograms.

Every process counts for itself. The counts are summed over all processes when they are scraped.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from config.observability.process_slots import ProcessSlots

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
TASK_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900)
# The logger of documents that are kept and that the storage does not have.
MISSING_DOCUMENTS = "underone.documents"
WAIT_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1200)


@dataclass(frozen=True)
class ProcessCounters:
    """Store the counters and histograms of one process."""

    requests: Counter
    request_seconds: Histogram
    tasks: Counter
    task_seconds: Histogram
    task_wait_seconds: Histogram
    logged_errors: Counter


@cache
def process_counters() -> ProcessCounters:
    """Return the counters of this process. Their files are in a folder that all processes share."""

    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder())
    # By default prometheus_client names its files by process ID, and the folder grows with every process that
    # ever ran. ValueClass is a private name: there is no public way to name the files
    # (tests/config/test_prometheus_counters.py fails when it changes). It is read when a metric is created, and
    # therefore set before that.
    values.ValueClass = values.MultiProcessValue(ProcessSlots(folder=folder()).current)  # type: ignore[no-untyped-call]
    request, task = ("method", "route"), ("task",)
    counters = ProcessCounters(
        requests=Counter("underone_http_requests", "HTTP requests.", (*request, "status"), registry=None),
        request_seconds=Histogram(
            "underone_http_request_seconds",
            "Duration of HTTP requests in seconds.",
            request,
            buckets=REQUEST_SECONDS,
            registry=None,
        ),
        tasks=Counter("underone_tasks", "Finished tasks.", (*task, "outcome"), registry=None),
        task_seconds=Histogram(
            "underone_task_seconds",
            "Duration of tasks in seconds.",
            task,
            buckets=TASK_SECONDS,
            registry=None,
        ),
        task_wait_seconds=Histogram(
            "underone_task_wait_seconds",
            "Time from sending a task to its start in seconds.",
            task,
            buckets=WAIT_SECONDS,
            registry=None,
        ),
        logged_errors=Counter("underone_logged_errors", "Logged errors.", ("logger",), registry=None),
    )
    # From 0 on: Prometheus sees no increase in a series that begins with its first error.
    counters.logged_errors.labels(MISSING_DOCUMENTS)
    return counters


def folder() -> Path:
    """Return the folder of the counters' files."""
    return Path(settings.UNDERONE_HOME) / "meters"


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count a request. Unknown methods count as `other`, so that a client cannot create any number of
    series."""
    label = method if method in METHODS else "other"
    process_counters().requests.labels(label, route, str(status)).inc()
    process_counters().request_seconds.labels(label, route).observe(seconds)


def count_wait(*, task: str, seconds: float) -> None:
    """Count how long a task waited for a worker."""
    process_counters().task_wait_seconds.labels(task).observe(max(seconds, 0))


def count_task(*, task: str, outcome: str, seconds: float | None) -> None:
    """Count a finished task. `seconds` is None if its process was killed and its start is not known."""
    process_counters().tasks.labels(task, outcome).inc()
    if seconds is not None:
        process_counters().task_seconds.labels(task).observe(seconds)


def count_error(*, logger: str) -> None:
    """Count a logged error. Names of loggers come from code, so their number is small."""
    process_counters().logged_errors.labels(logger).inc()


def collect_all() -> Iterator[Metric]:
    """Yield the counters and histograms, summed over all processes."""
    if folder().is_dir():
        collector: Collector = MultiProcessCollector(CollectorRegistry(), path=str(folder()))  # type: ignore[no-untyped-call]
        yield from collector.collect()
