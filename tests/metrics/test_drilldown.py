"""The orders behind a number: exactly those it counts, today or as known then, page by page."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from accounts.marketplaces import NON_AMAZON
from metrics.rules import defects
from metrics.rules.definitions import CATALOGUE
from metrics.rules.facts import DefectKind, OrderStatus
from tests import build
from tests.client import Client
from tests.metrics.books import A_MOMENT, DAY, ELEVEN, NINE, TEN, TODAY, TWELVE, Books, defect, order, orders

FEEDBACK, CLAIM, CHARGEBACK = defects.IN_ODR
OF_ODR = ("order_defect_rate", "negative_feedback_rate", "a_to_z_claim_rate", "chargeback_rate")
MOMENTS = (NINE - A_MOMENT, NINE, TEN - A_MOMENT, TEN, ELEVEN - A_MOMENT, ELEVEN, TWELVE - A_MOMENT, TWELVE)


def path(shop: str, metric: str = "order_defect_rate") -> str:
    return f"/v1/accounts/{shop}/metrics/{metric}/orders"


def listed(acme: Client, shop: str, *, metric: str = "order_defect_rate", **asked: Any) -> list[Any]:
    """The orders of a window, TODAY's unless another day is asked for."""
    return list(acme.read(path(shop, metric), **{"as_of": TODAY, "limit": 200} | asked)["data"])


def numbers(rows: list[Any]) -> list[int]:
    """Which orders they are."""
    return sorted(int(row["order_id"][-7:]) for row in rows)


def known(moment: datetime) -> dict[str, Any]:
    return {"known_at": moment.isoformat()}


@pytest.mark.parametrize(
    ("change", "where_it_was", "where_it_is"),
    [
        ({"marketplace": "CA"}, {"marketplace": "US"}, {"marketplace": "CA"}),
        ({"channel": "afn"}, {"channel": "mfn"}, {"channel": "afn"}),
    ],
)
def test_an_order_that_moved_is_listed_where_it_was_then(
    acme: Client, shop: str, books: Books, change: dict[str, Any], where_it_was: dict[str, Any], where_it_is: dict[str, Any]
) -> None:
    books.load(order(1), order(2), at=NINE)
    books.load(order(1, last_updated_at=TWELVE, **change), at=TEN)

    assert [numbers(listed(acme, shop, **where_it_was, **known(at))) for at in (NINE, TEN)] == [[1, 2], [2]]
    assert [numbers(listed(acme, shop, **where_it_is, **known(at))) for at in (NINE, TEN)] == [[], [1]]
    assert [numbers(listed(acme, shop, **known(at))) for at in (NINE, TEN)] == [[1, 2], [1, 2]]


@pytest.mark.parametrize(
    ("change", "then", "now"),
    [
        ({"status": OrderStatus.CANCELLED}, [1], []),
        ({"status": OrderStatus.UNSHIPPED}, [1], [1]),
        ({"marketplace": NON_AMAZON}, [1], []),
        ({"ordered_at": order(on=TODAY).ordered_at}, [1], []),
    ],
)
def test_an_order_that_changed_is_in_the_list_of_then(
    acme: Client, shop: str, books: Books, change: dict[str, Any], then: list[int], now: list[int]
) -> None:
    books.load(order(1), at=NINE)
    books.load(order(1, last_updated_at=TWELVE, **change), at=TEN)

    seen = [numbers(listed(acme, shop, **known(at))) for at in (NINE - A_MOMENT, NINE, TEN - A_MOMENT, TEN)]

    assert seen == [[], then, then, now]


def test_an_order_is_listed_with_its_defects_of_then(acme: Client, shop: str, books: Books) -> None:
    books.load(order(1), at=NINE)
    books.load(defect(1, state="pending"), at=TEN)
    books.load(defect(1, state="appeal_won", funded_by="amazon"), at=ELEVEN)

    told = [
        [(row["counted"], [(each["state"], each["counts"], each["funded_by"]) for each in row["defects"]])]
        for at in (NINE, TEN, ELEVEN)
        for row in listed(acme, shop, **known(at))
    ]

    assert told == [
        [(False, [])],
        [(True, [("pending", True, "")])],
        [(False, [("appeal_won", False, "amazon")])],
    ]


def test_a_cancelled_order_is_in_the_list_while_its_claim_counts(acme: Client, shop: str, books: Books) -> None:
    books.load(order(1, status=OrderStatus.CANCELLED), order(2, status=OrderStatus.PENDING), at=NINE)
    books.load(defect(1, state="order_cancelled"), at=TEN)
    books.load(defect(1, state="withdrawn"), at=ELEVEN)

    assert [numbers(listed(acme, shop, **known(at))) for at in (NINE, TEN, ELEVEN)] == [[], [1], []]


@pytest.fixture
def eventful(books: Books) -> Books:
    """Orders and defects that come, move and go, hour by hour."""
    books.load(*orders(6), *orders(3, first=11, channel="afn"), order(21, marketplace="CA"), at=NINE)
    books.load(defect(1), defect(2, kind=CHARGEBACK, state="service"), defect(11), defect(30), at=TEN)
    books.load(
        order(2, channel="afn", last_updated_at=TWELVE),
        order(3, status=OrderStatus.CANCELLED, last_updated_at=TWELVE),
        order(30, marketplace="CA"),
        order(31, marketplace=NON_AMAZON),
        order(1, on=TODAY, last_updated_at=TWELVE),
        at=ELEVEN,
    )
    books.load(
        defect(11, state="denied"),
        defect(3, kind=FEEDBACK, state="posted", rating=2),
        defect(4, kind=FEEDBACK, state="posted", rating=3),
        defect(31),
        at=TWELVE,
    )
    return books


def test_the_list_has_as_many_orders_as_the_number_says(acme: Client, shop: str, eventful: Books) -> None:
    for moment, metric in product(MOMENTS, CATALOGUE):
        for value in eventful.values(metrics=[metric], known_at=moment):
            series: dict[str, Any] = {"marketplace": value.marketplace, "channel": value.channel}

            rows = listed(acme, shop, metric=metric, **series, **known(moment))

            assert len(rows) == value.denominator, (moment, metric, series)
            assert sum(row["counted"] for row in rows) == value.numerator, (moment, metric, series)


def test_a_part_counts_its_own_kind_and_lists_every_order(acme: Client, shop: str, eventful: Books) -> None:
    counted = {metric: numbers(listed(acme, shop, metric=metric, counted="true")) for metric in OF_ODR}
    all_of_them = {metric: numbers(listed(acme, shop, metric=metric)) for metric in OF_ODR}

    assert counted == {
        "order_defect_rate": [2, 3, 30],
        "negative_feedback_rate": [3],
        "a_to_z_claim_rate": [30],
        "chargeback_rate": [2],
    }
    assert set(map(tuple, all_of_them.values())) == {(2, 3, 4, 5, 6, 11, 12, 13, 21, 30)}


def test_counted_and_not_counted_are_the_whole_list(acme: Client, shop: str, eventful: Books) -> None:
    counted, others = (listed(acme, shop, counted=answer) for answer in ("true", "false"))

    assert {row["counted"] for row in counted} == {True}
    assert {row["counted"] for row in others} == {False}
    assert numbers(counted + others) == numbers(listed(acme, shop))


@pytest.mark.parametrize(("kind", "state"), [(kind, state) for kind, states in defects.STATES.items() for state in states])
def test_every_state_is_listed_with_its_reason(acme: Client, shop: str, books: Books, kind: str, state: str) -> None:
    books.load(order(1))
    rating = {FEEDBACK: 1}.get(DefectKind(kind))
    books.load(defect(1, kind=kind, state=state, rating=rating, reference="R-1"), at=TEN)

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


def test_defects_of_an_order_are_in_the_order_they_happened(acme: Client, shop: str, books: Books) -> None:
    books.load(order(1))
    books.load(
        defect(1, reference="C2"),
        defect(1, reference="C1"),
        defect(1, kind=CHARGEBACK, state="fraud", occurred_on=DAY + timedelta(days=30)),
        defect(1, kind=FEEDBACK, state="posted", rating=5, occurred_on=DAY + timedelta(days=1)),
        at=TEN,
    )

    (row,) = listed(acme, shop)

    assert [(each["kind"], each["reference"]) for each in row["defects"]] == [
        (FEEDBACK, ""),
        (CLAIM, "C1"),
        (CLAIM, "C2"),
        (CHARGEBACK, ""),
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_neither_skip_nor_repeat_while_orders_are_added(acme: Client, shop: str, books: Books, limit: int) -> None:
    books.load(*[order(10 * n, on=DAY + timedelta(days=n % 3)) for n in range(1, 8)])
    asked = {"as_of": TODAY, "limit": limit}
    page = acme.read(path(shop), **asked)
    seen = page["data"]
    added = 0

    while page["next_cursor"]:
        books.load(*[order(10 * added + n, on=DAY + timedelta(days=n)) for n in (1, 2, 3)], at=TEN)
        added += 1
        page = acme.read(path(shop), **asked, cursor=page["next_cursor"])
        seen += page["data"]

    ids = [row["order_id"] for row in seen]
    assert len(ids) == len(set(ids))
    assert {build.order_id(10 * n) for n in range(1, 8)} <= set(ids)
    assert [(row["ordered_on"], row["order_id"]) for row in seen] == sorted(
        ((row["ordered_on"], row["order_id"]) for row in seen), reverse=True
    )


def test_pages_as_known_then_are_the_list_of_then(acme: Client, shop: str, books: Books) -> None:
    books.load(*orders(5), at=NINE)
    asked = {"as_of": TODAY, "limit": 2} | known(NINE)
    first = acme.read(path(shop), **asked)

    books.load(*orders(3, first=11), *orders(2, channel="afn", last_updated_at=TWELVE), at=TEN)
    second = acme.read(path(shop), **asked, cursor=first["next_cursor"])
    third = acme.read(path(shop), **asked, cursor=second["next_cursor"])

    assert [numbers(page["data"]) for page in (first, second, third)] == [[4, 5], [2, 3], [1]]
    assert third["next_cursor"] is None


@pytest.mark.parametrize("ordered_on", [TODAY - timedelta(days=days) for days in (15, 16, 50, 73, 74)])
def test_an_order_leaves_on_the_first_day_whose_window_is_without_it(
    acme: Client, shop: str, books: Books, ordered_on: date
) -> None:
    books.load(order(1, on=ordered_on))

    (row,) = listed(acme, shop)

    leaves = date.fromisoformat(row["leaves_window_on"])
    assert numbers(listed(acme, shop, as_of=leaves - timedelta(days=1))) == [1]
    assert numbers(listed(acme, shop, as_of=leaves)) == []
    assert [figures[1] for figures in books.odr(since=leaves - timedelta(days=1), until=leaves)] == [1, 0]


def test_each_store_has_its_own_window(acme: Client, shop: str, books: Books, rule: Callable[..., None]) -> None:
    rule(marketplace="CA", window_days=10, window_offset=0)
    days = (TODAY, TODAY - timedelta(days=9), TODAY - timedelta(days=10), TODAY - timedelta(days=15))
    books.load(*[order(n, on=day) for n, day in enumerate(days)])
    books.load(*[order(10 + n, on=day, marketplace="CA") for n, day in enumerate(days)], at=TEN)

    rows = listed(acme, shop)

    assert numbers(rows) == [3, 10, 11]
    assert {row["marketplace"]: row["leaves_window_on"] for row in rows} == {
        "US": (days[3] + timedelta(days=75)).isoformat(),
        "CA": (days[1] + timedelta(days=10)).isoformat(),
    }
