"""Test that a kept document which the storage does not have is an error, and never one whose days are over."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from accounts.agencies import lifecycle as agencies
from accounts.models import SellerAccount
from accounts.tenancy import context
from ingestion import erasure, retention
from ingestion.models import Export, Report
from tests import build
from tests.client import Client
from tests.clock import NOW
from tests.ingestion import archives

DOCUMENT = build.orders_file(build.orders_on(NOW - timedelta(days=30), count=3))
MISSING = "/problems/document-missing"


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> Path:
    """Return a storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def report(acme: Client, shop: str) -> str:
    """Return the ID of a loaded report."""
    return str(acme.load(shop, DOCUMENT)["id"])


def lose_document(client: Client) -> None:
    """Delete the file of the agency's report, as a person at the server would."""
    with context.agency(client.agency.pk):
        default_storage.delete(Report.objects.get().document)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "underone.documents" and record.levelno == logging.ERROR
    ]


def test_download_of_missing_document_is_an_error(
    acme: Client, report: str, caplog: pytest.LogCaptureFixture
) -> None:
    lose_document(acme)

    response = acme.get(f"/v1/reports/{report}/document")

    assert (response.status_code, response.json()["type"]) == (500, MISSING)
    assert errors(caplog) == [f"The stored file of {report} is missing: download"]
    assert acme.read(f"/v1/reports/{report}")["document_deleted_at"] is None


def test_missing_document_is_counted(acme: Client, report: str) -> None:
    lose_document(acme)
    acme.get("/v1/me")
    before = count_errors(acme)

    acme.get(f"/v1/reports/{report}/document")

    assert count_errors(acme) == before + 1


def count_errors(client: Client) -> float:
    """Return the counter of missing documents, which begins at 0."""
    families = text_string_to_metric_families(client.get("/metrics").content.decode())
    (counter,) = (family for family in families if family.name == "underone_logged_errors")
    (sample,) = (each for each in counter.samples if each.labels["logger"] == "underone.documents")
    return float(sample.value)


def test_download_past_retention_is_gone(acme: Client, report: str, caplog: pytest.LogCaptureFixture) -> None:
    lose_document(acme)
    with context.agency(acme.agency.pk):
        Report.objects.update(received_at=NOW - timedelta(days=3000))

    response = acme.get(f"/v1/reports/{report}/document")

    assert (response.status_code, response.json()["type"]) == (410, "/problems/document-deleted")
    assert errors(caplog) == []


def test_retention_reports_missing_document_and_marks_it(
    acme: Client, report: str, caplog: pytest.LogCaptureFixture
) -> None:
    lose_document(acme)
    with context.agency(acme.agency.pk):
        Report.objects.update(received_at=NOW - timedelta(days=3000))

    assert retention.delete(agency_id=acme.agency.pk, now=NOW) == 1

    assert errors(caplog) == [f"The stored file of {report} is missing: retention"]


def test_erasure_reports_missing_document_once(
    acme: Client, shop: str, report: str, caplog: pytest.LogCaptureFixture
) -> None:
    lose_document(acme)
    acme.delete(f"/v1/accounts/{shop}")
    with context.agency(acme.agency.pk):
        SellerAccount.objects.update(erased_from=NOW)

    assert erasure.erase_accounts(agency_id=acme.agency.pk, now=NOW + timedelta(days=30)) == 1

    assert errors(caplog) == [f"The stored file of {report} is missing: erasure"]


def test_erasure_of_present_documents_logs_no_error(
    acme: Client, shop: str, report: str, caplog: pytest.LogCaptureFixture, storage: Path
) -> None:
    acme.delete(f"/v1/accounts/{shop}")
    with context.agency(acme.agency.pk):
        SellerAccount.objects.update(erased_from=NOW)

    erasure.erase_accounts(agency_id=acme.agency.pk, now=NOW + timedelta(days=30))

    assert errors(caplog) == []
    assert [path for path in storage.rglob("*") if path.is_file()] == []


def test_export_names_missing_document(committed_db: None, caplog: pytest.LogCaptureFixture) -> None:
    acme = Client(*agencies.create_agency(name="Acme", now=NOW))
    report = str(acme.load(acme.take_on(), DOCUMENT)["id"])
    lose_document(acme)

    export = archives.request_export(acme, documents=True)
    archives.build_archive(acme, export)

    archive = archives.download_archive(acme, export)
    assert archive.manifest["missing_documents"] == [report]
    assert archive.faults() == []
    assert errors(caplog) == [f"The stored file of {report} is missing: export"]


def test_download_of_missing_archive_is_an_error(
    committed_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    acme = Client(*agencies.create_agency(name="Acme", now=NOW))
    export = archives.request_export(acme)
    archives.build_archive(acme, export)
    with context.agency(acme.agency.pk):
        default_storage.delete(Export.objects.get().document)

    response = acme.get(f"/v1/exports/{export}/archive")

    assert (response.status_code, response.json()["type"]) == (500, MISSING)
    assert errors(caplog) == [f"The stored file of {export} is missing: download of an export"]
