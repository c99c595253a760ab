"""Test the tasks: workers are woken for reports that wait, and load each once."""

import os
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from accounts.tenancy import context
from api import identifiers
from ingestion import tasks
from ingestion.models import Report
from tests import build, messages
from tests.client import Client
from tests.clock import NOW
from tests.ingestion import report_leases

Status = Report.Status
DOCUMENT = build.orders_file(build.orders_on(NOW - timedelta(days=30), count=3))


@pytest.fixture(autouse=True)
def quiet_broker() -> None:
    """Remove the messages of other tests."""
    messages.take()


def send(client: Client, account: str, status: str = Status.QUEUED, **fields: Any) -> UUID:
    """Return a report with this status."""
    report_id = identifiers.private("rpt", client.send(account, os.urandom(20)).json()["id"])
    with context.agency(client.agency.pk):
        Report.objects.filter(pk=report_id).update(status=status, loaded_at=NOW, problem={}, **fields)
    return report_id


@pytest.mark.parametrize(
    ("status", "leased_for", "wakes"),
    [
        (Status.QUEUED, None, True),
        (Status.PROCESSING, timedelta(seconds=20), False),
        (Status.PROCESSING, timedelta(seconds=-1), True),
        (Status.LOADED, None, False),
        (Status.REJECTED, None, False),
        (Status.FAILED, None, False),
    ],
)
def test_worker_is_woken_for_reports_that_wait(
    acme: Client, shop: str, status: str, leased_for: timedelta | None, wakes: bool
) -> None:
    send(acme, shop, status, leased_until=Now() + leased_for if leased_for else None)
    messages.take()

    tasks.wake_worker()

    assert messages.take() == [("ingestion.tasks.load_report", {})] * wakes


def test_worker_wakes_another_while_reports_wait(acme: Client, shop: str) -> None:
    other = acme.take_on(partner="A2SECOND")
    for account in (shop, other):
        acme.send(account, DOCUMENT)
    messages.take()

    tasks.load_report()
    woken_by_first = messages.take()
    tasks.load_report()

    assert len(woken_by_first) == 2
    assert messages.take() == []


def test_load_report_without_waiting_reports_does_nothing(acme: Client, shop: str) -> None:
    report = acme.load(shop, DOCUMENT)

    tasks.load_report()

    assert acme.read(f"/v1/reports/{report['id']}") == report
    with context.agency(acme.agency.pk):
        assert Report.objects.get().attempts == 1


def test_report_that_killed_worker_began_is_loaded_by_next(acme: Client, shop: str) -> None:
    report_id = acme.send(shop, DOCUMENT).json()["id"]
    report_leases.claimed(acme, identifiers.private("rpt", report_id))

    tasks.load_report()
    meanwhile = acme.read(f"/v1/reports/{report_id}")["status"]
    report_leases.end_leases(acme)
    tasks.load_report()

    report = acme.read(f"/v1/reports/{report_id}")
    assert (meanwhile, report["status"], report["rows"]["new"]) == ("processing", "loaded", 3)


def test_deleted_accounts_of_every_agency_are_erased(acme: Client, rival: Client, shop: str) -> None:
    other_account = rival.take_on(partner="A1RIVAL")
    present = acme.take_on(partner="A2KEPT")
    acme.delete(f"/v1/accounts/{shop}")
    rival.delete(f"/v1/accounts/{other_account}")

    tasks.erase_accounts()

    assert [account["id"] for account in acme.read("/v1/accounts")["data"]] == [present]
    acme.take_on(partner="A1SHOP")
    rival.take_on(partner="A1RIVAL")
