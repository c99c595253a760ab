"""Generate accounts, and documents about them in a random order of arrival."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests import build, order_histories
from tests.clock import TODAY
from tests.documents import LISTS, Document
from tests.order_histories import BEGINNING
from tests.recount.statements import DefectRow, MessageRow, ReturnRow, ShipmentRow, feedback

HOMES = ("GB", "US")
STORES_OF = {"GB": ("GB", "GB", "DE", "US"), "US": ("US", "US", "US", "DE", "GB")}
REQUIRED_COLUMNS = {
    "shipments": ("order_id", "shipped_at"),
    "returns": ("order_id", "requested_at"),
    "buyer_messages": ("message_id", "received_at", "answered_at", "marketplace"),
    "feedback_removals": ("order_id", "removed_on"),
}
OPTIONAL_COLUMNS = {
    "shipments": (
        *("package", "tracking_number", "units", "ship_by", "first_scan_at", "deliver_by", "delivered_at"),
        *("business_order", "invoiced_at", "cancelled_by", "updated_at", "carrier"),
    ),
    "returns": (
        *("reference", "state", "answered_at", "negative_feedback", "wrongly_rejected", "updated_at"),
        *("sku", "reason_code"),
    ),
    "buyer_messages": ("no_response_needed", "order_id", "updated_at"),
    "feedback_removals": (),
}
MICROSECOND = timedelta(microseconds=1)

Timed = ShipmentRow | ReturnRow | MessageRow


@dataclass(frozen=True)
class Plan:
    """Hold the home marketplace of an account, and its documents in order of arrival."""

    home: str
    # Hypothesis prints a plan that fails, and refuses to print half a megabyte.
    documents: tuple[Document, ...] = field(repr=False)


@st.composite
def upload_plans(draw: st.DrawFn, *, settled: bool = False) -> Plan:
    """Draw plans of small and large accounts; see `build_plan`."""
    seed, home = draw(st.integers(0, 2**32)), draw(st.sampled_from(HOMES))
    sizes = (draw(st.integers(5, 60)), draw(st.integers(0, 40)), draw(st.integers(0, 25)))
    return build_plan(seed, home, *sizes, settled=settled)


def build_plan(seed: int, home: str, orders: int, defects: int, messages: int, *, settled: bool) -> Plan:
    """Build documents about some orders, some of them sent twice.

    With `settled`, the order of arrival has no effect: every row has its own `updated_at`, and the agency does
    not change its setting. Each order, defect and message has a random generator of its own, so that a smaller
    plan is the larger one without some of them.
    """

    statements = _DocumentBuilder(seed, home, orders)
    documents = [
        *statements.orders(),
        *statements.defects(defects, settled=settled),
        *statements.feedback(settled=settled),
        *statements.rest(messages, settled=settled),
    ]
    if settled:
        documents = list({document.content: document for document in documents}.values())
    return Plan(home, tuple(_arrivals(documents, Random(f"{seed} documents"), settled=settled)))


def _arrivals(documents: list[Document], chance: Random, *, settled: bool) -> Iterator[Document]:
    arrivals = documents + chance.choices(documents, k=chance.randrange(3))
    chance.shuffle(arrivals)
    choices = chance.choice(([False], [False], [True], [settled, True]))
    return (replace(document, counts_all=chance.choice(choices)) for document in arrivals)


class _DocumentBuilder:
    """Build the documents about the orders of one account. No orders report contains two of the orders."""

    def __init__(self, seed: int, home: str, orders: int) -> None:
        self.seed, self.home, self.stores = seed, home, STORES_OF[home]
        self.ids = [build.order_id(n) for n in range(orders + 2)]
        self.placed = [
            row
            for each in self.ids[:-2]
            for row in order_histories.order(each, self.stores, self._random("order", each))
        ]

    def orders(self) -> Iterator[Document]:
        """Yield overlapping orders files. An order with several items has several rows."""
        for rows in _spread(self.placed, 3, self._random("orders files")):
            yield Document("orders", tuple(rows), self.home)

    def defects(self, number: int, *, settled: bool) -> Iterator[Document]:
        """Yield claims files and posted defects. Each row is in one of them."""
        dice = (self._random("defect", n) for n in range(number))
        statements = [
            row for chance in dice for row in order_histories.defect(chance.choice(self.ids), chance)
        ]
        if settled:
            moments = [
                (row.updated_at or BEGINNING) + timedelta(seconds=n)
                for n, row in enumerate(statements, start=1)
            ]
            statements = [
                replace(row, updated_at=moment) for row, moment in zip(statements, moments, strict=True)
            ]
        chance = self._random("defect documents")
        report_types: list[tuple[str, list[DefectRow]]] = [
            ("claims", []),
            ("claims", []),
            ("defects", []),
            ("defects", []),
        ]
        for row in statements:
            chance.choice(report_types)[1].append(row)
        for report_type, rows in report_types:
            if rows:
                yield Document(report_type, tuple(rows), self.home)

    def feedback(self, *, settled: bool) -> Iterator[Document]:
        """Yield overlapping feedback reports of each store, most of them with a period."""
        chance, first_ratings = self._random("feedback reports"), dict[tuple[str, date], int]()
        listed: dict[str, list[DefectRow]] = {store: [] for store in ("US", "GB", "DE")}
        stores = {row.order_id: row.store for row in self.placed}
        # Feedback comes after its order; a row that does not is rejected.
        earliest = {
            order_id: max(row.ordered_on for row in self.placed if row.order_id == order_id)
            for order_id in stores
        }
        for order_id in self.ids:
            for rating, day in order_histories.stars(order_id, self._random("stars", order_id)):
                on = max(day, earliest.get(order_id, day))
                first_rating = first_ratings.setdefault((order_id, on), rating)
                store = chance.choice((*[stores.get(order_id, self.home)] * 4, self.home))
                row = feedback(order_id=order_id, rating=first_rating if settled else rating, on=on)
                listed.get(store, listed[self.home]).append(row)
        for store, statements in listed.items():
            for rows in _spread(statements, 2, chance):
                period = (
                    None if settled else _period(rows, chance, latest=TODAY)
                )  # of two reports the later received is right
                yield Document(
                    "feedback", tuple(rows), store, period=period, has_invalid_row=chance.random() < 0.1
                )

    def rest(self, messages: int, *, settled: bool) -> Iterator[Document]:
        """Yield shipments, returns, messages, removals and unconfirmed defects."""
        shipped = [
            row
            for each in self.ids
            for row in order_histories.shipments(each, self._random("packages", each))
        ]
        returned = [
            row for each in self.ids for row in order_histories.returns(each, self._random("returns", each))
        ]
        dice = [(n, self._random("message", n)) for n in range(messages)]
        messages_stated = [
            row
            for n, chance in dice
            for row in order_histories.message(n, chance.choice(self.ids), self.stores, chance)
        ]
        removed = [
            row for each in self.ids for row in order_histories.removals(each, self._random("removals", each))
        ]
        unconfirmed = [
            row
            for each in self.ids
            for row in order_histories.unconfirmed(each, self._random("hearsay", each))
        ]
        yield from self._by_column("shipments", shipped, settled=settled)
        yield from self._by_column("returns", returned, settled=settled)
        yield from self._by_column("buyer_messages", messages_stated, settled=settled)
        for rows in _spread(removed, 1, self._random("removals")):
            yield Document("feedback_removals", tuple(rows), self.home, REQUIRED_COLUMNS["feedback_removals"])
        for kind, report_type in LISTS.items():
            rows = [
                row
                for each in self.ids
                for row in order_histories.listed(each, self._random("lists", each))
                if row.kind == kind
            ]
            for chosen in _spread(rows, 2, self._random("lists", kind)):
                yield Document(report_type, tuple(chosen), self.home)
        for chosen in _spread(unconfirmed, 2, self._random("hearsay")):
            yield Document("orders_with_defects", tuple(chosen), self.home)

    def _by_column(
        self, report_type: str, statements: Sequence[Timed], *, settled: bool
    ) -> Iterator[Document]:
        """Yield overlapping files with columns of their own. Many rows have no `updated_at`."""
        chance, number = self._random(report_type), count(1)
        for rows in _spread(statements, 2, chance):
            columns = [
                name
                for name in OPTIONAL_COLUMNS[report_type]
                if chance.random() < 0.85 or (settled and name == "updated_at")
            ]
            header = chance.sample(
                [*REQUIRED_COLUMNS[report_type], *columns],
                k=len(REQUIRED_COLUMNS[report_type]) + len(columns),
            )
            moments = (_updated_at(row, number, chance, settled=settled) for row in rows)
            timed = (replace(row, updated_at=moment) for row, moment in zip(rows, moments, strict=True))
            stated = tuple(
                row for row in (_without_missing_columns(header, row) for row in timed) if _has_content(row)
            )
            if stated:
                yield Document(report_type, stated, self.home, tuple(header))

    def _random(self, *subject: object) -> Random:
        return Random(f"{self.seed} {' '.join(map(str, subject))}")


def _spread(statements: Sequence[Any], files: int, chance: Random) -> Iterator[list[Any]]:
    """Yield rows in overlapping files, in any order, some of them repeated."""
    spread: list[list[Any]] = [[] for _ in range(chance.randint(1, files))]
    for row in statements:
        for rows in chance.sample(spread, k=chance.randint(1, len(spread))):
            rows.extend([row] * chance.choice((1, 1, 1, 2, 3)))
    for rows in filter(None, spread):
        chance.shuffle(rows)
        yield rows


def _updated_at(row: Timed, number: Iterator[int], chance: Random, *, settled: bool) -> datetime | None:
    """Return the row's `updated_at`: never twice the same, or as it comes, or None."""
    if settled and row.updated_at:
        return row.updated_at + next(number) * MICROSECOND
    return chance.choice((None, row.updated_at, row.updated_at))


def _period(rows: list[DefectRow], chance: Random, *, latest: date) -> tuple[date, date] | None:
    """Return the period of a feedback report: usually longer than its rows, sometimes shorter."""
    days = [row.occurred_on for row in rows if row.occurred_on]
    last = min(max(days) + timedelta(days=chance.choice((-1, 0, 0, 7, 30, 100))), latest)
    first = min(days) - timedelta(days=chance.choice((0, 0, 5, 40)))
    return (min(first, last), last) if chance.random() < 0.7 else None


def _without_missing_columns(header: Sequence[str], row: Timed) -> Timed:
    """Return the row without the fields that its document has no column for."""
    missing: dict[str, Any] = {field.name: field.default for field in fields(row) if field.name not in header}
    return replace(row, **missing)


def _has_content(row: Timed) -> bool:
    if not isinstance(row, ShipmentRow):
        return True
    return bool(row.ship_by or row.shipped_at or row.deliver_by or row.cancelled_by)
