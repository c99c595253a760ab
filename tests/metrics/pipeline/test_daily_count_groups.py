"""Test each daily count with small tables worked out by hand: orders, packages, requests and messages."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from accounts.models import Agency
from metrics.models import DailyCounts
from metrics.models.counts import PART_OF
from metrics.rules.catalogue.definitions import COUNTS
from metrics.rules.facts import Fact, OrderStatus
from tests.metrics.fact_recorder import (
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TWELVE,
    FactRecorder,
    cancelled,
    defect,
    message,
    order,
    orders,
    returned,
    shipment,
)

D2, D3, D4 = (DAY + timedelta(days=n) for n in (1, 2, 3))
BY_LISTING = defect(kind="late_shipment", state="listed")


def counts(*names: str, channel: str = "mfn", marketplace: str = "US") -> dict[date, tuple[int, ...]]:
    """Return the newest counts of each day on which any of them is not 0."""
    rows = DailyCounts.objects.filter(channel=channel, marketplace=marketplace).order_by("recorded_at")
    newest = {row["day"]: tuple(row[name] for name in names) for row in rows.values("day", *names)}
    return {day: figures for day, figures in newest.items() if any(figures)}


@pytest.mark.parametrize(
    ("facts", "late"),
    [
        pytest.param([shipment()], {DAY: (1, 0)}, id="in time"),
        pytest.param([shipment(shipped_on=D2, is_late=True)], {DAY: (1, 1)}, id="late, on its ship-by day"),
        pytest.param([shipment(ship_by_on=D3)], {D3: (1, 0)}, id="ahead of time, on its ship-by day"),
        pytest.param([shipment(shipped_on=None, is_late=None)], {}, id="not shipped yet"),
        pytest.param([shipment(ship_by_on=None, is_late=None)], {}, id="shipped, and by when is not known"),
        pytest.param([shipment(1, "P1"), shipment(1, "P2")], {DAY: (1, 0)}, id="an order counts once"),
        pytest.param(
            [shipment(1, "P1", on=D3), shipment(1, "P2", on=D2)],
            {D2: (1, 0)},
            id="the earliest ship-by day of several",
        ),
        pytest.param(
            [shipment(1, "P1", on=D2), shipment(1, "P2", on=D4, is_late=True)],
            {D2: (1, 1)},
            id="any late package makes it late",
        ),
        pytest.param(
            [shipment(1, "P1", on=D3, is_late=True), shipment(1, "P2", on=D2, shipped_on=None, is_late=None)],
            {D3: (1, 1)},
            id="a package that is not shipped has no say",
        ),
        pytest.param(
            [shipment(1, "P1", on=D3), shipment(1, "P2", on=D2, ship_by_on=None, is_late=None)],
            {D3: (1, 0)},
            id="nor one whose ship-by day is not known",
        ),
        pytest.param(
            [shipment(1), shipment(2, is_late=True), shipment(3, on=D2)],
            {DAY: (2, 1), D2: (1, 0)},
            id="several",
        ),
        pytest.param([shipment(99)], {}, id="of an order that is not known"),
    ],
)
def test_late_order_counts_on_its_earliest_ship_by_day(
    recorder: FactRecorder, facts: list[Fact], late: dict[date, tuple[int, int]]
) -> None:
    recorder.load(*orders(3))

    recorder.load(*facts, at=TEN)

    assert counts("shipped_orders", "late_orders") == late


@pytest.mark.parametrize(
    ("packages", "late"),
    [
        pytest.param([shipment()], {DAY: (1, 1)}, id="though its own data say in time"),
        pytest.param([shipment(1, "P1"), shipment(1, "P2", is_late=True)], {DAY: (1, 1)}, id="once"),
        pytest.param([shipment(shipped_on=None, is_late=None)], {}, id="but not before it is shipped"),
        pytest.param([shipment(2)], {DAY: (1, 0)}, id="and no other order"),
    ],
)
def test_late_order_from_amazons_list_counts_as_late(
    recorder: FactRecorder, packages: list[Fact], late: dict[date, tuple[int, int]]
) -> None:
    recorder.load(*orders(2))
    recorder.load(*packages, at=TEN)

    recorder.load(BY_LISTING, at=ELEVEN)

    assert counts("shipped_orders", "late_orders") == late
    assert counts("defective_orders", "seller_cancelled_orders") == {}


@pytest.mark.parametrize(
    ("facts", "tracked"),
    [
        ([shipment()], {DAY: (1, 1)}),
        ([shipment(is_scanned=False)], {DAY: (1, 0)}),
        ([shipment(is_scanned=None)], {}),
        ([shipment(shipped_on=None)], {}),
        ([shipment(shipped_on=D2)], {D2: (1, 1)}),
        (
            [shipment(1, "P1"), shipment(1, "P2", is_scanned=False), shipment(2, on=D2, is_scanned=False)],
            {DAY: (2, 1), D2: (1, 0)},
        ),
        ([shipment(1, "P1", units=7)], {DAY: (1, 1)}),
        ([shipment(99)], {}),
    ],
)
def test_shipped_package_counts_on_its_ship_day(
    recorder: FactRecorder, facts: list[Fact], tracked: dict[date, tuple[int, int]]
) -> None:
    recorder.load(*orders(2))

    recorder.load(*facts, at=TEN)

    assert counts("shipped_packages", "scanned_packages") == tracked


@pytest.mark.parametrize(
    ("facts", "on_time"),
    [
        ([shipment(deliver_by_on=D2)], {D2: (1, 1, 1, 1)}),
        ([shipment(deliver_by_on=D2, units=3)], {D2: (1, 1, 3, 3)}),
        ([shipment(deliver_by_on=D2, units=3, is_on_time=False)], {D2: (1, 0, 3, 0)}),
        ([shipment(deliver_by_on=D2, is_on_time=None)], {}),
        ([shipment(deliver_by_on=D2, is_scanned=False)], {}),
        ([shipment(deliver_by_on=D2, is_scanned=None)], {}),
        ([shipment(deliver_by_on=None)], {}),
        (
            [
                shipment(1, "P1", deliver_by_on=D2, units=2),
                shipment(1, "P2", deliver_by_on=D3, units=5, is_on_time=False),
                shipment(2, "P1", deliver_by_on=D3, units=4),
            ],
            {D2: (1, 1, 2, 2), D3: (2, 1, 9, 4)},
        ),
        ([shipment(99, deliver_by_on=D2)], {}),
    ],
)
def test_tracked_package_and_units_count_on_the_promised_day(
    recorder: FactRecorder, facts: list[Fact], on_time: dict[date, tuple[int, ...]]
) -> None:
    recorder.load(*orders(2))

    recorder.load(*facts, at=TEN)

    assert counts("tracked_packages", "on_time_packages", "tracked_units", "on_time_units") == on_time


@pytest.mark.parametrize(
    ("facts", "invoiced"),
    [
        ([shipment(is_invoiced_in_time=True)], {DAY: (1, 0)}),
        ([shipment(is_invoiced_in_time=False)], {DAY: (1, 1)}),
        ([shipment(is_invoiced_in_time=None)], {}),
        ([shipment(is_invoiced_in_time=True, shipped_on=None)], {}),
        ([shipment(is_invoiced_in_time=False, shipped_on=D2)], {D2: (1, 1)}),
        (
            [
                shipment(1, "P1", on=D4, is_invoiced_in_time=False),
                shipment(1, "P2", on=D3, is_invoiced_in_time=True),
                shipment(1, "P3", on=D2, is_invoiced_in_time=None),
            ],
            {D3: (1, 1)},
        ),
        ([shipment(99, is_invoiced_in_time=False)], {}),
    ],
)
def test_business_order_without_invoice_counts_on_its_earliest_ship_day(
    recorder: FactRecorder, facts: list[Fact], invoiced: dict[date, tuple[int, int]]
) -> None:
    recorder.load(*orders(2))

    recorder.load(*facts, at=TEN)

    assert counts("business_orders", "invoice_defect_orders") == invoiced


def listing(kind: str, reference: str = "list") -> Fact:
    """Build a defect of order 1 from one of Amazon's lists."""
    return defect(1, kind=kind, state="listed", reference=reference)


LATE, UNTRACKED, UNINVOICED = map(listing, ("late_delivery", "invalid_tracking", "invoice_defect"))


@pytest.mark.parametrize(
    ("facts", "on_time"),
    [
        pytest.param([shipment(units=3), LATE], (1, 0, 3, 0), id="though its own data say in time"),
        pytest.param([LATE], (), id="but not without its package"),
        pytest.param([shipment(is_scanned=False), LATE], (), id="nor without tracking"),
        pytest.param([shipment(2), LATE], (1, 1, 1, 1), id="and no other order"),
        pytest.param([shipment(1, "P1"), shipment(1, "P2"), LATE], (2, 0, 2, 0), id="every package of it"),
        pytest.param(
            [shipment(1, "P1"), shipment(1, "P2"), listing("late_delivery", "P2")],
            (2, 1, 2, 1),
            id="only the one that is named",
        ),
        pytest.param([shipment(), UNTRACKED], (1, 1, 1, 1), id="only for its own kind"),
    ],
)
def test_late_delivery_from_amazons_list_takes_package_out_of_the_numerator(
    recorder: FactRecorder, facts: list[Fact], on_time: tuple[int, ...]
) -> None:
    recorder.load(*orders(2))

    for fact in facts:
        recorder.load(fact, at=TEN)

    names = ("tracked_packages", "on_time_packages", "tracked_units", "on_time_units")
    assert counts(*names) == ({DAY + timedelta(days=5): on_time} if on_time else {})


@pytest.mark.parametrize(
    ("facts", "tracked"),
    [
        ([shipment(), UNTRACKED], {DAY: (1, 0)}),
        ([shipment(is_scanned=None), UNTRACKED], {}),
        ([shipment(1, "T1"), shipment(1, "T2"), listing("invalid_tracking", "T1")], {DAY: (2, 1)}),
        ([shipment(1, "T1", is_scanned=False), UNTRACKED], {DAY: (1, 0)}),
        ([shipment(), LATE], {DAY: (1, 1)}),
    ],
)
def test_package_without_valid_tracking_from_amazons_list_is_not_scanned(
    recorder: FactRecorder, facts: list[Fact], tracked: dict[date, tuple[int, int]]
) -> None:
    recorder.load(*orders(2))

    for fact in facts:
        recorder.load(fact, at=TEN)

    assert counts("shipped_packages", "scanned_packages") == tracked


@pytest.mark.parametrize(
    ("facts", "invoiced"),
    [
        ([shipment(is_invoiced_in_time=True), UNINVOICED], {DAY: (1, 1)}),
        ([shipment(is_invoiced_in_time=None), UNINVOICED], {}),
        ([shipment(2, is_invoiced_in_time=True), UNINVOICED], {DAY: (1, 0)}),
    ],
)
def test_invoice_defect_from_amazons_list_counts(
    recorder: FactRecorder, facts: list[Fact], invoiced: dict[date, tuple[int, int]]
) -> None:
    recorder.load(*orders(2))

    for fact in facts:
        recorder.load(fact, at=TEN)

    assert counts("business_orders", "invoice_defect_orders") == invoiced


@pytest.mark.parametrize(
    ("facts", "requests"),
    [
        ([returned(on=D2)], {D2: (1, 0)}),
        ([returned(on=D2, is_dissatisfied=True)], {D2: (1, 1)}),
        ([returned(on=D2, is_dissatisfied=None)], {}),
        ([returned(on=D2, is_return=False)], {D2: (1, 0)}),
        (
            [returned(1, "R1", on=D2), returned(1, "R2", on=D2, is_dissatisfied=True), returned(2, on=D3)],
            {D2: (2, 1), D3: (1, 0)},
        ),
        ([returned(99)], {}),
    ],
)
def test_return_request_counts_on_its_own_day(
    recorder: FactRecorder, facts: list[Fact], requests: dict[date, tuple[int, int]]
) -> None:
    recorder.load(*orders(2))

    recorder.load(*facts, at=TEN)

    assert counts("return_requests", "dissatisfied_requests") == requests


@pytest.mark.parametrize(
    ("status", "facts", "of_its_day"),
    [
        (OrderStatus.SHIPPED, [], (1, 0)),
        (OrderStatus.SHIPPED, [returned(on=D4)], (1, 1)),
        (OrderStatus.SHIPPED, [returned(on=D4, is_dissatisfied=None)], (1, 1)),
        (OrderStatus.SHIPPED, [returned(on=D4, is_return=False)], (1, 0)),
        (OrderStatus.SHIPPED, [returned(1, "R1"), returned(1, "R2")], (1, 1)),
        (OrderStatus.SHIPPED, [returned(1, "R1", is_return=False), returned(1, "R2")], (1, 1)),
        (OrderStatus.CANCELLED, [], (0, 0)),
        (OrderStatus.CANCELLED, [returned(on=D4)], (1, 1)),
        (OrderStatus.PENDING, [returned(on=D4, is_return=False)], (0, 0)),
    ],
)
def test_returned_order_counts_on_its_order_day(
    recorder: FactRecorder, status: OrderStatus, facts: list[Fact], of_its_day: tuple[int, int]
) -> None:
    recorder.load(order(status=status))

    if facts:
        recorder.load(*facts, at=TEN)

    assert counts("returnable_orders", "returned_orders") == ({DAY: of_its_day} if any(of_its_day) else {})


@pytest.mark.parametrize(
    ("fact_loaded", "answered"),
    [
        (message(), {DAY: (1, 1)}),
        (message(is_answered_in_time=False), {DAY: (1, 0)}),
        (message(is_answered_in_time=None, answered_on=None), {}),
        (message(needs_answer=False), {}),
        (message(order_id=""), {DAY: (1, 1)}),
    ],
)
def test_message_counts_without_order_and_channel(
    recorder: FactRecorder, fact_loaded: Fact, answered: dict[date, tuple[int, int]]
) -> None:
    recorder.load(fact_loaded)

    assert counts("messages", "answered_messages", channel="all") == answered
    assert not DailyCounts.objects.exclude(channel="all").exists()


def test_message_counts_in_its_own_marketplace(recorder: FactRecorder) -> None:
    recorder.load(order(marketplace="CA"))

    recorder.load(message(), message(2, marketplace="DE", is_answered_in_time=False), at=TEN)

    assert counts("messages", "answered_messages", channel="all") == {DAY: (1, 1)}
    assert counts("messages", "answered_messages", channel="all", marketplace="DE") == {DAY: (1, 0)}
    assert counts("messages", marketplace="CA") == {}
    assert recorder.account.marketplaces == ["CA", "DE", "US"]


BUYER, AMAZON, SELLER, UNCONFIRMED = (
    cancelled(by=actor) for actor in ("buyer", "amazon", "seller", "unconfirmed")
)
LISTED = defect(kind="cancellation", state="listed")
NO_WORD = cancelled(by="")
AFTER_SHIPPING = shipment(cancelled_by="seller")
OF_PCR = ("seller_cancelled_orders", "cancellable_orders", "unexplained_cancelled_orders")


@pytest.mark.parametrize(
    ("status", "facts", "figures"),
    [
        pytest.param(OrderStatus.SHIPPED, [], (0, 1, 0), id="an order"),
        pytest.param(OrderStatus.PENDING, [], (0, 0, 0), id="a pending order"),
        pytest.param(OrderStatus.CANCELLED, [], (0, 0, 1), id="nothing tells who cancelled"),
        pytest.param(OrderStatus.CANCELLED, [NO_WORD], (0, 0, 1), id="a statement that does not say who"),
        pytest.param(OrderStatus.CANCELLED, [SELLER], (1, 1, 0), id="the seller"),
        pytest.param(OrderStatus.CANCELLED, [UNCONFIRMED], (1, 1, 0), id="unconfirmed in time"),
        pytest.param(OrderStatus.CANCELLED, [BUYER], (0, 0, 0), id="the buyer"),
        pytest.param(OrderStatus.CANCELLED, [AMAZON], (0, 0, 0), id="Amazon for its own reasons"),
        pytest.param(OrderStatus.CANCELLED, [AFTER_SHIPPING], (0, 0, 0), id="after shipping it is a refund"),
        pytest.param(OrderStatus.CANCELLED, [LISTED], (1, 1, 0), id="Amazon lists it"),
        pytest.param(
            OrderStatus.CANCELLED, [LISTED, BUYER], (1, 1, 0), id="Amazon lists it, though the buyer did"
        ),
        pytest.param(OrderStatus.SHIPPED, [SELLER], (1, 1, 0), id="one item of a shipped order"),
        pytest.param(OrderStatus.SHIPPED, [AFTER_SHIPPING], (0, 1, 0), id="a refunded order"),
        pytest.param(OrderStatus.SHIPPED, [BUYER], (0, 1, 0), id="the buyer changed one item"),
        pytest.param(OrderStatus.PENDING, [SELLER], (1, 1, 0), id="pending, and the seller cancelled"),
        pytest.param(
            OrderStatus.CANCELLED,
            [shipment(1, "P1"), cancelled(package="P2")],
            (1, 1, 0),
            id="one package went, the other not",
        ),
        pytest.param(
            OrderStatus.CANCELLED,
            [cancelled(1, "buyer", package="A"), cancelled(package="B")],
            (1, 1, 0),
            id="both did",
        ),
    ],
)
def test_cancelled_order_counts_by_canceller_or_as_unexplained(
    recorder: FactRecorder, status: OrderStatus, facts: list[Fact], figures: tuple[int, ...]
) -> None:
    recorder.load(order(status=status))

    if facts:
        recorder.load(*facts, at=TEN)

    assert counts(*OF_PCR) == ({DAY: figures} if any(figures) else {})
    assert counts("defective_orders") == {}


@pytest.mark.parametrize(
    ("facts", "figures"),
    [
        ([], (0, 1, 1)),
        ([SELLER], (1, 1, 0)),
        ([BUYER], (0, 1, 0)),
        ([LISTED], (1, 1, 0)),
    ],
)
def test_cancelled_orders_in_the_denominator_count_once(
    recorder: FactRecorder, facts: list[Fact], figures: tuple[int, ...]
) -> None:
    Agency.objects.filter(pk=recorder.agency_id).update(counts_pending_and_cancelled=True)
    recorder.load(order(status=OrderStatus.CANCELLED))

    if facts:
        recorder.load(*facts, at=TEN)

    assert counts(*OF_PCR) == {DAY: figures}
    assert counts("orders", "returnable_orders") == {DAY: (1, 1)}


@pytest.mark.parametrize("channel", ["mfn", "afn"])
def test_facts_of_an_order_count_where_the_order_does(recorder: FactRecorder, channel: str) -> None:
    recorder.load(order(marketplace="DE", channel=channel))

    recorder.load(shipment(is_invoiced_in_time=False), returned(), at=TEN)

    of_the_day = counts(
        "shipped_orders",
        "shipped_packages",
        "business_orders",
        "return_requests",
        channel=channel,
        marketplace="DE",
    )
    assert of_the_day == {DAY: (1, 1, 1, 1)}
    assert set(DailyCounts.objects.values_list("marketplace", "channel")) == {("DE", channel)}


EVERYTHING = (shipment(is_late=True, is_invoiced_in_time=False), returned(is_dissatisfied=True))
OF_PARCELS = (
    "shipped_orders",
    "late_orders",
    "shipped_packages",
    "tracked_units",
    "business_orders",
    "return_requests",
)


@pytest.mark.parametrize(
    ("change", "where", "returned_on"),
    [
        ({"marketplace": "CA"}, {"marketplace": "CA"}, DAY),
        ({"channel": "afn"}, {"channel": "afn"}, DAY),
        ({"on": D4}, {}, D4),
    ],
)
def test_facts_of_an_order_move_with_it(
    recorder: FactRecorder, change: dict[str, Any], where: dict[str, str], returned_on: date
) -> None:
    recorder.load(order())
    recorder.load(*EVERYTHING, at=TEN)

    recorder.load(order(last_updated_at=TWELVE, **change), at=ELEVEN)

    assert counts(*OF_PARCELS, **where) == {
        DAY: (1, 1, 1, 0, 1, 1),
        DAY + timedelta(days=5): (0, 0, 0, 1, 0, 0),
    }
    assert counts("returned_orders", **where) == {returned_on: (1,)}


def test_facts_of_an_order_outside_amazon_do_not_count(recorder: FactRecorder) -> None:
    recorder.load(order())
    recorder.load(*EVERYTHING, at=TEN)

    recorder.load(order(last_updated_at=TWELVE, marketplace="non_amazon"), at=ELEVEN)

    assert counts(*COUNTS) == {}
    assert recorder.account.marketplaces == ["US"]


@pytest.mark.parametrize("change", [{"marketplace": "CA"}, {"channel": "afn"}])
def test_facts_of_a_moved_order_leave_nothing_behind(recorder: FactRecorder, change: dict[str, Any]) -> None:
    recorder.load(order())
    recorder.load(*EVERYTHING, at=TEN)

    recorder.load(order(last_updated_at=TWELVE, **change), at=ELEVEN)

    assert counts(*COUNTS) == {}


ORDERED: Sequence[Fact] = (order(), order(2, status=OrderStatus.CANCELLED))
SHIPPED: Sequence[Fact] = (shipment(is_late=True), cancelled(2))
OF_ARRIVALS = (
    *(
        "orders",
        "defective_orders",
        "cancellable_orders",
        "seller_cancelled_orders",
        "unexplained_cancelled_orders",
    ),
    *("returnable_orders", "returned_orders", "return_requests", "dissatisfied_requests"),
    *("shipped_orders", "late_orders", "shipped_packages", "scanned_packages", "unknown_scan_packages"),
    *("tracked_packages", "on_time_packages", "tracked_units", "on_time_units", "unknown_delivery_packages"),
)
SENT_BACK: Sequence[Fact] = (returned(on=D3), returned(2, on=D4, is_dissatisfied=True))


@pytest.mark.parametrize(
    "arrived",
    [
        (ORDERED, SHIPPED, SENT_BACK),
        (SENT_BACK, SHIPPED, ORDERED),
        (SHIPPED, ORDERED, SENT_BACK),
        (SENT_BACK, ORDERED, SHIPPED),
        ((*SHIPPED, *SENT_BACK, *ORDERED),),
        (SHIPPED, SHIPPED, SENT_BACK, ORDERED, ORDERED, SHIPPED),
    ],
)
def test_counts_are_independent_of_the_order_of_arrival(
    recorder: FactRecorder, arrived: Sequence[Sequence[Fact]]
) -> None:
    for hour, facts in enumerate(arrived):
        recorder.load(*facts, at=NINE + timedelta(hours=hour))

    newest = {}
    for row in DailyCounts.objects.order_by("recorded_at").values("day", *OF_ARRIVALS):
        newest[row["day"]] = {name: row[name] for name in OF_ARRIVALS if row[name]}
    assert newest == {
        DAY: {
            "orders": 1,
            "cancellable_orders": 2,
            "seller_cancelled_orders": 1,
            "returnable_orders": 2,
            "returned_orders": 2,
            "shipped_orders": 1,
            "late_orders": 1,
            "shipped_packages": 1,
            "scanned_packages": 1,
        },
        D3: {"return_requests": 1},
        D4: {"return_requests": 1, "dissatisfied_requests": 1},
        DAY + timedelta(days=5): {
            "tracked_packages": 1,
            "on_time_packages": 1,
            "tracked_units": 1,
            "on_time_units": 1,
        },
    }


@pytest.mark.parametrize(("part", "whole"), PART_OF)
def test_daily_counts_table_refuses_a_part_larger_than_its_whole(
    recorder: FactRecorder, part: str, whole: str
) -> None:
    recorder.load(order())
    row = DailyCounts.objects.get()
    wrong = {
        field: getattr(row, field) for field in ("agency_id", "account_id", "marketplace", "channel", "day")
    }

    with pytest.raises(IntegrityError, match=f"metrics_dailycounts_{part}_in_total"), transaction.atomic():
        DailyCounts.objects.create(
            **wrong | dict.fromkeys(COUNTS, 5) | {"recorded_at": TEN, whole: 8, part: 9}
        )
