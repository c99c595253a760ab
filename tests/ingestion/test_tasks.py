"""Test the tasks: reports are loaded once, and only abandoned ones are resumed."""

import os
from contextlib import closing
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.utils import timezone

from accounts.tenancy import context
from api import identifiers
from ingestion import tasks
from ingestion.models import Report
from tests import build, messages
from tests.client import Client
from tests.clock import NOW
from tests.ingestion import worker_locks

Status = Report.Status
DOCUMENT = build.orders_file(build.orders_on(NOW - timedelta(days=30), count=3))


def waiting(client: Client, account: str, *, status: str = Status.QUEUED, since: timedelta) -> UUID:
    """Return a report queued so long ago."""
    report_id = identifiers.private("rpt", client.send(account, os.urandom(20)).json()["id"])
    with context.agency(client.agency.pk):
        Report.objects.filter(pk=report_id).update(
            status=status, handed_out_at=timezone.now() - since, loaded_at=NOW, problem={}
        )
    return report_id


def handed_out() -> list[tuple[str, UUID]]:
    """Return the agencies whose reports wait for a worker."""
    taken = messages.take()
    assert {task for task, _ in taken} <= {"ingestion.tasks.load_report"}
    return [(words["agency_id"], UUID(words["report_id"])) for _, words in taken]


@pytest.fixture(autouse=True)
def quiet_broker() -> None:
    """Remove the messages of other tests."""
    messages.take()


@pytest.mark.parametrize(
    ("status", "since", "is_handed_out"),
    [
        (Status.QUEUED, timedelta(seconds=110), False),
        (Status.QUEUED, timedelta(seconds=130), True),
        (Status.QUEUED, timedelta(days=30), True),
        (Status.PROCESSING, timedelta(seconds=5), False),
        (Status.PROCESSING, timedelta(seconds=15), True),
        (Status.LOADED, timedelta(days=30), False),
        (Status.REJECTED, timedelta(days=30), False),
        (Status.FAILED, timedelta(days=30), False),
    ],
)
def test_abandoned_reports_are_queued_again(
    acme: Client, shop: str, status: str, since: timedelta, is_handed_out: bool
) -> None:
    report_id = waiting(acme, shop, status=status, since=since)

    tasks.resume_reports()

    assert handed_out() == [(str(acme.agency.pk), report_id)] * is_handed_out


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PROCESSING])
def test_recently_queued_reports_are_not_queued_again(acme: Client, shop: str, status: str) -> None:
    waiting(acme, shop, status=status, since=timedelta(hours=1))

    tasks.resume_reports()
    tasks.resume_reports()

    assert len(handed_out()) == 1


def test_report_in_living_worker_hands_is_left_there(acme: Client, shop: str) -> None:
    locked, abandoned = (
        waiting(acme, shop, status=Status.PROCESSING, since=timedelta(hours=1)) for _ in range(2)
    )
    with closing(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)) as worker:
        worker_locks.take(worker, locked)

        tasks.resume_reports()

        assert handed_out() == [(str(acme.agency.pk), abandoned)]


def test_report_whose_worker_died_is_queued_again(acme: Client, shop: str) -> None:
    report_id = waiting(acme, shop, status=Status.PROCESSING, since=timedelta(hours=1))
    with closing(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)) as worker:
        worker_locks.take(worker, report_id)
    worker_locks.until_free(report_id)

    tasks.resume_reports()

    assert handed_out() == [(str(acme.agency.pk), report_id)]


def test_looking_for_abandoned_reports_leaves_no_lock(acme: Client, shop: str) -> None:
    waiting(acme, shop, status=Status.PROCESSING, since=timedelta(hours=1))

    tasks.resume_reports()

    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        row = other.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
    assert row == (0,)


def test_reports_of_every_agency_are_resumed(acme: Client, rival: Client, shop: str) -> None:
    other_account = rival.take_on(partner="A1RIVAL")
    ids = {
        (str(client.agency.pk), waiting(client, account, since=timedelta(hours=1)))
        for client, account in ((acme, shop), (rival, other_account))
    }

    tasks.resume_reports()

    assert set(handed_out()) == ids


def test_report_queued_twice_is_loaded_once(acme: Client, shop: str) -> None:
    report = acme.load(shop, DOCUMENT)
    words = {"agency_id": str(acme.agency.pk), "report_id": str(identifiers.private("rpt", report["id"]))}

    tasks.load_report(**words)

    assert acme.read(f"/v1/reports/{report['id']}") == report
    with context.agency(acme.agency.pk):
        assert Report.objects.get().attempts == 1


def test_report_that_killed_worker_began_is_loaded_by_next(acme: Client, shop: str) -> None:
    report_id = acme.send(shop, DOCUMENT).json()["id"]
    with context.agency(acme.agency.pk):
        Report.objects.update(status=Status.PROCESSING, attempts=1, handed_out_at=NOW - timedelta(hours=1))
    tasks.resume_reports()

    for agency_id, pk in handed_out():
        tasks.load_report(agency_id=agency_id, report_id=str(pk))

    report = acme.read(f"/v1/reports/{report_id}")
    assert (report["status"], report["rows"]["new"]) == ("loaded", 3)


@pytest.mark.parametrize("agency", ["rival", "nobody"])
def test_message_about_another_agency_report_loads_nothing(
    acme: Client, rival: Client, shop: str, agency: str
) -> None:
    report_id = acme.send(shop, DOCUMENT).json()["id"]
    agency_id = rival.agency.pk if agency == "rival" else identifiers.uuid7()

    tasks.load_report(agency_id=str(agency_id), report_id=str(identifiers.private("rpt", report_id)))

    assert acme.read(f"/v1/reports/{report_id}")["status"] == "queued"


def test_deleted_accounts_of_every_agency_are_erased(acme: Client, rival: Client, shop: str) -> None:
    other_account = rival.take_on(partner="A1RIVAL")
    present = acme.take_on(partner="A2KEPT")
    acme.delete(f"/v1/accounts/{shop}")
    rival.delete(f"/v1/accounts/{other_account}")

    tasks.erase_accounts()

    assert [account["id"] for account in acme.read("/v1/accounts")["data"]] == [present]
    acme.take_on(partner="A1SHOP")
    rival.take_on(partner="A1RIVAL")
