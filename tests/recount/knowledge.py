"""Which statement is right: of each order, defect, package, return and message the uploads known at a moment
say one thing.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TypeVar

from tests.recount import judging
from tests.recount.cells import Cell, is_moment
from tests.recount.statements import (
    DefectRow,
    HearsayRow,
    MessageRow,
    OrderRow,
    RemovalRow,
    ReturnRow,
    Row,
    ShipmentRow,
    Upload,
    end_of,
)

NEVER = datetime.min.replace(tzinfo=UTC)
FURTHER_AND_FURTHER = ["Pending", "Unshipped", "PartiallyShipped", "Shipped", "Cancelled"]
STARS_THAT_A_FEEDBACK_REPORT_LISTS = {1, 2, 3}

R = TypeVar("R", bound=Row)
F = TypeVar("F")
Rank = tuple[
    datetime, datetime, datetime, int
]  # since when it holds, the moment it was told, its report, its line
Said = tuple[Hashable, Rank, F]  # of what, with which right, what


class Knowledge:
    """What the uploads known at a moment say. `left_out`: the statuses that the agency does not count."""

    def __init__(self, uploads: Iterable[Upload], *, known_at: datetime) -> None:
        known = [upload for upload in uploads if upload.known_at <= known_at]
        self.orders = _orders(known)
        self.packages = [fact for _, fact in right(_packages(known)).values()]
        self.returns = [fact for _, fact in right(_returns(known)).values()]
        self.messages = [fact for _, fact in right(_messages(known)).values()]
        self.defects = _defects(known, self.orders)
        self.hearsay = {(row.order_id, kind) for _, _, row in _rows(known, HearsayRow) for kind in row.kinds}
        newest = max(known, key=lambda upload: upload.known_at, default=None)
        self.left_out = set() if newest and newest.counts_all else {"Pending", "Cancelled"}

    def has_defect(self, order_id: str, kinds: set[str]) -> bool:
        """Whether a defect of these kinds counts: by its details where there are any, else by hearsay."""
        return any(self._counts(order_id, kind) for kind in kinds)

    def unmatched(self) -> int:
        """How many defects speak of an order that no report has told of."""
        detailed = {(row.order_id, row.kind, row.reference) for rows in self.defects.values() for row in rows}
        mentioned = self.hearsay - {(order_id, kind) for order_id, kind, _ in detailed}
        return sum(order_id not in self.orders for order_id, *_ in [*detailed, *mentioned])

    def _counts(self, order_id: str, kind: str) -> bool:
        details = [row for row in self.defects.get(order_id, []) if row.kind == kind]
        return any(row.counts for row in details) if details else (order_id, kind) in self.hearsay


@dataclass(frozen=True)
class Coverage:
    """A feedback report that tells of every feedback of its period, up to a moment: whoever is absent is
    removed.
    """

    store: str
    first: date
    last: date
    until: datetime

    def removes(self, row: DefectRow, *, told_at: datetime, order: OrderRow | None) -> bool:
        return bool(
            order
            and order.store == self.store
            and (row.kind, row.reference, row.state) == ("feedback", "", "posted")
            and row.rating in STARS_THAT_A_FEEDBACK_REPORT_LISTS
            and row.occurred_on
            and self.first <= row.occurred_on <= self.last
            and told_at < self.until
        )


def right(statements: Iterable[Said[F]]) -> dict[Hashable, tuple[Rank, F]]:
    """Of each thing what was said with the highest rank, and that rank."""
    best: dict[Hashable, tuple[Rank, F]] = {}
    for of_what, rank, what in statements:
        if of_what not in best or rank > best[of_what][0]:
            best[of_what] = (rank, what)
    return best


def _rows(known: list[Upload], of_type: type[R]) -> Iterator[tuple[Upload, int, R]]:
    for upload in known:
        for line, row in enumerate(upload.rows):
            if isinstance(row, of_type):
                yield upload, line, row


def _rank(stated_at: datetime | None, upload: Upload, line: int) -> Rank:
    told_at = upload.covered_until or upload.received_at
    return stated_at or upload.received_at, told_at, upload.received_at, line


def _orders(known: list[Upload]) -> dict[str, OrderRow]:
    best: dict[str, OrderRow] = {}
    for _, _, row in _rows(known, OrderRow):
        other = best.get(row.order_id)
        if other is None or _reach(row) > _reach(other):
            best[row.order_id] = row
    return best


def _reach(row: OrderRow) -> tuple[datetime, int]:
    return row.updated_at, FURTHER_AND_FURTHER.index(row.status)


def _packages(known: list[Upload]) -> Iterator[Said[judging.Package]]:
    for upload, line, row in _rows(known, ShipmentRow):
        rank = _rank(row.updated_at, upload, line)
        fact = judging.package(row, columns=upload.columns, at=rank[0])
        yield (fact.order_id, fact.package), rank, fact


def _returns(known: list[Upload]) -> Iterator[Said[judging.Return]]:
    for upload, line, row in _rows(known, ReturnRow):
        rank = _rank(row.updated_at, upload, line)
        yield (row.order_id, row.reference), rank, judging.returned(row, columns=upload.columns, at=rank[0])


def _messages(known: list[Upload]) -> Iterator[Said[judging.Message]]:
    for upload, line, row in _rows(known, MessageRow):
        rank = _rank(row.updated_at, upload, line)
        yield row.message_id, rank, judging.message(row, at=rank[0])


def _told_defects(known: list[Upload]) -> Iterator[Said[DefectRow]]:
    for upload, line, row in _rows(known, DefectRow):
        yield (row.order_id, row.kind, row.reference), _rank(row.updated_at, upload, line), row
    for upload, line, removal in _rows(known, RemovalRow):
        stated_at = _removed_at(removal.removed_on, received_at=upload.received_at)
        removed = DefectRow(removal.order_id, "feedback", "", "removed", None, None, stated_at)
        yield (removal.order_id, "feedback", ""), _rank(stated_at, upload, line), removed


def _removed_at(removed_on: Cell, *, received_at: datetime) -> datetime:
    return removed_on if is_moment(removed_on) else min(end_of(removed_on), received_at)


def _defects(known: list[Upload], orders: dict[str, OrderRow]) -> dict[str, list[DefectRow]]:
    """The right statement about each defect, by order."""
    coverages = [
        Coverage(upload.store, *upload.period, until)
        for upload in known
        if upload.period and (until := upload.covered_until)
    ]
    of_orders: dict[str, list[DefectRow]] = {}
    for (_, told_at, _, _), row in right(_told_defects(known)).values():
        order = orders.get(row.order_id)
        is_absent = any(coverage.removes(row, told_at=told_at, order=order) for coverage in coverages)
        of_orders.setdefault(row.order_id, []).append(replace(row, state="removed") if is_absent else row)
    return of_orders
