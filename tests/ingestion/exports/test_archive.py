"""Test the contents of archives: one agency or account, complete, of one moment."""

import re
import tracemalloc
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import audit
from accounts.agencies import lifecycle as agencies
from accounts.models import Actor, AuditEntry
from accounts.tenancy import context
from ingestion.exports import archive
from ingestion.exports import lifecycle as exports
from ingestion.exports.inventory import TABLES
from ingestion.models import Export
from metrics.rules.facts import OrderStatus
from tests.architecture.agency_data import AgencyIds, create_agency_data
from tests.client import Client
from tests.conftest import NOON
from tests.ingestion import archives
from tests.ingestion.archives import Archive
from webhooks.models import Endpoint

USUALLY_OUT = {int(OrderStatus.PENDING), int(OrderStatus.CANCELLED)}
RAW_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> Path:
    """Return a storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def acme(committed_db: None) -> Client:
    """Return an agency whose rows are committed, because archives see only those."""
    return Client(*agencies.create_agency(name="Acme", now=NOON))


@pytest.fixture
def agency_with_data(acme: Client) -> AgencyIds:
    return create_agency_data(acme, name="acme")


def counted(client: Client) -> dict[str, int]:
    """Return the number of the agency's rows in each exported table."""
    with context.agency(client.agency.pk), connection.cursor() as cursor:
        counts = {}
        for table in TABLES:
            if table.file:
                cursor.execute(f"SELECT count(*) FROM {table.name}")
                counts[f"{table.file}.jsonl"] = cursor.fetchone()[0]
    return counts


def test_archive_contains_every_row_of_every_table(acme: Client, agency_with_data: AgencyIds) -> None:
    export = archives.request_export(acme)
    before = counted(acme)

    archives.build_archive(acme, export)

    exported = archives.download_archive(acme, export)
    rows = {each["name"]: each["rows"] for each in exported.manifest["files"]}
    assert (rows.pop("agency.jsonl"), rows.pop("rules.jsonl") > 20) == (1, True)
    assert rows == before
    assert min(rows.values()) > 0
    assert exported.faults() == []


def test_manifest_says_what_each_file_holds_and_what_is_left_out(
    acme: Client, agency_with_data: AgencyIds
) -> None:
    before = timezone.now()
    exported = archives.export_archive(acme)

    manifest = exported.manifest
    orders = next(each for each in manifest["files"] if each["name"] == "orders.jsonl")
    assert manifest["format"] == "underone-export/1"
    assert (manifest["agency"], manifest["account"]) == (acme.agency.public_id, None)
    assert before <= datetime.fromisoformat(manifest["known_at"]) <= timezone.now()
    assert orders["columns"] == list(exported.lines("orders")[0])
    assert {each["holds"] for each in manifest["left_out"]} == {
        "Idempotency records.",
        "Exports.",
        "Signing secrets.",
        "The agency of each API key prefix.",
        "The agency of each invitation's token.",
    }


def test_ids_are_those_of_api(acme: Client, agency_with_data: AgencyIds) -> None:
    exported = archives.export_archive(acme)

    assert {each["account_id"] for each in exported.lines("orders")} == {agency_with_data.account_id}
    assert agency_with_data.report_id in {each["id"] for each in exported.lines("reports")}
    assert agency_with_data.breach_id in {each["id"] for each in exported.lines("breaches")}
    assert {each["threshold_id"] for each in exported.lines("thresholds")} == {agency_with_data.threshold_id}
    (endpoint,) = exported.lines("webhook-endpoints")
    assert (endpoint["id"], endpoint["accounts"]) == (
        agency_with_data.endpoint_id,
        [agency_with_data.account_id],
    )
    assert agency_with_data.delivery_id in {each["id"] for each in exported.lines("deliveries")}
    assert acme.read("/v1/me")["key"]["id"] in {each["id"] for each in exported.lines("api-keys")}
    texts = [exported.zip.read(name).decode() for name in exported.zip.namelist() if name != "events.jsonl"]
    assert [text for text in texts if RAW_ID.search(text)] == []


def rate(exported: Archive, *, days: dict[date, Any]) -> tuple[int, int]:
    """Return the defective orders and the orders of these days, counted from the exported facts."""
    defects = {each["order_id"] for each in exported.lines("defects") if each["counts"]}
    orders = [each for each in exported.lines("orders") if date.fromisoformat(each["ordered_on"]) in days]
    orders = [each for each in orders if (each["marketplace"], each["channel"]) == ("US", "mfn")]
    counts_all = exported.lines("agency")[0]["counts_pending_and_cancelled"]
    counting = [
        each
        for each in orders
        if counts_all or each["order_id"] in defects or each["status"] not in USUALLY_OUT
    ]
    return len([each for each in counting if each["order_id"] in defects]), len(counting)


def test_archive_allows_recounting_every_figure(acme: Client, agency_with_data: AgencyIds) -> None:
    exported = archives.export_archive(acme)

    value = acme.odr(agency_with_data.account_id, known_at=exported.manifest["known_at"])
    first, last = (date.fromisoformat(value["window"][side]) for side in ("from", "to"))
    days = {first + timedelta(days=n): n for n in range((last - first).days + 1)}
    newest: dict[str, dict[str, Any]] = {}
    for version in sorted(exported.lines("daily-counts"), key=lambda each: str(each["recorded_at"])):
        if (version["marketplace"], version["channel"]) == ("US", "mfn") and date.fromisoformat(
            version["day"]
        ) in days:
            newest[version["day"]] = version
    totals = Counter[str]()
    for version in newest.values():
        totals.update({name: version[name] for name in ("defective_orders", "orders")})
    assert (value["numerator"], value["denominator"]) == (2, 10)
    assert (totals["defective_orders"], totals["orders"]) == (2, 10)
    assert rate(exported, days=days) == (2, 10)


def test_archive_of_account_contains_that_account_and_its_thresholds(
    acme: Client, agency_with_data: AgencyIds
) -> None:
    other = create_agency_data(acme, name="other")
    acme.put("/v1/thresholds", {"metric": "return_rate", "warn_at": 0.4}, format="json")

    exported = archives.export_archive(acme, account=agency_with_data.account_id)

    assert exported.manifest["account"] == agency_with_data.account_id
    assert [each["id"] for each in exported.lines("accounts")] == [agency_with_data.account_id]
    assert {each["account_id"] for each in exported.lines("thresholds")} == {
        None,
        agency_with_data.account_id,
    }
    assert exported.lines("webhook-endpoints") == exported.lines("api-keys") == []
    assert {each["about"] for each in exported.lines("audit-log")} == {agency_with_data.account_id}
    assert len(exported.lines("deliveries")) == len(exported.lines("events"))
    for name in exported.zip.namelist():
        assert not [value for value in vars(other).values() if value.encode() in exported.zip.read(name)], (
            name
        )


def test_archive_contains_nothing_of_other_agencies(acme: Client, agency_with_data: AgencyIds) -> None:
    rival = Client(*agencies.create_agency(name="Rival", now=NOON))
    other = create_agency_data(rival, name="rival")

    exported = archives.export_archive(acme, documents=True)

    words = [b"rival", rival.agency.pk.hex.encode(), *(value.encode() for value in vars(other).values())]
    assert [
        name
        for name in exported.zip.namelist()
        if any(word in exported.zip.read(name).lower() for word in words)
    ] == []


def test_archive_omits_deleted_accounts(acme: Client, agency_with_data: AgencyIds) -> None:
    present = acme.take_on(name="Kept", partner="A1KEPT")
    acme.delete(f"/v1/accounts/{agency_with_data.account_id}")

    exported = archives.export_archive(acme)

    assert [each["id"] for each in exported.lines("accounts")] == [present]
    assert exported.lines("orders") == exported.lines("reports") == []
    assert (
        exported.lines("events") == exported.lines("deliveries") == exported.lines("delivery-attempts") == []
    )


def test_archive_contains_documents_if_requested(
    acme: Client, agency_with_data: AgencyIds, storage: Path
) -> None:
    reports = acme.read(f"/v1/accounts/{agency_with_data.account_id}/reports")["data"]
    names = {f"documents/{each['id']}" for each in reports}

    with_documents, without = archives.export_archive(acme, documents=True), archives.export_archive(acme)

    assert {name for name in with_documents.zip.namelist() if name.startswith("documents/")} == names
    assert not [name for name in without.zip.namelist() if name.startswith("documents/")]
    assert with_documents.faults() == without.faults() == []
    for report in reports:
        document = acme.get(f"/v1/reports/{report['id']}/document")
        assert with_documents.zip.read(f"documents/{report['id']}") == document.getvalue()
        document.close()


def test_document_that_goes_meanwhile_is_passed_over(
    acme: Client, agency_with_data: AgencyIds, storage: Path
) -> None:
    next(storage.glob("*/*/rpt_*")).unlink()

    exported = archives.export_archive(acme, documents=True)

    assert (
        len([name for name in exported.zip.namelist() if name.startswith("documents/")]),
        exported.faults(),
    ) == (12, [])


def test_archive_contains_no_secret(acme: Client, agency_with_data: AgencyIds) -> None:
    secret = acme.listen()["secret"]
    chats = [
        "https://hooks.slack.com/services/T0/B0/verysecret",
        "https://a.example?key=verysecret",
        "HTTPS://b.example?verysecret",
    ]
    for chat in chats:
        acme.listen(kind="slack", url=chat)

    exported = archives.export_archive(acme, documents=True)

    content = b"".join(exported.zip.read(name) for name in exported.zip.namelist())
    for word in (secret, acme.key, acme.key[21:], "verysecret", "whsec_"):
        assert word.encode() not in content
    shown = {each["url"] for each in exported.lines("webhook-endpoints")}
    assert {"https://hooks.slack.com/…", "https://a.example/…", "https://b.example/…"} <= shown
    assert shown == {each["url"] for each in acme.read("/v1/webhook-endpoints")["data"]}


@pytest.mark.parametrize(
    "url",
    ["https://u:verysecret@c.example/x", "https://c.example#verysecret", "http://c.example?@verysecret"],
)
def test_archive_contains_only_host_of_chat_url(acme: Client, url: str) -> None:
    endpoint = acme.listen(kind="slack", url="https://hooks.slack.com/services/T0/B0/verysecret")["id"]
    with context.agency(acme.agency.pk):
        Endpoint.objects.update(url=url)

    (exported,) = archives.export_archive(acme).lines("webhook-endpoints")

    assert (exported["id"], exported["url"]) == (endpoint, "https://c.example/…")


def test_texts_are_exported_unchanged(acme: Client) -> None:
    names = ['a\tb\n"c"\\ \\n \\.', "=1+1", "{},;|\x7f", "Ünïcødé 店", "\\."]
    for number, name in enumerate(names):
        with context.agency(acme.agency.pk):
            agencies.create_account(
                agency=acme.agency,
                name=name,
                selling_partner_id=f"A{number}",
                home_marketplace="US",
                external_id=None,
                now=NOON,
            )

    exported = archives.export_archive(acme)

    assert sorted(each["name"] for each in exported.lines("accounts")) == sorted(names)
    assert exported.faults() == []


def test_archive_shows_the_moment_of_its_start(acme: Client, agency_with_data: AgencyIds) -> None:
    with archive.snapshot_transaction(acme.agency.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_auditentry")
        before = cursor.fetchone()
        add(acme, 3)
        cursor.execute("SELECT count(*) FROM accounts_auditentry")
        assert cursor.fetchone() == before


def add(client: Client, count: int) -> None:
    """Add committed entries over another connection."""
    other = connection.copy()
    rows = (
        "INSERT INTO accounts_auditentry (id, agency_id, at, actor_id, actor_name, what, about, detail) "
        "SELECT gen_random_uuid(), %s, now(), 'underone', '', 'a.b', repeat('x', 50), '{}' FROM "
        "generate_series(1, %s)"
    )
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT set_config('underone.agency', %s, false)", [str(client.agency.pk)])
            cursor.execute(rows, [client.agency.pk, count])
    finally:
        other.close()


def test_archive_memory_does_not_depend_on_rows(acme: Client) -> None:
    def peak() -> int:
        export = archives.request_export(acme)
        tracemalloc.start()
        archives.build_archive(acme, export)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    add(acme, 10_000)
    few = peak()
    add(acme, 100_000)
    many = peak()

    assert many < few + 1_000_000


def test_archive_transaction_is_read_only(acme: Client) -> None:
    with (
        pytest.raises(Exception, match="read-only transaction"),
        archive.snapshot_transaction(acme.agency.pk),
    ):
        audit.record(agency_id=acme.agency.pk, actor=Actor("underone"), what="a.b", about="c", now=NOON)


def test_export_creation_and_download_are_audited(acme: Client, agency_with_data: AgencyIds) -> None:
    export = archives.request_export(acme, account=agency_with_data.account_id)
    archives.build_archive(acme, export)
    archives.download_archive(acme, export)

    with context.agency(acme.agency.pk):
        entries = list(AuditEntry.objects.filter(about=export).order_by("pk").values_list("what", "detail"))
        size = Export.objects.latest("pk").size
    assert entries == [
        ("export.requested", {"account": agency_with_data.account_id, "documents": False}),
        ("export.downloaded", {}),
    ]
    assert size is not None
    assert timedelta(days=7) == exports.RETENTION
