"""The demo agency: the same story from the same seed, told in documents that the product takes whole."""

import io
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

import pytest

from accounts.marketplaces import CODE_OF_SALES_CHANNEL, CODES, NON_AMAZON
from config.demo import documents
from config.demo.cast import CAST, SEED, STORES, Shop
from config.demo.orders import DAYS, Order, orders_of
from config.demo.troubles import CLAIM, OFFSET, WINDOW, Trouble, decided, troubles_of
from ingestion.documents import Reading
from ingestion.reports import claims
from ingestion.reports.kind import ORDER_ID, Setting
from metrics.facts import DefectFact, OrderFact, OrderStatus
from tests.client import Client
from tests.conftest import NOON

SHOPS = {shop.name: shop for shop in CAST}
LANTERN, MARGAUX, MAPLE = SHOPS["Little Lantern Toys"], SHOPS["Atelier Margaux"], SHOPS["Maple Trail Supply"]
TRADING = [shop for shop in CAST if shop.per_day]
MINUTE = timedelta(minutes=1)
CLAIMS_FILE = claims.KIND.report_types[0]
CHANNELS = {"Merchant": "mfn", "Amazon": "afn"}


@dataclass(frozen=True)
class Story:
    """What one shop's two years came to."""

    orders: list[Order]
    troubles: list[Trouble]
    contents: Mapping[str, bytes]


def story_of(shop: Shop, now: datetime, *, since: timedelta = timedelta(days=DAYS + 1)) -> Story:
    """The shop's documents at a moment, of the orders that are not older than `since`."""
    random = Random(f"{SEED} {shop.partner}")
    orders = [order for order in orders_of(shop=shop, now=now, random=random) if order.at > now - since]
    troubles = list(troubles_of(shop=shop, orders=orders, now=now, random=random))
    contents = {
        "orders": documents.orders_report(shop=shop, orders=orders, random=random),
        "feedback": documents.feedback_report(shop=shop, troubles=troubles, random=random),
        "claims": documents.claims_file(troubles=troubles, updated_at=now),
    }
    return Story(orders, troubles, contents)


@pytest.fixture(scope="module")
def stories() -> dict[str, Story]:
    """The whole two years of every shop that sells."""
    return {shop.name: story_of(shop, NOON) for shop in TRADING}


def read(content: bytes, shop: Shop) -> tuple[Reading, list[OrderFact | DefectFact]]:
    """The document as a worker reads it."""
    opening = partial(lambda: closing(io.BytesIO(content)))
    setting = Setting(marketplace=shop.home, received_at=NOON)
    reading = Reading(opening, announced_type="", setting=setting, most_bytes=2**30)
    return reading, [fact for _, fact in reading.facts() if isinstance(fact, OrderFact | DefectFact)]


@pytest.mark.parametrize("shop", [LANTERN, MARGAUX], ids=lambda shop: shop.name)
def test_the_same_moment_gives_the_same_bytes(shop: Shop) -> None:
    assert story_of(shop, NOON).contents == story_of(shop, NOON).contents


def test_another_shop_or_another_moment_tells_another_story(stories: Mapping[str, Story]) -> None:
    ids = [order.number for story in stories.values() for order in story.orders]

    assert len(set(ids)) == len(ids)
    assert story_of(LANTERN, NOON + timedelta(days=1)).contents != stories[LANTERN.name].contents


@pytest.mark.parametrize("shop", TRADING, ids=lambda shop: shop.name)
def test_no_row_of_its_documents_is_rejected(stories: Mapping[str, Story], shop: Shop) -> None:
    story = stories[shop.name]

    for name, content in story.contents.items():
        reading, facts = read(content, shop)
        assert (reading.rejected, reading.setting.warnings) == ([], []), name
        assert reading.read == len(facts) > 0


@pytest.mark.parametrize("shop", TRADING, ids=lambda shop: shop.name)
def test_what_is_read_is_what_was_told(stories: Mapping[str, Story], shop: Shop) -> None:
    story = stories[shop.name]
    told = {order.number: (CHANNELS[order.fulfilment], order.status.upper()) for order in story.orders}

    reading, items = read(story.contents["orders"], shop)
    _, told_later = read(story.contents["claims"], shop)

    orders = [item for item in items if isinstance(item, OrderFact)]
    assert {order.order_id: (order.channel, OrderStatus(order.status).name) for order in orders} == told
    assert len(told_later) == sum(trouble.kind != "feedback" for trouble in story.troubles)
    assert reading.encoding.codec == {"JP": "cp932", "DE": "cp1252", "FR": "cp1252"}.get(shop.home, "utf-8")


@pytest.mark.parametrize("shop", TRADING, ids=lambda shop: shop.name)
def test_letters_of_other_scripts_survive(stories: Mapping[str, Story], shop: Shop) -> None:
    text = stories[shop.name].contents["orders"].decode(STORES[shop.home].encoding)

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
def test_troubles_are_of_its_own_shipped_orders_and_of_no_day_to_come(stories: Mapping[str, Story], shop: Shop) -> None:
    story = stories[shop.name]
    shipped = {order.number: order for order in story.orders if order.status == "Shipped" and order.marketplace}

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
    days = (story_of(LANTERN, NOON + timedelta(days=day)) for day in range(365))

    quiet = next(story for story in days if {trouble.kind for trouble in story.troubles} == {"feedback"})

    reading, told = read(quiet.contents["claims"], LANTERN)
    assert (reading.report_type, reading.read, told, reading.rejected) == (CLAIMS_FILE, 0, [], [])


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
        (SHOPS["Harbor & Pine Outdoors"], "healthy"),
        (SHOPS["Brightside Home"], "at_risk"),
        (SHOPS["Kessler Werkzeuge"], "breached"),
        (SHOPS["Sakura Paper Works"], "healthy"),
        (MAPLE, "breached"),
        (MARGAUX, "healthy"),
        (LANTERN, "healthy"),
        (SHOPS["Juniper & Co"], "no_data"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_loaded_a_shop_stands_where_its_story_says(acme: Client, shop: Shop, status: str) -> None:
    account = acme.take_on(name=shop.name, partner=shop.partner, home=shop.home)
    story = story_of(shop, datetime.now(UTC) - MINUTE, since=timedelta(days=OFFSET + WINDOW + 1))

    for content in story.contents.values():
        report = acme.load(account, content)
        assert (report["status"], report["rows"]["rejected"]) == ("loaded", 0)

    assert acme.read(f"/v1/accounts/{account}")["status"] == status


def test_the_shop_that_recovers_does_so_when_its_claims_are_decided(acme: Client) -> None:
    account = acme.take_on(name=MAPLE.name, partner=MAPLE.partner, home=MAPLE.home)
    now = datetime.now(UTC)
    story = story_of(MAPLE, now - MINUTE, since=timedelta(days=OFFSET + WINDOW + 1))
    for content in story.contents.values():
        acme.load(account, content)

    acme.load(account, documents.claims_file(troubles=decided(troubles=story.troubles), updated_at=now))

    assert acme.read(f"/v1/accounts/{account}")["status"] == "healthy"
    (breach,) = acme.read("/v1/breaches", metric="order_defect_rate")["data"]
    assert breach["status"] == "resolved"
