"""Share what this machine counts with the others, through the store of CACHE_URL.

Processes write their heartbeats and counters to files of their machine, which needs no network and cannot fail.
Every PUBLISH_SECONDS one of them puts a snapshot of these files into the store, where every web process finds
the snapshots of the other machines. If the store is away, `/metrics` shows its own machine only.
"""

import contextlib
import json
import logging
import os
import re
import secrets
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from prometheus_client import Metric
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from api.version import VERSION
from config.observability import heartbeats, prometheus_counters

KEY = "underone:machines"
LABEL = "machine"
PUBLISH_SECONDS = 10.0
# Counters of a machine that is gone end, so that nobody takes them for those of a running one.
COUNTERS_SECONDS = 300.0
# Its heartbeats stay, because their age must grow until somebody has seen it.
SNAPSHOT_SECONDS = 7 * 86400.0
# Scrapes and workers must not wait for a store that hangs.
TIMEOUT = 1.0
INVALID = re.compile(r"[^\w.-]")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """Store what a machine published: when, its version, the time of each heartbeat, and its counters."""

    at: float
    version: str
    heartbeats: dict[str, float]
    metrics: list[Metric]

    def pack(self) -> bytes:
        """Return the snapshot as compressed JSON."""
        metrics = [
            [metric.name, metric.type, metric.documentation, [list(sample[:3]) for sample in metric.samples]]
            for metric in self.metrics
        ]
        content = {"at": self.at, "version": self.version, "heartbeats": self.heartbeats, "metrics": metrics}
        return zlib.compress(json.dumps(content).encode(), level=1)


def name() -> str:
    """Return the name of this machine: its host name, and a few letters that tell two installations of one
    host apart. Containers that share a folder are one machine."""
    return _name(Path(settings.UNDERONE_HOME) / "machine")


@cache
def _name(file: Path) -> str:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f"machine.{os.getpid()}")
        host = INVALID.sub("-", socket.gethostname())[:60]
        fresh.write_text(f"{host}-{secrets.token_hex(2)}")
        # Whichever process links its file first names the machine.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, file)
        fresh.unlink()
    return file.read_text().strip()


def publish_if_due(*, now: float) -> None:
    """Publish a snapshot of this machine, unless one of its processes did so in the last PUBLISH_SECONDS. `now`
    is a Unix time."""
    file = Path(settings.UNDERONE_HOME) / "published"
    try:
        if now - file.stat().st_mtime < PUBLISH_SECONDS:
            return
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
    # First, so that the others do not publish as well, and a store that is away is not asked at once again.
    file.touch()
    publish(now=now)


def publish(*, now: float) -> None:
    """Publish a snapshot of this machine. A store that is away is logged."""
    if not settings.CACHE_URL:
        return
    snapshot = Snapshot(now, VERSION, heartbeats.times(), list(prometheus_counters.collect_all()))
    try:
        _store(settings.CACHE_URL, os.getpid()).hset(KEY, name(), snapshot.pack())
    except RedisError as error:
        log.warning("The heartbeats of this machine cannot be published: %s", type(error).__name__)


def publish_forever() -> None:
    """Publish in a thread of this process, as long as it runs."""

    def repeat() -> None:
        while True:
            time.sleep(PUBLISH_SECONDS / 2)
            try:
                publish_if_due(now=time.time())
            except OSError:
                log.exception("the counters of this machine cannot be read")

    threading.Thread(target=repeat, daemon=True, name="publish counters").start()


def others(*, now: float) -> dict[str, Snapshot] | None:
    """Return the snapshots of the other machines by name, or None if the store is away. Old ones are deleted."""
    if not settings.CACHE_URL:
        return None
    try:
        store = _store(settings.CACHE_URL, os.getpid())
        packed: dict[bytes, bytes] = store.hgetall(KEY)  # type: ignore[assignment]
        snapshots = {machine.decode(): _unpack(content) for machine, content in packed.items()}
        if old := [machine for machine, each in snapshots.items() if now - each.at > SNAPSHOT_SECONDS]:
            store.hdel(KEY, *old)
    except RedisError:
        return None
    return {machine: each for machine, each in snapshots.items() if machine not in {name(), *old}}


def ages(snapshots: dict[str, Snapshot], *, now: float) -> dict[str, float]:
    """Return the seconds since each heartbeat, of the machine where it is the youngest."""
    youngest = heartbeats.times()
    for snapshot in snapshots.values():
        for beat, at in snapshot.heartbeats.items():
            youngest[beat] = max(at, youngest.get(beat, 0.0))
    return {beat: max(now - at, 0.0) for beat, at in youngest.items()}


def counters(snapshots: dict[str, Snapshot], *, now: float) -> Iterator[Metric]:
    """Yield the counters of all machines, each sample with the name of its machine as a label."""
    merged: dict[str, Metric] = {}
    for machine, metrics in _metrics(snapshots, now=now):
        for metric in metrics:
            target = merged.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            for sample in metric.samples:
                # A label instead of a sum: if the counters of one machine begin anew, a sum would fall.
                target.add_sample(sample.name, {**sample.labels, LABEL: machine}, sample.value)
    yield from merged.values()


def _metrics(snapshots: dict[str, Snapshot], *, now: float) -> Iterator[tuple[str, list[Metric]]]:
    yield name(), list(prometheus_counters.collect_all())
    for machine, snapshot in sorted(snapshots.items()):
        if now - snapshot.at < COUNTERS_SECONDS:
            yield machine, snapshot.metrics


def _unpack(packed: bytes) -> Snapshot:
    """Return a snapshot. One that cannot be read, such as of another release, is empty and old."""
    try:
        content: dict[str, Any] = json.loads(zlib.decompress(packed))
        metrics = []
        for metric_name, kind, documentation, samples in content["metrics"]:
            metric = Metric(metric_name, documentation, kind)
            for sample_name, labels, value in samples:
                metric.add_sample(sample_name, labels, value)
            metrics.append(metric)
        return Snapshot(float(content["at"]), str(content["version"]), dict(content["heartbeats"]), metrics)
    except (zlib.error, ValueError, KeyError, TypeError):
        return Snapshot(0.0, "", {}, [])


@cache
def _store(url: str, process: int) -> "Redis":
    """Return the client of this process: a forked one must not share the connections of its parent."""
    return Redis.from_url(
        url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
    )
