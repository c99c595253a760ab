"""Test that the alert rules, the dashboard and the runbook name metrics and each other correctly."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import Client as Stranger
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Backup
from config.observability import heartbeats, operational_figures, prometheus_counters
from tests import certificates
from tests.architecture.agency_data import create_agency_data
from tests.client import Client

ROOT = Path(settings.BASE_DIR)
METRIC = re.compile(r"\bunderone_[a-z_]+\b")
LABEL = re.compile(r'\b([a-z_]+)(?:=|!=|=~|!~)"')
BY = re.compile(r"\b(?:by|on) \(([a-z_, ]+)\)")
SUBJECTS = (
    "backup",
    "disk",
    "report",
    "429",
    "401",
    "certificate",
    "version",
    "queue",
    "clock",
    "worker",
    "database",
)


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((ROOT / "docker/prometheus/alerts.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    return dict(json.loads((ROOT / "docker/grafana/underone.json").read_text()))


def expressions() -> list[str]:
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return [rule["expr"] for rule in rules()] + panels


@pytest.fixture
def exposition(acme: Client, settings: Settings, ca_file: Path) -> str:
    """Return `/metrics` of an installation in which everything has happened once."""
    settings.WEBHOOK_CA_FILE = str(ca_file)
    create_agency_data(acme, name="acme")
    heartbeats.beat(heartbeats.SCHEDULER)
    heartbeats.beat(f"{heartbeats.QUEUE}celery")
    prometheus_counters.count_task(task="ingestion.tasks.load_report", outcome="failed", seconds=1)
    prometheus_counters.count_wait(task="ingestion.tasks.load_report", seconds=1)
    now = timezone.now()
    Backup.objects.create(snapshot_at=now, completed_at=now, size=5, documents=1, missing_documents=2)
    operational_figures.reader.expire()
    text = Stranger().get("/metrics").content.decode()
    operational_figures.reader.expire()
    # Ages of what does not wait have no sample.
    return text


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    """Return a file of two certificates, which expire in 30 and 300 days."""
    file = tmp_path / "ca.pem"
    file.write_bytes(b"".join(certificates.create("ca.example", days=days).certificate for days in (300, 30)))
    return file


def test_metrics_of_alerts_and_dashboard_exist(exposition: str) -> None:
    known = set(METRIC.findall(exposition))

    assert len(expressions()) > 30
    assert {name for text in expressions() for name in METRIC.findall(text)} - known == set()


def test_labels_of_alerts_and_dashboard_exist(exposition: str) -> None:
    known = set(LABEL.findall(exposition)) | {"le", "instance", "job"}

    used = {label for text in expressions() for label in LABEL.findall(text)}
    grouped = {
        label.strip() for text in expressions() for part in BY.findall(text) for label in part.split(",")
    }
    assert (used | grouped) - known == set()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_alert_is_complete(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]+", rule["alert"])
    assert rule["expr"].strip()
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert rule["labels"]["severity"] in {"page", "warn"}
    assert re.fullmatch(r"[0-9]+[smhd]", rule.get("for", "1m"))
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_runbook_has_a_line_for_each_alert() -> None:
    text = (ROOT / "docs/runbook.md").read_text()

    assert re.findall(r'<a id="([a-z]+)"></a>', text) == [rule["alert"].lower() for rule in rules()]
    assert re.findall(r"</a>([A-Za-z]+) \|", text) == [rule["alert"] for rule in rules()]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject_has_an_alert(subject: str) -> None:
    assert [rule for rule in rules() if subject in rule["expr"].lower()]


def test_dashboard_can_be_imported() -> None:
    board = dashboard()

    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert all(target["expr"] for panel in board["panels"] for target in panel["targets"])
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"${datasource}"}
    assert [each["name"] for each in board["templating"]["list"]] == ["datasource"]


def test_gauges_of_backup_disk_and_certificate(exposition: str, ca_file: Path) -> None:
    samples = dict(line.rsplit(" ", 1) for line in exposition.splitlines() if not line.startswith("#"))

    assert float(samples["underone_last_backup_missing_documents"]) == 2
    assert float(samples["underone_last_backup_timestamp_seconds"]) == pytest.approx(
        timezone.now().timestamp(), abs=60
    )
    for folder in ("home", "uploads"):
        free = float(samples[f'underone_disk_free_bytes{{folder="{folder}"}}'])
        assert 0 < free <= float(samples[f'underone_disk_size_bytes{{folder="{folder}"}}'])
    expiry = float(samples['underone_certificate_expiry_timestamp_seconds{certificate="webhook_ca"}'])
    assert expiry == pytest.approx((datetime.now(UTC) + timedelta(days=30)).timestamp(), abs=60)
