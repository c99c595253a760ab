"""Test that every scheduled job may start twice at the same moment, as with two schedulers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.agencies import lifecycle as agencies
from accounts.models import Agency, AuditEntry, SellerAccount
from accounts.tenancy import batches, context
from config.celery import app
from ingestion import erasure
from tests.architecture.agency_data import create_agency_data
from tests.client import Client
from tests.clock import NOW
from tests.conftest import NOON
from tests.ingestion.test_agency_erasure import close

LATER = NOW + timedelta(days=30)
app.loader.import_default_modules()
SCHEDULED = sorted({entry["task"] for entry in app.conf.beat_schedule.values()})


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path


@pytest.fixture
def acme(committed_db: None) -> Client:
    client = Client(*agencies.create_agency(name="Acme", now=NOON))
    create_agency_data(client, name="acme")
    return client


def run_twice(job: Callable[[], object]) -> None:
    """Run the job in two threads that begin at the same moment. Raises what either raises."""
    barrier = Barrier(2)

    def run() -> None:
        barrier.wait()
        try:
            job()
        finally:
            connection.close()

    with ThreadPoolExecutor() as threads:
        for result in [threads.submit(run) for _ in range(2)]:
            result.result()


def entries(client: Client, what: str) -> int:
    with context.agency(client.agency.pk):
        return AuditEntry.objects.filter(agency_id=client.agency.pk, what=what).count()


@pytest.mark.parametrize("name", SCHEDULED)
def test_scheduled_job_may_start_twice_at_once(acme: Client, name: str) -> None:
    before = acme.read("/v1/accounts")["data"], acme.read("/v1/events")["data"]

    run_twice(app.tasks[name])

    assert (acme.read("/v1/accounts")["data"], acme.read("/v1/events")["data"]) == before


def test_account_erased_by_two_schedulers_is_recorded_once(
    acme: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several batches for each table, so that the runs meet.
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    (account,) = acme.read("/v1/accounts")["data"]
    assert acme.delete(f"/v1/accounts/{account['id']}").status_code == 204

    run_twice(lambda: erasure.erase_accounts(agency_id=acme.agency.pk, now=LATER))

    assert entries(acme, "account.erased") == 1
    with context.agency(acme.agency.pk):
        assert not SellerAccount.objects.exists()


def test_agency_erased_by_two_schedulers_is_recorded_once(
    acme: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    close(acme)

    run_twice(lambda: erasure.erase_agency(agency_id=acme.agency.pk, now=LATER))

    assert entries(acme, "agency.erased") == 1
    with context.agency(acme.agency.pk):
        assert Agency.objects.get().erased_at == LATER
