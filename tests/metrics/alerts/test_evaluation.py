"""Test the evaluation of breaches: separate series, one open episode, and no change without data or when stale."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models import QuerySet
from django.db.utils import IntegrityError

from accounts.agencies import lifecycle as agencies
from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from metrics import refresh
from metrics.alerts import evaluation
from metrics.alerts.state_machine import Observation
from metrics.models import Breach
from metrics.rules.facts import OrderStatus
from metrics.rules.judgement import Comparator, Limit
from tests.client import Client
from tests.conftest import NOON
from tests.metrics.fact_recorder import (
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    TWELVE,
    FactRecorder,
    defect,
    order,
    orders,
)

OPEN, RESOLVED = Breach.State.OPEN, Breach.State.RESOLVED
LEAVES_ON = DAY + timedelta(days=75)
STALE = timedelta(hours=73)


@pytest.fixture
def breached(recorder: FactRecorder) -> FactRecorder:
    """Record a claim in fifty merchant orders at ten."""
    recorder.load(*orders(50), at=NINE)
    recorder.load(defect(1), at=TEN)
    return recorder


def limit_missed() -> QuerySet[Breach]:
    """Return the episodes of Amazon's limit. Warnings have their own tests."""
    return Breach.objects.filter(level=Breach.Level.BREACH)


def episodes() -> list[tuple[str, str, str, str]]:
    rows = limit_missed().order_by("opened_at", "marketplace", "channel")
    return [(breach.metric, breach.marketplace, breach.channel, breach.status) for breach in rows]


def evaluate(recorder: FactRecorder, at: datetime) -> None:
    """Refresh without new facts at a later time."""
    refresh.refresh(account=recorder.locked(), touched=(), now=at)


def row(account: SellerAccount, **fields: Any) -> Breach:
    """Build a breach as the database could store one."""
    usual = {
        "metric": "order_defect_rate",
        "marketplace": "US",
        "channel": "mfn",
        "level": Breach.Level.BREACH,
        "opened_at": NINE,
        "as_of": TODAY,
        "numerator": 1,
        "denominator": 50,
        "comparator": "lt",
        "limit_numerator": 1,
        "limit_denominator": 100,
    }
    return Breach(agency_id=account.agency_id, account_id=account.pk, **usual | fields)


@pytest.mark.parametrize(
    ("count", "defective", "opened"),
    [(100, 1, True), (101, 1, False), (50, 0, False), (199, 2, True), (201, 2, False), (1, 1, True)],
)
def test_breach_opens_when_the_target_is_missed(
    recorder: FactRecorder, count: int, defective: int, opened: bool
) -> None:
    recorder.load(*orders(count))
    recorder.load(*[defect(n + 1) for n in range(defective)], defect(999), at=TEN)

    assert episodes() == [("order_defect_rate", "US", "mfn", OPEN)] * opened


def test_breach_stores_the_value_that_opened_it(breached: FactRecorder) -> None:
    breach = Breach.objects.get()

    assert (breach.opened_at, breach.as_of) == (TEN, TODAY)
    assert (breach.numerator, breach.denominator, breach.limit) == (1, 50, Limit(Comparator.LT, 1, 100))
    assert (breach.level, breach.resolved_at, breach.acknowledged_at) == (Breach.Level.BREACH, None, None)


def test_breach_is_separate_for_each_channel_and_marketplace(recorder: FactRecorder) -> None:
    recorder.load(
        *orders(50),
        *orders(50, first=101, channel="afn"),
        *orders(50, first=201, marketplace="CA"),
        *orders(50, first=301, marketplace="CA", channel="afn"),
    )
    recorder.load(defect(101), defect(201), at=TEN)
    recorder.load(defect(101, state="denied"), defect(1), at=ELEVEN)

    assert episodes() == [
        ("order_defect_rate", "CA", "mfn", OPEN),
        ("order_defect_rate", "US", "afn", RESOLVED),
        ("order_defect_rate", "US", "mfn", OPEN),
    ]


def test_breach_stores_the_value_that_resolved_it(breached: FactRecorder) -> None:
    breached.load(*orders(60, first=51), at=ELEVEN)

    breach = limit_missed().get()
    assert (breach.status, breach.resolved_at, breach.resolved_as_of) == (RESOLVED, ELEVEN, TODAY)
    assert (breach.resolved_numerator, breach.resolved_denominator) == (1, 110)
    assert (breach.numerator, breach.denominator) == (1, 50)


def test_breach_is_not_restated_after_it_opened(breached: FactRecorder) -> None:
    announced = Breach.objects.values().get()

    breached.load(*orders(40, first=51), at=ELEVEN)
    breached.load(defect(2), defect(3), at=TWELVE)

    assert Breach.objects.values().get() == announced
    assert breached.odr() == [(3, 90)]


@pytest.mark.parametrize("today", [LEAVES_ON, LEAVES_ON + timedelta(days=400)])
def test_breach_stays_open_without_orders_in_the_window(breached: FactRecorder, today: date) -> None:
    at = datetime.combine(today, NINE.timetz())
    breached.load(order(1), at=at)

    assert breached.odr(since=today, known_at=at) == [(0, 0)]
    assert episodes() == [("order_defect_rate", "US", "mfn", OPEN)]


def test_breach_stays_open_when_its_only_order_no_longer_counts(recorder: FactRecorder) -> None:
    recorder.load(order(1))
    recorder.load(defect(1), at=TEN)
    recorder.load(order(1, status=OrderStatus.CANCELLED, last_updated_at=TWELVE), at=ELEVEN)

    recorder.load(defect(1, state="denied"), at=TWELVE)

    assert recorder.odr() == [(0, 0)]
    assert episodes() == [("order_defect_rate", "US", "mfn", OPEN)]


def test_breach_is_not_resolved_while_the_source_is_stale(breached: FactRecorder) -> None:
    breached.load(defect(1, state="denied"), at=NINE + STALE)

    assert breached.odr(known_at=NINE + STALE) == [(0, 50)]
    assert episodes() == [("order_defect_rate", "US", "mfn", OPEN)]


def test_breach_is_not_opened_while_the_source_is_stale(recorder: FactRecorder) -> None:
    recorder.load(*orders(50))

    recorder.load(defect(1), at=NINE + STALE)

    assert episodes() == []


def test_breach_is_evaluated_once_the_stale_source_is_loaded_again(breached: FactRecorder) -> None:
    breached.load(defect(1, state="denied"), at=NINE + STALE)

    breached.load(order(50), at=NINE + STALE + timedelta(hours=1))

    assert episodes() == [("order_defect_rate", "US", "mfn", RESOLVED)]


@pytest.mark.parametrize(
    ("stale_sources", "resolved"),
    [(frozenset({"orders"}), False), (frozenset({"defects"}), True), (frozenset(), True)],
)
def test_breach_is_frozen_by_the_source_of_its_own_metric_only(
    breached: FactRecorder, stale_sources: frozenset[str], resolved: bool
) -> None:
    (missed,) = breached.values(metrics=["order_defect_rate"], channel="mfn")
    met = replace(missed, numerator=0)

    states = evaluation.alert_states(account=breached.account)
    evaluation.apply_observations(
        account=breached.account, states=states, observations=[Observation([met], stale_sources)], now=TWELVE
    )

    assert (Breach.objects.get().status == RESOLVED) is resolved


def test_breach_opens_on_the_day_of_a_stricter_target(
    recorder: FactRecorder, rule: Callable[..., None]
) -> None:
    recorder.load(*orders(150), at=NINE)
    recorder.load(defect(1), at=TEN)
    rule(effective_from=TODAY + timedelta(days=1), limit_denominator=200)

    evaluate(recorder, TWELVE)
    before = episodes()
    evaluate(recorder, TWELVE + timedelta(days=1))

    breach = Breach.objects.get()
    assert before == []
    assert (breach.limit, breach.as_of) == (Limit(Comparator.LT, 1, 200), TODAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({}, "metrics_breach_one_open_per_level"),
        ({"channel": "afn", "status": RESOLVED}, "metrics_breach_resolved_complete"),
        ({"channel": "afn", "resolved_at": TEN}, "metrics_breach_resolved_complete"),
    ],
)
def test_breach_table_refuses_impossible_rows(
    breached: FactRecorder, fields: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        row(breached.account, **fields).save(force_insert=True)


@pytest.mark.parametrize(
    "fields",
    [
        {"channel": "afn"},
        {"marketplace": "CA"},
        {"level": Breach.Level.WARNING},
        {"status": RESOLVED, "resolved_at": TEN},
    ],
)
def test_breach_table_accepts_another_series_level_or_episode(
    breached: FactRecorder, fields: dict[str, Any]
) -> None:
    row(breached.account, **fields).save(force_insert=True)

    assert Breach.objects.count() == 2


def test_breach_opened_by_two_connections_is_refused_once(committed_db: None) -> None:
    acme = Client(*agencies.create_agency(name="Acme", now=NOON))
    account_id = identifiers.private("acct", acme.take_on())
    together = Barrier(2)

    def try_to_open() -> bool:
        try:
            with context.agency(acme.agency.pk):
                breach = row(SellerAccount.objects.get(pk=account_id))
                together.wait(timeout=60)
                breach.save(force_insert=True)
        except IntegrityError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as pool:
        opened = [future.result() for future in [pool.submit(try_to_open) for _ in range(2)]]

    assert sorted(opened) == [False, True]


def test_breach_is_opened_once_by_two_concurrent_workers(committed_db: None) -> None:
    acme = Client(*agencies.create_agency(name="Acme", now=NOON))
    recorder = FactRecorder(acme.agency.pk, identifiers.private("acct", acme.take_on()))
    recorder.load(*orders(50))
    recorder.record(defect(1), at=TEN)
    together = Barrier(2)

    def judge() -> None:
        together.wait(timeout=60)
        with context.agency(acme.agency.pk):
            refresh.refresh(
                account=recorder.locked(), touched=[DAY], now=recorder.account.last_recorded_at or TEN
            )
        connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(judge) for _ in range(2)]:
            future.result()

    assert len(acme.read("/v1/breaches")["data"]) == 1
