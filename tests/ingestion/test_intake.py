"""Documents come in: bytes kept as they are, duplicates recognised, refused ones looked at again, nothing left lying about."""

import hashlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections, transaction
from django.db.utils import IntegrityError
from pytest_django.fixtures import Settings

from accounts import identifiers, scoping
from accounts.models import SellerAccount
from ingestion import intake
from ingestion.intake import Arrival
from ingestion.models import Report
from tests import build, messages
from tests.client import Client

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOCUMENT = build.orders_file(build.orders_on(NOW - timedelta(days=30), count=3))
FEEDBACK_DE = build.feedback_file([build.feedback_row(order=build.order_id(1), on="20.10.26")])


def arrival(document: bytes = DOCUMENT, *, name: str | None = None, **fields: Any) -> Arrival:
    usual = {"source": Report.Source.UPLOAD, "announced_type": "", "marketplace": "US"}
    content = ContentFile(document, name=name)
    return Arrival(content=content, sha256=hashlib.sha256(document).hexdigest(), **usual | fields)


def files() -> list[Path]:
    """Every document that the storage keeps."""
    return [path for path in Path(default_storage.location).rglob("*") if path.is_file()]  # type: ignore[attr-defined]


def wait_until_another_waits(seconds: float = 10) -> None:
    """Until another connection waits for what this one has not committed."""
    deadline = time.monotonic() + seconds
    waiting = False
    while not waiting and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            waiting = cursor.fetchone()[0]
    assert waiting


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> None:
    """A storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def account(acme: Client, shop: str) -> Iterator[SellerAccount]:
    """The account; the test sees what acme sees."""
    with scoping.agency(acme.agency.pk):
        yield SellerAccount.objects.get()


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(DOCUMENT, id="a report"),
        pytest.param(build.packed(DOCUMENT), id="gzip stays gzip"),
        pytest.param(b"", id="nothing"),
        pytest.param(bytes(range(256)) * 20, id="bytes of no meaning"),
        pytest.param(b"\r\n\xff\xfe\x00", id="bytes of no encoding"),
    ],
)
def test_the_bytes_are_kept_as_they_came(account: SellerAccount, document: bytes) -> None:
    report, duplicate = intake.accept(account=account, arrival=arrival(document), now=NOW)

    with default_storage.open(report.document) as kept:
        assert kept.read() == document
    assert (report.size, report.sha256) == (len(document), hashlib.sha256(document).hexdigest())
    assert not duplicate


def test_a_report_remembers_how_its_document_came(account: SellerAccount) -> None:
    sent = arrival(announced_type="GET_SELLER_FEEDBACK_DATA", marketplace="DE", source=Report.Source.SP_API)

    accepted, _ = intake.accept(account=account, arrival=sent, now=NOW)

    report = Report.objects.get()
    assert report == accepted
    assert (report.announced_type, report.report_type) == ("GET_SELLER_FEEDBACK_DATA", "GET_SELLER_FEEDBACK_DATA")
    assert (report.marketplace, report.source, report.status) == ("DE", "sp_api", "queued")
    assert (report.received_at, report.handed_out_at, report.loaded_at, report.attempts) == (NOW, NOW, None, 0)


def test_a_document_is_kept_in_its_account_s_folder_and_under_no_name_of_the_sender_s(account: SellerAccount) -> None:
    report, _ = intake.accept(account=account, arrival=arrival(name="../../etc/passwd"), now=NOW)

    assert report.document == f"{account.agency_id.hex}/{account.pk.hex}/{report.public_id}"
    assert [path.name for path in files()] == [report.public_id]


@pytest.mark.parametrize("status", [Report.Status.QUEUED, Report.Status.PROCESSING, Report.Status.LOADED])
def test_the_same_bytes_again_are_the_first_report(account: SellerAccount, status: Report.Status) -> None:
    first, _ = intake.accept(account=account, arrival=arrival(), now=NOW)
    Report.objects.update(status=status, loaded_at=NOW)

    again, duplicate = intake.accept(account=account, arrival=arrival(marketplace="DE"), now=NOW + timedelta(days=1))

    assert (again.pk, duplicate) == (first.pk, True)
    assert Report.objects.values_list("status", "marketplace", "received_at").get() == (status, "US", NOW)
    assert len(files()) == 1


def test_the_same_bytes_for_another_account_are_another_report(acme: Client, shop: str) -> None:
    other = acme.take_on(partner="A2OTHER")

    statuses = [acme.send(account, DOCUMENT).status_code for account in (shop, other, shop)]

    assert statuses == [202, 202, 200]
    assert len(files()) == 2


@pytest.mark.parametrize("status", [Report.Status.REJECTED, Report.Status.FAILED])
def test_a_document_that_was_no_use_is_looked_at_again_as_it_is_announced_now(
    account: SellerAccount, status: Report.Status
) -> None:
    first, _ = intake.accept(account=account, arrival=arrival(), now=NOW)
    Report.objects.update(status=status, problem={"title": "No use"}, attempts=5)
    later = NOW + timedelta(hours=1)

    again, duplicate = intake.accept(
        account=account, arrival=arrival(marketplace="DE", announced_type="GET_SELLER_FEEDBACK_DATA"), now=later
    )

    report = Report.objects.get()
    assert (again.pk, report.pk, duplicate) == (first.pk, first.pk, True)
    assert (report.status, report.problem, report.attempts) == ("queued", None, 0)
    assert (report.marketplace, report.announced_type, report.report_type) == ("DE", *["GET_SELLER_FEEDBACK_DATA"] * 2)
    assert (report.handed_out_at, report.received_at) == (later, later)
    assert len(files()) == 1


def test_a_refused_document_loads_once_its_marketplace_is_named(nord: Client, shelf: str) -> None:
    refused = nord.load(shelf, FEEDBACK_DE, marketplace="US")

    loaded = nord.load(shelf, FEEDBACK_DE, marketplace="DE")

    assert (refused["status"], refused["problem"]["type"]) == ("rejected", "/problems/dates-contradict-marketplace")
    assert (loaded["id"], loaded["status"], loaded["problem"]) == (refused["id"], "loaded", None)
    assert loaded["rows"] == {"read": 1, "new": 1, "changed": 0, "unchanged": 0, "rejected": 0}


def test_rows_posted_twice_are_two_statements(account: SellerAccount) -> None:
    rows = [build.defect(order=build.order_id(1))]

    first, second = (intake.accept_rows(account=account, rows=rows, now=NOW) for _ in range(2))

    assert first.pk != second.pk
    assert first.sha256 == second.sha256
    assert len(files()) == 2


def test_rows_are_kept_as_the_document_they_are(account: SellerAccount) -> None:
    rows = [build.defect(order=build.order_id(1), reference="Müller ✓")]

    report = intake.accept_rows(account=account, rows=rows, now=NOW)

    with default_storage.open(report.document) as kept:
        body = kept.read()
    assert json.loads(body) == {"defects": rows}
    assert (report.size, report.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert (report.source, report.report_type, report.marketplace) == ("json", "defects", "US")


def test_an_upload_of_the_bytes_that_rows_were_kept_as_is_no_duplicate_of_them(account: SellerAccount) -> None:
    posted = intake.accept_rows(account=account, rows=[build.defect(order=build.order_id(1))], now=NOW)
    with default_storage.open(posted.document) as kept:
        body = kept.read()

    uploaded, duplicate = intake.accept(account=account, arrival=arrival(body), now=NOW)

    assert (uploaded.pk == posted.pk, duplicate) == (False, False)


def test_where_the_row_cannot_be_written_no_document_stays(account: SellerAccount) -> None:
    SellerAccount.objects.filter(pk=account.pk).delete()

    with pytest.raises(IntegrityError, match="belongs_to_an_account"):
        intake.accept(account=account, arrival=arrival(), now=NOW)

    assert files() == []


def test_the_database_takes_a_document_of_an_account_once(account: SellerAccount) -> None:
    report, _ = intake.accept(account=account, arrival=arrival(), now=NOW)
    report.pk = identifiers.uuid7()

    with pytest.raises(IntegrityError, match="an_account_has_a_document_once"), transaction.atomic():
        report.save(force_insert=True)


def test_the_same_bytes_through_two_doors_at_once_are_one_report_and_one_file(nord: Client, shelf: str) -> None:
    def accept() -> tuple[Report, bool]:
        with scoping.agency(nord.agency.pk):
            account = SellerAccount.objects.get()
            return intake.accept(account=account, arrival=arrival(), now=NOW)

    def accept_elsewhere() -> tuple[Report, bool]:
        try:
            return accept()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with scoping.agency(nord.agency.pk):
            first, _ = accept()
            waiting = pool.submit(accept_elsewhere)
            wait_until_another_waits()
        second, duplicate = waiting.result(timeout=10)

    assert (second.pk, duplicate) == (first.pk, True)
    assert len(files()) == 1


def test_a_worker_is_woken_once_the_report_is_committed(nord: Client, shelf: str) -> None:
    messages.take()

    ids = [nord.send(shelf, DOCUMENT).json()["id"] for _ in range(2)]
    nord.post(f"/v1/accounts/{shelf}/defects", {"defects": [build.defect(order=build.order_id(1))]}, format="json")

    taken = messages.take()
    assert [task for task, _ in taken] == ["ingestion.tasks.load_report"] * 2
    assert taken[0][1] == {"agency_id": str(nord.agency.pk), "report_id": str(identifiers.private("rpt", ids[0]))}
    assert ids[0] == ids[1]


def test_a_report_that_is_not_committed_wakes_nobody_and_leaves_no_row(nord: Client, shelf: str) -> None:
    messages.take()

    def accept_and_break() -> None:
        with scoping.agency(nord.agency.pk):
            intake.accept(account=SellerAccount.objects.get(), arrival=arrival(), now=NOW)
            raise LookupError

    with pytest.raises(LookupError):
        accept_and_break()

    assert messages.take() == []
    assert nord.read(f"/v1/accounts/{shelf}/reports")["data"] == []
