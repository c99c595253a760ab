"""Test the contents of archives: one agency or account, complete, of one moment."""

import re
import tracemalloc
from pathlib import Path

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from accounts import audit
from accounts.agencies import lifecycle as agencies
from accounts.models import Actor
from accounts.tenancy import context
from ingestion.exports import archive
from metrics.rules.facts import OrderStatus
from tests.architecture.agency_data import create_agency_data
from tests.client import Client
from tests.conftest import NOON
from tests.ingestion import archives
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


def test_archive_omits_deleted_accounts(acme: Client) -> None:
    account = create_agency_data(acme, name="acme").account_id
    present = acme.take_on(name="Kept", partner="A1KEPT")
    acme.delete(f"/v1/accounts/{account}")

    exported = archives.export_archive(acme)

    assert [each["id"] for each in exported.lines("accounts")] == [present]
    assert exported.lines("orders") == exported.lines("reports") == []
    assert (
        exported.lines("events") == exported.lines("deliveries") == exported.lines("delivery-attempts") == []
    )


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


def test_archive_shows_the_moment_of_its_start(acme: Client) -> None:
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

    add(acme, 5_000)
    few = peak()
    add(acme, 50_000)
    many = peak()

    assert many < few + 500_000


def test_archive_transaction_is_read_only(acme: Client) -> None:
    with (
        pytest.raises(Exception, match="read-only transaction"),
        archive.snapshot_transaction(acme.agency.pk),
    ):
        audit.record(agency_id=acme.agency.pk, actor=Actor("underone"), what="a.b", about="c", now=NOON)
