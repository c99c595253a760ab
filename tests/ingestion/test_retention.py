"""Test that documents are deleted after retention, also after an interrupted run, and that facts stay."""

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import DEFAULT_BUFFER_SIZE
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.db.utils import IntegrityError
from pytest_django.fixtures import Settings

from accounts.models import Agency
from accounts.tenancy import context
from api import identifiers
from config.celery import app
from ingestion import retention, tasks
from ingestion.api import tasks as upload_tasks
from ingestion.models import Report
from tests import build
from tests.client import Client
from tests.clock import NOW

ORDERED = NOW - timedelta(days=30)
DOCUMENT = build.orders_file(build.orders_on(ORDERED, count=3))
FEEDBACK_DE = build.feedback_file(
    [build.feedback_row(order=build.order_id(1), on=f"{NOW - timedelta(days=40):%d.%m.%y}")]
)
Status = Report.Status
PROBLEM = {"type": "/problems/x", "title": "No use", "detail": "None at all."}


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> Path:
    """Return a storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files(storage: Path) -> set[str]:
    """Return the IDs of the reports of all stored files."""
    return {path.name.partition("-")[0] for path in storage.rglob("*") if path.is_file()}


def age(client: Client, report: str, *, days: float, **fields: Any) -> UUID:
    """Set the report's time of receipt to so long ago."""
    report_id = identifiers.private("rpt", report)
    with context.agency(client.agency.pk):
        Report.objects.filter(pk=report_id).update(received_at=NOW - timedelta(days=days), **fields)
    assert report_id is not None
    return report_id


def sent(client: Client, account: str, *, days: float, **fields: Any) -> str:
    """Return the ID of a report received so long ago."""
    report = str(client.send(account, os.urandom(20)).json()["id"])
    age(client, report, days=days, **fields)
    return report


def delete(client: Client) -> int:
    return retention.delete(agency_id=client.agency.pk, now=NOW)


def test_document_is_deleted_and_its_report_says_when(acme: Client, shop: str, storage: Path) -> None:
    loaded = acme.load(shop, DOCUMENT)
    before = acme.odr(shop)
    age(acme, loaded["id"], days=31)

    assert delete(acme) == 1

    report = acme.read(f"/v1/reports/{loaded['id']}")
    assert datetime.fromisoformat(report["document_deleted_at"]) == NOW
    changed = {"document_deleted_at", "received_at"}
    assert {key: value for key, value in report.items() if key not in changed} == {
        key: value for key, value in loaded.items() if key not in changed
    }
    assert files(storage) == set()
    assert acme.odr(shop) == before


def test_deletion_count_is_audited_unless_zero(acme: Client, shop: str) -> None:
    for days in (31, 40, 29):
        sent(acme, shop, days=days, status=Status.REJECTED, problem=PROBLEM)

    for _ in range(2):
        delete(acme)

    entries = acme.read("/v1/audit-log", what="documents.*")["data"]
    assert [(each["who"], each["about"], each["detail"]) for each in entries] == [
        ("underone", acme.agency.public_id, {"count": 2})
    ]


def test_document_that_was_deleted_is_gone_for_good(acme: Client, shop: str) -> None:
    report = acme.load(shop, DOCUMENT)["id"]
    age(acme, report, days=31)
    delete(acme)

    response = acme.get(f"/v1/reports/{report}/document")

    assert (response.status_code, response["Content-Type"]) == (410, "application/problem+json")
    assert response.json()["type"] == "/problems/document-deleted"
    assert (
        acme.get(f"/v1/reports/{report}").status_code
        == acme.get(f"/v1/reports/{report}/rejected-rows").status_code
        == 200
    )


@pytest.mark.parametrize("days", [1, 7, 30, 3650])
def test_retention_follows_agency_setting(
    acme: Client, shop: str, rival: Client, storage: Path, days: int
) -> None:
    acme.patch("/v1/agency", {"document_retention_days": days}, format="json")
    older, younger = (
        sent(acme, shop, days=days + step, status=Status.LOADED, loaded_at=NOW) for step in (0.01, -0.01)
    )
    other = sent(rival, rival.take_on(partner="A1RIVAL"), days=29, status=Status.LOADED, loaded_at=NOW)

    tasks.delete_old_documents()

    assert older not in files(storage)
    assert {younger, other} <= files(storage)


@pytest.mark.parametrize(
    ("status", "is_deleted"),
    [
        (Status.QUEUED, False),
        (Status.PROCESSING, False),
        (Status.LOADED, True),
        (Status.REJECTED, True),
        (Status.FAILED, True),
    ],
)
def test_document_that_worker_has_yet_to_read_is_stored(
    acme: Client, shop: str, storage: Path, status: str, is_deleted: bool
) -> None:
    report = sent(acme, shop, days=4000, status=status, loaded_at=NOW, problem=PROBLEM)

    assert delete(acme) == is_deleted

    assert (report not in files(storage)) == is_deleted
    assert (acme.read(f"/v1/reports/{report}")["document_deleted_at"] is not None) == is_deleted


def test_rows_posted_as_json_are_deleted_like_document(acme: Client, shop: str, storage: Path) -> None:
    posted = acme.post_defects(shop, build.defect(order=build.order_id(1)))
    age(acme, posted["id"], days=31)

    assert delete(acme) == 1

    assert files(storage) == set()
    assert acme.get(f"/v1/reports/{posted['id']}/document").status_code == 410


def test_retention_deletes_several_batches(
    acme: Client, shop: str, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    for _ in range(5):
        sent(acme, shop, days=31, status=Status.LOADED, loaded_at=NOW)

    assert delete(acme) == 5

    assert files(storage) == set()
    assert delete(acme) == 0


def test_run_that_was_killed_behind_file_is_finished_by_next(acme: Client, shop: str) -> None:
    report = acme.load(shop, DOCUMENT)["id"]
    age(acme, report, days=31)
    with context.agency(acme.agency.pk):
        default_storage.delete(Report.objects.get().document)
    between = acme.get(f"/v1/reports/{report}/document")

    assert delete(acme) == 1

    assert (between.status_code, between.json()["type"]) == (410, "/problems/document-deleted")
    assert acme.read(f"/v1/reports/{report}")["document_deleted_at"] is not None


def test_file_that_cannot_be_deleted_holds_up_no_other(
    acme: Client, shop: str, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 1)
    stuck, free = (sent(acme, shop, days=31, status=Status.LOADED, loaded_at=NOW) for _ in range(2))
    with context.agency(acme.agency.pk):
        name = Report.objects.get(pk=identifiers.private("rpt", stuck)).original
    (storage / name).unlink()
    (storage / name / "a file that makes it a folder").mkdir(parents=True)

    assert delete(acme) == 1

    assert acme.read(f"/v1/reports/{stuck}")["document_deleted_at"] is None
    assert acme.read(f"/v1/reports/{free}")["document_deleted_at"] is not None


def test_report_that_another_transaction_holds_is_left_to_next_run(
    nord: Client, shelf: str, storage: Path
) -> None:
    locked, free = (sent(nord, shelf, days=31, status=Status.REJECTED, problem=PROBLEM) for _ in range(2))
    with closing(psycopg.connect(os.environ["DATABASE_URL"])) as other:
        other.execute(f"SET LOCAL underone.agency = '{nord.agency.pk}'")
        other.execute(
            "SELECT FROM ingestion_report WHERE id = %s FOR UPDATE", [identifiers.private("rpt", locked)]
        )

        assert delete(nord) == 1

    assert files(storage) == {locked}
    assert nord.read(f"/v1/reports/{free}")["document_deleted_at"] is not None
    assert delete(nord) == 1


def test_retention_does_not_touch_other_agencies(
    acme: Client, shop: str, rival: Client, storage: Path
) -> None:
    sent(acme, shop, days=31, status=Status.LOADED, loaded_at=NOW)

    assert delete(rival) == 0

    assert len(files(storage)) == 1


def test_deleted_document_that_was_loaded_is_duplicate_still(acme: Client, shop: str, storage: Path) -> None:
    loaded = acme.load(shop, DOCUMENT)
    age(acme, loaded["id"], days=31)
    delete(acme)

    again = acme.send(shop, DOCUMENT)

    assert (again.status_code, again.json()["duplicate"], again.json()["id"]) == (200, True, loaded["id"])
    assert again.json()["document_deleted_at"] is not None
    assert files(storage) == set()


@pytest.mark.parametrize("is_said", [True, False], ids=["deleted", "deleted by a run that was killed"])
def test_deleted_document_that_was_rejected_is_stored_anew_and_queued_again(
    nord: Client, shelf: str, storage: Path, is_said: bool
) -> None:
    refused = nord.load(shelf, FEEDBACK_DE, marketplace="US")
    age(nord, refused["id"], days=31)
    if is_said:
        delete(nord)
    else:
        with context.agency(nord.agency.pk):
            default_storage.delete(Report.objects.get().document)
    assert files(storage) == set()

    loaded = nord.load(shelf, FEEDBACK_DE, marketplace="DE")

    assert (refused["status"], loaded["status"], loaded["id"]) == ("rejected", "loaded", refused["id"])
    assert loaded["document_deleted_at"] is None
    assert loaded["blanked_columns"] == ["Comments", "Your Response", "Rater Email"]
    assert files(storage) == {refused["id"]}
    stored = b"".join(nord.get(f"/v1/reports/{refused['id']}/document").streaming_content)  # type: ignore[attr-defined]
    assert stored == FEEDBACK_DE.replace(b"never arrived", b"").replace(b"x1y2z3@marketplace.amazon.com", b"")


def test_document_that_came_again_is_stored_for_another_period(
    nord: Client, shelf: str, storage: Path
) -> None:
    refused = nord.load(shelf, FEEDBACK_DE, marketplace="US")
    age(nord, refused["id"], days=31)
    delete(nord)
    nord.send(shelf, FEEDBACK_DE, marketplace="US")

    assert delete(nord) == 0
    assert files(storage) == {refused["id"]}


def test_database_takes_no_report_under_way_without_its_document(acme: Client, shop: str) -> None:
    acme.send(shop, DOCUMENT)

    with (
        context.agency(acme.agency.pk),
        pytest.raises(IntegrityError, match="ingestion_report_document_present"),
        transaction.atomic(),
    ):
        Report.objects.update(document_deleted_at=NOW)


@pytest.mark.parametrize("days", [0, 3651])
def test_database_takes_no_other_number_of_days(acme: Client, days: int) -> None:
    with (
        context.agency(acme.agency.pk),
        pytest.raises(IntegrityError, match="accounts_agency_retention_range"),
        transaction.atomic(),
    ):
        Agency.objects.update(document_retention_days=days)


def test_abandoned_uploads_are_deleted_after_half_an_hour(settings: Settings, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "uploads"
    for name, minutes in (
        ("tmpold.upload.txt", 31),
        ("tmpkept.upload", 90),
        ("tmpnew.upload.txt", 29),
        ("another file", 9999),
    ):
        path = tmp_path / "uploads" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"Jane Doe")
        os.utime(path, times=((NOW - timedelta(minutes=minutes)).timestamp(),) * 2)

    swept = retention.sweep_uploads(now=NOW)

    assert swept == 2
    assert {path.name for path in (tmp_path / "uploads").iterdir()} == {"tmpnew.upload.txt", "another file"}


def test_upload_in_progress_is_not_deleted(settings: Settings, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    with TemporaryUploadedFile("r.txt", "text/plain", 0, None) as upload:
        # An hour ago its first bytes arrived.
        os.utime(upload.temporary_file_path(), times=(0, 0))
        upload.write(b"x" * 2 * DEFAULT_BUFFER_SIZE)

        swept = retention.sweep_uploads(now=datetime.now(UTC))

        assert (swept, Path(upload.temporary_file_path()).exists()) == (0, True)


def test_uploads_are_swept_within_the_hour(settings: Settings, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    (tmp_path / "tmpold.upload").write_bytes(b"Jane Doe")
    os.utime(tmp_path / "tmpold.upload", times=(0, 0))
    (schedule,) = (
        each["schedule"]
        for each in app.conf.beat_schedule.values()
        if each["task"] == upload_tasks.sweep_uploads.name
    )

    upload_tasks.sweep_uploads()

    assert list(tmp_path.iterdir()) == []
    assert (schedule.minute, retention.MAX_UPLOAD_PAUSE) == ({0, 15, 30, 45}, timedelta(minutes=30))
