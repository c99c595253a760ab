"""Facts enter the database: whatever the order of arrival the newest statement is right, and what it replaced is kept."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from pytest_django.fixtures import Settings

from accounts.tenancy import context
from metrics.models import Defect, Order, PastDefect, PastOrder, SourceLoad
from metrics.pipeline import recording
from metrics.pipeline.recording import Recorded
from metrics.rules.facts import DefectFact, Fact, OrderFact, OrderStatus
from tests.client import Client
from tests.metrics.books import A_MOMENT, DAY, ELEVEN, NINE, TEN, TWELVE, Books, defect, order, orders

NEXT_DAY = DAY + timedelta(days=1)
NOTHING = Recorded(new=0, changed=0, touched=frozenset())
PLACED = order(status=OrderStatus.UNSHIPPED, last_updated_at=NINE)
SHIPPED = order(status=OrderStatus.SHIPPED, last_updated_at=TEN)
CANCELLED = order(status=OrderStatus.CANCELLED, last_updated_at=ELEVEN)


def known_order() -> OrderFact:
    return OrderFact(*Order.objects.values_list(*OrderFact._fields).get())


@pytest.mark.parametrize("arrived", [*permutations((PLACED, SHIPPED, CANCELLED))])
def test_the_newest_statement_is_right_whatever_arrives_first(books: Books, arrived: tuple[OrderFact, ...]) -> None:
    for statement, at in zip(arrived, (NINE, TEN, ELEVEN), strict=True):
        books.record(statement, at=at)

    assert known_order() == CANCELLED


@pytest.mark.parametrize("lines", [*permutations((PLACED, SHIPPED, CANCELLED))])
def test_within_one_report_the_line_does_not_decide_either(books: Books, lines: tuple[OrderFact, ...]) -> None:
    recorded = books.record(*lines)

    assert recorded == Recorded(new=1, changed=0, touched=frozenset({DAY}))
    assert known_order() == CANCELLED
    assert not PastOrder.objects.exists()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (order(status=OrderStatus.PENDING), order(status=OrderStatus.UNSHIPPED)),
        (order(status=OrderStatus.UNSHIPPED), order(status=OrderStatus.PARTIALLY_SHIPPED)),
        (order(status=OrderStatus.PARTIALLY_SHIPPED), order(status=OrderStatus.SHIPPED)),
        (order(status=OrderStatus.SHIPPED), order(status=OrderStatus.CANCELLED)),
        (order(), order(ordered_at=order().ordered_at + timedelta(hours=1))),
        (order(marketplace="DE"), order(marketplace="US")),
        (order(channel="afn"), order(channel="mfn")),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_of_two_statements_of_one_moment_the_further_one_is_right(
    books: Books, one: OrderFact, other: OrderFact, together: bool
) -> None:
    for statements in permutations((one, other)):
        Order.objects.all().delete()
        for report in [statements] if together else [(each,) for each in statements]:
            books.record(*report)

        assert known_order() == other


def test_rows_of_one_order_are_one_order(books: Books) -> None:
    recorded = books.record(*[order(1)] * 3, *[order(2)] * 2)

    assert recorded == Recorded(new=2, changed=0, touched=frozenset({DAY}))


def test_the_same_again_is_nothing_new(books: Books) -> None:
    report_id = UUID(int=7)
    books.record(*orders(3), report_id=report_id)
    before = list(Order.objects.order_by("order_id").values())

    again = books.record(*orders(3), at=TEN, report_id=report_id)
    elsewhere = books.record(*orders(3), at=ELEVEN)

    assert again == elsewhere == NOTHING
    assert list(Order.objects.order_by("order_id").values()) == before
    assert not PastOrder.objects.exists()


def test_a_later_statement_that_says_the_same_replaces_nothing(books: Books) -> None:
    books.record(SHIPPED, at=NINE)

    restated = books.record(SHIPPED._replace(last_updated_at=TWELVE), at=TEN)
    late = books.record(CANCELLED, at=ELEVEN)

    assert restated == late == NOTHING
    assert Order.objects.values_list("status", "recorded_at", "last_updated_at").get() == (OrderStatus.SHIPPED, NINE, TWELVE)
    assert not PastOrder.objects.exists()


def test_a_change_keeps_what_it_replaces_and_since_when_until_when_it_was_known(books: Books) -> None:
    books.record(PLACED, at=NINE, report_id=UUID(int=1))

    changed = books.record(SHIPPED, at=TEN, report_id=UUID(int=2))

    past = PastOrder.objects.get()
    assert changed == Recorded(new=0, changed=1, touched=frozenset({DAY}))
    assert (past.recorded_at, past.superseded_at, past.status) == (NINE, TEN, OrderStatus.UNSHIPPED)
    assert (past.last_updated_at, past.report_id) == (PLACED.last_updated_at, UUID(int=1))
    assert Order.objects.values_list("recorded_at", "report_id").get() == (TEN, UUID(int=2))


def test_every_change_keeps_one_state_and_the_spans_meet(books: Books) -> None:
    for statement, at in zip((PLACED, SHIPPED, CANCELLED), (NINE, TEN, ELEVEN), strict=True):
        books.record(statement, at=at)

    spans = PastOrder.objects.order_by("recorded_at").values_list("recorded_at", "superseded_at", "status")
    assert list(spans) == [(NINE, TEN, OrderStatus.UNSHIPPED), (TEN, ELEVEN, OrderStatus.SHIPPED)]
    assert Order.objects.get().recorded_at == ELEVEN


@pytest.mark.parametrize(
    "change",
    [
        {"status": OrderStatus.CANCELLED},
        {"marketplace": "DE"},
        {"channel": "afn"},
        {"ordered_at": datetime(2026, 10, 1, 13, tzinfo=UTC)},
    ],
)
def test_whatever_changes_of_an_order_touches_its_day(books: Books, change: dict[str, Any]) -> None:
    books.record(SHIPPED)

    changed = books.record(SHIPPED._replace(last_updated_at=TWELVE, **change), at=TEN)

    assert changed == Recorded(new=0, changed=1, touched=frozenset({DAY}))
    assert PastOrder.objects.count() == 1


def test_an_order_that_moves_to_another_day_touches_both(books: Books) -> None:
    books.record(SHIPPED)

    moved = books.record(order(on=NEXT_DAY, last_updated_at=TWELVE), at=TEN)

    assert moved.touched == {DAY, NEXT_DAY}
    assert PastOrder.objects.get().ordered_on == DAY
    assert Order.objects.get().ordered_on == NEXT_DAY


def test_only_days_of_new_or_changed_orders_are_touched(books: Books) -> None:
    books.record(*orders(2), order(3, on=NEXT_DAY))

    recorded = books.record(
        order(1), order(3, on=NEXT_DAY, status=OrderStatus.CANCELLED, last_updated_at=TWELVE), order(4, on=DAY), at=TEN
    )

    assert recorded == Recorded(new=1, changed=1, touched=frozenset({DAY, NEXT_DAY}))


@pytest.mark.parametrize(
    ("marketplace", "ordered_at", "day"),
    [
        ("US", datetime(2026, 10, 1, 6, 59, tzinfo=UTC), "2026-09-30"),
        ("US", datetime(2026, 10, 1, 7, 0, tzinfo=UTC), "2026-10-01"),
        ("US", datetime(2026, 12, 1, 7, 59, tzinfo=UTC), "2026-11-30"),
        ("JP", datetime(2026, 10, 1, 14, 59, tzinfo=UTC), "2026-10-01"),
        ("JP", datetime(2026, 10, 1, 15, 0, tzinfo=UTC), "2026-10-02"),
        ("DE", datetime(2026, 10, 1, 23, 59, tzinfo=UTC), "2026-10-01"),
    ],
)
def test_a_day_is_a_utc_day_unless_the_marketplace_has_a_zone(
    books: Books, settings: Settings, marketplace: str, ordered_at: datetime, day: str
) -> None:
    settings.MARKETPLACE_ZONES = {"US": "America/Los_Angeles", "JP": "Asia/Tokyo"}

    recorded = books.record(order(marketplace=marketplace, ordered_at=ordered_at))

    assert {each.isoformat() for each in recorded.touched} == {day}


def test_a_zone_configured_later_moves_the_orders_told_of_again(books: Books, settings: Settings) -> None:
    at_night = order(ordered_at=datetime(2026, 10, 2, 3, tzinfo=UTC), last_updated_at=NINE)
    books.record(at_night)
    settings.MARKETPLACE_ZONES = {"US": "America/Los_Angeles"}

    moved = books.record(at_night._replace(last_updated_at=TEN), at=TEN)

    assert moved == Recorded(new=0, changed=1, touched=frozenset({DAY, NEXT_DAY}))


def test_a_defect_touches_the_day_of_its_order(books: Books) -> None:
    books.record(order(1), order(2, on=NEXT_DAY))

    recorded = books.record(defect(2), at=TEN)

    assert recorded == Recorded(new=1, changed=0, touched=frozenset({NEXT_DAY}))


def test_a_defect_without_its_order_touches_nothing_until_the_order_comes(books: Books) -> None:
    waiting = books.record(defect(1))

    arrived = books.record(order(1), at=TEN)

    assert waiting == Recorded(new=1, changed=0, touched=frozenset())
    assert arrived.touched == {DAY}


@pytest.mark.parametrize(
    "change",
    [
        {"state": "denied", "counts": False},
        {"occurred_on": NEXT_DAY},
        {"funded_by": "amazon"},
        {"rating": 2},
    ],
)
def test_a_change_of_a_defect_keeps_what_it_replaces(books: Books, change: dict[str, Any]) -> None:
    books.record(order(1))
    books.record(defect(1), at=TEN)

    changed = books.record(defect(1, **change), at=ELEVEN)

    past = PastDefect.objects.get()
    assert changed == Recorded(new=0, changed=1, touched=frozenset({DAY}))
    assert (past.recorded_at, past.superseded_at, past.state) == (TEN, ELEVEN, "granted")
    assert Defect.objects.get().recorded_at == ELEVEN


def test_the_same_report_again_changes_nothing(books: Books) -> None:
    books.record(order(1))
    books.record(defect(1), defect(1, state="denied"), at=TEN, report_id=UUID(int=7))
    before = Defect.objects.values().get()

    again = books.record(defect(1), defect(1, state="denied"), at=ELEVEN, received_at=TEN, report_id=UUID(int=7))

    assert again == NOTHING
    assert Defect.objects.values().get() == before


def test_a_defect_restated_replaces_nothing(books: Books) -> None:
    books.record(defect(1))

    assert books.record(defect(1), at=TEN) == NOTHING
    assert Defect.objects.values_list("recorded_at", "stated_at").get() == (NINE, TEN)
    assert not PastDefect.objects.exists()


def test_an_order_has_as_many_defects_as_kinds_and_references(books: Books) -> None:
    several = [
        defect(1),
        defect(1, reference="C2"),
        defect(1, kind="chargeback", state="service"),
        defect(1, kind="feedback", state="posted", rating=1),
        defect(2),
    ]

    recorded = books.record(*several, *several)

    assert (recorded.new, Defect.objects.count()) == (5, 5)


@pytest.mark.parametrize(
    ("reports", "right"),
    [
        pytest.param([("pending", None, NINE), ("granted", None, TEN)], "granted", id="the later received"),
        pytest.param([("granted", None, TEN), ("pending", None, NINE)], "granted", id="though it was loaded first"),
        pytest.param([("granted", TEN, NINE), ("pending", NINE, TEN)], "granted", id="the later stated"),
        pytest.param([("pending", NINE, TEN), ("granted", TEN, NINE)], "granted", id="though it was received first"),
        pytest.param([("pending", TEN, NINE), ("granted", TEN, ELEVEN)], "granted", id="of one moment the later received"),
        pytest.param([("granted", None, TEN), ("pending", NINE, ELEVEN)], "granted", id="received after the stated moment"),
        pytest.param([("pending", None, TEN), ("granted", ELEVEN, NINE)], "granted", id="stated after the received moment"),
    ],
)
def test_the_statement_of_the_latest_moment_is_right(
    books: Books, reports: list[tuple[str, datetime | None, datetime]], right: str
) -> None:
    for state, stated_at, received_at in reports:
        books.record(defect(1, state=state, stated_at=stated_at), at=TWELVE, received_at=received_at)

    assert Defect.objects.get().state == right


@pytest.mark.parametrize(
    ("statements", "right"),
    [
        ([("pending", None), ("granted", None)], "granted"),
        ([("granted", None), ("pending", None)], "pending"),
        ([("granted", TEN), ("pending", NINE)], "granted"),
        ([("pending", NINE), ("granted", None), ("denied", NINE)], "granted"),
    ],
)
def test_within_a_report_the_later_moment_is_right_then_the_later_line(
    books: Books, statements: list[tuple[str, datetime | None]], right: str
) -> None:
    facts = [defect(1, state=state, stated_at=stated_at) for state, stated_at in statements]

    books.record(*facts, at=ELEVEN)

    assert Defect.objects.get().state == right


@pytest.mark.parametrize(
    ("clock", "moment"),
    [
        pytest.param(ELEVEN, ELEVEN, id="goes on"),
        pytest.param(TEN, TEN + A_MOMENT, id="stands still"),
        pytest.param(NINE, TEN + A_MOMENT, id="goes back"),
    ],
)
def test_a_moment_is_later_than_every_one_before(books: Books, clock: datetime, moment: datetime) -> None:
    held = books.locked()
    first = recording.next_moment(account=held, now=TEN)

    second = recording.next_moment(account=held, now=clock)

    assert (first, second, books.account.last_recorded_at) == (TEN, moment, moment)


def test_every_report_says_that_its_source_spoke(books: Books) -> None:
    books.record(order(1), at=NINE, report_id=UUID(int=1))
    books.record(order(1), at=TEN, report_id=UUID(int=2))
    books.record(defect(1), at=ELEVEN, report_id=UUID(int=3))

    loads = SourceLoad.objects.order_by("recorded_at").values_list("source", "recorded_at", "report_id")
    assert list(loads) == [("orders", NINE, UUID(int=1)), ("orders", TEN, UUID(int=2)), ("defects", ELEVEN, UUID(int=3))]


@pytest.mark.parametrize(("fact_type", "facts"), [(OrderFact, orders(3)), (DefectFact, [defect(1), defect(2), defect(3)])])
def test_as_many_as_were_given_are_staged(books: Books, fact_type: type[Fact], facts: list[Fact]) -> None:
    assert recording.stage(fact_type=fact_type, facts=enumerate(facts, start=2)) == 3
    assert recording.stage(fact_type=fact_type, facts=enumerate(facts[:1], start=2)) == 1
    assert recording.stage(fact_type=fact_type, facts=[]) == 0


def test_what_was_staged_and_given_up_is_never_recorded(books: Books) -> None:
    recording.stage(fact_type=OrderFact, facts=enumerate(orders(5), start=1))

    recorded = books.record(order(9))

    assert recorded.new == Order.objects.count() == 1


def test_nothing_staged_is_left_behind(books: Books) -> None:
    books.record(order(1))

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.staged_orders')")
        assert cursor.fetchone() == (None,)


@pytest.mark.parametrize("table", ["metrics_pastorder", "metrics_pastdefect"])
def test_the_database_lets_nobody_rewrite_the_past(books: Books, table: str) -> None:
    books.record(order(1))
    books.record(order(1, status=OrderStatus.CANCELLED, last_updated_at=TWELVE), at=TEN)
    books.record(defect(1), at=ELEVEN)
    books.record(defect(1, state="denied"), at=TWELVE)

    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="keeps versions"), transaction.atomic():
        cursor.execute(f"UPDATE {table} SET superseded_at = superseded_at")


def test_two_accounts_with_the_same_orders_have_their_own(acme: Client, books: Books) -> None:
    other = acme.take_on(partner="A2OTHER")
    second = Books(acme.agency.pk, UUID(other.removeprefix("acct_")))
    books.record(order(1))
    books.record(defect(1), at=TEN)

    recorded = second.record(order(1, on=NEXT_DAY))
    denied = second.record(defect(1, state="denied"), at=TEN)

    with context.agency(acme.agency.pk):
        assert Order.objects.count() == Defect.objects.count() == 2
    assert recorded == denied == Recorded(new=1, changed=0, touched=frozenset({NEXT_DAY}))
