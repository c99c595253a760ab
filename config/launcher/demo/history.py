"""Build the events of a seller, and the documents that report them, in the order of their upload. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from random import Random

from config.launcher.demo import account_health, causes, fulfilment_documents, order_documents
from config.launcher.demo.buyers import Message, Return, build_messages, build_returns
from config.launcher.demo.defects import CLAIM, FEEDBACK, OFFSET, WINDOW, Defect, build_defects, decide_claims
from config.launcher.demo.fulfilment_documents import select_returns
from config.launcher.demo.orders import DAYS, Order, build_orders
from config.launcher.demo.sample_accounts import INVOICED, SEED, Fulfilment, Health, SampleAccount
from config.launcher.demo.shipments import Package, build_packages

# The days for which the second feedback report is complete.
COMPLETE_DAYS = 60
# The days of late shipments and cancellations that Seller Central lists.
LISTED_DAYS = 30
CATEGORIES = {
    "feedback": "Negative Feedback",
    "a_to_z_claim": "A-to-z Guarantee claim",
    "chargeback": "Chargeback claim",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHistory:
    """Store the events of one seller up to a moment. `removed` is the feedback that Amazon removed later."""

    account: SampleAccount
    now: datetime
    orders: list[Order]
    defects: list[Defect]
    removed: list[Defect]
    packages: list[Package]
    messages: list[Message]
    returns: list[Return]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Store a file with its form fields.

    A document that corrects others (`is_correction`) is sent once they are loaded.
    """

    name: str
    content: bytes
    fields: dict[str, str] = field(default_factory=dict)
    is_correction: bool = False


def build_history(*, account: SampleAccount, now: datetime, days: int = DAYS + 1) -> AccountHistory:
    """Build the events of the last `days` before `now`. The same moment gives the same result."""
    random = _random(account)
    orders = [
        order
        for order in build_orders(account=account, now=now, random=random)
        if order.at > now - timedelta(days=days)
    ]
    defects = list(build_defects(account=account, orders=orders, now=now, random=random))
    returns = list(build_returns(orders=orders, now=now, random=_random(account, "returns")))
    # Last, because the product and the reasons follow from the defects and returns.
    orders = causes.place_faulty_product(
        account=account,
        orders=orders,
        defects=defects,
        returns=returns,
        now=now,
        random=_random(account, "products"),
    )
    defects = causes.state_claim_reasons(
        defects=defects, orders=orders, now=now, random=_random(account, "claim reasons")
    )
    returns = causes.state_return_reasons(
        returns=returns, orders=orders, now=now, random=_random(account, "return reasons")
    )
    return AccountHistory(
        account=account,
        now=now,
        orders=orders,
        defects=defects,
        removed=list(_removed(account, orders, defects, now)),
        packages=list(
            build_packages(account=account, orders=orders, now=now, random=_random(account, "shipments"))
        ),
        messages=list(build_messages(orders=orders, now=now, random=_random(account, "messages"))),
        returns=returns,
    )


def build_documents(history: AccountHistory) -> Iterator[Document]:
    """Yield all documents of the seller."""
    account, now, random = history.account, history.now, _random(history.account, "documents")
    for year, orders in _years(history.orders):
        yield _document(f"orders-{year}.txt", order_documents.orders_report(account=account, orders=orders))
    yield _document(
        "feedback.txt",
        order_documents.feedback_report(account=account, defects=history.defects, random=random),
    )
    yield _document("claims.csv", order_documents.claims_file(defects=history.defects, updated_at=now))
    shipments = fulfilment_documents.shipments_file(
        packages=history.packages, with_invoices=account.home in INVOICED, updated_at=now
    )
    yield _document("shipments.csv", shipments)
    yield _document(
        "messages.csv", fulfilment_documents.messages_file(messages=history.messages, updated_at=now)
    )
    yield from _returns(history, random)
    if account.uploads_defects_list:
        yield _document(
            "orders-with-defects.csv", fulfilment_documents.defects_list(defects=_listed(history))
        )
    if account.health:
        yield _document("account-health.json", _health(history, account.health))
    yield from _corrections(history, random)


# A generator for each purpose: a change of the messages, say, leaves the shipments as they were.
def _random(account: SampleAccount, purpose: str = "") -> Random:
    return Random(" ".join((SEED, account.partner, purpose)).strip())  # noqa: S311  nothing secret


def _document(name: str, content: bytes) -> Document:
    return Document(name=name, content=content)


def _years(orders: list[Order]) -> Iterator[tuple[int, list[Order]]]:
    for year, members in groupby(orders, key=lambda order: order.at.year):
        yield year, list(members)


def _returns(history: AccountHistory, random: Random) -> Iterator[Document]:
    own = select_returns(history.returns, Fulfilment.MERCHANT)
    amazons = select_returns(history.returns, Fulfilment.AMAZON)
    if history.account.uploads_returns_file:
        yield _document("returns.csv", fulfilment_documents.returns_file(returns=own, updated_at=history.now))
    else:
        claimed = {defect.order for defect in history.defects if defect.kind == CLAIM}
        yield _document(
            "returns.txt",
            fulfilment_documents.mfn_returns_report(returns=own, claimed=claimed),
        )
    if amazons:
        yield _document(
            "fba-returns.txt", fulfilment_documents.fba_returns_report(returns=amazons, random=random)
        )


def _health(history: AccountHistory, health: Health) -> bytes:
    return account_health.report(
        account=history.account,
        health=health,
        now=history.now,
        orders=history.orders,
        defects=[defect for defect in history.defects if defect not in history.removed],
        packages=history.packages,
    )


def _corrections(history: AccountHistory, random: Random) -> Iterator[Document]:
    """Yield the documents that correct earlier ones."""
    if history.account.recovers:
        decisions = order_documents.claims_file(
            # A second later than the claims file: of two statements about a claim, the later one counts.
            defects=decide_claims(defects=history.defects),
            updated_at=history.now + timedelta(seconds=1),
        )
        yield Document(name="claims-decided.csv", content=decisions, is_correction=True)
    if history.removed:
        first, last = _complete_days(history.now)
        remaining = [
            defect
            for defect in history.defects
            if defect.marketplace == history.account.home
            and first <= defect.on
            and defect not in history.removed
        ]
        yield Document(
            name="feedback-whole.txt",
            content=order_documents.feedback_report(
                account=history.account, defects=remaining, random=random
            ),
            fields={"period_from": first.isoformat(), "period_to": last.isoformat()},
            is_correction=True,
        )


def _complete_days(now: datetime) -> tuple[date, date]:
    return now.date() - timedelta(days=COMPLETE_DAYS), now.date()


def _removed(
    account: SampleAccount, orders: list[Order], defects: list[Defect], now: datetime
) -> Iterator[Defect]:
    """Yield the newest negative feedback on an order that counts today."""
    counting = {
        order.number
        for order in orders
        if order.fulfilment == Fulfilment.MERCHANT
        and 0 <= (now.date() - order.at.date()).days - OFFSET < WINDOW
    }
    bad = [
        defect
        for defect in defects
        if defect.is_counting
        and defect.kind == FEEDBACK
        and defect.marketplace == account.home
        and defect.order in counting
        and defect.on >= _complete_days(now)[0]
    ]
    if account.feedback_is_removed and bad:
        yield max(bad, key=lambda defect: (defect.on, defect.order))


def _listed(history: AccountHistory) -> dict[str, tuple[datetime, set[str]]]:
    """Return the orders that Seller Central lists: the known defects, and one claim from no other document."""
    orders = {order.number: order for order in history.orders if order.fulfilment == Fulfilment.MERCHANT}
    listed: dict[str, tuple[datetime, set[str]]] = {}
    for number, category in _categories(history):
        if number in orders:
            listed.setdefault(number, (orders[number].at, set()))[1].add(category)
    return dict(sorted(listed.items(), key=lambda entry: entry[1][0]))


def _categories(history: AccountHistory) -> Iterator[tuple[str, str]]:
    today = history.now.date()
    recent = today - timedelta(days=LISTED_DAYS)
    window = {
        order.number: order
        for order in history.orders
        if order.status == "Shipped" and 0 <= (today - order.at.date()).days - OFFSET < WINDOW
    }
    for defect in history.defects:
        if defect.order in window and defect.is_counting:
            yield defect.order, CATEGORIES[defect.kind]
    for package in history.packages:
        if package.is_late and package.ship_by >= recent:
            yield package.order, "Late Shipment"
        if package.cancelled_by in {"seller", "unconfirmed"} and package.ship_by >= recent:
            yield package.order, "Pre-fulfillment Cancellation"
    defective = {defect.order for defect in history.defects}
    yield next(
        (number, "A-to-z Guarantee claim")
        for number, order in reversed(window.items())
        if order.fulfilment == Fulfilment.MERCHANT and number not in defective
    )
