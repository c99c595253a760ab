"""Test the orders behind a value: exactly those that it counts, today or as known then, page by page."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from accounts.marketplaces import NON_AMAZON
from metrics.rules import defects
from metrics.rules.catalogue.definitions import CATALOGUE
from metrics.rules.facts import DefectKind, OrderStatus
from tests import build
from tests.client import Client
from tests.clock import clock
from tests.metrics.fact_recorder import (
    A_MOMENT,
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

FEEDBACK, CLAIM, CHARGEBACK = defects.ODR_KINDS
OF_ODR = ("order_defect_rate", "negative_feedback_rate", "a_to_z_claim_rate", "chargeback_rate")
MOMENTS = (NINE - A_MOMENT, NINE, TEN - A_MOMENT, TEN, ELEVEN - A_MOMENT, ELEVEN, TWELVE - A_MOMENT, TWELVE)


def path(shop: str, metric: str = "order_defect_rate") -> str:
    return f"/v1/accounts/{shop}/metrics/{metric}/orders"


def listed(acme: Client, shop: str, *, metric: str = "order_defect_rate", **params: Any) -> list[Any]:
    """Return the orders of a window, of today's by default."""
    return list(acme.read(path(shop, metric), **{"as_of": TODAY, "limit": 200} | params)["data"])


def numbers(rows: list[Any]) -> list[int]:
    """Return the numbers of the orders."""
    return sorted(int(row["order_id"][-7:]) for row in rows)


def known_at_moment(moment: datetime) -> dict[str, Any]:
    return {"known_at": moment.isoformat()}


@pytest.mark.parametrize(
    ("change", "where_it_was", "where_it_is"),
    [
        ({"marketplace": "CA"}, {"marketplace": "US"}, {"marketplace": "CA"}),
        ({"channel": "afn"}, {"channel": "mfn"}, {"channel": "afn"}),
    ],
)
def test_drilldown_lists_a_moved_order_where_it_was_then(
    acme: Client,
    shop: str,
    recorder: FactRecorder,
    change: dict[str, Any],
    where_it_was: dict[str, Any],
    where_it_is: dict[str, Any],
) -> None:
    recorder.load(order(1), order(2), at=NINE)
    recorder.load(order(1, last_updated_at=TWELVE, **change), at=TEN)

    assert [numbers(listed(acme, shop, **where_it_was, **known_at_moment(at))) for at in (NINE, TEN)] == [
        [1, 2],
        [2],
    ]
    assert [numbers(listed(acme, shop, **where_it_is, **known_at_moment(at))) for at in (NINE, TEN)] == [
        [],
        [1],
    ]
    assert [numbers(listed(acme, shop, **known_at_moment(at))) for at in (NINE, TEN)] == [[1, 2], [1, 2]]


@pytest.mark.parametrize(
    ("change", "then", "now"),
    [
        ({"status": OrderStatus.CANCELLED}, [1], []),
        ({"status": OrderStatus.UNSHIPPED}, [1], [1]),
        ({"marketplace": NON_AMAZON}, [1], []),
        ({"ordered_at": order(on=TODAY).ordered_at}, [1], []),
    ],
)
def test_drilldown_lists_a_changed_order_as_known_then(
    acme: Client, shop: str, recorder: FactRecorder, change: dict[str, Any], then: list[int], now: list[int]
) -> None:
    recorder.load(order(1), at=NINE)
    recorder.load(order(1, last_updated_at=TWELVE, **change), at=TEN)

    orders_seen = [
        numbers(listed(acme, shop, **known_at_moment(at)))
        for at in (NINE - A_MOMENT, NINE, TEN - A_MOMENT, TEN)
    ]

    assert orders_seen == [[], then, then, now]


def test_drilldown_lists_an_order_with_its_defects_as_known_then(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(order(1), at=NINE)
    recorder.load(defect(1, state="pending"), at=TEN)
    recorder.load(defect(1, state="appeal_won", funded_by="amazon"), at=ELEVEN)

    reasons_listed = [
        [(row["counted"], [(each["state"], each["counts"], each["funded_by"]) for each in row["defects"]])]
        for at in (NINE, TEN, ELEVEN)
        for row in listed(acme, shop, **known_at_moment(at))
    ]

    assert reasons_listed == [
        [(False, [])],
        [(True, [("pending", True, None)])],
        [(False, [("appeal_won", False, "amazon")])],
    ]


def test_drilldown_lists_a_cancelled_order_while_its_claim_counts(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(order(1, status=OrderStatus.CANCELLED), order(2, status=OrderStatus.PENDING), at=NINE)
    recorder.load(defect(1, state="order_cancelled"), at=TEN)
    recorder.load(defect(1, state="withdrawn"), at=ELEVEN)

    assert [numbers(listed(acme, shop, **known_at_moment(at))) for at in (NINE, TEN, ELEVEN)] == [[], [1], []]


@pytest.fixture
def eventful(recorder: FactRecorder) -> FactRecorder:
    """Record orders and defects that come, move and go, hour by hour."""
    recorder.load(*orders(6), *orders(3, first=11, channel="afn"), order(21, marketplace="CA"), at=NINE)
    recorder.load(defect(1), defect(2, kind=CHARGEBACK, state="service"), defect(11), defect(30), at=TEN)
    recorder.load(
        order(2, channel="afn", last_updated_at=TWELVE),
        order(3, status=OrderStatus.CANCELLED, last_updated_at=TWELVE),
        order(30, marketplace="CA"),
        order(31, marketplace=NON_AMAZON),
        order(1, on=TODAY, last_updated_at=TWELVE),
        at=ELEVEN,
    )
    recorder.load(
        defect(11, state="denied"),
        defect(3, kind=FEEDBACK, state="posted", rating=2),
        defect(4, kind=FEEDBACK, state="posted", rating=3),
        defect(31),
        at=TWELVE,
    )
    return recorder


def test_drilldown_lists_as_many_orders_as_the_value_counts(
    acme: Client, shop: str, eventful: FactRecorder
) -> None:
    for moment, metric in product(MOMENTS, CATALOGUE):
        for value in eventful.values(metrics=[metric], known_at=moment):
            series: dict[str, Any] = {"marketplace": value.marketplace, "channel": value.channel}

            rows = listed(acme, shop, metric=metric, **series, **known_at_moment(moment))

            assert len(rows) == value.denominator, (moment, metric, series)
            assert sum(row["counted"] for row in rows) == value.numerator, (moment, metric, series)


def test_drilldown_of_a_part_counts_its_own_kind_and_lists_every_order(
    acme: Client, shop: str, eventful: FactRecorder
) -> None:
    counted = {metric: numbers(listed(acme, shop, metric=metric, counted="true")) for metric in OF_ODR}
    all_of_them = {metric: numbers(listed(acme, shop, metric=metric)) for metric in OF_ODR}

    assert counted == {
        "order_defect_rate": [2, 3, 30],
        "negative_feedback_rate": [3],
        "a_to_z_claim_rate": [30],
        "chargeback_rate": [2],
    }
    assert set(map(tuple, all_of_them.values())) == {(2, 3, 4, 5, 6, 11, 12, 13, 21, 30)}


def test_drilldown_counted_and_not_counted_add_up(acme: Client, shop: str, eventful: FactRecorder) -> None:
    counted, others = (listed(acme, shop, counted=answer) for answer in ("true", "false"))

    assert {row["counted"] for row in counted} == {True}
    assert {row["counted"] for row in others} == {False}
    assert numbers(counted + others) == numbers(listed(acme, shop))


@pytest.mark.parametrize(
    ("kind", "state"), [(kind, state) for kind, states in defects.STATES.items() for state in states]
)
def test_drilldown_lists_every_state_with_its_reason(
    acme: Client, shop: str, recorder: FactRecorder, kind: str, state: str
) -> None:
    recorder.load(order(1))
    rating = {FEEDBACK: 1}.get(DefectKind(kind))
    recorder.load(defect(1, kind=kind, state=state, rating=rating, reference="R-1"), at=TEN)

    (row,) = listed(acme, shop)

    ruled = defects.ruling(kind=kind, state=state, rating=rating)
    assert row["counted"] is ruled.counts
    assert row["defects"] == [
        {
            "kind": kind,
            "state": state,
            "rating": rating,
            "occurred_on": (DAY + timedelta(days=7)).isoformat(),
            "due_on": None,
            "counts": ruled.counts,
            "reason": ruled.reason,
            "reference": "R-1",
            "funded_by": None,
        }
    ]


def test_drilldown_sorts_defects_by_day(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(order(1))
    recorder.load(
        defect(1, reference="C2"),
        defect(1, reference="C1"),
        defect(1, kind=CHARGEBACK, state="fraud", occurred_on=DAY + timedelta(days=30)),
        defect(1, kind=FEEDBACK, state="posted", rating=5, occurred_on=DAY + timedelta(days=1)),
        at=TEN,
    )

    (row,) = listed(acme, shop)

    assert [(each["kind"], each["reference"]) for each in row["defects"]] == [
        (FEEDBACK, None),
        (CLAIM, "C1"),
        (CLAIM, "C2"),
        (CHARGEBACK, None),
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_drilldown_pages_neither_skip_nor_repeat_when_orders_are_added(
    acme: Client, shop: str, recorder: FactRecorder, limit: int
) -> None:
    recorder.load(*[order(10 * n, on=DAY + timedelta(days=n % 3)) for n in range(1, 8)])
    params = {"as_of": TODAY, "limit": limit}
    page = acme.read(path(shop), **params)
    orders_seen = page["data"]
    added = 0

    while page["next_cursor"]:
        recorder.load(*[order(10 * added + n, on=DAY + timedelta(days=n)) for n in (1, 2, 3)], at=TEN)
        added += 1
        page = acme.read(path(shop), **params, cursor=page["next_cursor"])
        orders_seen += page["data"]

    ids = [row["order_id"] for row in orders_seen]
    assert len(ids) == len(set(ids))
    assert {build.order_id(10 * n) for n in range(1, 8)} <= set(ids)
    assert [(row["ordered_on"], row["order_id"]) for row in orders_seen] == sorted(
        ((row["ordered_on"], row["order_id"]) for row in orders_seen), reverse=True
    )


def test_drilldown_pages_as_known_then_are_complete(acme: Client, shop: str, recorder: FactRecorder) -> None:
    recorder.load(*orders(5), at=NINE)
    params = {"as_of": TODAY, "limit": 2} | known_at_moment(NINE)
    first = acme.read(path(shop), **params)

    recorder.load(*orders(3, first=11), *orders(2, channel="afn", last_updated_at=TWELVE), at=TEN)
    second = acme.read(path(shop), **params, cursor=first["next_cursor"])
    third = acme.read(path(shop), **params, cursor=second["next_cursor"])

    assert [numbers(page["data"]) for page in (first, second, third)] == [[4, 5], [2, 3], [1]]
    assert third["next_cursor"] is None


@pytest.mark.parametrize("ordered_on", [TODAY - timedelta(days=days) for days in (15, 16, 50, 73, 74)])
def test_drilldown_order_leaves_on_the_first_day_without_it(
    acme: Client, shop: str, recorder: FactRecorder, ordered_on: date
) -> None:
    recorder.load(order(1, on=ordered_on))

    (row,) = listed(acme, shop)

    leaves = date.fromisoformat(row["leaves_window_on"])
    clock.advance(leaves - TODAY)
    assert numbers(listed(acme, shop, as_of=leaves - timedelta(days=1))) == [1]
    assert numbers(listed(acme, shop, as_of=leaves)) == []
    assert [figures[1] for figures in recorder.odr(since=leaves - timedelta(days=1), until=leaves)] == [1, 0]


def test_drilldown_uses_the_window_of_each_marketplace(
    acme: Client, shop: str, recorder: FactRecorder, rule: Callable[..., None]
) -> None:
    rule(marketplace="CA", window_days=10, window_offset=0)
    days = (TODAY, TODAY - timedelta(days=9), TODAY - timedelta(days=10), TODAY - timedelta(days=15))
    recorder.load(*[order(n, on=day) for n, day in enumerate(days)])
    recorder.load(*[order(10 + n, on=day, marketplace="CA") for n, day in enumerate(days)], at=TEN)

    rows = listed(acme, shop)

    assert numbers(rows) == [3, 10, 11]
    assert {row["marketplace"]: row["leaves_window_on"] for row in rows} == {
        "US": (days[3] + timedelta(days=75)).isoformat(),
        "CA": (days[1] + timedelta(days=10)).isoformat(),
    }
