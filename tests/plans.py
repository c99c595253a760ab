"""Invented accounts: what Amazon and an agency tell of some orders and their defects, in documents that come in any order."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests import build, recount
from tests.recount import DefectRow, OrderRow

TODAY = datetime.now(UTC).date()
DAYS_OF_ORDERS = 100
FIRST_DAY = TODAY - timedelta(days=DAYS_OF_ORDERS)
BEGINNING = datetime.combine(FIRST_DAY, time.min, UTC)
THE_LATEST = BEGINNING + timedelta(days=DAYS_OF_ORDERS + 2)  # what a document may speak of: clocks and zones differ

STORES = {"GB": "Amazon.co.uk", "DE": "Amazon.de", recount.ELSEWHERE: "Non-Amazon"}
HOME = "GB"
CHANNELS = ("mfn", "afn")
FULFILMENT = {"mfn": "Merchant", "afn": "Amazon"}
DAY_WRITTEN = {"GB": "%d/%m/%y", "DE": "%d.%m.%y"}
STATES = {
    "feedback": ("posted", "removed"),
    "a_to_z_claim": (
        *("pending", "granted", "refunded_by_seller", "order_cancelled"),
        *("denied", "withdrawn", "amazon_funded", "appeal_won"),
    ),
    "chargeback": ("service", "fraud", "reversed"),
}


@dataclass(frozen=True)
class Document:
    """What is sent through one door at once. Feedback is written as its store writes dates.

    `counts_all`: before, the agency asks for Pending and Cancelled orders to be counted.
    """

    door: str
    rows: tuple[OrderRow | DefectRow, ...]
    store: str = HOME
    counts_all: bool = False

    @property
    def content(self) -> bytes:
        if self.door == "orders":
            return build.orders_file(_order_cells(row) for row in self.rows if isinstance(row, OrderRow))
        defects = [row for row in self.rows if isinstance(row, DefectRow)]
        if self.door == "claims":
            return build.claims_file({name: str(cell) for name, cell in fields(row).items()} for row in defects)
        return build.feedback_file(
            build.feedback_row(order=row.order_id, on=row.occurred_on.strftime(DAY_WRITTEN[self.store]), rating=row.rating or 0)
            for row in defects
        )


def fields(row: DefectRow) -> dict[str, Any]:
    """The fields of a posted defect; what the row does not say is left out."""
    told = {
        "order_id": row.order_id,
        "kind": row.kind,
        "reference": row.reference,
        "state": row.state,
        "rating": row.rating,
        "occurred_on": row.occurred_on.isoformat(),
        "updated_at": row.updated_at.isoformat() if row.updated_at else None,
        "funded_by": row.funded_by,
    }
    return {name: value for name, value in told.items() if value is not None}


def _order_cells(row: OrderRow) -> dict[str, str]:
    return build.order_row(
        amazon_order_id=row.order_id,
        purchase_date=row.ordered_at.isoformat(),
        last_updated_date=row.updated_at.isoformat(),
        order_status=row.status,
        fulfillment_channel=FULFILMENT[row.channel],
        sales_channel=STORES[row.store],
    )


@st.composite
def plans(draw: st.DrawFn, *, settled: bool = False) -> list[Document]:
    """Documents in the order of their arrival, some twice. `settled`: that order decides nothing, as every row says since when
    it holds, no two since the same moment, and the agency does not change its choice.

    Each order and each defect has dice of its own, so that a smaller failing plan is the greater one without some of them.
    """
    seed, orders, defects = draw(st.integers(0, 2**32)), draw(st.integers(5, 60)), draw(st.integers(0, 40))
    told = [row for n in range(orders) for row in _life(build.order_id(n), Random(f"{seed} order {n}"))]
    said = [row for n in range(defects) for row in _trouble(orders, Random(f"{seed} defect {n}"))]
    if settled:
        moments = [(row.updated_at or BEGINNING) + timedelta(seconds=n) for n, row in enumerate(said, start=1)]
        said = [replace(row, updated_at=moment) for row, moment in zip(said, moments, strict=True)]
    chance = Random(f"{seed} documents")
    documents = [*_orders_files(told, chance), *_defect_documents(said, chance, settled=settled)]
    arrivals = documents + chance.choices(documents, k=chance.randrange(3))
    chance.shuffle(arrivals)
    choices = chance.choice(([False], [False], [True], [settled, True]))
    return [replace(document, counts_all=chance.choice(choices)) for document in arrivals]


def _life(order_id: str, chance: Random) -> list[OrderRow]:
    """What is said of an order over time. Statements of one moment differ in status; some move the order elsewhere."""
    place = _place(chance)
    updated_at = place[2]
    told: dict[tuple[datetime, str], OrderRow] = {}
    for _ in range(chance.randint(1, 3)):
        status = chance.choice(recount.FURTHER_AND_FURTHER)
        place = _place(chance) if chance.random() < 0.1 else place
        updated_at = min(updated_at + timedelta(hours=chance.choice((0, 1, 30, 400))), THE_LATEST)
        told.setdefault((updated_at, status), OrderRow(order_id, *place[:2], status, place[2], updated_at))
    return list(told.values())


def _place(chance: Random) -> tuple[str, str, datetime]:
    """Store, channel, and a moment told by some clock of the world, often the first or the last minute of a day."""
    zone = timezone(timedelta(hours=chance.choice((0, 0, 9, -8))))
    minutes = chance.choice((0, 1439, chance.randrange(1440)))
    moment = BEGINNING + timedelta(days=chance.randrange(DAYS_OF_ORDERS), minutes=minutes)
    return chance.choice(("GB", "GB", "DE", recount.ELSEWHERE)), chance.choice(CHANNELS), moment.astimezone(zone)


def _trouble(orders: int, chance: Random) -> list[DefectRow]:
    """What is said of a defect over time, with or without the moment of each change. Some orders are never told of."""
    order_id = build.order_id(chance.randrange(orders + 2))
    kind, reference = chance.choice(tuple(STATES)), chance.choice(("", "", "C-1", "C-2"))
    return [
        DefectRow(
            order_id,
            kind,
            reference,
            state=chance.choice(STATES[kind]),
            rating=chance.choice((1, 2, 3, 3, 4, 5)) if kind == "feedback" else None,
            occurred_on=FIRST_DAY + timedelta(days=chance.randint(0, DAYS_OF_ORDERS)),
            updated_at=chance.choice((None, BEGINNING + timedelta(days=chance.choice((*range(0, 91, 3), DAYS_OF_ORDERS + 1))))),
            funded_by=chance.choice(("", "seller", "amazon")),
        )
        for _ in range(chance.randint(1, 3))
    ]


def _orders_files(told: list[OrderRow], chance: Random) -> Iterator[Document]:
    """Files that overlap; an order of several items has several rows."""
    files: list[list[OrderRow]] = [[] for _ in range(chance.randint(1, 3))]
    for row in told:
        for file in chance.sample(files, k=chance.randint(1, len(files))):
            file.extend([row] * chance.choice((1, 1, 1, 2, 3)))
    for rows in filter(None, files):
        chance.shuffle(rows)
        yield Document("orders", tuple(rows))


def _defect_documents(said: list[DefectRow], chance: Random, *, settled: bool) -> Iterator[Document]:
    doors = [("claims", HOME), ("claims", HOME), ("defects", HOME), ("defects", HOME), ("feedback", "GB"), ("feedback", "DE")]
    rows_of: dict[int, list[DefectRow]] = {n: [] for n in range(len(doors))}
    stars: dict[tuple[str, date], int] = {}
    for row in said:
        n = chance.choice(list(rows_of) if (row.kind, row.reference, row.state) == ("feedback", "", "posted") else [0, 1, 2, 3])
        if doors[n][0] == "feedback":
            stars_then = stars.setdefault((row.order_id, row.occurred_on), row.rating or 0)
            rating = stars_then if settled else row.rating or 0
            rows_of[n].append(recount.feedback(order_id=row.order_id, rating=rating, on=row.occurred_on))
        else:
            rows_of[n].append(row)
    for n, rows in rows_of.items():
        if rows:
            chance.shuffle(rows)
            yield Document(doors[n][0], tuple(rows), doors[n][1])
