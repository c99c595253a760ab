"""Test the dates of feedback over HTTP: the order's store and day decide how day and month are read.

5 November is written 05/11/26 in GB and 11/05/26 in the US.
"""

from datetime import timedelta
from typing import Any

import pytest

from accounts.tenancy import context
from api import identifiers
from ingestion.models import Report
from tests import build, clock
from tests.client import Client

GB, US = "Amazon.co.uk", "Amazon.com"
NOVEMBER, MAY = "2026-11-05", "2026-05-11"
ASSUMED = "They were read as month/day/year, as in US"
ORDER = build.order_id(1)


def orders(placed_on: str, *, store: str = GB, updated_on: str = "2026-11-11") -> bytes:
    row = build.order_row(
        amazon_order_id=ORDER,
        sales_channel=store,
        purchase_date=f"{placed_on}T12:00:00+00:00",
        last_updated_date=f"{updated_on}T12:00:00+00:00",
    )
    return build.orders_file([row])


def feedback(*dates: str, order: str = ORDER) -> bytes:
    ids = [order, *(build.order_id(n) for n in range(2, 9))]
    return build.feedback_file(
        build.feedback_row(order=id_, on=on) for id_, on in zip(ids, dates, strict=False)
    )


def shown(client: Client, account: str, *, marketplace: str = "GB") -> list[tuple[str, str, bool]]:
    """Return day, state and whether it counts of all feedback behind the rate of an early and of a late day."""
    where = {"marketplace": marketplace, "channel": "mfn"}
    found: dict[str, tuple[str, str, bool]] = {}
    for as_of in ("2026-06-20", "2026-08-15", "2026-11-27"):
        path = f"/v1/accounts/{account}/metrics/negative_feedback_rate/orders"
        for row in client.read(path, as_of=as_of, **where)["data"]:
            for each in row["defects"]:
                found[row["order_id"]] = (each["occurred_on"], each["state"], each["counts"])
    return [found[order_id] for order_id in sorted(found)]


def reasons(client: Client, report: dict[str, Any]) -> list[str]:
    return [row["reason"] for row in client.read(f"/v1/reports/{report['id']}/rejected-rows")["data"]]


@pytest.mark.parametrize("is_order_first", [True, False])
@pytest.mark.parametrize(
    ("placed_on", "store", "marketplace", "read_on"),
    [
        pytest.param("2026-10-20", GB, "", NOVEMBER, id="before in the home order"),
        pytest.param("2026-04-20", GB, "", NOVEMBER, id="in the order of its store"),
        pytest.param("2026-04-20", US, "", MAY, id="in the home order, as its store"),
        pytest.param("2026-10-20", US, "", NOVEMBER, id="its day overrules its store"),
        pytest.param("2026-10-20", GB, "US", NOVEMBER, id="its day overrules what was stated"),
        pytest.param("2026-04-20", GB, "US", MAY, id="what was stated overrules its store"),
    ],
)
def test_date_is_read_by_its_order_whichever_comes_first(
    acme: Client, shop: str, is_order_first: bool, placed_on: str, store: str, marketplace: str, read_on: str
) -> None:
    stated = {"marketplace": marketplace} if marketplace else {}
    uploads = [(orders(placed_on, store=store), {}), (feedback("05/11/26"), stated)]

    for document, fields in uploads if is_order_first else reversed(uploads):
        acme.load(shop, document, **fields)

    seen = {day for day, _, _ in shown(acme, shop, marketplace="GB" if store == GB else "US")}
    unmatched = acme.read(f"/v1/accounts/{shop}/metrics")["unmatched_defects"]
    assert (seen, unmatched) == ({read_on}, 0)
    assert acme.load(shop, feedback("05/11/26"), **stated)["status"] == "loaded"


def test_date_before_its_order_in_every_order_is_rejected(acme: Client, shop: str) -> None:
    acme.load(shop, orders("2026-11-10"))

    report = acme.load(shop, feedback("05/11/26", "05/12/26"))

    (reason,) = reasons(acme, report)
    assert reason.startswith("`Date`: 2026-05-11 is before the day of its order, 2026-11-10, in every order")
    assert (report["status"], report["rows"]["new"], report["rows"]["rejected"]) == ("loaded", 1, 1)
    assert shown(acme, shop) == []


def test_feedback_whose_order_comes_later_and_contradicts_it_does_not_count(acme: Client, shop: str) -> None:
    acme.load(shop, feedback("05/11/26"))

    late = acme.load(shop, orders("2026-11-10"))
    contradicted = shown(acme, shop)
    corrected = acme.load(shop, orders("2026-11-02", updated_on="2026-11-12"))

    assert "loaded earlier for 1 of these orders is dated before its order" in late["warnings"][0]
    assert contradicted == [(MAY, "before_its_order", False)]
    assert corrected["warnings"] == []
    assert shown(acme, shop) == [(NOVEMBER, "posted", True)]


@pytest.mark.parametrize(
    ("dates", "is_warned"),
    [
        (["05/11/26"], True),
        (["05/11/26", "06/10/26"], True),
        (["05/11/26", "5/5/26"], True),
        (["05/11/26", "05/13/26"], False),
        (["5/5/26", "10/10/26"], False),
        # In the other order it would be a day to come.
        (["10/12/26"], False),
    ],
)
def test_report_that_reads_in_both_orders_says_what_was_assumed(
    acme: Client, shop: str, dates: list[str], is_warned: bool
) -> None:
    report = acme.load(shop, feedback(*dates))
    stated = acme.load(shop, feedback(*dates, "07/30/26"), marketplace="US")

    assert [ASSUMED in warning for warning in report["warnings"] if "`Date`" in warning] == [True] * is_warned
    assert report["status"] == "loaded"
    assert [warning for warning in stated["warnings"] if "`Date`" in warning] == []


@pytest.mark.parametrize("marketplaces", [("US", "GB"), ("GB", "US"), ("", "GB"), ("GB", "", "US")])
def test_same_rows_for_another_marketplace_replace_the_first_reading(
    acme: Client, shop: str, marketplaces: tuple[str, ...]
) -> None:
    acme.load(shop, orders("2026-04-20", store=US))
    reports = [
        acme.send(shop, feedback("05/11/26"), **({"marketplace": code} if code else {}))
        for code in marketplaces
    ]
    for report in reports:
        acme.load(shop, feedback("05/11/26"), marketplace=report.json()["marketplace"])

    last = marketplaces[-1]
    assert [report.json()["duplicate"] for report in reports][:2] == [False, False]
    (defect,) = acme.read(
        f"/v1/accounts/{shop}/metrics/negative_feedback_rate/orders", marketplace="US", as_of="2026-06-20"
    )["data"][0]["defects"]
    assert defect["occurred_on"] == (NOVEMBER if last == "GB" else MAY)


def test_readings_loaded_in_another_order_say_the_same(acme: Client, shop: str) -> None:
    acme.load(shop, orders("2026-04-20", store=US))
    first = acme.send(shop, feedback("05/11/26"), marketplace="GB").json()
    # A killed worker may delay the first report until others are loaded.
    with context.agency(acme.agency.pk):
        Report.objects.filter(pk=identifiers.private("rpt", first["id"])).update(
            handed_out_at=clock.NOW + timedelta(hours=1)
        )
    acme.load(shop, feedback("05/11/26"), marketplace="US")
    again = acme.load(shop, feedback("05/11/26"), marketplace="GB")

    assert (again["id"], again["rows"]["unchanged"]) == (first["id"], 1)
    path = f"/v1/accounts/{shop}/metrics/negative_feedback_rate/orders"
    (row,) = acme.read(path, marketplace="US", as_of="2026-06-20")["data"]
    assert [each["occurred_on"] for each in row["defects"]] == [MAY]


def test_same_bytes_for_the_same_marketplace_are_a_duplicate(acme: Client, shop: str) -> None:
    first = acme.load(shop, feedback("05/11/26"))
    second = acme.send(shop, feedback("05/11/26"), marketplace="US").json()

    assert (second["id"], second["duplicate"]) == (first["id"], True)
