"""Give the defects and returns of a seller a cause: the product that they are about, and a reason. Pure.

Which orders are defective, late or returned is decided before, and does not change here.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from random import Random

from config.launcher.demo.buyers import Return
from config.launcher.demo.defects import CLAIM, FEEDBACK, OFFSET, WINDOW, Defect
from config.launcher.demo.orders import Order
from config.launcher.demo.products import Product
from config.launcher.demo.sample_accounts import SampleAccount

FAULTY_DEFECTS, FAULTY_RETURNS = 0.8, 0.6
"""The share of the orders with negative feedback or a claim, and with a return, that contain the faulty product."""
RETURN_REASONS = {
    "UNWANTED_ITEM": 30,
    "FOUND_BETTER_PRICE": 16,
    "ORDERED_WRONG_ITEM": 12,
    "NO_REASON_GIVEN": 12,
    "NOT_AS_DESCRIBED": 10,
    "NOT_COMPATIBLE": 8,
    "MISSED_ESTIMATED_DELIVERY": 6,
    "DEFECTIVE": 6,
}
FAULTY_RETURN_REASONS = {"DEFECTIVE": 85, "QUALITY_UNACCEPTABLE": 10, "NOT_AS_DESCRIBED": 5}
# Not every claim has a known reason.
CLAIM_REASONS = {"NEVER_ARRIVED": 45, "NOT_AS_DESCRIBED": 25, "": 30}
FAULTY_CLAIM_REASONS = {"NOT_AS_DESCRIBED": 90, "": 10}


def place_faulty_product(
    *,
    account: SampleAccount,
    orders: Iterable[Order],
    defects: Iterable[Defect],
    returns: Iterable[Return],
    now: datetime,
    random: Random,
) -> list[Order]:
    """Return the orders, with the faulty product in most of those with a defect or return.

    Only orders since the first day of the current window change: the window before shows that the product was good.
    Numbers of items and units stay the same.
    """
    faulty = next((product for product in account.products if product.is_faulty), None)
    if faulty is None:
        return list(orders)
    shares = {request.order.number: FAULTY_RETURNS for request in returns} | {
        defect.order: FAULTY_DEFECTS
        for defect in defects
        if defect.is_counting and defect.kind in {FEEDBACK, CLAIM}
    }
    return [
        _put_first(order, faulty)
        if order.number in shares and _is_recent(order, now) and random.random() < shares[order.number]
        else order
        for order in orders
    ]


def state_claim_reasons(
    *, defects: Iterable[Defect], orders: Iterable[Order], now: datetime, random: Random
) -> list[Defect]:
    """Return the defects, with a reason for most claims."""
    faulty = {order.number for order in orders if _has_fault(order, now)}
    return [
        replace(
            defect, reason=_choose(FAULTY_CLAIM_REASONS if defect.order in faulty else CLAIM_REASONS, random)
        )
        if defect.kind == CLAIM
        else defect
        for defect in defects
    ]


def state_return_reasons(
    *, returns: Iterable[Return], orders: Iterable[Order], now: datetime, random: Random
) -> list[Return]:
    """Return the returns, with the final items of their orders and a reason."""
    final = {order.number: order for order in orders}
    requests = [replace(request, order=final[request.order.number]) for request in returns]
    return [
        replace(
            request,
            reason=_choose(
                FAULTY_RETURN_REASONS if _has_fault(request.order, now) else RETURN_REASONS, random
            ),
        )
        for request in requests
    ]


def _put_first(order: Order, faulty: Product) -> Order:
    """Return the order with the faulty product as its first item, which is the returned one."""
    if any(product == faulty for product, _ in order.items):
        return replace(order, items=tuple(sorted(order.items, key=lambda item: item[0] != faulty)))
    (_, quantity), *others = order.items
    return replace(order, items=((faulty, quantity), *others))


def _has_fault(order: Order, now: datetime) -> bool:
    return order.items[0][0].is_faulty and _is_recent(order, now)


def _is_recent(order: Order, now: datetime) -> bool:
    return (now.date() - order.at.date()).days < OFFSET + WINDOW


def _choose(reasons: dict[str, int], random: Random) -> str:
    return random.choices(list(reasons), list(reasons.values()))[0]
