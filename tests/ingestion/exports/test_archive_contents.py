"""Test the contents of the archives of one agency, which are built once and read by all cases."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.test import override_settings
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from accounts.agencies import lifecycle as agencies
from accounts.models import AuditEntry
from accounts.tenancy import context
from ingestion.exports import lifecycle as exports
from ingestion.exports.inventory import TABLES
from ingestion.models import Export
from metrics.rules.facts import OrderStatus
from tests.architecture.agency_data import AgencyIds, create_agency_data
from tests.client import Client
from tests.clock import clock
from tests.conftest import NOON, empty
from tests.ingestion import archives
from tests.ingestion.archives import Archive

USUALLY_OUT = {int(OrderStatus.PENDING), int(OrderStatus.CANCELLED)}
RAW_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Built:
    """Hold two archives of an agency, and what its tables contained before. A case may add rows, but remove
    none."""

    acme: Client
    ids: AgencyIds
    rival: Client
    rival_ids: AgencyIds
    storage: Path
    counted: dict[str, int]
    began: datetime
    archive: Archive
    ended: datetime
    with_documents: Archive


@pytest.fixture(scope="module")
def built(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    owner_dsn: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Built]:
    """Commit the rows of two agencies, because archives see only those, and build archives of the first."""
    storage = tmp_path_factory.mktemp("documents")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=storage):
        acme, rival = (Client(*agencies.create_agency(name=name, now=NOON)) for name in ("Acme", "Rival"))
        ids, rival_ids = create_agency_data(acme, name="acme"), create_agency_data(rival, name="rival")
        export = archives.request_export(acme)
        before, began = counted(acme), timezone.now()
        archives.build_archive(acme, export)
        yield Built(
            acme=acme,
            ids=ids,
            rival=rival,
            rival_ids=rival_ids,
            storage=storage,
            counted=before,
            began=began,
            archive=archives.download_archive(acme, export),
            ended=timezone.now(),
            with_documents=archives.export_archive(acme, documents=True),
        )
        connections.close_all()
    empty(owner_dsn)


@pytest.fixture(autouse=True)
def later(built: Built) -> None:
    """Begin each case after the archives were built."""
    clock.advance(timedelta(minutes=10))


def counted(client: Client) -> dict[str, int]:
    """Return the number of the agency's rows in each exported table."""
    with context.agency(client.agency.pk), connection.cursor() as cursor:
        counts = {}
        for table in TABLES:
            if table.file:
                cursor.execute(f"SELECT count(*) FROM {table.name}")
                counts[f"{table.file}.jsonl"] = cursor.fetchone()[0]
    return counts


def test_archive_contains_every_row_of_every_table(built: Built) -> None:
    rows = {each["name"]: each["rows"] for each in built.archive.manifest["files"]}
    assert (rows.pop("agency.jsonl"), rows.pop("rules.jsonl") > 20) == (1, True)
    assert rows == built.counted
    assert min(rows.values()) > 0
    assert built.archive.faults() == []


def test_manifest_says_what_each_file_holds_and_what_is_left_out(built: Built) -> None:
    manifest = built.archive.manifest
    orders = next(each for each in manifest["files"] if each["name"] == "orders.jsonl")
    assert manifest["format"] == "underone-export/1"
    assert (manifest["agency"], manifest["account"]) == (built.acme.agency.public_id, None)
    assert built.began <= datetime.fromisoformat(manifest["known_at"]) <= built.ended
    assert orders["columns"] == list(built.archive.lines("orders")[0])
    assert {each["holds"] for each in manifest["left_out"]} == {
        "Idempotency records.",
        "Exports.",
        "Signing secrets.",
        "The agency of each API key prefix.",
        "The agency of each invitation's token.",
    }


def test_ids_are_those_of_api(built: Built) -> None:
    exported, ids = built.archive, built.ids

    assert {each["account_id"] for each in exported.lines("orders")} == {ids.account_id}
    assert ids.report_id in {each["id"] for each in exported.lines("reports")}
    assert ids.breach_id in {each["id"] for each in exported.lines("breaches")}
    assert {each["threshold_id"] for each in exported.lines("thresholds")} == {ids.threshold_id}
    (endpoint,) = exported.lines("webhook-endpoints")
    assert (endpoint["id"], endpoint["accounts"]) == (
        ids.endpoint_id,
        [ids.account_id],
    )
    assert ids.delivery_id in {each["id"] for each in exported.lines("deliveries")}
    assert built.acme.read("/v1/me")["key"]["id"] in {each["id"] for each in exported.lines("api-keys")}
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


def test_archive_allows_recounting_every_figure(built: Built) -> None:
    exported = built.archive

    value = built.acme.odr(built.ids.account_id, known_at=exported.manifest["known_at"])
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


def test_archive_of_account_contains_that_account_and_its_thresholds(built: Built) -> None:
    account = built.rival_ids.account_id
    other = create_agency_data(built.rival, name="other")
    built.rival.put("/v1/thresholds", {"metric": "return_rate", "warn_at": 0.4}, format="json")

    exported = archives.export_archive(built.rival, account=account)

    assert exported.manifest["account"] == account
    assert [each["id"] for each in exported.lines("accounts")] == [account]
    assert {each["account_id"] for each in exported.lines("thresholds")} == {
        None,
        account,
    }
    assert exported.lines("webhook-endpoints") == exported.lines("api-keys") == []
    assert {each["about"] for each in exported.lines("audit-log")} == {account}
    assert len(exported.lines("deliveries")) == len(exported.lines("events"))
    for name in exported.zip.namelist():
        assert not [value for value in vars(other).values() if value.encode() in exported.zip.read(name)], (
            name
        )


def test_archive_contains_nothing_of_other_agencies(built: Built) -> None:
    exported, rival, other = built.with_documents, built.rival, built.rival_ids

    words = [b"rival", rival.agency.pk.hex.encode(), *(value.encode() for value in vars(other).values())]
    assert [
        name
        for name in exported.zip.namelist()
        if any(word in exported.zip.read(name).lower() for word in words)
    ] == []


def test_archive_contains_documents_if_requested(built: Built) -> None:
    reports = built.acme.read(f"/v1/accounts/{built.ids.account_id}/reports")["data"]
    names = {f"documents/{each['id']}" for each in reports}

    with_documents, without = built.with_documents, built.archive

    assert {name for name in with_documents.zip.namelist() if name.startswith("documents/")} == names
    assert not [name for name in without.zip.namelist() if name.startswith("documents/")]
    assert with_documents.faults() == without.faults() == []
    for report in reports:
        document = built.acme.get(f"/v1/reports/{report['id']}/document")
        assert with_documents.zip.read(f"documents/{report['id']}") == document.getvalue()
        document.close()


def test_document_that_goes_meanwhile_is_passed_over(built: Built) -> None:
    document = next((built.storage / built.acme.agency.pk.hex).rglob("rpt_*"))
    elsewhere = document.rename(built.storage / "elsewhere")

    exported = archives.export_archive(built.acme, documents=True)

    elsewhere.rename(document)
    assert (
        len([name for name in exported.zip.namelist() if name.startswith("documents/")]),
        exported.faults(),
    ) == (13, [])


def test_archive_contains_no_secret(built: Built) -> None:
    acme = built.acme
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


def test_export_creation_and_download_are_audited(built: Built) -> None:
    acme, account = built.acme, built.ids.account_id
    export = archives.request_export(acme, account=account)
    archives.build_archive(acme, export)
    archives.download_archive(acme, export)

    with context.agency(acme.agency.pk):
        entries = list(AuditEntry.objects.filter(about=export).order_by("pk").values_list("what", "detail"))
        size = Export.objects.latest("pk").size
    assert entries == [
        ("export.requested", {"account": account, "documents": False}),
        ("export.downloaded", {}),
    ]
    assert size is not None
    assert timedelta(days=7) == exports.RETENTION
