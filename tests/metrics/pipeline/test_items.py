"""Test recording of the items of orders and of return requests: the same rows in any order of arrival."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from metrics.models import OrderItem, PastOrderItem, PastReturnItem, Return, ReturnItem
from metrics.pipeline.recording import Recorded
from metrics.rules.facts import OrderFact, OrderStatus
from tests import build
from tests.client import Client
from tests.metrics.fact_recorder import (
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TWELVE,
    FactRecorder,
    defect,
    listing,
    order,
    returned,
)

NOTHING = Recorded(new=0, changed=0, touched=frozenset())
ASIN = "B07K1FNN7M"
HOUR = timedelta(hours=1)
RETURNED = (
    "<item_details><merchant_sku>{}</merchant_sku><return_quantity>{}</return_quantity></item_details>".format
)
MOST = 2_147_483_647


def item(
    sku: str = "A", quantity: int | None = 1, *, number: int = 1, at: datetime = TEN, **more: Any
) -> OrderFact:
    """Build a row of an all-orders report; `at` is its time."""
    usual: dict[str, Any] = {
        "asin": ASIN,
        "item_status": OrderStatus.SHIPPED,
        "price": "10.00",
        "currency": "USD",
    }
    return order(number, last_updated_at=at, sku=sku, quantity=quantity, **usual | more)


def shipped_item(sku: str = "A", *, number: int = 1, **more: Any) -> OrderFact:
    """Build a row of a shipment report, which has no quantity."""
    return order(number, sku=sku, **more)


def rows(*, number: int = 1) -> list[tuple[Any, ...]]:
    return list(
        OrderItem.objects.filter(order_id=build.order_id(number))
        .order_by("sku")
        .values_list("sku", "asin", "quantity", "item_status", "price", "currency", "stated_at")
    )


def returned_rows() -> list[tuple[Any, ...]]:
    return list(ReturnItem.objects.order_by("sku").values_list("sku", "asin", "quantity", "reason_code"))


def test_order_items_are_the_same_in_every_order_of_arrival(recorder: FactRecorder) -> None:
    """Record each order of arrival on an order of its own."""
    reports = [
        [item(quantity=1, at=NINE), item("B", quantity=4, at=NINE)],
        # One item from two warehouses, and one that was cancelled.
        [item(quantity=2), item(quantity=3, price="5.50"), item("B", quantity=0, price=None)],
        # Another state of the same time.
        [item(quantity=4)],
        # Of shipments, one of them later than every other row, and an order that is said to be newer than its update.
        [shipped_item(last_updated_at=TWELVE), shipped_item("C", last_updated_at=TWELVE)],
        [shipped_item(ordered_at=TWELVE, last_updated_at=TWELVE), shipped_item("C", ordered_at=ELEVEN)],
    ]
    arrivals = list(permutations(reports))

    for step in range(len(reports)):
        facts = [
            fact._replace(order_id=build.order_id(number))
            for number, arrival in enumerate(arrivals, start=1)
            for fact in arrival[step]
        ]
        recorder.record(*facts, at=NINE + step * HOUR)

    found = {tuple(rows(number=number)) for number in range(1, len(arrivals) + 1)}
    assert found == {
        (
            ("A", ASIN, 5, OrderStatus.SHIPPED, Decimal("15.50"), "USD", TEN),
            ("B", ASIN, 0, OrderStatus.SHIPPED, None, "USD", TEN),
            ("C", "", None, None, None, "", ELEVEN),
        )
    }


def test_order_items_of_the_same_report_again_are_unchanged(recorder: FactRecorder) -> None:
    facts = item(), item(quantity=2), item("B"), shipped_item("C")
    first = recorder.record(*facts, report_id=UUID(int=7))
    before = list(OrderItem.objects.order_by("sku").values())

    again = recorder.record(*facts, at=TEN, report_id=UUID(int=7))
    unmoved = list(OrderItem.objects.order_by("sku").values())
    later = recorder.record(item(quantity=3, price="20.00", at=ELEVEN), at=ELEVEN)

    assert first == Recorded(new=1, changed=0, touched=frozenset({DAY}))
    assert again == later == NOTHING
    assert unmoved == before
    assert OrderItem.objects.values_list("stated_at", "recorded_at", "quantity").get(sku="A") == (
        ELEVEN,
        NINE,
        3,
    )
    assert not PastOrderItem.objects.exists()


def test_order_item_of_a_known_order_changes_its_row_and_no_day(recorder: FactRecorder) -> None:
    recorder.record(order(1, last_updated_at=TEN), order(2, last_updated_at=TEN))

    added = recorder.record(item(), item("B"), item(number=2), at=TEN)
    older = recorder.record(item("C", at=NINE), at=ELEVEN)
    with_state = recorder.record(item("D", at=ELEVEN, status=OrderStatus.CANCELLED), at=TWELVE)

    assert added == Recorded(new=0, changed=2, touched=frozenset())
    assert older == Recorded(new=0, changed=1, touched=frozenset())
    assert with_state == Recorded(new=0, changed=1, touched=frozenset({DAY}))
    assert [row[0] for row in rows()] == ["A", "B", "C", "D"]


def test_order_item_change_keeps_the_replaced_state(recorder: FactRecorder) -> None:
    states = [
        shipped_item(ordered_at=NINE),
        item(at=NINE),
        item(at=TEN, price="9.00"),
        item(at=TEN + HOUR, asin=""),
    ]
    moments = [NINE, TEN, ELEVEN, TWELVE]

    for at, state in zip(moments, states, strict=True):
        recorder.record(state, at=at, report_id=UUID(int=at.hour))

    past = PastOrderItem.objects.order_by("recorded_at").values_list(
        "recorded_at", "superseded_at", "asin", "quantity", "price", "report_id"
    )
    assert list(past) == [
        (NINE, TEN, "", None, None, UUID(int=9)),
        (TEN, ELEVEN, ASIN, 1, Decimal("10.00"), UUID(int=10)),
        (ELEVEN, TWELVE, ASIN, 1, Decimal("9.00"), UUID(int=11)),
    ]
    assert OrderItem.objects.values_list("recorded_at", "asin").get() == (TWELVE, "")


def test_order_items_of_extreme_values_are_stored(recorder: FactRecorder) -> None:
    odd = "\u202e\ufffd\U0001f6cfe\u0301\\\t\",('" + "枕" * 29
    many = [item(quantity=999_999, price="999999999.9999") for _ in range(2_200)]

    recorder.record(*many, item(odd, price="0.005"), item("a"), item("Ａ"), item("\u00e9"), item("e\u0301"))
    again = recorder.record(*many, item(odd, price="0.005"), at=TEN)

    stored = {row[0]: row for row in rows()}
    assert len(odd) == 40
    assert stored.keys() == {"A", "a", "Ａ", "\u00e9", "e\u0301", odd}
    assert (stored["A"][2], stored["A"][4]) == (MOST, Decimal("1000000000.00") * 2_200)
    assert stored[odd][4] == Decimal("0.01")
    assert again == NOTHING


def test_order_items_of_an_uploaded_report_are_stored(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    known = {"amazon-order-id": build.order_id(1), "sku": "x" * 41}
    file = [
        build.order_row(sku="枕🛏"),
        build.order_row() | known,
        build.order_row(sales_channel="Non-Amazon", amazon_order_id=build.order_id(2)),
    ]

    report = acme.load(shop, build.orders_file(file))

    assert (report["rows"]["new"], report["rows"]["rejected"], report["rows"]["set_apart"]) == (1, 0, 1)
    assert list(OrderItem.objects.values_list("order_id", "sku", "quantity")) == [
        (build.order_id(1), "枕🛏", 1)
    ]


def test_return_items_of_one_request_count_with_it(recorder: FactRecorder) -> None:
    pad, mug = returned(sku="PAD", quantity=1, reason_code="DEFECTIVE"), returned(sku="MUG")
    unnamed = returned(2, reason_code="OTHER")
    claim = defect(stated_at=NINE)

    first = recorder.record(pad, mug, unnamed, returned(3), claim, with_lines=True)
    again = recorder.record(pad, mug, unnamed, returned(3), claim, at=TEN, with_lines=True)
    reason = recorder.record(
        pad._replace(reason_code="SWITCHEROO"), mug, returned(3, sku="NEW"), at=ELEVEN, with_lines=True
    )
    both = recorder.record(
        *(each._replace(state="closed", asin=ASIN) for each in (pad, mug)), at=TWELVE, with_lines=True
    )

    no_day, no_line = frozenset[date](), frozenset[int]()
    assert first == Recorded(4, 0, frozenset({DAY}), frozenset({1, 2, 3, 4}))
    assert again == NOTHING
    assert reason == Recorded(0, 2, no_day, no_line, frozenset({1, 3}))
    assert both == Recorded(0, 1, frozenset({DAY}), no_line, frozenset({2}))
    assert returned_rows() == [
        ("", "", None, "OTHER"),
        ("MUG", ASIN, None, ""),
        ("NEW", "", None, ""),
        ("PAD", ASIN, 1, "DEFECTIVE"),
    ]
    past = PastReturnItem.objects.filter(sku="PAD").order_by("recorded_at")
    assert list(past.values_list("recorded_at", "superseded_at", "reason_code")) == [
        (NINE, ELEVEN, "DEFECTIVE"),
        (ELEVEN, TWELVE, "SWITCHEROO"),
    ]


def test_return_item_newest_statement_wins_in_any_order_of_arrival(recorder: FactRecorder) -> None:
    states = [
        returned(stated_at=at, sku="PAD", reason_code=f"R{at.hour}", quantity=at.hour)
        for at in (NINE, TEN, ELEVEN)
    ]
    arrivals = list(permutations(states))

    for step in range(len(states)):
        facts = [
            arrival[step]._replace(order_id=build.order_id(number)) for number, arrival in enumerate(arrivals)
        ]
        recorder.record(*facts, at=TWELVE)

    assert set(returned_rows()) == {("PAD", "", 11, "R11")}
    assert ReturnItem.objects.count() == len(arrivals)


def test_return_report_with_items_and_claim_counts_elements(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    """Upload one request in different orders of its items, two of which have the same SKU."""
    head = "<AmazonEnvelope><MessageType>Returns-Report</MessageType><Message><return_details>"
    rest = (
        f"<order_id>{build.order_id(1)}</order_id><amazon_rma_id>D1</amazon_rma_id><a_to_z_claim>Y</a_to_z_claim>"
        "<return_request_date>2026-10-10T12:00:00Z</return_request_date></return_details></Message></AmazonEnvelope>"
    )
    details = RETURNED("PAD", 1), RETURNED("PAD", 2), RETURNED("MUG", 3)
    counts = []
    for arrival in permutations(details):
        report = acme.load(shop, f"{head}{''.join(arrival)}{rest}".encode())
        counts.append([report["rows"][name] for name in ("read", "new", "changed", "unchanged")])

    more = acme.load(shop, f"{head}{''.join(details)}{RETURNED('CUP', 1)}{rest}".encode())

    assert counts == [[1, 1, 0, 0]] + [[1, 0, 0, 1]] * 5
    assert (more["rows"]["changed"], more["rows"]["unchanged"]) == (1, 0)
    assert [row[:3] for row in returned_rows()] == [("CUP", "", 1), ("MUG", "", 3), ("PAD", "", 2)]
    assert Return.objects.count() == 1


def test_listing_newest_statement_wins_and_touches_no_day(recorder: FactRecorder) -> None:
    later = listing(stated_at=TEN, quantity=0, price=None, status="inactive")

    first = recorder.record(listing(stated_at=NINE), listing("MUG"), with_lines=True)
    changed = recorder.record(later, at=TEN, with_lines=True)
    older = recorder.record(listing(stated_at=NINE), at=ELEVEN, with_lines=True)
    other_source = recorder.record(listing(source="fba", stated_at=NINE), at=TWELVE)

    assert first == Recorded(2, 0, frozenset(), frozenset({1, 2}))
    assert changed == Recorded(0, 1, frozenset(), frozenset(), frozenset({1}))
    assert older == NOTHING
    assert other_source == Recorded(new=1, changed=0, touched=frozenset())


@pytest.mark.parametrize("table", ["pastorderitem", "pastreturnitem", "pastlisting"])
def test_item_past_rows_cannot_be_changed(recorder: FactRecorder, table: str) -> None:
    recorder.record(item(at=NINE), returned(sku="A"), listing())
    recorder.record(item(quantity=2), returned(sku="A", quantity=2), listing(quantity=0), at=TEN)

    with (
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match="keeps versions"),
        transaction.atomic(),
    ):
        cursor.execute(f"UPDATE metrics_{table} SET recorded_at = recorded_at")
