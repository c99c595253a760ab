"""Build the events of a seller, and the documents that report them, in the order of their upload. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from random import Random

from config.launcher.demo import account_health, companions, documents
from config.launcher.demo.buyers import Message, Return, messages_of, returns_of
from config.launcher.demo.cast import INVOICED, SEED, Fulfilment, Health, Shop
from config.launcher.demo.companions import by_fulfilment
from config.launcher.demo.orders import DAYS, Order, orders_of
from config.launcher.demo.shipments import Package, packages_of
from config.launcher.demo.troubles import CLAIM, FEEDBACK, OFFSET, WINDOW, Trouble, decided, troubles_of

WHOLE = 60  # days for which the second feedback report is complete
LISTED = 30  # days of late shipments and cancellations that Seller Central lists
CATEGORIES = {
    "feedback": "Negative Feedback",
    "a_to_z_claim": "A-to-z Guarantee claim",
    "chargeback": "Chargeback claim",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Store the events of one seller up to a moment. `removed` is the feedback that Amazon removed later."""

    shop: Shop
    now: datetime
    orders: list[Order]
    troubles: list[Trouble]
    removed: list[Trouble]
    packages: list[Package]
    messages: list[Message]
    returns: list[Return]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Store a file with its form fields.

    A document that corrects others (`waits`) is sent once they are loaded.
    """

    name: str
    content: bytes
    fields: dict[str, str] = field(default_factory=dict)
    waits: bool = False


def story_of(*, shop: Shop, now: datetime, days: int = DAYS + 1) -> Story:
    """Build the events of the last `days` before `now`. The same moment gives the same result."""
    random = _random(shop)
    orders = [
        order
        for order in orders_of(shop=shop, now=now, random=random)
        if order.at > now - timedelta(days=days)
    ]
    troubles = list(troubles_of(shop=shop, orders=orders, now=now, random=random))
    return Story(
        shop=shop,
        now=now,
        orders=orders,
        troubles=troubles,
        removed=list(_removed(shop, orders, troubles, now)),
        packages=list(packages_of(shop=shop, orders=orders, now=now, random=_random(shop, "shipments"))),
        messages=list(messages_of(orders=orders, now=now, random=_random(shop, "messages"))),
        returns=list(returns_of(orders=orders, now=now, random=_random(shop, "returns"))),
    )


def documents_of(story: Story) -> Iterator[Document]:
    """Yield all documents of the seller."""
    shop, now, random = story.shop, story.now, _random(story.shop, "documents")
    for year, orders in _years(story.orders):
        yield _document(
            f"orders-{year}.txt", documents.orders_report(shop=shop, orders=orders, random=random)
        )
    yield _document(
        "feedback.txt", documents.feedback_report(shop=shop, troubles=story.troubles, random=random)
    )
    yield _document("claims.csv", documents.claims_file(troubles=story.troubles, updated_at=now))
    shipments = companions.shipments_file(
        packages=story.packages, with_invoices=shop.home in INVOICED, updated_at=now
    )
    yield _document("shipments.csv", shipments)
    yield _document("messages.csv", companions.messages_file(messages=story.messages, updated_at=now))
    yield from _returns(story, random)
    if shop.lists_defects:
        yield _document("orders-with-defects.csv", companions.defects_list(defects=_listed(story)))
    if shop.health:
        yield _document("account-health.json", _health(story, shop.health))
    yield from _corrections(story, random)


def _random(shop: Shop, chapter: str = "") -> Random:
    return Random(" ".join((SEED, shop.partner, chapter)).strip())  # noqa: S311  nothing secret


def _document(name: str, content: bytes) -> Document:
    return Document(name=name, content=content)


def _years(orders: list[Order]) -> Iterator[tuple[int, list[Order]]]:
    for year, members in groupby(orders, key=lambda order: order.at.year):
        yield year, list(members)


def _returns(story: Story, random: Random) -> Iterator[Document]:
    own = by_fulfilment(story.returns, Fulfilment.MERCHANT)
    amazons = by_fulfilment(story.returns, Fulfilment.AMAZON)
    if story.shop.tells_handling:
        yield _document("returns.csv", companions.returns_file(returns=own, updated_at=story.now))
    else:
        claimed = {trouble.order for trouble in story.troubles if trouble.kind == CLAIM}
        yield _document(
            "returns.txt", companions.mfn_returns_report(returns=own, claimed=claimed, random=random)
        )
    if amazons:
        yield _document("fba-returns.txt", companions.fba_returns_report(returns=amazons, random=random))


def _health(story: Story, health: Health) -> bytes:
    return account_health.report(
        shop=story.shop,
        health=health,
        now=story.now,
        orders=story.orders,
        troubles=[trouble for trouble in story.troubles if trouble not in story.removed],
        packages=story.packages,
    )


def _corrections(story: Story, random: Random) -> Iterator[Document]:
    """Yield the documents that correct earlier ones."""
    if story.shop.recovers:
        decisions = documents.claims_file(
            troubles=decided(troubles=story.troubles), updated_at=story.now + timedelta(seconds=1)
        )
        yield Document(name="claims-decided.csv", content=decisions, waits=True)
    if story.removed:
        first, last = _whole_days(story.now)
        left = [
            trouble
            for trouble in story.troubles
            if trouble.marketplace == story.shop.home and first <= trouble.on and trouble not in story.removed
        ]
        yield Document(
            name="feedback-whole.txt",
            content=documents.feedback_report(shop=story.shop, troubles=left, random=random),
            fields={"period_from": first.isoformat(), "period_to": last.isoformat()},
            waits=True,
        )


def _whole_days(now: datetime) -> tuple[date, date]:
    return now.date() - timedelta(days=WHOLE), now.date()


def _removed(shop: Shop, orders: list[Order], troubles: list[Trouble], now: datetime) -> Iterator[Trouble]:
    """Yield the newest negative feedback on an order that counts today."""
    counting = {
        order.number
        for order in orders
        if order.fulfilment == Fulfilment.MERCHANT
        and 0 <= (now.date() - order.at.date()).days - OFFSET < WINDOW
    }
    bad = [
        trouble
        for trouble in troubles
        if trouble.is_counting
        and trouble.kind == FEEDBACK
        and trouble.marketplace == shop.home
        and trouble.order in counting
        and trouble.on >= _whole_days(now)[0]
    ]
    if shop.feedback_is_removed and bad:
        yield max(bad, key=lambda trouble: (trouble.on, trouble.order))


def _listed(story: Story) -> dict[str, tuple[datetime, set[str]]]:
    """Return the orders that Seller Central lists: the known defects, and one claim from no other document."""
    orders = {order.number: order for order in story.orders if order.fulfilment == Fulfilment.MERCHANT}
    listed: dict[str, tuple[datetime, set[str]]] = {}
    for number, category in _categories(story):
        if number in orders:
            listed.setdefault(number, (orders[number].at, set()))[1].add(category)
    return dict(sorted(listed.items(), key=lambda entry: entry[1][0]))


def _categories(story: Story) -> Iterator[tuple[str, str]]:
    today = story.now.date()
    recent = today - timedelta(days=LISTED)
    window = {
        order.number: order
        for order in story.orders
        if order.status == "Shipped" and 0 <= (today - order.at.date()).days - OFFSET < WINDOW
    }
    for trouble in story.troubles:
        if trouble.order in window and trouble.is_counting:
            yield trouble.order, CATEGORIES[trouble.kind]
    for package in story.packages:
        if package.is_late and package.ship_by >= recent:
            yield package.order, "Late Shipment"
        if package.cancelled_by in {"seller", "unconfirmed"} and package.ship_by >= recent:
            yield package.order, "Pre-fulfillment Cancellation"
    troubled = {trouble.order for trouble in story.troubles}
    yield next(
        (number, "A-to-z Guarantee claim")
        for number, order in reversed(window.items())
        if order.fulfilment == Fulfilment.MERCHANT and number not in troubled
    )
