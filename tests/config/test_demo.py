"""The demo agency: the same story from the same seed, told in documents that the product takes whole."""

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
from config.launcher.demo.cast import CAST, STORES, Shop
from config.launcher.demo.faults import Fault, Thing, struck
from config.launcher.demo.orders import DAYS
from config.launcher.demo.scenario import Document, Story, documents_of, story_of
from config.launcher.demo.troubles import CLAIM, OFFSET, WINDOW, decided
from ingestion.reports import claims
from ingestion.reports.documents import DocumentReader
from ingestion.reports.report_type import ORDER_ID, ParseContext
from metrics.rules.facts import Fact, OrderStatus
from tests.client import Client
from tests.conftest import NOON

SHOPS = {shop.name: shop for shop in CAST}
HARBOR, BRIGHTSIDE = SHOPS["Harbor & Pine Outdoors"], SHOPS["Brightside Home"]
KESSLER, SAKURA = SHOPS["Kessler Werkzeuge"], SHOPS["Sakura Paper Works"]
LANTERN, MARGAUX, MAPLE = SHOPS["Little Lantern Toys"], SHOPS["Atelier Margaux"], SHOPS["Maple Trail Supply"]
TRADING = [shop for shop in CAST if shop.per_day]
MINUTE = timedelta(minutes=1)
CLAIMS_FILE = claims.REPORT_TYPE.names[0]
CHANNELS = {"Merchant": "mfn", "Amazon": "afn"}


RECENT_DAYS = 101  # of orders: every window, and all that shipments, messages and returns tell of


WRITTEN: dict[int, tuple[Story, dict[str, bytes]]] = {}
"""What was written of each story, with the story, so that no other takes its id."""


@pytest.fixture(scope="module")
def stories() -> dict[str, Story]:
    """The whole two years of every shop that sells."""
    return {shop.name: story_of(shop=shop, now=NOON) for shop in TRADING}


@pytest.fixture(scope="module", autouse=True)
def written() -> Iterator[None]:
    """Let each story be written once."""
    yield
    WRITTEN.clear()


def contents_of(story: Story) -> dict[str, bytes]:
    """Return the content of each document by its name."""
    if id(story) not in WRITTEN:
        WRITTEN[id(story)] = story, {document.name: document.content for document in documents_of(story)}
    return WRITTEN[id(story)][1]


def read(content: bytes, shop: Shop) -> tuple[DocumentReader, list[Fact]]:
    """The document as a worker reads it."""
    open_document = partial(lambda: closing(io.BytesIO(content)))
    parse_context = ParseContext(marketplace=shop.home, received_at=NOON)
    reader = DocumentReader(open_document, announced_type="", parse_context=parse_context, max_bytes=2**30)
    return reader, [fact for _, fact in reader.facts()]


def read_all(story: Story, prefix: str) -> list[Any]:
    """The facts of the documents whose names begin so."""
    named = [content for name, content in contents_of(story).items() if name.startswith(prefix)]
    return [fact for content in named for fact in read(content, story.shop)[1]]


def load(acme: Client, story: Story, *, status: str) -> str:
    """Load the story into a new account, but for the documents that wait, and see where it stands then; return its id."""
    shop = story.shop
    account = acme.take_on(name=shop.name, partner=shop.partner, home=shop.home)
    for document in documents_of(story):
        if not document.waits:
            load_document(acme, account, document)
    assert acme.read(f"/v1/accounts/{account}")["status"] == status
    return account


def load_what_waits(acme: Client, account: str, story: Story) -> None:
    for document in documents_of(story):
        if document.waits:
            load_document(acme, account, document)


def load_document(acme: Client, account: str, document: Document) -> None:
    report = acme.load(account, document.content, **document.fields)
    assert (report["status"], report["rows"]["rejected"]) == ("loaded", 0), document.name


def recent(shop: Shop) -> Story:
    return story_of(shop=shop, now=timezone.now() - MINUTE, days=RECENT_DAYS)


@pytest.mark.parametrize("shop", [LANTERN, MARGAUX], ids=lambda shop: shop.name)
def test_the_same_moment_gives_the_same_bytes(shop: Shop) -> None:
    first, second = (list(documents_of(story_of(shop=shop, now=NOON))) for _ in range(2))

    assert first == second


def test_another_shop_or_another_moment_tells_another_story(stories: Mapping[str, Story]) -> None:
    ids = [order.number for story in stories.values() for order in story.orders]

    assert len(set(ids)) == len(ids)
    assert contents_of(story_of(shop=LANTERN, now=NOON + timedelta(days=1))) != contents_of(
        stories[LANTERN.name]
    )


@pytest.mark.parametrize("shop", TRADING, ids=lambda shop: shop.name)
def test_no_row_of_its_documents_is_rejected(stories: Mapping[str, Story], shop: Shop) -> None:
    story = stories[shop.name]

    for name, content in contents_of(story).items():
        reader, facts = read(content, shop)
        assert (reader.rejected, reader.parse_context.warnings) == ([], []), name
        assert reader.read > 0
        assert facts


@pytest.mark.parametrize("shop", TRADING, ids=lambda shop: shop.name)
def test_what_is_read_is_what_was_told(stories: Mapping[str, Story], shop: Shop) -> None:
    story = stories[shop.name]
    told = {order.number: (CHANNELS[order.fulfilment], order.status.upper()) for order in story.orders}

    orders, claimed = read_all(story, "orders-20"), read_all(story, "claims.csv")
    reader, _ = read(contents_of(story)[f"orders-{NOON.year}.txt"], shop)

    assert {order.order_id: (order.channel, OrderStatus(order.status).name) for order in orders} == told
    assert len(claimed) == sum(trouble.kind != "feedback" for trouble in story.troubles)
    assert reader.encoding.codec == {"JP": "cp932", "DE": "cp1252", "FR": "cp1252"}.get(shop.home, "utf-8")


@pytest.mark.parametrize("shop", TRADING, ids=lambda shop: shop.name)
def test_letters_of_other_scripts_survive(stories: Mapping[str, Story], shop: Shop) -> None:
    text = contents_of(stories[shop.name])[f"orders-{NOON.year}.txt"].decode(STORES[shop.home].encoding)

    assert "\N{REPLACEMENT CHARACTER}" not in text
    assert all(product in text for product in shop.products)


@pytest.mark.parametrize("shop", TRADING, ids=lambda shop: shop.name)
def test_orders_lie_in_the_two_years_before_and_bear_numbers_as_amazon_writes_them(
    stories: Mapping[str, Story], shop: Shop
) -> None:
    orders = stories[shop.name].orders

    assert [order.at for order in orders] == sorted(order.at for order in orders)
    assert NOON - timedelta(days=DAYS + 1) < orders[0].at < NOON - timedelta(days=DAYS - 30)
    assert all(order.at < order.updated_at <= NOON for order in orders)
    assert all(bool(ORDER_ID.fullmatch(order.number)) is bool(order.marketplace) for order in orders)


@pytest.mark.parametrize("shop", TRADING, ids=lambda shop: shop.name)
def test_troubles_are_of_its_own_shipped_orders_and_of_no_day_to_come(
    stories: Mapping[str, Story], shop: Shop
) -> None:
    story = stories[shop.name]
    shipped = {
        order.number: order for order in story.orders if order.status == "Shipped" and order.marketplace
    }

    assert Counter(trouble.order for trouble in story.troubles).most_common(1)[0][1] == 1
    for trouble in story.troubles:
        assert shipped[trouble.order].at.date() <= trouble.on <= NOON.date()
        assert (trouble.stars == 3) == (trouble.state == "neutral") or trouble.kind != "feedback"


def test_only_recent_claims_are_undecided(stories: Mapping[str, Story]) -> None:
    for story in stories.values():
        day_of = {order.number: order.at.date() for order in story.orders}
        pending = [trouble for trouble in story.troubles if trouble.state == "pending"]

        assert all((NOON.date() - day_of[trouble.order]).days < OFFSET + WINDOW for trouble in pending)


def test_of_four_pending_claims_one_is_decided_against_the_seller(stories: Mapping[str, Story]) -> None:
    decisions = decided(troubles=stories[MAPLE.name].troubles)

    against = [trouble for trouble in decisions if trouble.state == "granted"]
    assert {trouble.kind for trouble in decisions} == {CLAIM}
    assert len(decisions) // 4 == len(against) > 0


def test_a_shop_without_a_claim_sends_a_document_that_says_so() -> None:
    days = (story_of(shop=LANTERN, now=NOON + timedelta(days=day)) for day in range(365))

    quiet = next(story for story in days if {trouble.kind for trouble in story.troubles} == {"feedback"})

    reader, told = read(contents_of(quiet)["claims.csv"], LANTERN)
    assert (reader.type_name, reader.read, told, reader.rejected) == (CLAIMS_FILE, 0, [], [])


def test_the_cast_is_of_eight_different_accounts_in_stores_that_we_know() -> None:
    assert len({shop.name for shop in CAST}) == len({shop.partner for shop in CAST}) == len(CAST) == 8
    for shop in CAST:
        assert shop.home in CODES
        assert set(shop.stores) <= set(STORES)
        assert not shop.stores or sum(shop.stores.values()) == pytest.approx(1)
    for code, store in STORES.items():
        known = CODE_OF_SALES_CHANNEL.get(store.sales_channel.lower(), NON_AMAZON)
        assert known == (code or NON_AMAZON)


@pytest.mark.parametrize(
    ("shop", "status"),
    [
        (MARGAUX, "healthy"),
        (LANTERN, "healthy"),
        (SHOPS["Juniper & Co"], "no_data"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_loaded_a_shop_stands_where_its_story_says(acme: Client, shop: Shop, status: str) -> None:
    load(acme, recent(shop), status=status)


def test_the_shop_that_recovers_does_so_when_its_claims_are_decided(acme: Client) -> None:
    story = recent(MAPLE)
    account = load(acme, story, status="breached")

    load_what_waits(acme, account, story)

    assert acme.read(f"/v1/accounts/{account}")["status"] == "healthy"
    (breach,) = acme.read("/v1/breaches", metric="order_defect_rate")["data"]
    assert breach["status"] == "resolved"


def test_a_shop_is_breached_by_late_shipments_alone(acme: Client) -> None:
    story = recent(SAKURA)
    load_what_waits(acme, load(acme, story, status="breached"), story)

    breaches = acme.read("/v1/breaches")["data"]
    assert {breach["metric"] for breach in breaches} == {"late_shipment_rate_10d", "late_shipment_rate_30d"}


def test_amazons_report_agrees_with_one_shop_to_the_last_order(acme: Client) -> None:
    story = recent(HARBOR)
    account = load(acme, story, status="healthy")
    load_what_waits(acme, account, story)

    shares = amazons(acme, account)
    assert len(shares) >= 24
    for told in shares.values():
        assert (told["numerator"], told["denominator"]) == (
            told["ours"]["numerator"],
            told["ours"]["denominator"],
        )
        assert told["flags"] == []


def test_a_feedback_that_the_whole_report_leaves_out_no_longer_counts_and_amazons_report_differs_a_little(
    acme: Client,
) -> None:
    story = recent(BRIGHTSIDE)
    account = load(acme, story, status="at_risk")
    before = acme.odr(account, marketplace="GB")

    load_what_waits(acme, account, story)

    assert len(story.removed) == 1
    assert len([document for document in documents_of(story) if document.waits]) == 1
    assert acme.odr(account, marketplace="GB")["numerator"] == before["numerator"] - 1
    told = amazons(acme, account)["order_defect_rate", "GB", "mfn"]
    flagged = [value for value in values(acme, account) if value["amazon"] and value["amazon"]["flags"]]
    assert told["numerator"] == told["ours"]["numerator"] + 1
    assert told["denominator"] == told["ours"]["denominator"] - 2
    assert len(flagged) >= 5
    assert acme.read(f"/v1/accounts/{account}")["status"] == "at_risk"


def test_amazon_holds_one_account_at_risk_for_its_violations(acme: Client) -> None:
    story = recent(KESSLER)
    account = load(acme, story, status="breached")
    load_what_waits(acme, account, story)

    statuses = {
        value["metric"]: value["status"] for value in values(acme, account) if value["channel"] != "afn"
    }
    assert acme.read(f"/v1/accounts/{account}")["amazon_statuses"]["DE"]["status"] == "AT_RISK"
    assert statuses["order_defect_rate"] == "breached"
    assert statuses["listing_policy_violations"] == statuses["account_health_rating"] == "breached"


@pytest.mark.parametrize("shop", [HARBOR, SAKURA, MARGAUX], ids=lambda shop: shop.name)
def test_packages_go_wrong_now_and_then_and_in_no_impossible_order(
    stories: Mapping[str, Story], shop: Shop
) -> None:
    packages = stories[shop.name].packages

    shipped = [package for package in packages if package.shipped_at]
    assert any(package.is_late for package in shipped)
    assert any(not package.is_scanned for package in shipped)
    assert {package.cancelled_by for package in packages} >= {"", "buyer"}
    for package in shipped:
        moments = [at for at in (package.shipped_at, package.scanned_at, package.delivered_at) if at]
        assert moments == sorted(moments)
        assert moments[-1] <= NOON
        assert not package.cancelled_by


@pytest.mark.parametrize("shop", TRADING, ids=lambda shop: shop.name)
def test_messages_and_returns_follow_their_orders_and_come_before_their_answers(
    stories: Mapping[str, Story], shop: Shop
) -> None:
    story = stories[shop.name]

    assert len({message.number for message in story.messages}) == len(story.messages) > 0
    assert all(message.received_at <= NOON for message in story.messages)
    assert all(
        message.answered_at is None or message.received_at < message.answered_at <= NOON
        for message in story.messages
    )
    assert all(request.order.at < request.requested_at <= NOON for request in story.returns)


def test_faults_are_spread_and_spare_the_windows_of_small_series() -> None:
    fault = Fault(share=0.02, window=10, allowed=0.04)
    large = [Thing("US", NOON - timedelta(hours=hour), f"L{hour}") for hour in range(2400)]
    small = [Thing("CA", NOON - timedelta(days=day), f"S{day}") for day in range(100)]

    keys = struck([*large, *small], fault=fault, now=NOON, random=Random(1))

    ages = sorted(int(key[1:]) for key in keys if key.startswith("L"))
    assert len(ages) == pytest.approx(48, abs=1)
    assert {later - earlier for earlier, later in pairwise(ages)} == {50}
    assert all(int(key[1:]) > 45 for key in keys if key.startswith("S"))


def values(acme: Client, account: str) -> list[dict[str, Any]]:
    return list(acme.read(f"/v1/accounts/{account}/metrics")["metrics"])


def amazons(acme: Client, account: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Amazon's figures that stand beside ours."""
    return {
        (value["metric"], value["marketplace"], value["channel"]): value["amazon"]
        for value in values(acme, account)
        if value["amazon"] and value["amazon"]["ours"]
    }
