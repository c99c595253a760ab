"""Define the eight accounts of the demo agency: their stores, volumes and defects. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from config.launcher.demo import products as catalogues
from config.launcher.demo.products import Product

AGENCY = "Marlowe & Finch Marketplace Partners"
SEED = "underone demo 1"
# The stores with an invoice for each business order.
INVOICED = frozenset({"GB", "DE", "FR"})


class Fulfilment(StrEnum):
    """Name the fulfillment channels as the orders report does."""

    MERCHANT = "Merchant"
    AMAZON = "Amazon"


@dataclass(frozen=True, slots=True)
class Store:
    """Describe a marketplace as reports show it: sales channel, currency, and ship-to addresses."""

    sales_channel: str
    currency: str
    country: str
    cities: tuple[tuple[str, str, str], ...]
    encoding: str = "utf-8"


STORES = {
    "US": Store(
        "Amazon.com",
        "USD",
        "US",
        (("AUSTIN", "TX", "78701"), ("PORTLAND", "OR", "97201"), ("Troy", "NY", "12180")),
    ),
    "CA": Store("Amazon.ca", "CAD", "CA", (("Toronto", "ON", "M5V 2T6"), ("Montréal", "QC", "H2X 1Y4"))),
    "GB": Store("Amazon.co.uk", "GBP", "GB", (("Leeds", "", "LS1 4AP"), ("Bristol", "", "BS1 5TR"))),
    "DE": Store("Amazon.de", "EUR", "DE", (("München", "", "80331"), ("Köln", "", "50667")), "cp1252"),
    "FR": Store("Amazon.fr", "EUR", "FR", (("Orléans", "", "45000"), ("Lyon", "", "69002")), "cp1252"),
    "JP": Store(
        "Amazon.co.jp",
        "JPY",
        "JP",
        (("渋谷区", "東京都", "150-0002"), ("札幌市", "北海道", "060-0001")),
        "cp932",
    ),
    "": Store("Non-Amazon", "GBP", "GB", (("Hull", "", "HU1 1AA"),)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Describe Amazon's own report about an account.

    `violations` are counts by block. An inconsistent report differs from the events and contradicts itself.
    """

    status: str = "NORMAL"
    rating: str = "GREAT"
    score: int = 1000
    violations: Mapping[str, int] = field(default_factory=dict)
    is_inconsistent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAccount:
    """Describe one account.

    `stores` are shares of its orders. `current_rates` and `earlier_rates` are the rates of defective orders,
    merchant-fulfilled and Amazon-fulfilled, in the current window and in earlier ones.
    `recent_late_share` is the share of late shipments in the last three weeks. With
    `uploads_returns_file`, the account uploads its own file of return requests, otherwise Amazon's report.
    """

    name: str
    partner: str
    home: str
    per_day: float
    stores: Mapping[str, float] = field(default_factory=dict)
    merchant_share: float = 0.7
    current_rates: tuple[float, float] = (0.004, 0.002)
    earlier_rates: tuple[float, float] = (0.005, 0.003)
    recovers: bool = False
    recent_late_share: float = 0
    uploads_returns_file: bool = True
    feedback_is_removed: bool = False
    uploads_defects_list: bool = False
    health: Health | None = None
    products: tuple[Product, ...] = ()


SAMPLE_ACCOUNTS = (
    # The first to be loaded: of medium size, and breached.
    SampleAccount(
        name="Sakura Paper Works",
        partner="A4SAKURAPAPER4",
        home="JP",
        per_day=22,
        recent_late_share=0.1,
        uploads_returns_file=False,
        uploads_defects_list=True,
        products=catalogues.SAKURA,
    ),
    SampleAccount(
        name="Harbor & Pine Outdoors",
        partner="A1HARBORPINE01",
        home="US",
        per_day=56,
        stores={"US": 0.85, "CA": 0.15},
        health=Health(score=924),
        products=catalogues.HARBOR,
    ),
    SampleAccount(
        name="Brightside Home",
        partner="A2BRIGHTSIDE02",
        home="GB",
        per_day=42,
        stores={"GB": 0.7, "DE": 0.15, "FR": 0.1, "": 0.05},
        merchant_share=0.75,
        current_rates=(0.0096, 0.003),
        earlier_rates=(0.007, 0.003),
        uploads_returns_file=False,
        feedback_is_removed=True,
        health=Health(score=412, is_inconsistent=True),
        products=catalogues.BRIGHTSIDE,
    ),
    SampleAccount(
        name="Kessler Werkzeuge",
        partner="A3KESSLERWZ003",
        home="DE",
        per_day=34,
        merchant_share=0.85,
        current_rates=(0.0148, 0.004),
        earlier_rates=(0.008, 0.004),
        health=Health(
            status="AT_RISK",
            rating="WARNED",
            score=148,
            violations={
                "listingPolicyViolations": 3,
                "productConditionCustomerComplaints": 2,
                "policyViolationWarnings": 1,
            },
        ),
        products=catalogues.KESSLER,
    ),
    SampleAccount(
        name="Maple Trail Supply",
        partner="A5MAPLETRAIL05",
        home="CA",
        per_day=18,
        merchant_share=0.9,
        current_rates=(0.017, 0.002),
        recovers=True,
        products=catalogues.MAPLE,
    ),
    SampleAccount(
        name="Atelier Margaux",
        partner="A6MARGAUX00006",
        home="FR",
        per_day=11,
        merchant_share=0.35,
        uploads_returns_file=False,
        products=catalogues.MARGAUX,
    ),
    SampleAccount(
        name="Little Lantern Toys",
        partner="A7LITTLELANT07",
        home="US",
        per_day=0.42,
        merchant_share=1,
        current_rates=(0, 0),
        earlier_rates=(0.05, 0),
        products=catalogues.LANTERN,
    ),
    SampleAccount(name="Juniper & Co", partner="A8JUNIPERCO008", home="US", per_day=0),
)
