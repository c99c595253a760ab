"""Choose which statement applies to each order, defect, package, return and message at a moment."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TypeVar

from tests.recount import judgement
from tests.recount.cells import Cell, is_moment
from tests.recount.statements import (
    ELSEWHERE,
    DefectRow,
    ListedRow,
    MessageRow,
    OrderRow,
    RemovalRow,
    ReturnRow,
    Row,
    ShipmentRow,
    UnconfirmedRow,
    Upload,
    end_of,
)

NEVER = datetime.min.replace(tzinfo=UTC)
STATUS_ORDER = ["Pending", "Unshipped", "PartiallyShipped", "Shipped", "Cancelled"]
LISTED_RATINGS = {1, 2, 3}

R = TypeVar("R", bound=Row)
F = TypeVar("F")
Rank = tuple[datetime, datetime, datetime, int]  # stated at, received until, report received at, line
Statement = tuple[Hashable, Rank, F]  # subject, rank, fact


class Knowledge:
    """Store what the uploads known at a moment state. `excluded_statuses`: the statuses that the agency does not count."""

    def __init__(self, uploads: Iterable[Upload], *, known_at: datetime) -> None:
        known = [upload for upload in uploads if upload.known_at <= known_at]
        self.orders = _orders(known)
        self.packages = [fact for _, fact in newest_statements(_packages(known)).values()]
        self.items = _items(known)
        self.return_items = [fact for _, fact in newest_statements(_return_items(known)).values()]
        self.returns = [fact for _, fact in newest_statements(_returns(known)).values()]
        self.messages = [fact for _, fact in newest_statements(_messages(known)).values()]
        self.defects = _defects(known, self.orders)
        self.unconfirmed = {
            (row.order_id, kind) for _, _, row in _rows(known, UnconfirmedRow) for kind in row.kinds
        }
        self.listed = {(row.order_id, row.kind, row.tracking_number) for _, _, row in _rows(known, ListedRow)}
        newest = max(known, key=lambda upload: upload.known_at, default=None)
        self.excluded_statuses = set() if newest and newest.counts_all else {"Pending", "Cancelled"}

    def has_defect(self, order_id: str, kinds: set[str]) -> bool:
        """Return whether a defect of these kinds counts, by its details if any, else as unconfirmed."""
        return any(self._counts(order_id, kind) for kind in kinds)

    def is_listed(self, package: judgement.Package, kind: str) -> bool:
        """Return whether Amazon lists this package, or its order without naming one of its packages."""
        names = {each.package for each in self.packages if each.order_id == package.order_id}
        return any(
            name == package.package or not name or name not in names
            for order_id, each, name in self.listed
            if (order_id, each) == (package.order_id, kind)
        )

    def is_order_listed(self, order_id: str, kind: str) -> bool:
        """Return whether Amazon lists the order."""
        return any((order_id, kind) == (each, other) for each, other, _ in self.listed)

    def unmatched(self) -> int:
        """Return how many defects have an order that no report contains, or no package of their metric."""
        return self._unmatched_defects() + self._unmatched_listings()

    def _unmatched_listings(self) -> int:
        judged = {
            (each.order_id, kind)
            for each in self.packages
            for kind, is_judged in judgement.judged_kinds(each).items()
            if is_judged
        }
        return sum(
            order_id not in self.orders or (order_id, kind) not in judged
            for order_id, kind in {(order_id, kind) for order_id, kind, _ in self.listed}
        )

    def _unmatched_defects(self) -> int:
        detailed = {(row.order_id, row.kind, row.reference) for rows in self.defects.values() for row in rows}
        mentioned = self.unconfirmed - {(order_id, kind) for order_id, kind, _ in detailed}
        return sum(order_id not in self.orders for order_id, *_ in [*detailed, *mentioned])

    def _counts(self, order_id: str, kind: str) -> bool:
        details = [row for row in self.defects.get(order_id, []) if row.kind == kind]
        return any(row.counts for row in details) if details else (order_id, kind) in self.unconfirmed


@dataclass(frozen=True)
class Coverage:
    """Describe a feedback report that is complete for its period until a moment: missing feedback is removed."""

    store: str
    first: date
    last: date
    until: datetime

    def removes(self, row: DefectRow, *, received_until: datetime, order: OrderRow | None) -> bool:
        return bool(
            order
            and order.store == self.store
            and (row.kind, row.reference, row.state) == ("feedback", "", "posted")
            and row.rating in LISTED_RATINGS
            and row.occurred_on
            and self.first <= row.occurred_on <= self.last
            and received_until < self.until
        )


def newest_statements(statements: Iterable[Statement[F]]) -> dict[Hashable, tuple[Rank, F]]:
    """Return the fact with the highest rank of each subject, and that rank."""
    best: dict[Hashable, tuple[Rank, F]] = {}
    for subject, rank, what in statements:
        if subject not in best or rank > best[subject][0]:
            best[subject] = (rank, what)
    return best


def _rows(known: list[Upload], of_type: type[R]) -> Iterator[tuple[Upload, int, R]]:
    for upload in known:
        for line, row in enumerate(upload.rows):
            if isinstance(row, of_type):
                yield upload, line, row


def _rank(stated_at: datetime | None, upload: Upload, line: int) -> Rank:
    received_until = upload.covered_until or upload.received_at
    return stated_at or upload.received_at, received_until, upload.received_at, line


def _orders(known: list[Upload]) -> dict[str, OrderRow]:
    best: dict[str, OrderRow] = {}
    for _, _, row in _rows(known, OrderRow):
        other = best.get(row.order_id)
        if other is None or _status_rank(row) > _status_rank(other):
            best[row.order_id] = row
    return best


def _status_rank(row: OrderRow) -> tuple[datetime, int]:
    return row.updated_at, STATUS_ORDER.index(row.status)


def _packages(known: list[Upload]) -> Iterator[Statement[judgement.Package]]:
    for upload, line, row in _rows(known, ShipmentRow):
        rank = _rank(row.updated_at, upload, line)
        fact = judgement.package(row, columns=upload.columns, at=rank[0])
        yield (fact.order_id, fact.package), rank, fact


def _returns(known: list[Upload]) -> Iterator[Statement[judgement.Return]]:
    for upload, line, row in _rows(known, ReturnRow):
        rank = _rank(row.updated_at, upload, line)
        yield (row.order_id, row.reference), rank, judgement.returned(row, columns=upload.columns, at=rank[0])


def _items(known: list[Upload]) -> dict[str, set[str]]:
    """Return the SKUs of each order. Rows of other shops name none."""
    items: dict[str, set[str]] = {}
    for _, _, row in _rows(known, OrderRow):
        if row.sku and row.store != ELSEWHERE:
            items.setdefault(row.order_id, set()).add(row.sku)
    return items


def _return_items(known: list[Upload]) -> Iterator[Statement[judgement.ReturnItem]]:
    for upload, line, row in _rows(known, ReturnRow):
        item = judgement.return_item(row)
        if item.sku or item.reason_code:
            yield (row.order_id, row.reference, row.sku), _rank(row.updated_at, upload, line), item


def _messages(known: list[Upload]) -> Iterator[Statement[judgement.Message]]:
    for upload, line, row in _rows(known, MessageRow):
        rank = _rank(row.updated_at, upload, line)
        yield row.message_id, rank, judgement.message(row, at=rank[0])


def _stated_defects(known: list[Upload]) -> Iterator[Statement[DefectRow]]:
    for upload, line, row in _rows(known, DefectRow):
        yield (row.order_id, row.kind, row.reference), _rank(row.updated_at, upload, line), row
    for upload, line, removal in _rows(known, RemovalRow):
        stated_at = _removed_at(removal.removed_on, received_at=upload.received_at)
        removed = DefectRow(removal.order_id, "feedback", "", "removed", None, None, stated_at)
        yield (removal.order_id, "feedback", ""), _rank(stated_at, upload, line), removed


def _removed_at(removed_on: Cell, *, received_at: datetime) -> datetime:
    return removed_on if is_moment(removed_on) else min(end_of(removed_on), received_at)


def _defects(known: list[Upload], orders: dict[str, OrderRow]) -> dict[str, list[DefectRow]]:
    """Return the newest statement about each defect, by order."""
    coverages = [
        Coverage(upload.store, *upload.period, until)
        for upload in known
        if upload.period and (until := upload.covered_until)
    ]
    of_orders: dict[str, list[DefectRow]] = {}
    for (_, received_until, _, _), row in newest_statements(_stated_defects(known)).values():
        order = orders.get(row.order_id)
        is_absent = any(
            coverage.removes(row, received_until=received_until, order=order) for coverage in coverages
        )
        of_orders.setdefault(row.order_id, []).append(replace(row, state="removed") if is_absent else row)
    return of_orders
