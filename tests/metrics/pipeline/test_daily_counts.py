"""Test versioned daily counts: what counts where, and when a version is written."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError

from accounts.marketplaces import NON_AMAZON
from metrics.models import DailyCounts
from metrics.pipeline import daily_counts
from metrics.pipeline.daily_counts import Rebuilt
from metrics.rules.catalogue.definitions import COUNTS
from metrics.rules.facts import DefectFact, OrderFact, OrderStatus
from tests.metrics.fact_recorder import (
    A_MOMENT,
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TWELVE,
    FactRecorder,
    defect,
    order,
    orders,
)

NEXT_DAY = DAY + timedelta(days=1)
FEEDBACK = defect(kind="feedback", state="posted", rating=1)
CHARGEBACK = defect(kind="chargeback", state="service")


Five = tuple[int, int, int, int, int]


def versions(day: date = DAY) -> list[dict[str, int]]:
    """Return the counts of a day's versions, oldest first."""
    return list(DailyCounts.objects.filter(day=day).order_by("recorded_at").values(*COUNTS))


def counted(five: Five, *, placed: int | None = None, unexplained: int = 0) -> dict[str, int]:
    """Return every count of a day without shipments, returns and messages: the five of the order defect rate,
    the orders neither Pending nor Cancelled (all by default), and the cancelled orders without a canceller."""
    present = five[0] if placed is None else placed
    return (
        dict.fromkeys(COUNTS, 0)
        | dict(zip(COUNTS, five, strict=False))
        | {"cancellable_orders": present, "returnable_orders": present}
        | {"unexplained_cancelled_orders": unexplained, "uncounted_cancelled_orders": unexplained}
    )


def rebuild(recorder: FactRecorder, *days: date, at: datetime) -> Rebuilt:
    return daily_counts.rebuild(account=recorder.account, days=days or (DAY,), recorded_at=at)


def test_rebuild_counts_orders_by_marketplace_channel_and_day(recorder: FactRecorder) -> None:
    recorder.record(
        *orders(3),
        *orders(2, first=11, channel="afn"),
        *orders(1, first=21, marketplace="CA"),
        *orders(4, first=31, on=NEXT_DAY),
    )

    rebuilt = rebuild(recorder, DAY, NEXT_DAY, at=TEN)

    counted = DailyCounts.objects.order_by("day", "marketplace", "channel").values_list(
        "day", "marketplace", "channel", "orders"
    )
    assert list(counted) == [
        (DAY, "CA", "mfn", 1),
        (DAY, "US", "afn", 2),
        (DAY, "US", "mfn", 3),
        (NEXT_DAY, "US", "mfn", 4),
    ]
    assert rebuilt == Rebuilt(
        frozenset({("CA", "mfn", DAY), ("US", "afn", DAY), ("US", "mfn", DAY), ("US", "mfn", NEXT_DAY)})
    )
    assert rebuilt.marketplaces == {"US", "CA"}


def test_rebuild_counts_only_the_given_days(recorder: FactRecorder) -> None:
    recorder.record(*orders(3), *orders(4, first=31, on=NEXT_DAY))

    rebuilt = rebuild(recorder, NEXT_DAY, at=TEN)

    assert rebuilt == Rebuilt(frozenset({("US", "mfn", NEXT_DAY)}))
    assert (versions(DAY), versions(NEXT_DAY)) == ([], [counted((4, 0, 0, 0, 0))])


@pytest.mark.parametrize("days", [(), (DAY,)])
def test_rebuild_without_orders_writes_nothing(recorder: FactRecorder, days: tuple[date, ...]) -> None:
    assert daily_counts.rebuild(account=recorder.account, days=days, recorded_at=NINE) == Rebuilt()


@pytest.mark.parametrize(
    ("defects", "counts"),
    [
        ([], (2, 0, 0, 0, 0)),
        ([FEEDBACK], (2, 1, 1, 0, 0)),
        ([defect(kind="feedback", state="posted", rating=3)], (2, 0, 0, 0, 0)),
        ([defect()], (2, 1, 0, 1, 0)),
        ([defect(state="denied")], (2, 0, 0, 0, 0)),
        ([CHARGEBACK], (2, 1, 0, 0, 1)),
        ([defect(kind="chargeback", state="fraud")], (2, 0, 0, 0, 0)),
        ([FEEDBACK, defect(), CHARGEBACK], (2, 1, 1, 1, 1)),
        ([defect(reference="C1"), defect(reference="C2")], (2, 1, 0, 1, 0)),
        ([defect(reference="C1"), defect(reference="C2", state="denied")], (2, 1, 0, 1, 0)),
        ([defect(funded_by="amazon")], (2, 1, 0, 1, 0)),
        ([FEEDBACK, defect(2)], (2, 2, 1, 1, 0)),
        ([defect(99)], (2, 0, 0, 0, 0)),
    ],
)
def test_rebuild_counts_a_defective_order_once_and_in_each_part_once(
    recorder: FactRecorder, defects: list[DefectFact], counts: Five
) -> None:
    recorder.record(*orders(2))
    if defects:
        recorder.record(*defects, at=TEN)

    rebuild(recorder, at=ELEVEN)

    assert versions() == [counted(counts)]


PLAIN, CLAIMED = counted((1, 0, 0, 0, 0)), counted((1, 1, 0, 1, 0))
UNEXPLAINED = counted((0, 0, 0, 0, 0), unexplained=1)


@pytest.mark.parametrize(
    ("status", "without", "with_a_claim"),
    [
        (OrderStatus.PENDING, [], [counted((1, 1, 0, 1, 0), placed=0)]),
        (OrderStatus.CANCELLED, [UNEXPLAINED], [counted((1, 1, 0, 1, 0), placed=0, unexplained=1)]),
        (OrderStatus.UNSHIPPED, [PLAIN], [CLAIMED]),
        (OrderStatus.PARTIALLY_SHIPPED, [PLAIN], [CLAIMED]),
        (OrderStatus.SHIPPED, [PLAIN], [CLAIMED]),
    ],
)
def test_rebuild_counts_pending_and_cancelled_orders_only_with_a_counted_defect(
    recorder: FactRecorder,
    status: OrderStatus,
    without: list[dict[str, int]],
    with_a_claim: list[dict[str, int]],
) -> None:
    day_before = DAY - timedelta(days=1)
    recorder.record(
        order(1, status=status), order(2, on=NEXT_DAY, status=status), order(3, on=day_before, status=status)
    )
    recorder.record(defect(2), defect(3, state="denied"), at=TEN)

    rebuild(recorder, day_before, DAY, NEXT_DAY, at=ELEVEN)

    assert (versions(DAY), versions(NEXT_DAY)) == (without, with_a_claim)
    assert versions(day_before) == without


def test_rebuild_leaves_out_orders_of_other_shops(recorder: FactRecorder) -> None:
    recorder.record(*orders(3, marketplace=NON_AMAZON, channel="afn"))
    recorder.record(defect(1), at=TEN)

    assert rebuild(recorder, at=ELEVEN) == Rebuilt()
    assert not DailyCounts.objects.exists()


def test_rebuild_writes_a_version_only_when_a_number_changed(recorder: FactRecorder) -> None:
    recorder.record(*orders(3))

    first, again = rebuild(recorder, at=NINE), rebuild(recorder, at=TEN)
    recorder.record(order(4), at=ELEVEN)
    third = rebuild(recorder, at=TWELVE)

    assert first == third == Rebuilt(frozenset({("US", "mfn", DAY)}))
    assert again == Rebuilt()
    assert versions() == [counted((3, 0, 0, 0, 0)), counted((4, 0, 0, 0, 0))]


@pytest.mark.parametrize(
    ("fact", "counts"),
    [
        (order(4), counted((4, 1, 0, 1, 0))),
        (
            order(1, status=OrderStatus.CANCELLED, last_updated_at=TWELVE),
            counted((3, 1, 0, 1, 0), placed=2, unexplained=1),
        ),
        (
            order(3, status=OrderStatus.CANCELLED, last_updated_at=TWELVE),
            counted((2, 1, 0, 1, 0), unexplained=1),
        ),
        (order(2, status=OrderStatus.UNSHIPPED, last_updated_at=TWELVE), counted((3, 1, 0, 1, 0))),
        (defect(2), counted((3, 2, 0, 2, 0))),
        (defect(1, state="denied"), counted((3, 0, 0, 0, 0))),
        (defect(1, kind="feedback", state="posted", rating=2), counted((3, 1, 1, 1, 0))),
        (defect(1, kind="feedback", state="posted", rating=4), counted((3, 1, 0, 1, 0))),
        (defect(1, reference="C2"), counted((3, 1, 0, 1, 0))),
    ],
)
def test_newest_version_of_daily_counts_is_the_present(
    recorder: FactRecorder, fact: OrderFact | DefectFact, counts: dict[str, int]
) -> None:
    recorder.record(*orders(3))
    recorder.record(defect(1), at=NINE + A_MOMENT)
    rebuild(recorder, at=TEN)

    recorder.record(fact, at=ELEVEN)
    rebuilt = rebuild(recorder, at=TWELVE)

    assert versions()[-1] == counts
    assert len(rebuilt.versions) == int(counts != counted((3, 1, 0, 1, 0)))


def test_rebuild_writes_zeros_once_for_a_day_that_becomes_empty(recorder: FactRecorder) -> None:
    recorder.record(order(1))
    rebuild(recorder, at=NINE)
    recorder.record(order(1, status=OrderStatus.PENDING, last_updated_at=TWELVE), at=TEN)

    emptied, again = rebuild(recorder, at=TEN), rebuild(recorder, at=ELEVEN)

    assert (emptied, again) == (Rebuilt(frozenset({("US", "mfn", DAY)})), Rebuilt())
    assert versions() == [counted((1, 0, 0, 0, 0)), counted((0, 0, 0, 0, 0))]


@pytest.mark.parametrize("elsewhere", [{"marketplace": "DE"}, {"channel": "afn"}, {"on": NEXT_DAY}])
def test_rebuild_writes_zeros_where_a_moved_order_was(
    recorder: FactRecorder, elsewhere: dict[str, Any]
) -> None:
    recorder.load(order(1))

    recorder.load(order(1, last_updated_at=TWELVE, **elsewhere), at=TEN)

    newest = DailyCounts.objects.filter(recorded_at=TEN)
    assert sorted(newest.values_list("orders", flat=True)) == [0, 1]
    assert newest.get(orders=0, marketplace="US", channel="mfn").day == DAY


def test_rebuild_removes_an_order_that_another_shop_sold(recorder: FactRecorder) -> None:
    recorder.load(*orders(2))

    recorder.load(order(1, marketplace=NON_AMAZON, last_updated_at=TWELVE), at=TEN)

    assert versions() == [counted((2, 0, 0, 0, 0)), counted((1, 0, 0, 0, 0))]
    assert recorder.account.marketplaces == ["US"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE metrics_dailycounts SET orders = 7",
        "UPDATE metrics_dailycounts SET recorded_at = now()",
        "UPDATE metrics_dailycounts SET orders = orders",
    ],
)
def test_daily_counts_versions_cannot_be_changed(recorder: FactRecorder, statement: str) -> None:
    recorder.load(*orders(2))

    with (
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match="keeps versions"),
        transaction.atomic(),
    ):
        cursor.execute(statement)

    assert versions() == [counted((2, 0, 0, 0, 0))]


def test_daily_counts_table_refuses_more_defective_orders_than_orders(recorder: FactRecorder) -> None:
    recorder.load(*orders(2))
    row = DailyCounts.objects.get()
    wrong = {
        field: getattr(row, field)
        for field in ("agency_id", "account_id", "marketplace", "channel", "day", *COUNTS)
    }

    with (
        pytest.raises(IntegrityError, match="metrics_dailycounts_defective_orders_in_total"),
        transaction.atomic(),
    ):
        DailyCounts.objects.create(**wrong | {"recorded_at": TEN, "defective_orders": 3})
