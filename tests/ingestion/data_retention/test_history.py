"""Test the end of data on 21 months of reports of both sources."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from accounts.models import SellerAccount
from accounts.tenancy import context
from ingestion.data_retention import edges, proof, sweep, tables
from metrics import refresh
from metrics.models import CarriedCounts, DailyCounts
from metrics.pipeline import recording, values
from tests.client import Client
from tests.clock import NOW, TODAY
from tests.ingestion.data_retention.histories import account_uuid, load_history

EDGE = edges.months_before(TODAY, 18) + edges.AHEAD
RETAINED_FROM = EDGE + timedelta(days=74)


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def history(acme: Client, shop: str) -> str:
    load_history(acme, shop)
    return shop


def account_of(client: Client, account: str) -> SellerAccount:
    with context.agency(client.agency.pk):
        return SellerAccount.objects.select_related("agency").get(pk=account_uuid(account))


def read_values(client: Client, account: str) -> dict[Any, Any]:
    """Return every value of the days that stay: as known now, and at moments in between."""
    moments = [
        NOW,
        *(
            datetime.combine(RETAINED_FROM, datetime.min.time(), UTC) + timedelta(days=n)
            for n in (0, 100, 300)
        ),
    ]
    shop = account_of(client, account)
    with context.agency(client.agency.pk):
        return {
            (known_at, value.series, value.as_of): (
                value.numerator,
                value.denominator,
                value.parts,
                value.status,
            )
            for known_at in moments
            for value in values.query(account=shop, days=(RETAINED_FROM, known_at.date()), known_at=known_at)
        }


def end(client: Client, now: datetime = NOW) -> int:
    return sum(sweep.batches(agency_id=client.agency.pk, now=now))


def count_rows(client: Client, account: str) -> dict[str, int]:
    with context.agency(client.agency.pk), connection.cursor() as cursor:
        counted = {}
        for table in tables.ENDINGS:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counted[table] = cursor.fetchone()[0]
        return counted


def recount(client: Client, account: str, first: date) -> int:
    """Count every day since `first` again. Return how many counts changed."""
    days = [first + timedelta(days=n) for n in range((TODAY - first).days + 90)]
    with context.agency(client.agency.pk):
        locked = SellerAccount.objects.locked(agency_id=client.agency.pk, account_id=account_uuid(account))
        moment = recording.next_moment(account=locked, now=NOW)
        refresh.refresh(account=locked, touched=days, now=moment)
        return DailyCounts.objects.filter(recorded_at=moment).count()


def test_values_of_stored_days_are_unchanged_and_nothing_is_overdue(acme: Client, history: str) -> None:
    before, rows = read_values(acme, history), count_rows(acme, history)
    overdue = proof.count(agency_id=acme.agency.pk, now=NOW)
    assert min(overdue[table] for table in ("metrics_order", "metrics_shipment", "metrics_dailycounts")) > 0

    assert end(acme) > 0

    left = count_rows(acme, history)
    assert set(proof.count(agency_id=acme.agency.pk, now=NOW).values()) == {0}
    assert read_values(acme, history) == before
    assert len(before) > 15_000
    # Hand-uploaded facts stay, and both sources have facts inside the days.
    assert 0 < left["metrics_order"] < rows["metrics_order"]
    # A recount of every day gives the same counts: what ended is carried.
    with context.agency(acme.agency.pk):
        assert CarriedCounts.objects.exists()
    assert recount(acme, history, EDGE - timedelta(days=100)) == 0
    assert read_values(acme, history) == before
    assert end(acme) == 0
