"""Test the figures of the whole installation, and their cost with many rows."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.agencies import lifecycle as agencies
from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from config.observability.operational_figures import FigureReader, Figures
from ingestion.models import Report
from tests import stopwatch
from tests.architecture.agency_data import create_agency_data
from tests.client import Client
from tests.conftest import analyze
from tests.installation import wait_until
from webhooks.models import Delivery, Endpoint, Event

# Without a value before the first backup.
BACKUP_FIGURES = ("backup_at", "backup_size", "backup_missing_documents")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ACCOUNTS, DELIVERIES = 10_000, 100_000


def read(now: datetime = NOW) -> Figures:
    figures = FigureReader().read(now=now)
    assert figures is not None
    return figures


def test_figures_are_zero_without_agencies(db: None) -> None:
    ages = {"queued_report_age", "due_delivery_age", *BACKUP_FIGURES}

    assert {name for name, value in read().items() if value is None} == ages
    assert {value for name, value in read().items() if name not in ages} == {0}


def receive(client: Client, account: str, *, status: str, minutes: int) -> None:
    moment = NOW - timedelta(minutes=minutes)
    with context.agency(client.agency.pk):
        Report.objects.create(
            agency=client.agency,
            account_id=identifiers.private("acct", account),
            marketplace="US",
            source="json",
            status=status,
            sha256="0" * 64,
            size=1,
            document="x",
            received_at=moment,
            handed_out_at=moment,
            loaded_at=NOW if status == "loaded" else None,
        )


def test_unfinished_reports_are_counted_over_all_agencies(acme: Client, rival: Client, shop: str) -> None:
    others = rival.take_on()
    for status, minutes in (("queued", 3), ("queued", 1), ("processing", 60), ("loaded", 90)):
        receive(acme, shop, status=status, minutes=minutes)
    receive(rival, others, status="queued", minutes=7)

    figures = read()

    assert (figures["reports_queued"], figures["reports_processing"], figures["queued_report_age"]) == (
        3,
        1,
        7 * 60,
    )


def deliver(client: Client, endpoint: Endpoint, *, due: timedelta | None) -> None:
    event = Event.objects.create(agency=client.agency, type="breach.opened", data={}, occurred_at=NOW)
    Delivery.objects.create(
        agency=client.agency,
        endpoint=endpoint,
        event=event,
        order_key="x",
        state="pending" if due is not None else "delivered",
        next_attempt_at=None if due is None else NOW + due,
        created_at=NOW,
        finished_at=None if due is not None else NOW,
    )


def test_deliveries_are_counted_by_whether_they_are_due(acme: Client, rival: Client) -> None:
    for client, dues in ((acme, (-60, -5, 60, None)), (rival, (-90, None))):
        client.listen()
        with context.agency(client.agency.pk):
            for due in dues:
                deliver(client, Endpoint.objects.get(), due=None if due is None else timedelta(seconds=due))

    figures = read()

    assert (figures["deliveries_pending"], figures["deliveries_due"], figures["due_delivery_age"]) == (
        4,
        3,
        90,
    )


def test_endpoints_failing_and_disabled_automatically_are_counted(acme: Client) -> None:
    states = (
        ("", None, None),
        ("", None, NOW),
        ("by_hand", NOW, NOW),
        ("failing", NOW, NOW),
        ("gone", NOW, None),
    )
    for reason, disabled_at, failing_since in states:
        endpoint = identifiers.private("ep", acme.listen()["id"])
        with context.agency(acme.agency.pk):
            changed = {"disabled_reason": reason, "disabled_at": disabled_at, "failing_since": failing_since}
            Endpoint.objects.filter(pk=endpoint).update(**changed)

    figures = read()

    assert (figures["endpoints_failing"], figures["endpoints_disabled"]) == (1, 2)


def test_accounts_are_counted_with_staleness_and_breaches(acme: Client, rival: Client) -> None:
    hour = timedelta(hours=1)
    for client, stale_from, breaches in (
        (acme, NOW - hour, 2),
        (acme, NOW + hour, 0),
        (acme, None, 1),
        (rival, NOW - hour, 4),
    ):
        account = client.take_on(partner=f"A{breaches}")
        with context.agency(client.agency.pk):
            changed = {"stale_from": stale_from, "open_breaches": breaches, "open_warnings": 1}
            SellerAccount.objects.filter(pk=identifiers.private("acct", account)).update(**changed)
    with context.agency(acme.agency.pk):
        SellerAccount.objects.filter(open_breaches=2).update(deleted_at=NOW)

    figures = read()

    assert (figures["accounts"], figures["accounts_stale"]) == (3, 1)
    assert (figures["breaches_open"], figures["warnings_open"]) == (5, 3)


def test_tenant_context_is_empty_after_figures(acme: Client) -> None:
    create_agency_data(acme, name="acme")
    context.set_agency(None)

    read()

    assert not SellerAccount.objects.exists()
    assert not Delivery.objects.exists()
    assert not Report.objects.exists()


def test_setting_of_the_function_shows_the_application_nothing(acme: Client) -> None:
    create_agency_data(acme, name="acme")
    context.set_agency(None)

    with connection.cursor() as cursor:
        context.set_local(all_agencies="operational_figures")
        for table in ("accounts_selleraccount", "ingestion_report", "webhooks_delivery", "webhooks_endpoint"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone()[0] == 0, table


def test_figures_are_cached(acme: Client) -> None:
    reader = FigureReader(cache_seconds=60)
    before = reader.read(now=NOW)
    acme.take_on()

    assert reader.read(now=NOW) == before
    reader.expire()
    after = reader.read(now=NOW)
    assert (before or {})["accounts"] == 0
    assert (after or {})["accounts"] == 1


@pytest.fixture
def locked_tables(committed_db: None, owner_dsn: str) -> Iterator[None]:
    """Lock a table against reads with another connection."""
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("LOCK TABLE webhooks_endpoint IN ACCESS EXCLUSIVE MODE")
        yield
        owner.rollback()


def ask(reader: FigureReader) -> None:
    reader.read(now=NOW)
    connection.close()


def test_figures_of_hanging_database_are_the_previous_ones(locked_tables: None) -> None:
    reader = FigureReader(cache_seconds=0)
    first = threading.Thread(target=ask, args=[reader])
    first.start()
    wait_until(reader._lock.locked)  # noqa: SLF001  the first one asks from then on

    with stopwatch.running() as watch:
        figures = reader.read(now=NOW)

    assert (figures, watch.seconds < 1) == (None, True)
    first.join(timeout=60)
    assert not first.is_alive()  # it gave up by itself


MANY = """
INSERT INTO accounts_selleraccount (
    id, agency_id, name, selling_partner_id, home_marketplace, status, marketplaces, stale_from, created_at
)
SELECT gen_random_uuid(), %(agency)s, 'Shop ' || n, 'A' || n, 'US', 'healthy', '{US}', now() - n %% 3 * interval '1 day', now()
FROM generate_series(1, %(accounts)s) AS n;
INSERT INTO webhooks_event (id, agency_id, type, data, occurred_at)
SELECT gen_random_uuid(), %(agency)s, 'breach.opened', '{}', now() FROM generate_series(1, %(deliveries)s);
INSERT INTO webhooks_delivery (id, agency_id, endpoint_id, event_id, order_key, state, tries, next_attempt_at, created_at)
SELECT gen_random_uuid(), %(agency)s, %(endpoint)s, id, 'x', 'pending', 0, now() - interval '1 minute', now()
FROM webhooks_event WHERE agency_id = %(agency)s;
"""


def test_figures_of_large_installation_are_fast(committed_db: None, owner_dsn: str) -> None:
    client = Client(*agencies.create_agency(name="Acme", now=NOW))
    endpoint = identifiers.private("ep", client.listen()["id"])
    many: dict[str, Any] = {
        "agency": client.agency.pk,
        "endpoint": endpoint,
        "accounts": ACCOUNTS,
        "deliveries": DELIVERIES,
    }
    for statement in MANY.strip().split(";\n"):
        with context.agency(client.agency.pk), connection.cursor() as cursor:
            cursor.execute(statement.rstrip(";"), many)
        analyze(owner_dsn, "accounts_selleraccount", "webhooks_event", "webhooks_delivery")
    with context.agency(client.agency.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM webhooks_delivery"
        )  # the reference: one look at each row of one table
        began = time.perf_counter()
        cursor.execute("SELECT count(*) FROM webhooks_delivery")
        reference = time.perf_counter() - began
    now = datetime.now(UTC)
    read(now)
    began = time.perf_counter()

    figures = read(now)

    duration = time.perf_counter() - began
    assert (figures["accounts"], figures["deliveries_due"]) == (ACCOUNTS, DELIVERIES)
    assert duration < max(10 * reference, 0.5), f"{duration:.3f} s, one look {reference:.3f} s"
