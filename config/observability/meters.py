"""What every process counts of its requests and tasks; summed over all of them when Prometheus asks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from config.observability.process_slots import Seats

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
TASK_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900)
WAIT_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1200)


@dataclass(frozen=True)
class Meters:
    requests: Counter
    request_seconds: Histogram
    tasks: Counter
    task_seconds: Histogram
    task_wait_seconds: Histogram


@cache
def meters() -> Meters:
    """The meters of this process. Their counts are files in a folder that all processes of the installation share."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder())
    values.ValueClass = values.MultiProcessValue(Seats(folder=folder()).mine)  # type: ignore[no-untyped-call]
    request, task = ("method", "route"), ("task",)
    return Meters(
        requests=Counter("underone_http_requests", "Requests answered.", (*request, "status"), registry=None),
        request_seconds=Histogram(
            "underone_http_request_seconds", "How long answers took.", request, buckets=REQUEST_SECONDS, registry=None
        ),
        tasks=Counter("underone_tasks", "Tasks that ended.", (*task, "outcome"), registry=None),
        task_seconds=Histogram("underone_task_seconds", "How long tasks took.", task, buckets=TASK_SECONDS, registry=None),
        task_wait_seconds=Histogram(
            "underone_task_wait_seconds", "From sending a task to its begin.", task, buckets=WAIT_SECONDS, registry=None
        ),
    )


def folder() -> Path:
    """Where the counts are kept."""
    return Path(settings.UNDERONE_HOME) / "meters"


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Methods that nobody knows are one: a stranger shall not make rows here."""
    known = method if method in METHODS else "other"
    meters().requests.labels(known, route, str(status)).inc()
    meters().request_seconds.labels(known, route).observe(seconds)


def count_wait(*, task: str, seconds: float) -> None:
    meters().task_wait_seconds.labels(task).observe(max(seconds, 0))


def count_task(*, task: str, outcome: str, seconds: float | None) -> None:
    """`seconds` is None where the process that worked was ended and nobody knows since when it did."""
    meters().tasks.labels(task, outcome).inc()
    if seconds is not None:
        meters().task_seconds.labels(task).observe(seconds)


def everybody_s() -> Iterator[Metric]:
    """What all processes have counted."""
    if folder().is_dir():
        summed: Collector = MultiProcessCollector(CollectorRegistry(), path=str(folder()))  # type: ignore[no-untyped-call]
        yield from summed.collect()
