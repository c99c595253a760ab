"""Test the demo agency: the same histories from the same seed, in documents that load without rejected rows."""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from django.utils import timezone

from accounts.marketplaces import CODE_OF_SALES_CHANNEL, CODES, NON_AMAZON
from config.launcher.demo.defects import CLAIM, OFFSET, WINDOW, decide_claims
from config.launcher.demo.faults import Candidate, Fault, choose_faulty
from config.launcher.demo.history import AccountHistory, Document, build_documents, build_history
from config.launcher.demo.orders import DAYS
from config.launcher.demo.sample_accounts import SAMPLE_ACCOUNTS, STORES, SampleAccount
from ingestion.reports import claims_csv
from ingestion.reports.documents import DocumentReader
from ingestion.reports.report_type import ORDER_ID, ParseContext
from metrics.rules.facts import Fact, OrderStatus
from tests.client import Client
from tests.conftest import NOON

ACCOUNTS = {account.name: account for account in SAMPLE_ACCOUNTS}
HARBOR, BRIGHTSIDE = ACCOUNTS["Harbor & Pine Outdoors"], ACCOUNTS["Brightside Home"]
KESSLER, SAKURA = ACCOUNTS["Kessler Werkzeuge"], ACCOUNTS["Sakura Paper Works"]
LANTERN, MARGAUX, MAPLE = (
    ACCOUNTS["Little Lantern Toys"],
    ACCOUNTS["Atelier Margaux"],
    ACCOUNTS["Maple Trail Supply"],
)
TRADING = [account for account in SAMPLE_ACCOUNTS if account.per_day]
MINUTE = timedelta(minutes=1)
CLAIMS_FILE = claims_csv.REPORT_TYPE.names[0]
CHANNELS = {"Merchant": "mfn", "Amazon": "afn"}
# Every window, and all shipments, messages and returns, are within these days.
RECENT_DAYS = 101


# Products and causes must not change which orders there are: numbers of orders and of their items at NOON.
SIZES = {
    SAKURA.name: (13510, 16890),
    HARBOR.name: (34387, 42928),
    BRIGHTSIDE.name: (25880, 32404),
    KESSLER.name: (21120, 26355),
    MAPLE.name: (11183, 14023),
    MARGAUX.name: (6793, 8468),
    LANTERN.name: (255, 317),
}


CONTENTS: dict[int, tuple[AccountHistory, dict[str, bytes]]] = {}
"""The documents of each history by its `id()`, with the history, so that the `id()` is not used again."""


@pytest.fixture(scope="module")
def histories() -> dict[str, AccountHistory]:
    """Return two years of every account that sells."""
    return {account.name: build_history(account=account, now=NOON) for account in TRADING}


@pytest.fixture(scope="module", autouse=True)
def clear_contents() -> Iterator[None]:
    """Build the documents of each history once."""
    yield
    CONTENTS.clear()


def contents_of(history: AccountHistory) -> dict[str, bytes]:
    """Return the content of each document by its name."""
    if id(history) not in CONTENTS:
        CONTENTS[id(history)] = (
            history,
            {document.name: document.content for document in build_documents(history)},
        )
    return CONTENTS[id(history)][1]


def read(content: bytes, account: SampleAccount) -> tuple[DocumentReader, list[Fact]]:
    """Parse the document as a worker does."""
    open_document = partial(lambda: closing(io.BytesIO(content)))
    parse_context = ParseContext(marketplace=account.home, received_at=NOON)
    reader = DocumentReader(open_document, announced_type="", parse_context=parse_context, max_bytes=2**30)
    return reader, [fact for _, fact in reader.facts()]


def read_all(history: AccountHistory, prefix: str) -> list[Any]:
    """Return the facts of the documents whose names begin with `prefix`."""
    named = [content for name, content in contents_of(history).items() if name.startswith(prefix)]
    return [fact for content in named for fact in read(content, history.account)[1]]


def load(acme: Client, history: AccountHistory, *, status: str) -> str:
    """Load the history without corrections into a new account, check its status, and return its ID."""
    account = history.account
    account_id = acme.take_on(name=account.name, partner=account.partner, home=account.home)
    for document in build_documents(history):
        if not document.is_correction:
            load_document(acme, account_id, document)
    assert acme.read(f"/v1/accounts/{account_id}")["status"] == status
    return account_id


def load_corrections(acme: Client, account_id: str, history: AccountHistory) -> None:
    for document in build_documents(history):
        if document.is_correction:
            load_document(acme, account_id, document)


def load_document(acme: Client, account_id: str, document: Document) -> None:
    report = acme.load(account_id, document.content, **document.fields)
    assert (report["status"], report["rows"]["rejected"]) == ("loaded", 0), document.name


def build_recent(account: SampleAccount) -> AccountHistory:
    return build_history(account=account, now=timezone.now() - MINUTE, days=RECENT_DAYS)


@pytest.mark.parametrize("account", [LANTERN, MARGAUX], ids=lambda account: account.name)
def test_documents_of_same_moment_are_equal(account: SampleAccount) -> None:
    first, second = (list(build_documents(build_history(account=account, now=NOON))) for _ in range(2))

    assert first == second


def test_history_of_another_account_or_moment_differs(histories: Mapping[str, AccountHistory]) -> None:
    ids = [order.number for history in histories.values() for order in history.orders]

    assert len(set(ids)) == len(ids)
    assert contents_of(build_history(account=LANTERN, now=NOON + timedelta(days=1))) != contents_of(
        histories[LANTERN.name]
    )


@pytest.mark.parametrize("account", TRADING, ids=lambda account: account.name)
def test_documents_have_no_rejected_row(
    histories: Mapping[str, AccountHistory], account: SampleAccount
) -> None:
    history = histories[account.name]

    for name, content in contents_of(history).items():
        reader, facts = read(content, account)
        assert (reader.rejected, reader.parse_context.warnings) == ([], []), name
        assert reader.read > 0
        assert facts


@pytest.mark.parametrize("account", TRADING, ids=lambda account: account.name)
def test_facts_equal_history(histories: Mapping[str, AccountHistory], account: SampleAccount) -> None:
    history = histories[account.name]
    # Multi-channel orders are set apart.
    expected = {
        order.number: (CHANNELS[order.fulfilment], order.status.upper())
        for order in history.orders
        if order.number[0] != "S"
    }

    items = Counter(
        (order.number, product.sku, product.asin, quantity, order.status != "Pending")
        for order in history.orders
        if order.number[0] != "S"
        for product, quantity in order.items
    )

    orders, claimed = read_all(history, "orders-20"), read_all(history, "claims.csv")
    reader, _ = read(contents_of(history)[f"orders-{NOON.year}.txt"], account)

    assert {order.order_id: (order.channel, OrderStatus(order.status).name) for order in orders} == expected
    assert items == Counter(
        (item.order_id, item.sku, item.asin, item.quantity, bool(item.price and item.currency))
        for item in orders
    )
    assert (len(history.orders), sum(len(order.items) for order in history.orders)) == SIZES[account.name]
    assert len(claimed) == sum(defect.kind != "feedback" for defect in history.defects)
    assert reader.encoding.codec == {"JP": "cp932", "DE": "cp1252", "FR": "cp1252"}.get(account.home, "utf-8")


@pytest.mark.parametrize("account", TRADING, ids=lambda account: account.name)
def test_characters_of_other_scripts_survive(
    histories: Mapping[str, AccountHistory], account: SampleAccount
) -> None:
    text = contents_of(histories[account.name])[f"orders-{NOON.year}.txt"].decode(
        STORES[account.home].encoding
    )

    assert "\N{REPLACEMENT CHARACTER}" not in text
    assert all(product.title in text for product in account.products)


@pytest.mark.parametrize("account", TRADING, ids=lambda account: account.name)
def test_orders_are_of_two_years_and_have_ids_in_amazons_format(
    histories: Mapping[str, AccountHistory], account: SampleAccount
) -> None:
    orders = histories[account.name].orders

    assert [order.at for order in orders] == sorted(order.at for order in orders)
    assert NOON - timedelta(days=DAYS + 1) < orders[0].at < NOON - timedelta(days=DAYS - 30)
    assert all(order.at < order.updated_at <= NOON for order in orders)
    assert all(bool(ORDER_ID.fullmatch(order.number)) is bool(order.marketplace) for order in orders)


@pytest.mark.parametrize("account", TRADING, ids=lambda account: account.name)
def test_defects_are_of_shipped_orders_and_not_in_the_future(
    histories: Mapping[str, AccountHistory], account: SampleAccount
) -> None:
    history = histories[account.name]
    shipped = {
        order.number: order for order in history.orders if order.status == "Shipped" and order.marketplace
    }

    assert Counter(defect.order for defect in history.defects).most_common(1)[0][1] == 1
    for defect in history.defects:
        assert shipped[defect.order].at.date() <= defect.on <= NOON.date()
        assert (defect.stars == 3) == (defect.state == "neutral") or defect.kind != "feedback"


def test_pending_claims_are_recent(histories: Mapping[str, AccountHistory]) -> None:
    for history in histories.values():
        day_of = {order.number: order.at.date() for order in history.orders}
        pending = [defect for defect in history.defects if defect.state == "pending"]

        assert all((NOON.date() - day_of[defect.order]).days < OFFSET + WINDOW for defect in pending)


def test_decision_of_one_in_four_claims_is_against_the_seller(
    histories: Mapping[str, AccountHistory],
) -> None:
    decisions = decide_claims(defects=histories[MAPLE.name].defects)

    against = [defect for defect in decisions if defect.state == "granted"]
    assert {defect.kind for defect in decisions} == {CLAIM}
    assert len(decisions) // 4 == len(against) > 0


def test_claims_file_without_claims_is_empty() -> None:
    days = (build_history(account=LANTERN, now=NOON + timedelta(days=day)) for day in range(365))

    quiet = next(history for history in days if {defect.kind for defect in history.defects} == {"feedback"})

    reader, facts = read(contents_of(quiet)["claims.csv"], LANTERN)
    assert (reader.type_name, reader.read, facts, reader.rejected) == (CLAIMS_FILE, 0, [], [])


def test_sample_accounts_are_eight_and_in_known_stores() -> None:
    assert (
        len({account.name for account in SAMPLE_ACCOUNTS})
        == len({account.partner for account in SAMPLE_ACCOUNTS})
        == len(SAMPLE_ACCOUNTS)
        == 8
    )
    for account in SAMPLE_ACCOUNTS:
        assert account.home in CODES
        assert set(account.stores) <= set(STORES)
        assert not account.stores or sum(account.stores.values()) == pytest.approx(1)
    for code, store in STORES.items():
        known = CODE_OF_SALES_CHANNEL.get(store.sales_channel.lower(), NON_AMAZON)
        assert known == (code or NON_AMAZON)


@pytest.mark.parametrize(
    ("account", "status"),
    [
        (MARGAUX, "healthy"),
        (LANTERN, "healthy"),
        (ACCOUNTS["Juniper & Co"], "no_data"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_account_has_status_of_its_history(acme: Client, account: SampleAccount, status: str) -> None:
    load(acme, build_recent(account), status=status)


def test_account_recovers_when_claims_are_decided(acme: Client) -> None:
    history = build_recent(MAPLE)
    account_id = load(acme, history, status="breached")

    load_corrections(acme, account_id, history)

    assert acme.read(f"/v1/accounts/{account_id}")["status"] == "healthy"
    (breach,) = acme.read("/v1/breaches", metric="order_defect_rate")["data"]
    assert breach["status"] == "resolved"


def test_account_is_breached_by_late_shipments_alone(acme: Client) -> None:
    history = build_recent(SAKURA)
    load_corrections(acme, load(acme, history, status="breached"), history)

    breaches = acme.read("/v1/breaches")["data"]
    assert {breach["metric"] for breach in breaches} == {"late_shipment_rate_10d", "late_shipment_rate_30d"}


def test_amazons_report_equals_own_figures_of_one_account(acme: Client) -> None:
    history = build_recent(HARBOR)
    account_id = load(acme, history, status="healthy")
    load_corrections(acme, account_id, history)

    shares = amazons(acme, account_id)
    assert len(shares) >= 24
    for share in shares.values():
        assert (share["numerator"], share["denominator"]) == (
            share["ours"]["numerator"],
            share["ours"]["denominator"],
        )
        assert share["flags"] == []


def test_feedback_missing_from_complete_report_no_longer_counts(acme: Client) -> None:
    history = build_recent(BRIGHTSIDE)
    account_id = load(acme, history, status="at_risk")
    before = acme.odr(account_id, marketplace="GB")

    load_corrections(acme, account_id, history)

    assert len(history.removed) == 1
    assert len([document for document in build_documents(history) if document.is_correction]) == 1
    assert acme.odr(account_id, marketplace="GB")["numerator"] == before["numerator"] - 1
    reported = amazons(acme, account_id)["order_defect_rate", "GB", "mfn"]
    flagged = [value for value in values(acme, account_id) if value["amazon"] and value["amazon"]["flags"]]
    assert reported["numerator"] == reported["ours"]["numerator"] + 1
    assert reported["denominator"] == reported["ours"]["denominator"] - 2
    assert len(flagged) >= 5
    assert acme.read(f"/v1/accounts/{account_id}")["status"] == "at_risk"


def test_account_with_violations_is_at_risk_at_amazon(acme: Client) -> None:
    history = build_recent(KESSLER)
    account_id = load(acme, history, status="breached")
    load_corrections(acme, account_id, history)

    statuses = {
        value["metric"]: value["status"] for value in values(acme, account_id) if value["channel"] != "afn"
    }
    assert acme.read(f"/v1/accounts/{account_id}")["amazon_statuses"]["DE"]["status"] == "AT_RISK"
    assert statuses["order_defect_rate"] == "breached"
    assert statuses["listing_policy_violations"] == statuses["account_health_rating"] == "breached"


@pytest.mark.parametrize("account", [HARBOR, SAKURA, MARGAUX], ids=lambda account: account.name)
def test_packages_have_some_faults_and_ordered_times(
    histories: Mapping[str, AccountHistory], account: SampleAccount
) -> None:
    packages = histories[account.name].packages

    shipped = [package for package in packages if package.shipped_at]
    assert any(package.is_late for package in shipped)
    assert any(not package.is_scanned for package in shipped)
    assert {package.cancelled_by for package in packages} >= {"", "buyer"}
    for package in shipped:
        moments = [at for at in (package.shipped_at, package.scanned_at, package.delivered_at) if at]
        assert moments == sorted(moments)
        assert moments[-1] <= NOON
        assert not package.cancelled_by


@pytest.mark.parametrize("account", TRADING, ids=lambda account: account.name)
def test_messages_and_returns_follow_orders_and_precede_answers(
    histories: Mapping[str, AccountHistory], account: SampleAccount
) -> None:
    history = histories[account.name]

    assert len({message.number for message in history.messages}) == len(history.messages) > 0
    assert all(message.received_at <= NOON for message in history.messages)
    assert all(
        message.answered_at is None or message.received_at < message.answered_at <= NOON
        for message in history.messages
    )
    assert all(request.order.at < request.requested_at <= NOON for request in history.returns)


def test_faults_are_spread_and_not_in_windows_of_small_series() -> None:
    fault = Fault(share=0.02, window=10, allowed=0.04)
    large = [Candidate("US", NOON - timedelta(hours=hour), f"L{hour}") for hour in range(2400)]
    small = [Candidate("CA", NOON - timedelta(days=day), f"S{day}") for day in range(100)]

    keys = choose_faulty([*large, *small], fault=fault, now=NOON, random=Random(1))

    ages = sorted(int(key[1:]) for key in keys if key.startswith("L"))
    assert len(ages) == pytest.approx(48, abs=1)
    assert {later - earlier for earlier, later in pairwise(ages)} == {50}
    assert all(int(key[1:]) > 45 for key in keys if key.startswith("S"))


def values(acme: Client, account_id: str) -> list[dict[str, Any]]:
    return list(acme.read(f"/v1/accounts/{account_id}/metrics")["metrics"])


def amazons(acme: Client, account_id: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return Amazon's figures for which there are figures of our own."""
    return {
        (value["metric"], value["marketplace"], value["channel"]): value["amazon"]
        for value in values(acme, account_id)
        if value["amazon"] and value["amazon"]["ours"]
    }
