"""Test `manage.py recompute`: damaged counts are computed again from the facts, others are unchanged."""

import io
from datetime import date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.models import Agency, AuditEntry, SellerAccount
from accounts.tenancy import context
from api import identifiers
from metrics.models import DailyCounts
from metrics.rules.facts import OrderStatus
from tests.client import Client
from tests.metrics.fact_recorder import DAY, NINE, TEN, TODAY, TWELVE, FactRecorder, defect, order, orders

NEXT_DAY = DAY + timedelta(days=1)
SPAN = ["--from=2026-09-01", "--to=2026-11-22"]


def recompute(*arguments: str) -> str:
    output = io.StringIO()
    call_command("recompute", *arguments, stdout=output)
    return output.getvalue().strip()


def damage(recorder: FactRecorder, *, on: date = DAY, orders: int = 7) -> None:
    """Insert a version that differs from the facts and is newer than the correct one."""
    with context.agency(recorder.agency_id):
        DailyCounts.objects.create(
            agency_id=recorder.agency_id,
            account_id=recorder.account_id,
            marketplace="US",
            channel="mfn",
            day=on,
            recorded_at=TEN,
            orders=orders,
            defective_orders=orders,
            negative_feedback_orders=0,
            a_to_z_claim_orders=orders,
            chargeback_orders=0,
        )


def versions(day: date = DAY) -> list[int]:
    return list(DailyCounts.objects.filter(day=day).order_by("recorded_at").values_list("orders", flat=True))


def odr(recorder: FactRecorder) -> list[tuple[int, int]]:
    return recorder.odr(known_at=datetime.max.replace(tzinfo=NINE.tzinfo))


@pytest.fixture
def sold(recorder: FactRecorder) -> FactRecorder:
    recorder.load(*orders(3), *orders(2, first=11, on=NEXT_DAY))
    return recorder


@pytest.fixture
def other(acme: Client, sold: FactRecorder) -> FactRecorder:
    """Create another account of Acme with the same orders."""
    other = FactRecorder(acme.agency.pk, identifiers.private("acct", acme.take_on(partner="A2OTHER")))
    other.load(*orders(3))
    return other


def test_recompute_leaves_correct_counts_unchanged(sold: FactRecorder) -> None:
    before = list(DailyCounts.objects.order_by("day").values())

    assert recompute(*SPAN) == "1 accounts, 83 days: 0 daily counts changed"
    assert list(DailyCounts.objects.order_by("day").values()) == before


def test_recompute_repairs_a_damaged_count_with_a_new_version(
    acme: Client, shop: str, sold: FactRecorder
) -> None:
    damage(sold)
    damage(sold, on=NEXT_DAY, orders=2)
    damaged = odr(sold)

    assert recompute(*SPAN) == "1 accounts, 83 days: 2 daily counts changed"
    assert (damaged, odr(sold)) == ([(9, 9)], [(0, 5)])
    assert (versions(DAY), versions(NEXT_DAY)) == ([3, 7, 3], [2, 2, 2])
    assert recompute(*SPAN) == "1 accounts, 83 days: 0 daily counts changed"


def test_recompute_adds_a_marketplace_that_was_never_counted(sold: FactRecorder) -> None:
    sold.record(*orders(4, first=21, marketplace="DE"), at=TEN)

    recompute(*SPAN)

    assert sold.account.marketplaces == ["DE", "US"]


def test_recompute_repairs_what_follows_from_a_count(acme: Client, shop: str, sold: FactRecorder) -> None:
    day = timezone.now().date() - timedelta(days=30)
    sold.load(*orders(3, first=31, on=day), at=timezone.now())
    damage(sold, on=day)

    recompute(f"--from={day}", f"--to={day}")

    assert acme.odr(shop)["numerator"] == 0
    assert acme.read(f"/v1/accounts/{shop}")["status"] == "healthy"


@pytest.mark.parametrize(
    ("arguments", "days", "repaired"),
    [
        ([f"--from={DAY}", f"--to={DAY}"], 1, True),
        ([f"--from={NEXT_DAY}", f"--to={TODAY}"], 52, False),
        (["--from=2026-01-01", f"--to={DAY - timedelta(days=1)}"], 273, False),
        ([f"--from={DAY}", f"--to={NEXT_DAY}"], 2, True),
    ],
)
def test_recompute_counts_only_the_days_of_the_span(
    sold: FactRecorder, arguments: list[str], days: int, repaired: bool
) -> None:
    damage(sold)

    assert recompute(*arguments) == f"1 accounts, {days} days: {int(repaired)} daily counts changed"
    assert versions() == [3, 7, 3][: 2 + repaired]


def test_recompute_counts_three_years_by_default(sold: FactRecorder) -> None:
    assert recompute() == "1 accounts, 1096 days: 0 daily counts changed"


def test_recompute_counts_one_account(other: FactRecorder, sold: FactRecorder) -> None:
    damage(sold)
    damage(other)

    output = recompute(*SPAN, f"--account={identifiers.public('acct', other.account_id)}")

    assert output == "1 accounts, 83 days: 1 daily counts changed"
    assert (odr(sold), odr(other)) == ([(7, 9)], [(0, 3)])


def test_recompute_counts_every_agency(sold: FactRecorder, rival: Client) -> None:
    foreign = FactRecorder(rival.agency.pk, identifiers.private("acct", rival.take_on(partner="A1RIVAL")))
    foreign.load(*orders(3))
    damage(sold)
    damage(foreign)

    assert recompute(*SPAN) == "2 accounts, 83 days: 2 daily counts changed"
    assert (odr(sold), odr(foreign)) == ([(0, 5)], [(0, 3)])


def test_recompute_records_corrections_in_the_audit_log(sold: FactRecorder, other: FactRecorder) -> None:
    damage(sold)

    for _ in range(2):
        recompute(*SPAN)

    with context.agency(sold.agency_id):
        entries = list(
            AuditEntry.objects.filter(what="account.recounted").values_list("actor_id", "about", "detail")
        )
    span = dict(zip(("from", "to"), (each.partition("=")[2] for each in SPAN), strict=True))
    assert entries == [("underone", identifiers.public("acct", sold.account_id), span | {"changed": 1})]


def test_recompute_leaves_out_deleted_accounts(sold: FactRecorder) -> None:
    agencies.delete_account(account=sold.account, now=TWELVE)

    assert recompute(*SPAN) == "0 accounts, 83 days: 0 daily counts changed"


def test_recompute_applies_a_pending_denominator_choice(sold: FactRecorder) -> None:
    sold.load(order(9, status=OrderStatus.PENDING), at=TEN)
    sold.load(defect(1), at=TWELVE)
    sold.record(order(10), at=TWELVE)
    Agency.objects.update(counts_pending_and_cancelled=True)

    assert recompute(*SPAN) == "1 accounts, 83 days: 1 daily counts changed"
    assert odr(sold) == [(1, 7)]


def test_recompute_works_with_a_clock_that_went_back(sold: FactRecorder) -> None:
    ahead = timezone.now() + timedelta(days=1)
    sold.load(order(21), at=ahead)
    damage(sold, on=NEXT_DAY)

    assert recompute(*SPAN).endswith(": 1 daily counts changed")
    assert SellerAccount.objects.get().last_recorded_at == ahead + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["--from=yesterday"], "'yesterday' is not a day"),
        (["--to=2026-02-30"], "'2026-02-30' is not a day"),
        (["--from=2026-02-02", "--to=2026-02-01"], "--to is before --from"),
        (["--account=shop"], "'shop' is not an account ID"),
        (["--account=acct_1"], "'acct_1' is not an account ID"),
        ([f"--account=acct_{'a' * 32}"], "No account has the ID"),
    ],
)
def test_recompute_refuses_wrong_arguments(sold: FactRecorder, arguments: list[str], output: str) -> None:
    with pytest.raises(CommandError, match=output):
        recompute(*arguments)


def test_recompute_does_not_find_a_deleted_account(sold: FactRecorder) -> None:
    agencies.delete_account(account=sold.account, now=TWELVE)

    with pytest.raises(CommandError, match="No account has the ID"):
        recompute(f"--account={sold.account.public_id}")
