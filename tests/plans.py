"""Invent accounts, and the documents about them in any order of arrival."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests import build, lives
from tests.clock import TODAY
from tests.documents import Document
from tests.lives import BEGINNING
from tests.recount.statements import DefectRow, MessageRow, ReturnRow, ShipmentRow, feedback

HOMES = ("GB", "US")
STORES_OF = {"GB": ("GB", "GB", "DE", "US"), "US": ("US", "US", "US", "DE", "GB")}
NEEDED = {
    "shipments": ("order_id", "shipped_at"),
    "returns": ("order_id", "requested_at"),
    "buyer_messages": ("message_id", "received_at", "answered_at", "marketplace"),
    "feedback_removals": ("order_id", "removed_on"),
}
LEFT_TO_CHOICE = {
    "shipments": (
        *("package", "tracking_number", "units", "ship_by", "first_scan_at", "deliver_by", "delivered_at"),
        *("business_order", "invoiced_at", "cancelled_by", "updated_at"),
    ),
    "returns": ("reference", "state", "answered_at", "negative_feedback", "wrongly_rejected", "updated_at"),
    "buyer_messages": ("no_response_needed", "order_id", "updated_at"),
    "feedback_removals": (),
}
A_MOMENT = timedelta(microseconds=1)

Timed = ShipmentRow | ReturnRow | MessageRow


@dataclass(frozen=True)
class Plan:
    """Hold the home marketplace of an account, and its documents in order of arrival."""

    home: str
    documents: tuple[Document, ...]


@st.composite
def plans(draw: st.DrawFn, *, settled: bool = False) -> Plan:
    """Draw plans of small and large accounts; see `invent`."""
    seed, home = draw(st.integers(0, 2**32)), draw(st.sampled_from(HOMES))
    sizes = (draw(st.integers(5, 60)), draw(st.integers(0, 40)), draw(st.integers(0, 25)))
    return invent(seed, home, *sizes, settled=settled)


def invent(seed: int, home: str, orders: int, defects: int, messages: int, *, settled: bool) -> Plan:
    """Documents about some orders, some of them sent twice. `settled`: their order decides nothing, as every
    row says since when it holds, no two since the same moment, and the agency does not change its choice.

    Each order, defect and message has dice of its own, so that a smaller failing plan is the greater one
    without some of them.
    """

    statements = _Told(seed, home, orders)
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


class _Told:
    """Build the documents about the orders of one account. No orders report contains two of the orders."""

    def __init__(self, seed: int, home: str, orders: int) -> None:
        self.seed, self.home, self.stores = seed, home, STORES_OF[home]
        self.ids = [build.order_id(n) for n in range(orders + 2)]
        self.placed = [
            row for each in self.ids[:-2] for row in lives.order(each, self.stores, self._dice("order", each))
        ]

    def orders(self) -> Iterator[Document]:
        """Yield overlapping orders files. An order with several items has several rows."""
        for rows in _spread(self.placed, 3, self._dice("orders files")):
            yield Document("orders", tuple(rows), self.home)

    def defects(self, number: int, *, settled: bool) -> Iterator[Document]:
        """Yield claims files and posted defects. Each row is in one of them."""
        dice = (self._dice("defect", n) for n in range(number))
        statements = [row for chance in dice for row in lives.defect(chance.choice(self.ids), chance)]
        if settled:
            moments = [
                (row.updated_at or BEGINNING) + timedelta(seconds=n)
                for n, row in enumerate(statements, start=1)
            ]
            statements = [
                replace(row, updated_at=moment) for row, moment in zip(statements, moments, strict=True)
            ]
        chance = self._dice("defect documents")
        doors: list[tuple[str, list[DefectRow]]] = [
            ("claims", []),
            ("claims", []),
            ("defects", []),
            ("defects", []),
        ]
        for row in statements:
            chance.choice(doors)[1].append(row)
        for door, rows in doors:
            if rows:
                yield Document(door, tuple(rows), self.home)

    def feedback(self, *, settled: bool) -> Iterator[Document]:
        """Yield overlapping feedback reports of each store, most of them with a period."""
        chance, stars_then = self._dice("feedback reports"), dict[tuple[str, date], int]()
        listed: dict[str, list[DefectRow]] = {store: [] for store in ("US", "GB", "DE")}
        stores = {row.order_id: row.store for row in self.placed}
        for order_id in self.ids:
            for rating, on in lives.stars(order_id, self._dice("stars", order_id)):
                rating_then = stars_then.setdefault((order_id, on), rating)
                store = chance.choice((*[stores.get(order_id, self.home)] * 4, self.home))
                row = feedback(order_id=order_id, rating=rating_then if settled else rating, on=on)
                listed.get(store, listed[self.home]).append(row)
        for store, statements in listed.items():
            for rows in _spread(statements, 2, chance):
                period = (
                    None if settled else _period(rows, chance, latest=TODAY)
                )  # of two reports the later received is right
                yield Document("feedback", tuple(rows), store, period=period, spoiled=chance.random() < 0.1)

    def rest(self, messages: int, *, settled: bool) -> Iterator[Document]:
        """Yield shipments, returns, messages, removals and unconfirmed defects."""
        shipped = [row for each in self.ids for row in lives.shipments(each, self._dice("packages", each))]
        returned = [row for each in self.ids for row in lives.returns(each, self._dice("returns", each))]
        dice = [(n, self._dice("message", n)) for n in range(messages)]
        written = [
            row
            for n, chance in dice
            for row in lives.message(n, chance.choice(self.ids), self.stores, chance)
        ]
        removed = [row for each in self.ids for row in lives.removals(each, self._dice("removals", each))]
        heard = [row for each in self.ids for row in lives.hearsay(each, self._dice("hearsay", each))]
        yield from self._by_column("shipments", shipped, settled=settled)
        yield from self._by_column("returns", returned, settled=settled)
        yield from self._by_column("buyer_messages", written, settled=settled)
        for rows in _spread(removed, 1, self._dice("removals")):
            yield Document("feedback_removals", tuple(rows), self.home, NEEDED["feedback_removals"])
        for some in _spread(heard, 2, self._dice("hearsay")):
            yield Document("orders_with_defects", tuple(some), self.home)

    def _by_column(self, door: str, statements: Sequence[Timed], *, settled: bool) -> Iterator[Document]:
        """Yield overlapping files with columns of their own. Many rows have no `updated_at`."""
        chance, number = self._dice(door), count(1)
        for rows in _spread(statements, 2, chance):
            columns = [
                name
                for name in LEFT_TO_CHOICE[door]
                if chance.random() < 0.85 or (settled and name == "updated_at")
            ]
            header = chance.sample([*NEEDED[door], *columns], k=len(NEEDED[door]) + len(columns))
            moments = (_since(row, number, chance, settled=settled) for row in rows)
            timed = (replace(row, updated_at=moment) for row, moment in zip(rows, moments, strict=True))
            speaking = tuple(row for row in (_under(header, row) for row in timed) if _says_anything(row))
            if speaking:
                yield Document(door, speaking, self.home, tuple(header))

    def _dice(self, *of_what: object) -> Random:
        return Random(f"{self.seed} {' '.join(map(str, of_what))}")


def _spread(statements: Sequence[Any], files: int, chance: Random) -> Iterator[list[Any]]:
    """Yield rows in overlapping files, in any order, some of them repeated."""
    spread: list[list[Any]] = [[] for _ in range(chance.randint(1, files))]
    for row in statements:
        for rows in chance.sample(spread, k=chance.randint(1, len(spread))):
            rows.extend([row] * chance.choice((1, 1, 1, 2, 3)))
    for rows in filter(None, spread):
        chance.shuffle(rows)
        yield rows


def _since(row: Timed, number: Iterator[int], chance: Random, *, settled: bool) -> datetime | None:
    """Return the row's `updated_at`: never twice the same, or as it comes, or None."""
    if settled and row.updated_at:
        return row.updated_at + next(number) * A_MOMENT
    return chance.choice((None, row.updated_at, row.updated_at))


def _period(rows: list[DefectRow], chance: Random, *, latest: date) -> tuple[date, date] | None:
    """Return the period of a feedback report: usually longer than its rows, sometimes shorter."""
    days = [row.occurred_on for row in rows if row.occurred_on]
    last = min(max(days) + timedelta(days=chance.choice((-1, 0, 0, 7, 30, 100))), latest)
    first = min(days) - timedelta(days=chance.choice((0, 0, 5, 40)))
    return (min(first, last), last) if chance.random() < 0.7 else None


def _under(header: Sequence[str], row: Timed) -> Timed:
    """Return the row without the fields that its document has no column for."""
    missing: dict[str, Any] = {field.name: field.default for field in fields(row) if field.name not in header}
    return replace(row, **missing)


def _says_anything(row: Timed) -> bool:
    if not isinstance(row, ShipmentRow):
        return True
    return bool(row.ship_by or row.shipped_at or row.deliver_by or row.cancelled_by)
