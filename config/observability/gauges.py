"""The gauges that Prometheus reads, from figures of the database and from what processes counted."""

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from config.observability import heartbeats, meters
from config.observability.operational_figures import Figures

FIGURES = {
    "underone_reports": "Reports received and not finished, by status.",
    "underone_oldest_queued_report_age_seconds": "How long the oldest queued report has waited.",
    "underone_deliveries_pending": "Deliveries to webhook endpoints that are not finished.",
    "underone_deliveries_due": "Those of them that could go out now.",
    "underone_oldest_due_delivery_age_seconds": "For how long the oldest of these has been due.",
    "underone_endpoints": "Webhook endpoints in trouble, by state.",
    "underone_accounts": "Seller accounts.",
    "underone_accounts_stale": "Those of which a source has been silent for too long.",
    "underone_open_breaches": "Open breaches and warnings, by level.",
}
"""What each gauge says."""
MEMBERS: tuple[tuple[str, dict[str, str], str], ...] = (
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
)
"""The gauge, its labels, and the figure (config/observability/operational_figures.py) behind it."""


class Installation(Collector):
    """Everything that is told, in turn."""

    def __init__(self, *, known: Figures | None, ages: Mapping[str, float]) -> None:
        self.known, self.ages = known, ages

    def collect(self) -> Iterator[Metric]:
        yield from meters.everybody_s()
        yield from _told(self.known)
        clock = self.ages.get(heartbeats.CLOCK)
        yield _gauge("underone_clock_age_seconds", "Since the clock last handed out a job.", [({}, clock)])
        queues = [
            ({"queue": name.removeprefix(heartbeats.QUEUE)}, age)
            for name, age in sorted(self.ages.items())
            if name.startswith(heartbeats.QUEUE)
        ]
        yield _gauge("underone_worker_age_seconds", "Since a worker of the queue last showed itself.", queues)


def _told(known: Figures | None) -> Iterator[Metric]:
    """What the database told; without it, that it told nothing."""
    is_up = float(known is not None)
    yield _gauge("underone_database_up", "Whether the database told the gauges of what it holds.", [({}, is_up)])
    if known is not None:
        for name, help_text in FIGURES.items():
            yield _gauge(name, help_text, [(labels, known[figure]) for of, labels, figure in MEMBERS if of == name])


def _gauge(name: str, help_text: str, members: Sequence[tuple[dict[str, str], float | None]]) -> Metric:
    """A gauge without those of its values that nobody knows: where nothing waits, nothing has an age."""
    gauge = GaugeMetricFamily(name, help_text)
    for labels, value in members:
        if value is not None:
            gauge.add_sample(name, labels, float(value))
    return gauge
