"""Test that documents and archives in object storage are loaded, downloaded, exported, deleted and erased."""

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from api import identifiers
from ingestion import erasure, retention, tasks
from ingestion.exports import tasks as export_tasks
from ingestion.models import Export, Report
from tests import build
from tests.client import Client
from tests.clock import NOW
from tests.conftest import NOON
from tests.object_storage import CREDENTIALS, Bucket, s3_server, storages_at

ORDERS = build.orders_file(build.orders_on(NOW - timedelta(days=30), count=3))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def bucket(server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Store the documents of the test in a bucket of its own."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    bucket = Bucket(server)
    settings.STORAGES = storages_at(bucket.url())
    return bucket


@pytest.fixture
def acme(committed_db: None) -> Client:
    return Client(*agencies.create_agency(name="Acme", now=NOON))


@pytest.fixture
def shop(acme: Client, bucket: Bucket) -> str:
    return acme.take_on()


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_report_is_loaded_and_downloaded(acme: Client, shop: str, bucket: Bucket) -> None:
    report = acme.load(shop, ORDERS)

    response = acme.get(f"/v1/reports/{report['id']}/document")

    assert (report["status"], report["rows"]["new"]) == ("loaded", 3)
    assert response.status_code == 200
    assert body(response).count(b"\n") == ORDERS.count(b"\n")
    account = identifiers.private("acct", shop)
    assert account is not None
    (key,) = bucket.keys()
    assert key.startswith(f"underone/{acme.agency.pk.hex}/{account.hex}/{report['id']}")


def test_report_sent_again_replaces_its_document(acme: Client, shop: str, bucket: Bucket) -> None:
    nonsense = b"this is\tno report\n1\t2\n"
    assert acme.load(shop, nonsense)["status"] == "rejected"
    before = bucket.keys()

    again = acme.load(shop, nonsense)

    assert again["status"] == "rejected"
    assert len(before) == len(bucket.keys()) == 1


def test_archive_is_built_with_documents_and_downloaded(acme: Client, shop: str, bucket: Bucket) -> None:
    report = acme.load(shop, ORDERS)
    export = acme.post("/v1/exports", {"account": shop, "documents": True}, format="json").json()["id"]
    export_id = identifiers.private("exp", export)
    export_tasks.make_export(agency_id=str(acme.agency.pk), export_id=str(export_id))

    response = acme.get(f"/v1/exports/{export}/archive")

    assert response.status_code == 200
    name = stored(acme, report["id"]).document
    with zipfile.ZipFile(io.BytesIO(body(response))) as archive, default_storage.open(name) as document:
        assert archive.read(f"documents/{report['id']}") == document.read()


def stored(client: Client, report: str) -> Report:
    with context.agency(client.agency.pk):
        return Report.objects.get(pk=identifiers.private("rpt", report))


def test_old_documents_are_deleted(acme: Client, shop: str, bucket: Bucket) -> None:
    report = acme.load(shop, ORDERS)
    with context.agency(acme.agency.pk):
        Report.objects.update(received_at=NOW - timedelta(days=400))

    assert retention.delete(agency_id=acme.agency.pk, now=NOW) == 1

    assert bucket.keys() == []
    assert acme.get(f"/v1/reports/{report['id']}/document").status_code == 410


def test_erasure_leaves_no_object_of_the_account(acme: Client, shop: str, bucket: Bucket) -> None:
    other = acme.take_on(name="Other", partner="A2OTHER")
    acme.load(shop, ORDERS)
    kept = acme.load(other, ORDERS)
    account = identifiers.private("acct", shop)
    assert account is not None
    lost = f"underone/{acme.agency.pk.hex}/{account.hex}/rpt_of_a_lost_transaction"
    bucket.client.put_object(Bucket=bucket.name, Key=lost, Body=b"kept before its row")
    assert acme.delete(f"/v1/accounts/{shop}").status_code == 204

    assert erasure.erase_accounts(agency_id=acme.agency.pk, now=NOW + timedelta(days=8)) == 1

    assert [kept["id"] in key for key in bucket.keys()] == [True]  # noqa: SIM118  a method of ours


def test_expired_archive_is_deleted(acme: Client, shop: str, bucket: Bucket) -> None:
    export = acme.post("/v1/exports", {"account": shop}, format="json").json()["id"]
    export_tasks.make_export(agency_id=str(acme.agency.pk), export_id=str(identifiers.private("exp", export)))
    assert len(bucket.keys()) == 1
    with context.agency(acme.agency.pk):
        Export.objects.update(expires_at=NOW - timedelta(days=1))

    export_tasks.expire_exports()

    assert bucket.keys() == []


def test_upload_while_the_storage_is_away_answers_503_and_can_be_sent_again(
    acme: Client, shop: str, bucket: Bucket, settings: Settings
) -> None:
    settings.STORAGES = storages_at(bucket.url(endpoint="http://127.0.0.1:1"))
    acme.raise_request_exception = False

    response = acme.send(shop, ORDERS)

    assert response.status_code == 503
    assert (response.json()["type"], response["Retry-After"]) == ("/problems/unavailable", "5")
    assert "storage of documents" in response.json()["detail"]
    settings.STORAGES = storages_at(bucket.url())
    assert acme.load(shop, ORDERS)["status"] == "loaded"


def test_missing_object_fails_loading(acme: Client, shop: str, bucket: Bucket) -> None:
    report = acme.send(shop, ORDERS).json()["id"]
    default_storage.delete(stored(acme, report).original)

    with pytest.raises(FileNotFoundError):
        tasks.load_report()
