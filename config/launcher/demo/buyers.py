"""Build the messages and return requests of a seller's buyers, and the seller's answers. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from config.launcher.demo.faults import RECENT, Candidate, Fault, choose_faulty
from config.launcher.demo.orders import Order
from config.launcher.demo.sample_accounts import Fulfilment

ANSWERED_LATE = Fault(share=0.03, window=30, allowed=0.075)
DISSATISFIED = Fault(share=0.025, window=30, allowed=0.075)
# With fewer orders in a hundred days, a larger share of the buyers writes.
SMALL = 150


@dataclass(frozen=True, slots=True)
class Message:
    number: str
    marketplace: str
    order: str
    received_at: datetime
    answered_at: datetime | None
    needs_answer: bool


@dataclass(frozen=True, slots=True)
class Return:
    """Store a return request. `complaint` is negative_feedback, late_answer, wrong_rejection, or empty. `reason` is a code."""

    order: Order
    reference: str
    requested_at: datetime
    answered_at: datetime | None
    state: str = "Approved"
    complaint: str = ""
    reason: str = ""


def build_messages(*, orders: Iterable[Order], now: datetime, random: Random) -> Iterator[Message]:
    """Yield the messages that the seller received in the last hundred days. One in eight needs no answer."""
    own = [order for order in orders if _is_own(order) and order.at > now - RECENT]
    share = 0.35 if len(own) < SMALL else 0.1
    messages = [_message(order, random) for order in own if random.random() < share]
    received = [message for message in messages if message.received_at <= now]
    candidates = [
        Candidate(message.marketplace, message.received_at, message.number)
        for message in received
        if message.needs_answer and message.received_at < now - timedelta(days=3)
    ]
    late = choose_faulty(candidates, fault=ANSWERED_LATE, now=now, random=random)
    for message in sorted(received, key=lambda message: message.received_at):
        yield _answered(message, is_late=message.number in late, now=now, random=random)


def build_returns(*, orders: Iterable[Order], now: datetime, random: Random) -> Iterator[Return]:
    """Yield the returns of the last hundred days' orders.

    One in 25 orders that the seller ships is returned, and one in 16 that Amazon ships.
    """

    recent = [
        order
        for order in orders
        if order.status == "Shipped" and order.marketplace and order.at > now - RECENT
    ]
    requests = [
        _return(order, random) for order in recent if random.random() < (0.04 if _is_own(order) else 0.06)
    ]
    requested = [request for request in requests if request.requested_at <= now]
    candidates = [
        Candidate(request.order.marketplace, request.requested_at, request.reference)
        for request in requested
        if _is_own(request.order) and request.requested_at < now - timedelta(days=4)
    ]
    recent_fault = choose_faulty(candidates, fault=DISSATISFIED, now=now, random=random)
    for request in sorted(requested, key=lambda request: request.requested_at):
        yield _handled(request, is_bad=request.reference in recent_fault, now=now, random=random)


def _is_own(order: Order) -> bool:
    return order.fulfilment == Fulfilment.MERCHANT and order.status == "Shipped"


def _message(order: Order, random: Random) -> Message:
    received = order.at + timedelta(hours=random.uniform(20, 220))
    order_number = order.number if random.random() < 0.9 else ""
    return Message(
        f"M-{random.randrange(10**10):010d}",
        order.marketplace,
        order_number,
        received,
        None,
        random.random() > 0.12,
    )


def _answered(message: Message, *, is_late: bool, now: datetime, random: Random) -> Message:
    hours = random.uniform(26, 60) if is_late else random.uniform(0.2, 21)
    answered = message.received_at + timedelta(hours=hours)
    is_answered = message.needs_answer and answered <= now
    return replace(message, answered_at=answered if is_answered else None)


def _return(order: Order, random: Random) -> Return:
    requested = order.at + timedelta(days=random.uniform(6, 26))
    characters = "".join(random.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=8))
    reference = f"D{characters}RRMA" if _is_own(order) else f"LPNNC{characters.upper()}"
    return Return(order, reference, requested, None)


def _handled(request: Return, *, is_bad: bool, now: datetime, random: Random) -> Return:
    complaint = (
        random.choice(("negative_feedback", "late_answer", "late_answer", "wrong_rejection"))
        if is_bad
        else ""
    )
    hours = random.uniform(55, 90) if complaint == "late_answer" else random.uniform(1, 40)
    answered = request.requested_at + timedelta(hours=hours)
    state = "Approved" if random.random() > 0.06 else "Cancelled"
    return replace(
        request,
        answered_at=answered if answered <= now else None,
        state="Rejected" if complaint == "wrong_rejection" else state,
        complaint=complaint,
    )
