"""Test the pipeline from facts to breaches at given times: windows move, breaches open, resolve and freeze."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from django.conf import LazySettings

from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from metrics import refresh, tasks
from metrics.models import Breach, CurrentValue, DailyCounts, SourceLoad
from tests import build, clock
from tests.client import Client
from tests.clock import NOW

ORDERED = clock.NOON - timedelta(days=40)


def at(acme: Client, account: str, now: datetime) -> list[tuple[str, str]]:
    """Refresh at this time, and return the breaches."""
    with context.agency(acme.agency.pk):
        locked = SellerAccount.objects.locked(
            agency_id=acme.agency.pk, account_id=identifiers.private("acct", account)
        )
        refresh.refresh(account=locked, touched=(), now=now)
        return list(Breach.objects.order_by("opened_at").values_list("metric", "status"))


def current(acme: Client) -> tuple[date, int, int, str]:
    with context.agency(acme.agency.pk):
        value = CurrentValue.objects.get(metric="order_defect_rate", channel="mfn")
        return value.as_of, value.numerator, value.denominator, value.status


def keep_fresh(acme: Client, until: datetime) -> None:
    with context.agency(acme.agency.pk):
        account = SellerAccount.objects.get()
        SourceLoad.objects.create(
            agency_id=acme.agency.pk,
            account_id=account.pk,
            source="orders",
            recorded_at=until,
            described_at=until,
            report_id=UUID(int=1),
        )


@pytest.fixture
def breached(acme: Client, shop: str) -> str:
    """Create an account with one defect in fifty orders of one day, forty days ago."""
    acme.load(shop, build.orders_file(build.orders_on(ORDERED, count=50)))
    acme.post_defects(shop, build.defect(order=build.order_id(1)))
    return shop


def test_refresh_without_reports_moves_windows_and_drops_old_orders(acme: Client, breached: str) -> None:
    leaves = ORDERED + timedelta(days=75)
    keep_fresh(acme, leaves)

    before = at(acme, breached, leaves - timedelta(days=1))
    value = current(acme)
    after = at(acme, breached, leaves)

    assert value == ((leaves - timedelta(days=1)).date(), 1, 50, "breached")
    assert current(acme) == (leaves.date(), 0, 0, "no_data")
    assert before == after == [("order_defect_rate", "open")]


def test_refresh_resolves_a_breach_and_opens_another_episode(acme: Client, breached: str) -> None:
    acme.post_defects(breached, build.defect(order=build.order_id(1), state="removed"))
    resolved = at(acme, breached, NOW)
    acme.post_defects(breached, build.defect(order=build.order_id(2)))

    assert resolved == [("order_defect_rate", "resolved")]
    assert at(acme, breached, NOW) == [("order_defect_rate", "resolved"), ("order_defect_rate", "open")]


def test_refresh_repeated_opens_nothing_twice(acme: Client, breached: str) -> None:
    assert at(acme, breached, NOW) == at(acme, breached, NOW) == [("order_defect_rate", "open")]


def test_refresh_with_a_stale_source_resolves_nothing(
    acme: Client, breached: str, settings: LazySettings
) -> None:
    acme.post_defects(breached, build.defect(order=build.order_id(1), state="removed"))
    with context.agency(acme.agency.pk):
        Breach.objects.update(status="open", resolved_at=None)
    settings.SOURCES_MAX_AGE_HOURS = settings.SOURCES_MAX_AGE_HOURS | {"orders": 0}

    assert at(acme, breached, NOW) == [("order_defect_rate", "open")]
    assert acme.odr(breached)["stale"] is True


def test_source_never_loaded_is_not_stale(acme: Client, shop: str) -> None:
    value = acme.odr(shop)

    assert (value["stale"], value["status"], value["rate"], value["meets_target"]) == (
        False,
        "no_data",
        None,
        None,
    )


def test_breach_keeps_its_figures_after_later_defects(acme: Client, breached: str) -> None:
    acme.post_defects(breached, build.defect(order=build.order_id(2)), build.defect(order=build.order_id(3)))

    (breach,) = acme.read("/v1/breaches")["data"]
    assert (breach["numerator"], breach["denominator"]) == (1, 50)
    assert acme.odr(breached)["numerator"] == 3


def test_daily_run_refreshes_only_outdated_accounts(acme: Client, breached: str) -> None:
    with context.agency(acme.agency.pk):
        CurrentValue.objects.update(as_of=NOW.date() - timedelta(days=1), numerator=99)
    tasks.roll_agency_forward(agency_id=str(acme.agency.pk))

    once = current(acme)
    with context.agency(acme.agency.pk):
        CurrentValue.objects.update(numerator=99)
    tasks.roll_agency_forward(agency_id=str(acme.agency.pk))

    assert once[1:] == (1, 50, "breached")
    assert current(acme)[1] == 99


def test_account_status_is_that_of_its_worst_series(acme: Client, breached: str) -> None:
    assert acme.read(f"/v1/accounts/{breached}")["status"] == "breached"
    assert acme.read("/v1/accounts", status="breached")["data"][0]["id"] == breached


def test_daily_counts_are_written_only_when_a_number_changed(acme: Client, breached: str) -> None:
    with context.agency(acme.agency.pk):
        before = DailyCounts.objects.count()

    acme.post_defects(breached, build.defect(order=build.order_id(1), kind="chargeback", state="fraud"))
    acme.post_defects(breached, build.defect(order="101-9999999-9999999"))

    with context.agency(acme.agency.pk):
        assert (before, DailyCounts.objects.count()) == (2, 2)


def test_denominator_includes_pending_and_cancelled_if_the_agency_chooses(acme: Client, shop: str) -> None:
    rows = [
        *build.orders_on(ORDERED, count=1, first=1, order_status="Pending"),
        *build.orders_on(ORDERED, count=1, first=2, order_status="Cancelled"),
        *build.orders_on(ORDERED, count=1, first=3),
    ]
    acme.load(shop, build.orders_file(rows))
    before = acme.read(f"/v1/accounts/{shop}/metrics")["known_at"]

    changed = acme.patch("/v1/agency", {"counts_pending_and_cancelled": True}, format="json")
    tasks.apply_agency_settings(agency_id=str(acme.agency.pk))

    path = f"/v1/accounts/{shop}/metrics/order_defect_rate/orders"
    assert changed.json()["counts_pending_and_cancelled"] is True
    assert (acme.odr(shop)["denominator"], len(acme.read(path)["data"])) == (3, 3)
    assert (
        acme.odr(shop, known_at=before)["denominator"],
        len(acme.read(path, known_at=before)["data"]),
    ) == (1, 1)


def test_denominator_choice_is_applied_with_the_next_report_if_its_message_was_lost(
    acme: Client, shop: str
) -> None:
    acme.load(shop, build.orders_file(build.orders_on(ORDERED, count=1, order_status="Pending")))
    acme.patch("/v1/agency", {"counts_pending_and_cancelled": True}, format="json")

    acme.load(shop, build.orders_file(build.orders_on(ORDERED, count=1, first=9, sales_channel="Amazon.ca")))

    assert acme.odr(shop)["denominator"] == 1


def test_cancelled_order_with_a_counted_defect_is_in_the_denominator(acme: Client, shop: str) -> None:
    acme.load(shop, build.orders_file(build.orders_on(ORDERED, count=2, order_status="Cancelled")))
    acme.post_defects(
        shop, build.defect(order=build.order_id(1), kind="a_to_z_claim", state="order_cancelled")
    )

    value = acme.odr(shop)

    assert (value["numerator"], value["denominator"]) == (1, 1)
