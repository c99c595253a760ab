"""Test the agency's setting of the denominator, which applies to a whole account with its past."""

from datetime import datetime, timedelta

import pytest

from accounts.models import Agency
from metrics import refresh
from metrics.models import DenominatorRule
from metrics.pipeline import denominators
from metrics.rules.facts import OrderStatus
from tests import build
from tests.client import Client
from tests.metrics.fact_recorder import DAY, ELEVEN, NINE, TEN, TODAY, TWELVE, FactRecorder, defect, order

NEXT_DAY = DAY + timedelta(days=1)
PENDING, CANCELLED = int(OrderStatus.PENDING), int(OrderStatus.CANCELLED)


@pytest.fixture
def sold(recorder: FactRecorder) -> FactRecorder:
    """Record an order of each status on one day, and a pending one on the next; the first pending one has a claim."""
    recorder.load(
        *[order(int(status), status=status) for status in OrderStatus], order(9, on=NEXT_DAY, status=PENDING)
    )
    recorder.load(defect(PENDING), at=TEN)
    return recorder


def choose(recorder: FactRecorder, *, counts_all: bool, at: datetime) -> None:
    """Set the agency's denominator, and apply it to the account."""
    Agency.objects.update(counts_pending_and_cancelled=counts_all)
    refresh.refresh(account=recorder.locked(), touched=(), now=at)


def test_denominator_excludes_pending_and_cancelled_by_default(sold: FactRecorder) -> None:
    assert denominators.excluded_statuses(account=sold.account, known_at=TWELVE) == [PENDING, CANCELLED]
    assert sold.odr() == [(1, 4)]


def test_denominator_choice_recounts_every_day(sold: FactRecorder) -> None:
    choose(sold, counts_all=True, at=ELEVEN)

    assert denominators.excluded_statuses(account=sold.account, known_at=ELEVEN) == []
    assert sold.odr() == [(1, 6)]


def test_denominator_choice_undone_counts_as_before(sold: FactRecorder) -> None:
    choose(sold, counts_all=True, at=ELEVEN)
    choose(sold, counts_all=False, at=TWELVE)

    assert sold.odr() == [(1, 4)]
    assert DenominatorRule.objects.count() == 2


def test_denominator_choice_is_not_applied_before_its_moment(
    acme: Client, shop: str, sold: FactRecorder
) -> None:
    choose(sold, counts_all=True, at=ELEVEN)
    path, params = f"/v1/accounts/{shop}/metrics/order_defect_rate/orders", {"as_of": TODAY.isoformat()}

    before, after = (acme.read(path, known_at=at.isoformat(), **params)["data"] for at in (TEN, ELEVEN))

    numbers = {each["order_id"] for each in after} - {each["order_id"] for each in before}
    assert numbers == {build.order_id(CANCELLED), build.order_id(9)}
    assert sold.odr(known_at=TEN) == [(1, len(before))] == [(1, 4)]
    assert sold.odr(known_at=ELEVEN) == [(1, len(after))] == [(1, 6)]


def test_denominator_apply_returns_every_order_day_once(sold: FactRecorder) -> None:
    Agency.objects.update(counts_pending_and_cancelled=True)
    account = sold.account

    first, again = (sorted(denominators.apply(account=account, now=at)) for at in (ELEVEN, TWELVE))

    assert (first, again) == ([DAY, NEXT_DAY], [])


def test_denominator_choice_is_applied_with_the_first_report_of_a_new_account(recorder: FactRecorder) -> None:
    Agency.objects.update(counts_pending_and_cancelled=True)

    recorder.load(order(1, status=PENDING), order(2, status=CANCELLED), at=NINE)

    assert recorder.odr() == [(0, 2)]
