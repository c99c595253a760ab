"""Test that a source is stale when nothing was loaded from it for longer than its maximum age."""

from datetime import timedelta

import pytest
from django.conf import LazySettings

from metrics import refresh
from metrics.pipeline import staleness
from tests.metrics.fact_recorder import (
    A_MOMENT,
    DAY,
    ELEVEN,
    NINE,
    TEN,
    FactRecorder,
    listing,
    order,
    shipment,
)

ORDERS = timedelta(hours=72)


@pytest.mark.parametrize(
    ("age", "stale"),
    [
        (timedelta(0), False),
        (ORDERS, False),
        (ORDERS + A_MOMENT, True),
        (-A_MOMENT, False),
    ],
)
def test_source_is_stale_after_its_maximum_age(recorder: FactRecorder, age: timedelta, stale: bool) -> None:
    recorder.load(order(1), at=NINE)

    assert ("orders" in staleness.stale_sources(account=recorder.account, at=NINE + age)) is stale


def test_source_loaded_later_was_stale_before(recorder: FactRecorder) -> None:
    recorder.load(order(1), at=NINE)
    week_later = NINE + timedelta(days=7)
    recorder.load(order(1), at=week_later)

    account = recorder.account
    assert "orders" in staleness.stale_sources(account=account, at=week_later - A_MOMENT)
    assert "orders" not in staleness.stale_sources(account=account, at=week_later)
    assert "defects" not in staleness.stale_sources(account=account, at=week_later)


def test_stale_from_is_the_moment_of_the_first_stale_source(recorder: FactRecorder) -> None:
    recorder.load(order(1), at=NINE)
    recorder.load(shipment(1, on=DAY), at=TEN)
    first = recorder.account.stale_from
    recorder.load(order(2), at=ELEVEN)

    account = recorder.account
    assert (first, account.stale_from) == (NINE + ORDERS, TEN + ORDERS)
    assert not account.is_stale(at=TEN + ORDERS)
    assert account.is_stale(at=TEN + ORDERS + A_MOMENT)


def test_stale_from_is_none_without_any_load(recorder: FactRecorder) -> None:
    refresh.refresh(account=recorder.locked(), touched=(), now=NINE)

    assert not recorder.account.is_stale(at=NINE + timedelta(days=9999))


def test_stale_from_uses_the_maximum_age_of_each_source(
    recorder: FactRecorder, settings: LazySettings
) -> None:
    recorder.load(order(1), at=NINE)
    settings.SOURCES_MAX_AGE_HOURS = settings.SOURCES_MAX_AGE_HOURS | {"orders": 1}

    assert staleness.stale_from(account=recorder.account, at=TEN) == NINE + timedelta(hours=1)


def test_stale_from_ignores_later_loads(recorder: FactRecorder) -> None:
    recorder.load(order(1), at=NINE)
    recorder.load(order(2), at=ELEVEN)

    assert staleness.stale_from(account=recorder.account, at=TEN) == NINE + ORDERS
    assert staleness.stale_from(account=recorder.account, at=NINE - A_MOMENT) is None


def test_listings_are_never_stale(recorder: FactRecorder) -> None:
    recorder.load(listing(), at=NINE)
    alone = recorder.account.stale_from
    recorder.load(order(1), at=TEN)

    account = recorder.account
    assert (alone, account.stale_from) == (None, TEN + ORDERS)
    assert staleness.stale_sources(account=account, at=NINE + timedelta(days=999)) == {"orders"}
