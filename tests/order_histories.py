"""Generate histories of orders, and the rows that state them: packages, returns, messages and defects.

Many events are exactly on a limit. A row states what had happened by its `updated_at`.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from random import Random

from tests.clock import TODAY
from tests.recount.cells import Cell, next_business_day
from tests.recount.knowledge import STATUS_ORDER
from tests.recount.statements import (
    ASINS,
    ELSEWHERE,
    DefectRow,
    ListedRow,
    MessageRow,
    OrderRow,
    RemovalRow,
    ReturnRow,
    ShipmentRow,
    UnconfirmedRow,
)

LATEST_EVENT = datetime.combine(TODAY, time.min, UTC)  # nothing happened later
DAYS_OF_ORDERS = 100
FIRST_DAY = TODAY - timedelta(days=DAYS_OF_ORDERS)
BEGINNING = datetime.combine(FIRST_DAY, time.min, UTC)
LATEST_STATEMENT = BEGINNING + timedelta(
    days=DAYS_OF_ORDERS + 2
)  # what a document may speak of: clocks and zones differ
RECENT_DAYS = 25  # days that the short windows look at
CHANNELS = ("mfn", "afn")
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
STATES = {
    "feedback": ("posted", "removed"),
    "a_to_z_claim": (
        *("pending", "granted", "refunded_by_seller", "order_cancelled"),
        *("denied", "withdrawn", "amazon_funded", "appeal_won"),
    ),
    "chargeback": ("service", "fraud", "reversed"),
}
STATES_OF_RETURNS = (
    "",
    "approved",
    "approved",
    "pending",
    "cancelled",
    "canceled",
    "declined",
    "denied",
    "rejected",
)
REASONS = ("DEFECTIVE", "cr-defective", "NEVER_ARRIVED", "arrived late, sorry")
"""Codes of reasons, in the spelling of both channels, and words that are none."""
LISTED_KINDS = ("cancellation", "late_shipment", "feedback", "a_to_z_claim", "chargeback")


def order(order_id: str, stores: tuple[str, ...], chance: Random) -> list[OrderRow]:
    """Generate the rows of an order. Rows of the same time differ in status; some change the marketplace."""

    place = _place(stores, chance)
    updated_at = place[2]
    statements: dict[tuple[datetime, str], OrderRow] = {}
    for _ in range(chance.randint(1, 3)):
        status = chance.choice(STATUS_ORDER)
        place = _place(stores, chance) if chance.random() < 0.1 else place
        updated_at = min(updated_at + chance.choice((0, 1, 30, 400)) * HOUR, LATEST_STATEMENT)
        sku = chance.choice(("", "PAD", *ASINS))
        statements.setdefault(
            (updated_at, status), OrderRow(order_id, *place[:2], status, place[2], updated_at, sku)
        )
    return list(statements.values())


def _place(stores: tuple[str, ...], chance: Random) -> tuple[str, str, datetime]:
    """Return a store, a channel, and a time in a random zone, often the first or last minute of a day."""

    zone = timezone(chance.choice((0, 0, 9, -8)) * HOUR)
    minutes = chance.choice((0, 1439, chance.randrange(1440)))
    moment = BEGINNING + _random_day(chance) * DAY + timedelta(minutes=minutes)
    return chance.choice((*stores, ELSEWHERE)), chance.choice((*CHANNELS, "mfn")), moment.astimezone(zone)


def _random_day(chance: Random) -> int:
    """Return a random day, often a late one because most windows are short, or the first or last of a month."""
    n = chance.choice(
        (chance.randrange(DAYS_OF_ORDERS), chance.randrange(DAYS_OF_ORDERS - RECENT_DAYS, DAYS_OF_ORDERS))
    )
    first = (FIRST_DAY + n * DAY).replace(day=1)
    edge = (first - chance.choice((0, 1)) * DAY - FIRST_DAY).days
    return edge if chance.random() < 0.15 and edge >= 0 else n


def _random_moment(chance: Random) -> datetime:
    minutes = chance.choice((0, 1439, 12 * 60, chance.randrange(1440)))
    return BEGINNING + _random_day(chance) * DAY + timedelta(minutes=minutes)


def defect(order_id: str, chance: Random) -> list[DefectRow]:
    """Generate the rows of a defect, with or without the time of each change."""
    kind, reference = chance.choice(tuple(STATES)), chance.choice(("", "", "C-1", "C-2"))
    return [
        DefectRow(
            order_id,
            kind,
            reference,
            state=chance.choice(STATES[kind]),
            rating=chance.choice((1, 2, 3, 3, 4, 5)) if kind == "feedback" else None,
            occurred_on=FIRST_DAY + chance.randint(0, DAYS_OF_ORDERS) * DAY,
            updated_at=chance.choice(
                (None, BEGINNING + chance.choice((*range(0, 91, 3), DAYS_OF_ORDERS + 1)) * DAY)
            ),
            funded_by=chance.choice(("", "seller", "amazon")),
            reason_code=chance.choice(("", "", *REASONS[:3])),
        )
        for _ in range(chance.randint(1, 3))
    ]


def stars(order_id: str, chance: Random) -> list[tuple[int, date]]:
    """Generate the feedback of an order as (stars, day): none, one, or a changed one."""
    first = _random_day(chance)
    days = [
        min(first + chance.choice((0, 3, 20)), DAYS_OF_ORDERS) for _ in range(chance.choice((0, 1, 1, 2)))
    ]
    return [(chance.choice((1, 1, 2, 2, 3, 4)), FIRST_DAY + day * DAY) for day in days]


def removals(order_id: str, chance: Random) -> list[RemovalRow]:
    """Generate a feedback removal for one in ten orders."""
    return [RemovalRow(order_id, _cell(_random_moment(chance), chance))] if chance.random() < 0.1 else []


def unconfirmed(order_id: str, chance: Random) -> list[UnconfirmedRow]:
    """Generate an unconfirmed defect for some orders."""
    kinds = frozenset(kind for kind in LISTED_KINDS if chance.random() < 0.4)
    ordered_on = FIRST_DAY + _random_day(chance) * DAY
    return (
        [UnconfirmedRow(order_id, ordered_on, chance.choice(CHANNELS), kinds)]
        if kinds and chance.random() < 0.15
        else []
    )


def listed(order_id: str, chance: Random) -> list[ListedRow]:
    """Generate rows of Amazon's lists for some orders, which name a package of the order or another one."""
    names = ("", "", "P0", "P1", "T0", "T9")
    return [
        ListedRow(order_id, kind, FIRST_DAY + _random_day(chance) * DAY, chance.choice(names))
        for kind in ("late_delivery", "invalid_tracking", "invoice_defect")
        if chance.random() < 0.06
    ]


def shipments(order_id: str, chance: Random) -> list[ShipmentRow]:
    """Generate the rows of one to three packages, of a cancellation, or of both."""
    statements: list[ShipmentRow] = []
    if chance.random() < 0.8:
        begun = _random_moment(chance)
        for n in range(chance.choice((1, 1, 2, 3))):
            name = chance.choice(("", f"P{n}"))
            package = _package(order_id, name, begun, chance)
            statements += [_state_at(package, moment) for moment in _moments(package, chance)]
    if chance.random() < 0.25:
        statements += _cancellations(order_id, statements[-1] if statements else None, chance)
    return statements


def _package(order_id: str, name: str, begun: datetime, chance: Random) -> ShipmentRow:
    """Generate all events of a package, before, on or after their limits. Events that never happen are None."""
    ship_by = begun + chance.choice((0, 1, 2, 3)) * DAY
    shipped_at = ship_by + chance.choice((-DAY, -DAY, -HOUR, 0 * DAY, 0 * DAY, SECOND, 5 * HOUR, DAY))
    deliver_by = shipped_at + chance.choice((2, 3, 5)) * DAY
    delivered_at = deliver_by + chance.choice((-DAY, -HOUR, 0 * DAY, 0 * DAY, SECOND, 3 * HOUR, 2 * DAY))
    last = datetime.combine(next_business_day(shipped_at.date()), time.max, UTC).replace(microsecond=0)
    invoiced_at = last + chance.choice((-DAY, 0 * DAY, 0 * DAY, SECOND, 2 * DAY))
    return ShipmentRow(
        order_id,
        package=name,
        tracking_number=chance.choice(("", f"T{name}")),
        units=chance.choice((None, 1, 2, 5)),
        ship_by=chance.choice((None, *[_cell(ship_by, chance)] * 4)),
        shipped_at=_cell(shipped_at, chance),
        first_scan_at=chance.choice((None, *[_cell(shipped_at + chance.choice((0, 30)) * HOUR, chance)] * 4)),
        deliver_by=chance.choice((None, *[_cell(deliver_by, chance)] * 5)),
        delivered_at=chance.choice((None, *[_cell(delivered_at, chance)] * 3)),
        business_order=chance.choice((None, False, True, True, True)),
        invoiced_at=chance.choice((None, *[_cell(max(invoiced_at, shipped_at), chance)] * 3)),
        carrier=chance.choice(("", "DHL", "dhl", "UPS", " Royal  Mail ")),
    )


def _moments(package: ShipmentRow, chance: Random) -> Iterator[datetime]:
    """Yield the times of rows about a package: at an event, just after it, or days later."""
    turns = [
        _moment(cell)
        for cell in (package.ship_by, package.shipped_at, package.deliver_by, package.invoiced_at)
        if cell
    ]
    for _ in range(chance.choice((1, 1, 2, 3))):
        after = chance.choice((0 * DAY, SECOND, DAY - SECOND, DAY, 4 * DAY, 9 * DAY, 20 * DAY))
        yield min(chance.choice(turns) + after, LATEST_EVENT)


def _state_at(package: ShipmentRow, moment: datetime) -> ShipmentRow:
    """Return the package as known at `moment`. Promised days are known from the beginning."""

    def value_at(cell: Cell | None) -> Cell | None:
        return cell if cell and _moment(cell) <= moment else None

    return ShipmentRow(
        package.order_id,
        *(package.package, package.tracking_number, package.units, package.ship_by),
        shipped_at=value_at(package.shipped_at),
        first_scan_at=value_at(package.first_scan_at),
        deliver_by=package.deliver_by,
        delivered_at=value_at(package.delivered_at),
        business_order=package.business_order,
        invoiced_at=value_at(package.invoiced_at),
        updated_at=moment,
        carrier=package.carrier,
    )


def _cancellations(order_id: str, package: ShipmentRow | None, chance: Random) -> Iterator[ShipmentRow]:
    """Generate cancellations of an order or a package, before or after shipping, some corrected later."""

    row = package if package and chance.random() < 0.5 else ShipmentRow(order_id)
    moment = row.updated_at or _random_moment(chance)
    for n in range(chance.choice((1, 1, 2))):
        canceller = chance.choice(("buyer", "seller", "seller", "unconfirmed", "amazon"))
        yield ShipmentRow(
            order_id,
            package=row.package,
            tracking_number=row.tracking_number,
            shipped_at=chance.choice((None, row.shipped_at)),
            cancelled_by=canceller,
            updated_at=min(moment + chance.choice((n * DAY, n * SECOND, 0 * DAY)), LATEST_EVENT),
        )


def returns(order_id: str, chance: Random) -> list[ReturnRow]:
    """Generate the rows of up to two return requests."""
    return [row for n in range(chance.choice((0, 0, 0, 1, 1, 2))) for row in _return(order_id, n, chance)]


def _return(order_id: str, n: int, chance: Random) -> Iterator[ReturnRow]:
    asked_at = _random_moment(chance)
    answered_at = asked_at + chance.choice(
        (HOUR, 48 * HOUR, 48 * HOUR, 48 * HOUR + SECOND, 60 * HOUR, 90 * HOUR)
    )
    requested, answered = (
        _cell(asked_at, chance),
        chance.choice((None, *[_cell(min(answered_at, LATEST_EVENT), chance)] * 3)),
    )
    for _ in range(chance.choice((1, 1, 2))):
        since = chance.choice(
            (0 * HOUR, HOUR, 48 * HOUR, 48 * HOUR + SECOND, 71 * HOUR, 72 * HOUR, 200 * HOUR)
        )
        moment = min(asked_at + since, LATEST_EVENT)
        yield ReturnRow(
            order_id,
            requested,
            reference=chance.choice(("", f"R-{n}")),
            state=chance.choice(STATES_OF_RETURNS),
            answered_at=answered if answered and _moment(answered) <= moment else None,
            negative_feedback=chance.choice((None, None, False, False, True)),
            wrongly_rejected=chance.choice((None, False, False, False, True)),
            updated_at=moment,
            sku=chance.choice(("", "", *ASINS)),
            reason_code=chance.choice(("", *REASONS)),
        )


def message(number: int, order_id: str, stores: tuple[str, ...], chance: Random) -> list[MessageRow]:
    """Generate the rows of a message. Some messages are not about an order."""
    received_at, marketplace = _in_random_zone(_random_moment(chance), chance), chance.choice(stores)
    answered_at = min(
        received_at + chance.choice((HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR + SECOND, 30 * HOUR)), LATEST_EVENT
    )
    is_answered, needs_no_answer = chance.random() < 0.8, chance.choice((None, False, False, False, True))
    about = chance.choice((order_id, order_id, ""))
    statements = []
    for _ in range(chance.choice((1, 1, 2))):
        since = chance.choice((0 * HOUR, HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR + SECOND, 200 * HOUR))
        moment = min(received_at + since, LATEST_EVENT)
        answered = answered_at if is_answered and answered_at <= moment else None
        marketplace = chance.choice(stores) if chance.random() < 0.05 else marketplace
        statements.append(
            MessageRow(f"M-{number}", received_at, marketplace, answered, needs_no_answer, about, moment)
        )
    return statements


def _cell(moment: datetime, chance: Random) -> Cell:
    """Return the time in a random zone, or the day only."""
    return chance.choice(
        (moment.astimezone(UTC).date(), _in_random_zone(moment, chance), _in_random_zone(moment, chance))
    )


def _in_random_zone(moment: datetime, chance: Random) -> datetime:
    return moment.astimezone(timezone(chance.choice((0, 0, 9, -8)) * HOUR))


def _moment(cell: Cell) -> datetime:
    return cell if isinstance(cell, datetime) else _midnight(cell)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
