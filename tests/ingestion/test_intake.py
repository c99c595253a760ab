"""Test the receipt of documents: storage, duplicates, queueing again, concurrency."""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections, transaction
from django.db.utils import IntegrityError
from pytest_django.fixtures import Settings

from accounts.models import Agency, SellerAccount
from accounts.tenancy import context
from api import identifiers
from ingestion import intake
from ingestion.intake import ReceivedDocument
from ingestion.models import Report
from ingestion.redaction import originals
from tests import build, messages
from tests.client import Client

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOCUMENT = build.orders_file(build.orders_on(NOW - timedelta(days=30), count=3))
FEEDBACK_DE = build.feedback_file([build.feedback_row(order=build.order_id(1), on="20.10.26")])


def received(document: bytes = DOCUMENT, *, name: str | None = None, **fields: Any) -> ReceivedDocument:
    usual = {"source": Report.Source.UPLOAD, "announced_type": "", "marketplace": "US"}
    content = ContentFile(document, name=name)
    return ReceivedDocument(content=content, sha256=hashlib.sha256(document).hexdigest(), **usual | fields)


def files() -> list[Path]:
    """Return every stored document."""
    return [path for path in Path(default_storage.location).rglob("*") if path.is_file()]  # type: ignore[attr-defined]


def wait_until_another_waits(seconds: float = 120) -> None:
    """Wait until another connection waits for this transaction."""
    deadline = time.monotonic() + seconds
    waiting = False
    while not waiting and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            waiting = cursor.fetchone()[0]
    assert waiting


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> None:
    """Return a storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def account(acme: Client, shop: str) -> Iterator[SellerAccount]:
    """Return the account, in acme's tenant context."""
    with context.agency(acme.agency.pk):
        yield SellerAccount.objects.get()


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(DOCUMENT, id="a report"),
        pytest.param(build.packed(DOCUMENT), id="gzip stays gzip"),
        pytest.param(b"", id="nothing"),
        pytest.param(bytes(range(256)) * 20, id="bytes of no meaning"),
        pytest.param(b"\r\n\xff\xfe\x00", id="bytes of no encoding"),
        pytest.param(FEEDBACK_DE[:20], id="half a header"),
        pytest.param(build.packed(FEEDBACK_DE)[:9], id="gzip of which nothing can be read"),
    ],
)
def test_bytes_are_stored_as_they_came(account: SellerAccount, document: bytes) -> None:
    report, duplicate = intake.receive(account=account, received=received(document), now=NOW)

    with default_storage.open(report.original) as stored:
        assert stored.read() == document
    assert (report.size, report.sha256) == (len(document), hashlib.sha256(document).hexdigest())
    assert not duplicate


def test_report_remembers_how_its_document_came(account: SellerAccount) -> None:
    sent = received(announced_type="GET_SELLER_FEEDBACK_DATA", marketplace="DE", source=Report.Source.SP_API)

    accepted, _ = intake.receive(account=account, received=sent, now=NOW)

    report = Report.objects.get()
    assert report == accepted
    assert (report.announced_type, report.report_type) == (
        "GET_SELLER_FEEDBACK_DATA",
        "GET_SELLER_FEEDBACK_DATA",
    )
    assert (report.marketplace, report.source, report.status) == ("DE", "sp_api", "queued")
    assert (report.received_at, report.handed_out_at, report.loaded_at, report.attempts) == (
        NOW,
        NOW,
        None,
        0,
    )


def test_document_is_stored_in_its_account_folder_and_under_no_name_of_sender(account: SellerAccount) -> None:
    report, _ = intake.receive(account=account, received=received(name="../../etc/passwd"), now=NOW)

    folder = f"originals/{account.agency_id.hex}/{account.pk.hex}"
    assert re.fullmatch(rf"{folder}/{report.public_id}-[0-9a-f]{{8}}", report.original)
    assert [str(path.relative_to(default_storage.path(""))) for path in files()] == [report.original]


@pytest.mark.parametrize("status", [Report.Status.QUEUED, Report.Status.PROCESSING, Report.Status.LOADED])
def test_same_bytes_again_are_first_report(account: SellerAccount, status: Report.Status) -> None:
    first, _ = intake.receive(account=account, received=received(), now=NOW)
    Report.objects.update(status=status, loaded_at=NOW)

    again, duplicate = intake.receive(
        account=account, received=received(announced_type="shipments"), now=NOW + timedelta(days=1)
    )

    assert (again.pk, duplicate) == (first.pk, True)
    assert Report.objects.values_list("status", "marketplace", "received_at").get() == (status, "US", NOW)
    assert len(files()) == 1


def test_same_bytes_for_another_marketplace_are_another_report(account: SellerAccount) -> None:
    first, _ = intake.receive(account=account, received=received(), now=NOW)

    again, duplicate = intake.receive(account=account, received=received(marketplace="DE"), now=NOW)

    assert (again.pk != first.pk, duplicate, again.marketplace) == (True, False, "DE")
    assert len(files()) == 2


def test_same_bytes_for_another_account_are_another_report(acme: Client, shop: str) -> None:
    other = acme.take_on(partner="A2OTHER")

    statuses = [acme.send(account, DOCUMENT).status_code for account in (shop, other, shop)]

    assert statuses == [202, 202, 200]
    assert len(files()) == 2


@pytest.mark.parametrize("status", [Report.Status.REJECTED, Report.Status.FAILED])
def test_document_rejected_is_queued_again_as_it_is_announced_now(
    account: SellerAccount, status: Report.Status
) -> None:
    first, _ = intake.receive(account=account, received=received(), now=NOW)
    Report.objects.update(status=status, problem={"title": "No use"}, attempts=5)
    later = NOW + timedelta(hours=1)

    again, duplicate = intake.receive(
        account=account,
        received=received(marketplace="DE", announced_type="GET_SELLER_FEEDBACK_DATA"),
        now=later,
    )

    report = Report.objects.get()
    assert (again.pk, report.pk, duplicate) == (first.pk, first.pk, True)
    assert (report.status, report.problem, report.attempts) == ("queued", None, 0)
    assert (report.marketplace, report.announced_type, report.report_type) == (
        "DE",
        *["GET_SELLER_FEEDBACK_DATA"] * 2,
    )
    assert (report.handed_out_at, report.received_at) == (later, later)
    assert (report.original, report.document) == (again.original, "")


def test_rejected_document_loads_once_its_marketplace_is_named(nord: Client, shelf: str) -> None:
    refused = nord.load(shelf, FEEDBACK_DE, marketplace="US")

    loaded = nord.load(shelf, FEEDBACK_DE, marketplace="DE")

    assert (refused["status"], refused["problem"]["type"]) == (
        "rejected",
        "/problems/dates-contradict-marketplace",
    )
    assert (loaded["id"], loaded["status"], loaded["problem"]) == (refused["id"], "loaded", None)
    assert loaded["rows"] == {
        "read": 1,
        "new": 1,
        "changed": 0,
        "unchanged": 0,
        "rejected": 0,
        "set_apart": 0,
    }


def test_rows_posted_twice_are_two_statements(account: SellerAccount) -> None:
    rows = [build.defect(order=build.order_id(1))]

    first, second = (intake.receive_rows(account=account, rows=rows, now=NOW) for _ in range(2))

    assert first.pk != second.pk
    assert first.sha256 == second.sha256
    assert len(files()) == 2


def test_rows_are_stored_as_document_they_are(account: SellerAccount) -> None:
    rows = [build.defect(order=build.order_id(1), reference="Müller ✓")]

    report = intake.receive_rows(account=account, rows=rows, now=NOW)

    with default_storage.open(report.document) as stored:
        body = stored.read()
    assert json.loads(body) == {"defects": rows}
    assert (report.size, report.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert (report.source, report.report_type, report.marketplace) == ("json", "defects", "US")


def test_upload_of_bytes_that_rows_were_stored_as_is_no_duplicate_of_them(account: SellerAccount) -> None:
    posted = intake.receive_rows(account=account, rows=[build.defect(order=build.order_id(1))], now=NOW)
    with default_storage.open(posted.document) as stored:
        body = stored.read()

    uploaded, duplicate = intake.receive(account=account, received=received(body), now=NOW)

    assert (uploaded.pk == posted.pk, duplicate) == (False, False)


def test_document_is_deleted_if_report_cannot_be_inserted(account: SellerAccount) -> None:
    SellerAccount.objects.filter(pk=account.pk).delete()

    with pytest.raises(IntegrityError, match="ingestion_report_account_fk"):
        intake.receive(account=account, received=received(), now=NOW)

    assert files() == []


def test_database_takes_document_of_account_once(account: SellerAccount) -> None:
    report, _ = intake.receive(account=account, received=received(), now=NOW)
    report.pk = identifiers.uuid7()

    with pytest.raises(IntegrityError, match="ingestion_report_unique_document"), transaction.atomic():
        report.save(force_insert=True)


def test_same_bytes_through_two_requests_at_once_are_one_report_and_one_file(
    nord: Client, shelf: str
) -> None:
    def accept() -> tuple[Report, bool]:
        with context.agency(nord.agency.pk):
            account = SellerAccount.objects.get()
            return intake.receive(account=account, received=received(), now=NOW)

    def accept_elsewhere() -> tuple[Report, bool]:
        try:
            return accept()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with context.agency(nord.agency.pk):
            first, _ = accept()
            waiting = pool.submit(accept_elsewhere)
            wait_until_another_waits()
        second, duplicate = waiting.result(timeout=60)

    assert (second.pk, duplicate) == (first.pk, True)
    assert len(files()) == 1


def test_worker_is_woken_once_report_is_committed(nord: Client, shelf: str) -> None:
    messages.take()

    for _ in range(2):
        nord.send(shelf, DOCUMENT)
    nord.post(
        f"/v1/accounts/{shelf}/defects", {"defects": [build.defect(order=build.order_id(1))]}, format="json"
    )

    taken = messages.take()
    assert taken == [("ingestion.tasks.load_report", {})] * 2


def test_report_that_is_not_committed_queues_nothing_and_leaves_no_row(nord: Client, shelf: str) -> None:
    messages.take()

    def accept_and_break() -> None:
        with context.agency(nord.agency.pk):
            intake.receive(account=SellerAccount.objects.get(), received=received(), now=NOW)
            raise LookupError

    with pytest.raises(LookupError):
        accept_and_break()

    assert messages.take() == []
    assert nord.read(f"/v1/accounts/{shelf}/reports")["data"] == []


BLANK_DE = FEEDBACK_DE.replace(b"never arrived", b"").replace(b"x1y2z3@marketplace.amazon.com", b"")


def redacted(report: Report) -> Report:
    """Redact the report's document as a worker does."""
    Report.objects.filter(pk=report.pk).update(status=Report.Status.PROCESSING)
    report.refresh_from_db()
    assert originals.redact(report)
    return report


def content(report: Report) -> bytes:
    with default_storage.open(report.document) as stored:
        return bytes(stored.read())


def test_document_is_stored_without_what_is_personal_and_known_by_bytes_that_came(
    account: SellerAccount,
) -> None:
    report, _ = intake.receive(account=account, received=received(FEEDBACK_DE), now=NOW)
    redacted(report)

    assert content(report) == BLANK_DE
    assert len(files()) == 1
    assert report.blanked_columns == ["Comments", "Your Response", "Rater Email"]
    assert (report.size, report.sha256) == (len(FEEDBACK_DE), hashlib.sha256(FEEDBACK_DE).hexdigest())
    assert intake.receive(account=account, received=received(FEEDBACK_DE), now=NOW) == (report, True)
    assert intake.receive(account=account, received=received(BLANK_DE), now=NOW)[1] is False


def test_agency_that_keeps_personal_columns_keeps_documents_as_they_came(account: SellerAccount) -> None:
    Agency.objects.update(keeps_personal_columns=True)

    report, _ = intake.receive(account=account, received=received(FEEDBACK_DE), now=NOW)
    redacted(report)

    assert (content(report), report.blanked_columns) == (FEEDBACK_DE, [])


def test_report_names_some_of_very_many_redacted_columns_and_nothing_that_database_has_no_place_for(
    account: SellerAccount,
) -> None:
    names = [f"buyer-{n}-" + "x" * 200 for n in range(80)]

    report, _ = intake.receive(
        account=account, received=received("\t".join(["order-id", *names]).encode() + b"\n"), now=NOW
    )
    redacted(report)

    assert report.blanked_columns == [name[:100] for name in names[:50]]


OCTOBER = (date(2026, 10, 1), date(2026, 10, 31))
SEPTEMBER = (date(2026, 9, 1), date(2026, 9, 30))


def test_report_remembers_period_of_which_its_document_is_whole(account: SellerAccount) -> None:
    report, _ = intake.receive(account=account, received=received(period=OCTOBER), now=NOW)

    report.refresh_from_db()
    assert (report.period, report.period_from, report.period_to) == (OCTOBER, *OCTOBER)


@pytest.mark.parametrize(
    ("status", "kind", "first", "then", "is_looked_at_again"),
    [
        ("loaded", "GET_SELLER_FEEDBACK_DATA", None, OCTOBER, True),
        ("loaded", "GET_SELLER_FEEDBACK_DATA", SEPTEMBER, OCTOBER, False),
        ("loaded", "GET_SELLER_FEEDBACK_DATA", OCTOBER, None, False),
        ("loaded", "claims_and_chargebacks", None, OCTOBER, False),
        ("queued", "", None, OCTOBER, True),
        ("processing", "GET_SELLER_FEEDBACK_DATA", None, OCTOBER, False),
        ("rejected", "GET_SELLER_FEEDBACK_DATA", SEPTEMBER, OCTOBER, True),
        ("rejected", "claims_and_chargebacks", None, OCTOBER, True),
        ("failed", "GET_SELLER_FEEDBACK_DATA", OCTOBER, None, True),
    ],
)
def test_period_that_added_later_is_queued_once(
    account: SellerAccount, status: str, kind: str, first: Any, then: Any, is_looked_at_again: bool
) -> None:
    report, _ = intake.receive(account=account, received=received(period=first), now=NOW)
    Report.objects.update(status=status, report_type=kind, loaded_at=NOW, problem={})

    again, duplicate = intake.receive(
        account=account, received=received(period=then), now=NOW + timedelta(days=1)
    )

    assert (again.pk, duplicate) == (report.pk, True)
    assert again.status == ("queued" if is_looked_at_again else status)
    assert again.period == (then if is_looked_at_again else first)


def test_document_whose_period_added_later_speaks_of_moment_when_it_came(account: SellerAccount) -> None:
    report, _ = intake.receive(account=account, received=received(marketplace="DE"), now=NOW)
    Report.objects.update(status="loaded", report_type="GET_SELLER_FEEDBACK_DATA", loaded_at=NOW, rows_new=3)
    later = NOW + timedelta(days=1)

    again, _ = intake.receive(account=account, received=received(period=OCTOBER, marketplace="DE"), now=later)

    assert again.pk == report.pk
    assert (again.received_at, again.marketplace, again.report_type) == (
        NOW,
        "DE",
        "GET_SELLER_FEEDBACK_DATA",
    )
    assert (again.handed_out_at, again.loaded_at, again.rows_new, again.attempts) == (later, None, 0, 0)


def test_period_added_twice_at_once_is_queued_once(nord: Client, shelf: str) -> None:
    def accept(period: Any) -> tuple[date, date] | None:
        with context.agency(nord.agency.pk):
            account = SellerAccount.objects.get()
            return intake.receive(account=account, received=received(period=period), now=NOW)[0].period

    def accept_elsewhere() -> tuple[date, date] | None:
        try:
            return accept(SEPTEMBER)
        finally:
            connections.close_all()

    accept(None)
    with ThreadPoolExecutor(1) as pool:
        with context.agency(nord.agency.pk):
            first = accept(OCTOBER)
            waiting = pool.submit(accept_elsewhere)
            wait_until_another_waits()
        second = waiting.result(timeout=60)

    assert first == second == OCTOBER


@pytest.mark.parametrize(
    "days",
    [
        {"period_from": date(2026, 10, 1)},
        {"period_to": date(2026, 10, 1)},
        {"period_from": date(2026, 10, 2), "period_to": date(2026, 10, 1)},
    ],
)
def test_database_takes_no_half_or_reversed_period(account: SellerAccount, days: dict[str, date]) -> None:
    intake.receive(account=account, received=received(), now=NOW)

    with pytest.raises(IntegrityError, match="ingestion_report_period_complete"), transaction.atomic():
        Report.objects.update(**days)


def test_requeued_document_is_stored_with_new_announced_type(account: SellerAccount) -> None:
    row = ("20.10.26", "1", "never arrived", "", "none", "jane")
    document = build.feedback_file([row], header="abcdef")
    first, _ = intake.receive(account=account, received=received(document), now=NOW)
    unknown = content(redacted(first))
    Report.objects.update(status="rejected", problem={})

    again, _ = intake.receive(
        account=account, received=received(document, announced_type="GET_SELLER_FEEDBACK_DATA"), now=NOW
    )

    assert b"never arrived" in unknown
    assert b"never arrived" not in content(redacted(again))
    assert again.blanked_columns == ["column 3", "column 4", "column 6"]


@pytest.mark.parametrize("keeps", [True, False])
def test_requeued_document_follows_current_redaction_setting(account: SellerAccount, keeps: bool) -> None:
    Agency.objects.update(keeps_personal_columns=not keeps)
    account.refresh_from_db()
    redacted(intake.receive(account=account, received=received(FEEDBACK_DE), now=NOW)[0])
    Report.objects.update(status="failed", problem={})
    Agency.objects.update(keeps_personal_columns=keeps)

    again, _ = intake.receive(account=account, received=received(FEEDBACK_DE), now=NOW)

    assert content(redacted(again)) == (FEEDBACK_DE if keeps else BLANK_DE)


def test_document_is_audited_when_it_comes_and_when_it_is_queued_again_and_not_when_it_is_known(
    acme: Client, shop: str
) -> None:
    key = acme.read("/v1/me")["key"]
    refused = acme.load(shop, b"no report of anything")
    loaded = acme.load(shop, DOCUMENT)
    assert (refused["status"], loaded["status"]) == ("rejected", "loaded")
    posted = acme.post_defects(shop, build.defect(order=build.order_id(1)))

    for document in (b"no report of anything", DOCUMENT):
        assert acme.send(shop, document).status_code == 200

    entries = acme.read("/v1/audit-log", what="report.*")["data"]
    assert [(each["what"], each["about"]) for each in entries] == [
        ("report.queued_again", refused["id"]),
        ("report.received", posted["id"]),
        ("report.received", loaded["id"]),
        ("report.received", refused["id"]),
    ]
    assert {each["who"] for each in entries} == {f"{key['id']} {key['name']}"}
    about = {
        "account": shop,
        "source": "upload",
        "sha256": hashlib.sha256(DOCUMENT).hexdigest(),
        "size": len(DOCUMENT),
    }
    assert entries[2]["detail"] == about


def test_failed_receipt_is_not_audited(account: SellerAccount, acme: Client) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        intake.receive(account=account, received=received(marketplace=None), now=NOW)

    assert acme.read("/v1/audit-log", what="report.*")["data"] == []
