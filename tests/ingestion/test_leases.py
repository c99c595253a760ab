"""Test whose report is leased next: agencies in turn, oldest first, within the limits of agency and account."""

import os
from copy import copy

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from accounts.tenancy import context
from accounts.tenancy import leases as tenant_leases
from api import identifiers
from ingestion import leases
from ingestion.models import Report
from tests.client import Client
from tests.clock import NOW


def send(client: Client, account: str, count: int = 1) -> list[str]:
    """Return the IDs of queued reports."""
    return [client.send(account, os.urandom(20)).json()["id"] for _ in range(count)]


def lease() -> str:
    """Return the ID of the report that is leased next."""
    leased = leases.lease_report()
    return identifiers.public("rpt", leased.report_id) if leased else ""


@pytest.fixture
def others(acme: Client) -> list[str]:
    """Return further accounts of the agency."""
    return [acme.take_on(partner=f"A{n}OTHER") for n in range(3)]


def test_agencies_get_their_turn_one_after_the_other(
    acme: Client, rival: Client, shop: str, others: list[str], settings: Settings
) -> None:
    settings.REPORTS_AT_ONCE = 10
    many = [report for account in (shop, *others) for report in send(acme, account)]
    few = send(rival, rival.take_on(partner="A1RIVAL")) + send(rival, rival.take_on(partner="A2RIVAL"))

    order = [lease() for _ in range(6)]

    assert set(order) == {*many, *few}
    owners = ["rival" if report in few else "acme" for report in order]
    assert owners in (
        ["acme", "rival", "acme", "rival", "acme", "acme"],
        ["rival", "acme", "rival", "acme", "acme", "acme"],
    )


def test_agency_has_at_most_its_reports_leased_at_once(
    acme: Client, shop: str, others: list[str], settings: Settings
) -> None:
    settings.REPORTS_AT_ONCE = 2
    reports = [report for account in (shop, *others) for report in send(acme, account)]

    leased = [lease() for _ in range(3)]

    assert leased == [*reports[:2], ""]


def test_account_has_one_report_leased_at_once(
    acme: Client, shop: str, others: list[str], settings: Settings
) -> None:
    settings.REPORTS_AT_ONCE = 5
    first, _second = send(acme, shop, 2)
    (elsewhere,) = send(acme, others[0])

    assert [lease() for _ in range(3)] == [first, elsewhere, ""]


def test_report_whose_lease_ended_is_leased_again(acme: Client, shop: str) -> None:
    (report,) = send(acme, shop)
    first = lease()
    meanwhile = lease()
    with context.agency(acme.agency.pk):
        Report.objects.update(leased_until=Now())

    assert (first, meanwhile, lease()) == (report, "", report)


def test_reports_of_closed_agency_block_nobody(acme: Client, rival: Client, shop: str) -> None:
    send(acme, shop, 3)
    acme.delete("/v1/agency", {"confirm": "close Acme"}, format="json")
    (report,) = send(rival, rival.take_on(partner="A1RIVAL"))

    assert [lease(), lease()] == [report, ""]


def test_report_that_is_being_recorded_is_not_leased_even_if_its_lease_ended(
    committed_db: None, nord: Client, shelf: str
) -> None:
    send(nord, shelf)
    lease()
    with context.agency(nord.agency.pk):
        Report.objects.update(leased_until=Now())
    with psycopg.connect(os.environ["DATABASE_URL"]) as worker:
        worker.execute(f"SET LOCAL underone.agency = '{nord.agency.pk}'")
        worker.execute("SELECT FROM ingestion_report FOR NO KEY UPDATE")

        assert lease() == ""


def test_lease_is_extended_while_the_work_lasts(
    committed_db: None, nord: Client, shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant_leases, "EXTENDED_EVERY", tenant_leases.EXTENDED_EVERY / 100)
    send(nord, shelf)
    leased = leases.lease_report()
    assert leased is not None
    with context.agency(nord.agency.pk):
        Report.objects.update(leased_until=Now())

    with leases.extended(leased, most=tenant_leases.LENGTH), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5)")

    assert lease() == ""


def test_next_report_is_found_without_reading_loaded_ones_although_plans_are_older(
    acme: Client, shop: str
) -> None:
    # PostgreSQL keeps the plans of a function after some calls.
    for _ in range(10):
        lease()
    send(acme, shop)
    with context.agency(acme.agency.pk):
        loaded = Report.objects.get()
        loaded.status, loaded.loaded_at = Report.Status.LOADED, NOW
        Report.objects.bulk_create(copy_of(loaded, n) for n in range(3000))

    lease()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_stat_get_xact_tuples_returned(oid) FROM pg_class "
            "WHERE relname LIKE 'ingestion_report%' OR relname LIKE 'report_%'"
        )
        read = {name for name, rows in cursor.fetchall() if rows > 2000}
    assert read == set()


def copy_of(report: Report, number: int) -> Report:
    copied = copy(report)
    copied.pk, copied.sha256 = identifiers.uuid7(), f"{number:064}"
    return copied
