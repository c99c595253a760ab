"""Test the life of exports: created, built once, stored for a week, expired."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.agencies import lifecycle as agencies
from accounts.models import ApiKey, Role, SellerAccount
from accounts.tenancy import context
from api import identifiers
from ingestion import erasure
from ingestion.exports import lifecycle as exports
from ingestion.exports import tasks
from ingestion.models import Export
from tests import messages
from tests.client import Client
from tests.clock import NOW, clock
from tests.conftest import NOON
from tests.ingestion import archives

Status = Export.Status


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> Path:
    """Return a storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path
    messages.take()
    return tmp_path


@pytest.fixture
def committed(committed_db: None) -> Client:
    """Return an agency with an account, both committed."""
    client = Client(*agencies.create_agency(name="Acme", now=NOON))
    client.take_on()
    return client


def change(client: Client, export: str, **columns: Any) -> None:
    with context.agency(client.agency.pk):
        Export.objects.filter(pk=identifiers.private("exp", export)).update(**columns)


def stored_archives(storage: Path) -> list[str]:
    return [path.name for path in storage.rglob("exp_*")]


def test_archive_is_queued_and_worker_is_woken(committed: Client) -> None:
    response = committed.post("/v1/exports", {}, format="json")

    export = response.json()
    assert (response.status_code, response.headers["Location"]) == (202, f"/v1/exports/{export['id']}")
    assert (
        export.items()
        >= {"account": None, "documents": False, "status": "queued", "size": None, "sha256": None}.items()
    )
    woken = {
        "agency_id": str(committed.agency.pk),
        "export_id": str(identifiers.private("exp", export["id"])),
    }
    assert messages.take() == [("ingestion.exports.tasks.make_export", woken)]
    assert committed.read(f"/v1/exports/{export['id']}") == export
    assert committed.read("/v1/exports") == {"data": [export], "next_cursor": None}


def test_ready_archive_has_size_digest_and_expiry(committed: Client) -> None:
    export = archives.request_export(committed)
    archives.build_archive(committed, export)

    body = committed.read(f"/v1/exports/{export}")
    content = archives.download_archive(committed, export).content

    assert (body["status"], body["size"]) == ("ready", len(content))
    assert body["sha256"] == hashlib.sha256(content).hexdigest()
    ready, expires = (datetime.fromisoformat(body[name]) for name in ("ready_at", "expires_at"))
    assert expires - ready == timedelta(days=7)


def test_export_in_progress_blocks_another_until_ready(committed: Client) -> None:
    export = archives.request_export(committed)

    for status in (Status.QUEUED, Status.RUNNING):
        change(committed, export, status=status)
        refused = committed.post("/v1/exports", {}, format="json")
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/export-under-way")

    archives.build_archive(committed, export)
    assert archives.request_export(committed) != export


def test_export_of_other_agency_does_not_block(acme: Client, rival: Client) -> None:
    assert archives.request_export(acme) != archives.request_export(rival)


@pytest.mark.parametrize("path", ["", "/archive"])
def test_stranger_archive_is_not_there(acme: Client, rival: Client, path: str) -> None:
    export = archives.request_export(acme)

    assert rival.get(f"/v1/exports/{export}{path}").status_code == 404
    assert rival.read("/v1/exports")["data"] == []


def test_account_of_another_agency_cannot_be_exported(acme: Client, rival: Client, shop: str) -> None:
    assert rival.post("/v1/exports", {"account": shop}, format="json").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"account": 7}, 400, "/account"),
        ({"account": []}, 400, "/account"),
        ({"account": ""}, 400, "/account"),
        ({"account": "acct_nobody"}, 404, "/account"),
        ({"documents": "perhaps"}, 400, "/documents"),
        ({"documents": "yes"}, 400, "/documents"),
        ({"documents": 1}, 400, "/documents"),
    ],
)
def test_invalid_request_is_refused_with_pointer(
    acme: Client, body: dict[str, Any], status: int, pointer: str
) -> None:
    response = acme.post("/v1/exports", body, format="json")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (status, pointer)


def test_archives_are_for_admins(acme: Client) -> None:
    export = archives.request_export(acme)
    with context.agency(acme.agency.pk):
        ApiKey.objects.update(role=Role.MANAGER)

    responses = [
        acme.get("/v1/exports"),
        acme.get(f"/v1/exports/{export}"),
        acme.get(f"/v1/exports/{export}/archive"),
    ]
    assert {
        response.status_code for response in [*responses, acme.post("/v1/exports", {}, format="json")]
    } == {403}


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.FAILED])
def test_export_not_ready_cannot_be_downloaded(acme: Client, status: str) -> None:
    export = archives.request_export(acme)
    change(acme, export, status=status)

    response = acme.get(f"/v1/exports/{export}/archive")

    assert (response.status_code, response.json()["type"]) == (409, "/problems/export-not-ready")


def test_archive_expires_after_a_week(committed: Client, storage: Path) -> None:
    export = archives.request_export(committed)
    archives.build_archive(committed, export)
    ready = datetime.fromisoformat(committed.read(f"/v1/exports/{export}")["ready_at"])

    early = exports.expire(
        agency_id=committed.agency.pk, now=ready + exports.RETENTION - timedelta(seconds=1)
    )
    assert (early, stored_archives(storage)) == (0, [export])
    late = exports.expire(agency_id=committed.agency.pk, now=ready + exports.RETENTION)

    response = committed.get(f"/v1/exports/{export}/archive")
    assert (late, stored_archives(storage)) == (1, [])
    assert (response.status_code, response.json()["type"]) == (410, "/problems/export-expired")
    body = committed.read(f"/v1/exports/{export}")
    assert (body["status"], body["size"] > 0) == ("expired", True)
    assert (
        committed.read("/v1/audit-log", about=export, who="underone")["data"][0]["what"] == "export.expired"
    )


def test_newer_export_replaces_older_one_of_same_scope(committed: Client, storage: Path) -> None:
    (shop,) = (each["id"] for each in committed.read("/v1/accounts")["data"])
    other = committed.take_on(name="Other", partner="A1OTHER")
    bodies: list[dict[str, Any]] = [{}, {"documents": True}, {"account": shop}, {"account": other}]

    def made(body: dict[str, Any]) -> str:
        export = archives.request_export(committed, **body)
        archives.build_archive(committed, export)
        return export

    old, new = ([made(body) for body in bodies] for _ in range(2))

    assert sorted(stored_archives(storage)) == sorted(new)
    statuses = {each["id"]: each["status"] for each in committed.read("/v1/exports")["data"]}
    assert statuses == dict.fromkeys(old, "expired") | dict.fromkeys(new, "ready")
    assert archives.download_archive(committed, new[0]).faults() == []
    assert committed.read("/v1/audit-log", about=old[0])["data"][0]["what"] == "export.expired"


def test_older_archive_stays_until_newer_is_ready(committed: Client) -> None:
    first = archives.request_export(committed)
    archives.build_archive(committed, first)
    second = archives.request_export(committed)
    change(committed, second, attempts=exports.MAX_ATTEMPTS)

    archives.build_archive(committed, second)

    assert committed.read(f"/v1/exports/{second}")["status"] == "failed"
    assert archives.download_archive(committed, first).faults() == []


def test_exports_are_limited_to_twenty_a_day(acme: Client, rival: Client) -> None:
    requested = [archives.request_export(acme)]
    change(acme, requested[0], status=Status.FAILED)
    change(acme, requested[0], created_at=timezone.now() - timedelta(hours=23))
    with context.agency(acme.agency.pk):
        Export.objects.bulk_create(
            Export(
                agency=acme.agency,
                with_documents=False,
                status=Status.EXPIRED,
                created_at=NOW,
                handed_out_at=NOW,
                attempts=1,
            )
            for _ in range(exports.MAX_PER_DAY - 1)
        )

    refused = acme.post("/v1/exports", {}, format="json")

    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-exports")
    assert 3500 < int(refused.headers["Retry-After"]) <= 3601
    assert archives.request_export(rival)
    change(acme, requested[0], created_at=timezone.now() - timedelta(hours=24))
    assert archives.request_export(acme)


def test_scheduled_task_expires_archives(committed: Client, storage: Path) -> None:
    export = archives.request_export(committed)
    archives.build_archive(committed, export)
    change(committed, export, expires_at=NOW - timedelta(hours=1))

    tasks.expire_exports()

    assert stored_archives(storage) == []


def test_file_that_is_gone_already_is_expired_all_same(committed: Client, storage: Path) -> None:
    export = archives.request_export(committed)
    archives.build_archive(committed, export)
    next(storage.rglob(export)).unlink()

    assert committed.get(f"/v1/exports/{export}/archive").status_code == 500
    assert exports.expire(agency_id=committed.agency.pk, now=NOW + timedelta(days=30)) == 1


def left_behind(client: Client, *, status: str, since: timedelta) -> str:
    export = archives.request_export(client)
    change(client, export, status=status, handed_out_at=timezone.now() - since)
    messages.take()
    return export


@pytest.mark.parametrize(
    ("status", "since", "is_resumed"),
    [
        (Status.QUEUED, timedelta(seconds=100), False),
        (Status.QUEUED, timedelta(minutes=3), True),
        (Status.RUNNING, timedelta(minutes=3), True),
        (Status.FAILED, timedelta(days=3), False),
        (Status.EXPIRED, timedelta(days=3), False),
    ],
)
def test_export_of_killed_worker_is_resumed(
    acme: Client, status: str, since: timedelta, is_resumed: bool
) -> None:
    left_behind(acme, status=status, since=since)

    tasks.resume_exports()
    tasks.resume_exports()

    assert [name for name, _ in messages.take()] == ["ingestion.exports.tasks.make_export"] * is_resumed


def test_export_held_by_worker_is_not_resumed(acme: Client) -> None:
    export = left_behind(acme, status=Status.RUNNING, since=timedelta(hours=1))
    change(acme, export, leased_until=Now() + timedelta(seconds=60))

    tasks.resume_exports()
    archives.build_archive(acme, export)

    assert messages.take() == []
    with context.agency(acme.agency.pk):
        assert Export.objects.get().attempts == 0


def test_export_fails_after_maximum_attempts(acme: Client) -> None:
    export = archives.request_export(acme)
    change(acme, export, status=Status.RUNNING, attempts=exports.MAX_ATTEMPTS)

    archives.build_archive(acme, export)

    assert acme.read(f"/v1/exports/{export}")["status"] == "failed"
    assert archives.request_export(acme) != export


def test_export_built_twice_is_stored_once(committed: Client, storage: Path) -> None:
    export = archives.request_export(committed)

    archives.build_archive(committed, export)
    before = committed.read(f"/v1/exports/{export}")
    archives.build_archive(committed, export)

    assert (committed.read(f"/v1/exports/{export}"), stored_archives(storage)) == (before, [export])


def claimed(client: Client, **body: Any) -> Export:
    export = archives.request_export(client, **body)
    claimed = exports.claim(agency_id=client.agency.pk, export_id=identifiers.private("exp", export))
    assert claimed is not None
    return claimed


def test_account_that_is_erased_meanwhile_is_in_no_archive(committed: Client, storage: Path) -> None:
    export = claimed(committed)
    (account,) = committed.read("/v1/accounts")["data"]
    committed.delete(f"/v1/accounts/{account['id']}")
    erasure.erase_accounts(agency_id=committed.agency.pk, now=NOW + timedelta(days=8))

    with pytest.raises(exports.ClaimLost):
        exports.build(export=export, now=NOW)

    assert stored_archives(storage) == []
    assert committed.read(f"/v1/exports/{export.public_id}")["status"] == "queued"
    archives.build_archive(committed, export.public_id)
    assert archives.download_archive(committed, export.public_id).lines("accounts") == []


def test_archive_of_account_deleted_meanwhile_is_completed(committed: Client, storage: Path) -> None:
    (account,) = (each["id"] for each in committed.read("/v1/accounts")["data"])
    export = claimed(committed, account=account)
    committed.delete(f"/v1/accounts/{account}")

    exports.build(export=export, now=NOW)

    assert stored_archives(storage) == [export.public_id]
    archive = archives.download_archive(committed, export.public_id)
    assert [each["id"] for each in archive.lines("accounts")] == [account]


def test_archive_of_deleted_account_survives_until_erasure(committed: Client, storage: Path) -> None:
    (account,) = (each["id"] for each in committed.read("/v1/accounts")["data"])
    export = archives.request_export(committed, account=account)
    archives.build_archive(committed, export)
    ready = committed.read(f"/v1/exports/{export}")
    clock.advance(timedelta(days=5))
    committed.delete(f"/v1/accounts/{account}")
    shown = committed.read(f"/v1/exports/{export}")
    clock.advance(timedelta(days=6))

    exports.expire(agency_id=committed.agency.pk, now=timezone.now())
    erasure.erase_accounts(agency_id=committed.agency.pk, now=timezone.now())

    (deleted,) = committed.read("/v1/accounts", deleted="true")["data"]
    assert ready["expires_at"] < shown["expires_at"] == deleted["restorable_until"]
    assert archives.download_archive(committed, export).faults() == []
    clock.advance(timedelta(days=1))
    erasure.erase_accounts(agency_id=committed.agency.pk, now=timezone.now())
    assert stored_archives(storage) == []
    assert committed.get(f"/v1/exports/{export}").status_code == 404


def test_archive_of_account_in_erasure_is_not_stored(committed: Client, storage: Path) -> None:
    (account,) = (each["id"] for each in committed.read("/v1/accounts")["data"])
    export = claimed(committed, account=account)
    committed.delete(f"/v1/accounts/{account}")
    with context.agency(committed.agency.pk):
        SellerAccount.objects.update(erasure_started_at=NOW)

    with pytest.raises(exports.ClaimLost):
        exports.build(export=export, now=NOW)
    change(committed, export.public_id, leased_until=NOW)
    again = exports.claim(agency_id=committed.agency.pk, export_id=export.pk)

    assert (again, stored_archives(storage)) == (None, [])
    assert archives.request_export(committed)
    with context.agency(committed.agency.pk):
        assert Export.objects.get(pk=export.pk).status == Status.FAILED


@pytest.mark.parametrize("is_whole", [True, False])
def test_export_is_discarded_if_account_is_removed_concurrently(
    committed: Client, storage: Path, is_whole: bool
) -> None:
    (account,) = (each["id"] for each in committed.read("/v1/accounts")["data"])
    export = claimed(committed, account=None if is_whole else account)

    def make() -> None:
        try:
            exports.build(export=export, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as threads:
        with context.agency(committed.agency.pk):
            exports.remove_account(
                agency_id=committed.agency.pk, account_id=identifiers.private("acct", account), now=NOW
            )
            late = threads.submit(make)
            with pytest.raises(TimeoutError):
                late.result(timeout=1)
        with pytest.raises(exports.ClaimLost):
            late.result()

    assert stored_archives(storage) == []
    assert committed.read(f"/v1/exports/{export.public_id}")["status"] == ("queued" if is_whole else "failed")


@pytest.mark.parametrize("is_whole", [True, False])
def test_export_marked_ready_concurrently_is_expired_with_account(
    committed: Client, storage: Path, is_whole: bool
) -> None:
    (account,) = (each["id"] for each in committed.read("/v1/accounts")["data"])
    export = archives.request_export(committed, account=None if is_whole else account)
    archives.build_archive(committed, export)
    change(committed, export, status=Status.RUNNING)

    def forget() -> None:
        try:
            exports.remove_account(
                agency_id=committed.agency.pk, account_id=identifiers.private("acct", account), now=NOW
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as threads:
        with context.agency(committed.agency.pk):
            Export.objects.update(status=Status.READY)
            late = threads.submit(forget)
            with pytest.raises(TimeoutError):
                late.result(timeout=0.5)
        late.result()

    assert stored_archives(storage) == []
    assert committed.read(f"/v1/exports/{export}")["status"] == "expired"


def test_export_taken_over_is_stored_by_new_worker_only(committed: Client, storage: Path) -> None:
    first = claimed(committed)
    assert exports.claim(agency_id=committed.agency.pk, export_id=first.pk) is None
    change(committed, first.public_id, leased_until=NOW)
    second = exports.claim(agency_id=committed.agency.pk, export_id=first.pk)
    assert second is not None

    with pytest.raises(exports.ClaimLost):
        exports.build(export=first, now=NOW)
    exports.build(export=second, now=NOW)

    assert stored_archives(storage) == [first.public_id]
    assert archives.download_archive(committed, first.public_id).faults() == []


def test_account_erasure_expires_archives_that_contain_it(committed: Client, storage: Path) -> None:
    (account,) = (each["id"] for each in committed.read("/v1/accounts")["data"])
    present = committed.take_on(name="Kept", partner="A1KEPT")
    made = {
        name: archives.request_export(committed, account=requested_account)
        for name, requested_account in (("of it", account),)
    }
    archives.build_archive(committed, made["of it"])
    for name, requested_account in (("of another", present), ("of all", None)):
        made[name] = archives.request_export(committed, account=requested_account)
        archives.build_archive(committed, made[name])
    committed.delete(f"/v1/accounts/{account}")

    erasure.erase_accounts(agency_id=committed.agency.pk, now=NOW + timedelta(days=8))

    assert stored_archives(storage) == [made["of another"]]
    statuses = {each["id"]: each["status"] for each in committed.read("/v1/exports")["data"]}
    assert statuses == {made["of another"]: "ready", made["of all"]: "expired"}


def test_closed_agency_archive_is_not_made(acme: Client) -> None:
    export = archives.request_export(acme)
    acme.delete("/v1/agency", {"confirm": "close Acme"}, format="json")
    messages.take()

    archives.build_archive(acme, export)
    change(acme, export, handed_out_at=NOW - timedelta(hours=1))
    tasks.resume_exports()

    assert messages.take() == []
    with context.agency(acme.agency.pk):
        assert Export.objects.get().status == Status.QUEUED


def test_failure_leaves_no_file_behind(committed: Client, storage: Path) -> None:
    export = claimed(committed)
    with context.agency(committed.agency.pk):
        Export.objects.all().delete()

    with pytest.raises(exports.ClaimLost):
        exports.build(export=export, now=NOW)

    assert stored_archives(storage) == []
    assert not default_storage.exists(f"{exports.storage_folder(committed.agency.pk)}/{export.public_id}")
