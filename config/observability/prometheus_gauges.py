"""Collect the Prometheus gauges of the installation: database, heartbeats, disks, certificates and version.

The figures of the database come from the SQL function operational_figures(), which
ingestion/migrations/0003_operational_figures.py defines. A new figure is a new column of it.
"""

import platform
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import django
from cryptography import x509
from django.conf import settings
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.version import VERSION
from config.observability import heartbeats, machines
from config.observability.machines import Snapshot
from config.observability.operational_figures import Figures

# The gauges from the database, with their help texts.
FIGURES = {
    "underone_reports": "Reports that are queued or processing, by status.",
    "underone_oldest_queued_report_age_seconds": "Age of the oldest queued report.",
    "underone_deliveries_pending": "Pending deliveries.",
    "underone_deliveries_due": "Pending deliveries that are due.",
    "underone_oldest_due_delivery_age_seconds": "Time since the oldest due delivery became due.",
    "underone_endpoints": "Webhook endpoints that fail or are disabled, by state.",
    "underone_accounts": "Seller accounts.",
    "underone_accounts_stale": "Seller accounts with a stale source.",
    "underone_open_breaches": "Open breaches and warnings, by level.",
    "underone_last_backup_timestamp_seconds": "Unix time of the data in the newest backup.",
    "underone_last_backup_bytes": "Size of the newest backup.",
    "underone_last_backup_missing_documents": "Documents that the storage lacked at the newest backup.",
}
# Each sample: its gauge, its labels, and the figure (config/observability/operational_figures.py) that is its
# value.
SAMPLES: tuple[tuple[str, dict[str, str], str], ...] = (
    ("underone_reports", {"status": "queued"}, "reports_queued"),
    ("underone_reports", {"status": "processing"}, "reports_processing"),
    ("underone_oldest_queued_report_age_seconds", {}, "queued_report_age"),
    ("underone_deliveries_pending", {}, "deliveries_pending"),
    ("underone_deliveries_due", {}, "deliveries_due"),
    ("underone_oldest_due_delivery_age_seconds", {}, "due_delivery_age"),
    ("underone_endpoints", {"state": "failing"}, "endpoints_failing"),
    ("underone_endpoints", {"state": "disabled"}, "endpoints_disabled"),
    ("underone_accounts", {}, "accounts"),
    ("underone_accounts_stale", {}, "accounts_stale"),
    ("underone_open_breaches", {"level": "breach"}, "breaches_open"),
    ("underone_open_breaches", {"level": "warning"}, "warnings_open"),
    ("underone_last_backup_timestamp_seconds", {}, "backup_at"),
    ("underone_last_backup_bytes", {}, "backup_size"),
    ("underone_last_backup_missing_documents", {}, "backup_missing_documents"),
)
BUILD = {"version": VERSION, "python": platform.python_version(), "django": django.__version__}


class InstallationCollector(Collector):
    """Collect all metrics of the installation for one scrape."""

    def __init__(self, *, figures: Figures | None, snapshots: dict[str, Snapshot] | None, now: float) -> None:
        """`snapshots` are those of the other machines, None if the store is away. `now` is a Unix time."""
        self.figures, self.now = figures, now
        self.is_store_up, self.snapshots = snapshots is not None, snapshots or {}
        self.ages = machines.ages(self.snapshots, now=now)

    def collect(self) -> Iterator[Metric]:
        """Yield the build, the metrics of all processes, the figures of the database and the ages of
        heartbeats."""

        yield _gauge("underone_build_info", "Version of Underone and its platform. Always 1.", [(BUILD, 1)])
        yield from machines.counters(self.snapshots, now=self.now)
        yield from self._machine_gauges()
        yield from _database_gauges(self.figures)
        yield from _local_gauges()
        scheduler_age = self.ages.get(heartbeats.SCHEDULER)
        yield _gauge(
            "underone_clock_age_seconds", "Time since the scheduler last sent a task.", [({}, scheduler_age)]
        )
        queues = [
            ({"queue": name.removeprefix(heartbeats.QUEUE)}, age)
            for name, age in sorted(self.ages.items())
            if name.startswith(heartbeats.QUEUE)
        ]
        yield _gauge(
            "underone_worker_age_seconds", "Time since the last heartbeat of a worker, by queue.", queues
        )

    def _machine_gauges(self) -> Iterator[Metric]:
        """Yield whether the store answered, and the version and age of each machine's counters."""
        is_up = float(self.is_store_up)
        yield _gauge(
            "underone_store_up", "Whether the store at CACHE_URL answered (1) or not (0).", [({}, is_up)]
        )
        versions = {machines.name(): VERSION} | {
            machine: each.version for machine, each in self.snapshots.items()
        }
        ages = {machines.name(): 0.0} | {
            machine: max(self.now - each.at, 0.0) for machine, each in self.snapshots.items()
        }
        yield _gauge(
            "underone_machine_info",
            "Version of Underone on each machine. Always 1.",
            [({"machine": machine, "version": version}, 1) for machine, version in sorted(versions.items())],
        )
        yield _gauge(
            "underone_machine_age_seconds",
            "Time since a machine published its counters and heartbeats.",
            [({"machine": machine}, age) for machine, age in sorted(ages.items())],
        )


def _database_gauges(figures: Figures | None) -> Iterator[Metric]:
    """Yield whether the database answered and, if it did, its figures."""
    is_up = float(figures is not None)
    yield _gauge("underone_database_up", "Whether the database answered (1) or not (0).", [({}, is_up)])
    if figures is not None:
        for name, help_text in FIGURES.items():
            samples = [(labels, figures[figure]) for gauge, labels, figure in SAMPLES if gauge == name]
            yield _gauge(name, help_text, samples)


def _local_gauges() -> Iterator[Metric]:
    """Yield the space on the disks of this machine, and when the certificates of WEBHOOK_CA_FILE expire."""
    disks = {
        folder: shutil.disk_usage(path)
        for folder, path in (
            ("home", settings.UNDERONE_HOME),
            ("uploads", settings.FILE_UPLOAD_TEMP_DIR),
        )
        # Without the folder, /readyz says what is wrong.
        if Path(path).is_dir()
    }
    free = [({"folder": folder}, disk.free) for folder, disk in disks.items()]
    size = [({"folder": folder}, disk.total) for folder, disk in disks.items()]
    yield _gauge("underone_disk_free_bytes", "Free space on the disk of a folder.", free)
    yield _gauge("underone_disk_size_bytes", "Size of the disk of a folder.", size)
    expiry = [({"certificate": "webhook_ca"}, _first_expiry(settings.WEBHOOK_CA_FILE))]
    yield _gauge("underone_certificate_expiry_timestamp_seconds", "Unix time of the first expiry.", expiry)


def _first_expiry(file: str | None) -> float | None:
    """Return when the first certificate of the file expires; None without a file that can be read."""
    try:
        certificates = x509.load_pem_x509_certificates(Path(file).read_bytes()) if file else []
    except (OSError, ValueError):
        return None
    return min((one.not_valid_after_utc.timestamp() for one in certificates), default=None)


def _gauge(name: str, help_text: str, samples: Sequence[tuple[dict[str, str], float | None]]) -> Metric:
    """Return a gauge without the samples that are None, such as the age of the oldest queued report if none
    is queued."""
    gauge = GaugeMetricFamily(name, help_text)
    for labels, value in samples:
        if value is not None:
            gauge.add_sample(name, labels, float(value))
    return gauge
