"""Test the upload of every sample file: rows, numbers and Amazon's figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from accounts.agencies import lifecycle as agencies
from tests import build
from tests.client import Client
from tests.conftest import NOON

SAMPLES = Path(__file__).parent.parent / "samples"
V2, V1 = "GET_V2_SELLER_PERFORMANCE_REPORT", "GET_V1_SELLER_PERFORMANCE_REPORT"
FEEDBACK, RETURNS = "GET_SELLER_FEEDBACK_DATA", "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
FBA_RETURNS = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
ORDERS, ORDERS_XML = (
    "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
    "GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
)

LOADED: dict[str, tuple[str, tuple[int, int, int, int]]] = {
    f"{ORDERS_XML}/1.xml": ("US", (1, 1, 0, 0)),
    f"{FEEDBACK}/2_DE_RECONSTRUCTED_cp1252.tsv": ("DE", (2, 2, 0, 0)),
    f"{FEEDBACK}/2_DE_RECONSTRUCTED_utf8.tsv": ("DE", (2, 2, 0, 0)),
    f"{FEEDBACK}/3_ES_RECONSTRUCTED_utf8.tsv": ("ES", (1, 1, 0, 0)),
    f"{FEEDBACK}/4_MX_RECONSTRUCTED_utf8.tsv": ("MX", (1, 1, 0, 0)),
    f"{FEEDBACK}/6_MWS_10col_RECONSTRUCTED.tsv": ("US", (1, 1, 0, 0)),
    f"{RETURNS}/1.tsv": ("US", (1, 1, 0, 0)),
    # Their header is repeated as data, and they have nothing else.
    f"{RETURNS}/2_airbyte_header_fixture.tsv": ("US", (0, 0, 0, 0)),
    f"{FBA_RETURNS}/2_airbyte_header_fixture.tsv": ("US", (0, 0, 0, 0)),
    f"{FBA_RETURNS}/1.tsv": ("US", (1, 1, 0, 0)),
    f"{V1}/1_RECONSTRUCTED.xml": ("US", (11, 6, 5, 0)),
    f"{V2}/1_airbyte_fixture.json": ("US", (6, 6, 0, 0)),
    f"{V2}/3_schema_examples_root.json": ("US", (19, 19, 0, 0)),
    f"{V2}/4_schema_example_performanceMetrics.json": ("US", (19, 19, 0, 0)),
}
"""The marketplace, and the rows read, new, unchanged and rejected. Rows of the snapshot alone are unchanged."""


REFUSED = {
    f"{ORDERS}/1_rows_without_header.tsv": "no-header",
    f"{FEEDBACK}/1_us_header_fixture.tsv": "no-usable-row",
    f"{V2}/0_json_schema.json": "schema-not-report",
}


def sample(path: str) -> bytes:
    return (SAMPLES / path).read_bytes()


def series(client: Client, account: str, metric: str, **params: str) -> dict[str, Any]:
    (value,) = client.read(f"/v1/accounts/{account}/metrics", metric=metric, marketplace="US", **params)[
        "metrics"
    ]
    return dict(value)


def test_samples_are_all_in_a_table() -> None:
    assert {str(path.relative_to(SAMPLES)) for path in SAMPLES.glob("GET_*/*")} == {*LOADED, *REFUSED}


@pytest.mark.parametrize("path", LOADED)
def test_sample_is_loaded(acme: Client, shop: str, path: str) -> None:
    marketplace, rows = LOADED[path]

    report = acme.load(shop, sample(path), marketplace=marketplace)

    assert (report["status"], report["problem"], report["report_type"]) == (
        "loaded",
        None,
        path.partition("/")[0],
    )
    assert tuple(report["rows"][name] for name in ("read", "new", "unchanged", "rejected")) == rows
    assert (report["encoding"] == "cp1252") is ("cp1252" in path)
    assert report["encoding_reason"]


@pytest.mark.parametrize("path", REFUSED)
def test_invalid_sample_is_rejected_and_changes_nothing(committed_db: None, path: str) -> None:
    nord = Client(*agencies.create_agency(name="Nord", now=NOON))
    shelf = nord.take_on()
    before = nord.read(f"/v1/accounts/{shelf}/metrics")

    report = nord.load(shelf, sample(path))

    assert (report["status"], report["problem"]["type"]) == ("rejected", f"/problems/{REFUSED[path]}")
    assert nord.read(f"/v1/accounts/{shelf}/metrics") == before


def test_amazons_example_is_shown_with_own_figures_and_flags(acme: Client, shop: str) -> None:
    acme.load(shop, sample(f"{V2}/3_schema_examples_root.json"))

    odr = series(acme, shop, "order_defect_rate", channel="mfn")

    amazon = odr["amazon"]
    assert (amazon["numerator"], amazon["denominator"], amazon["rate"], amazon["status"]) == (
        1078,
        539000,
        0.009,
        "GOOD",
    )
    assert (amazon["from"], amazon["to"], amazon["reported_at"]) == (
        "2020-09-06",
        "2020-11-04",
        "2020-11-19T23:59:59Z",
    )
    assert amazon["target"] == {"comparator": "lt", "value": 0.01}
    assert amazon["ours"] == {"numerator": 0, "denominator": 0, "rate": None, "meets_target": None}
    assert any("0.009" in flag for flag in amazon["flags"])
    assert odr["target"] == {"comparator": "lt", "value": 0.01, "source": "amazon_report"}
    late = series(acme, shop, "late_shipment_rate_30d")
    assert (late["amazon"]["numerator"], late["amazon"]["denominator"]) == (27896, 870669)
    cancelled = series(acme, shop, "pre_fulfillment_cancel_rate")
    assert (cancelled["target"]["value"], cancelled["target"]["source"]) == (0.01, "amazon_report")
    assert cancelled["amazon"]["flags"]


def test_figures_counted_by_amazon_alone_have_a_history(acme: Client, shop: str) -> None:
    acme.load(shop, sample(f"{V2}/3_schema_examples_root.json"))

    value = series(acme, shop, "food_and_product_safety_issues")
    days = {"from": "2020-11-18", "to": "2020-11-20"}
    history = acme.read(f"/v1/accounts/{shop}/metrics/food_and_product_safety_issues/history", **days)

    assert (value["numerator"], value["denominator"], value["rate"], value["channel"]) == (37, 1, 37.0, "all")
    assert (value["target"]["comparator"], value["meets_target"], value["status"]) == (
        "eq",
        False,
        "breached",
    )
    assert [(point["as_of"], point["numerator"]) for point in history["points"]] == [
        ("2020-11-19", 37),
        ("2020-11-20", 37),
    ]


def test_snapshots_are_stored_by_marketplace_with_account_status(acme: Client, shop: str) -> None:
    acme.load(shop, sample(f"{V2}/3_schema_examples_root.json"))

    snapshots = acme.read(f"/v1/accounts/{shop}/snapshots")["data"]
    (event,) = acme.read("/v1/events", type="account.status_changed", limit=1)["data"]

    by_marketplace = {snapshot["marketplace"]: snapshot for snapshot in snapshots}
    assert {place: snapshot["account_status"] for place, snapshot in by_marketplace.items()} == {
        "US": "AT_RISK",
        "CA": "NORMAL",
        "MX": "SUSPENDED",
    }
    original = json.loads(sample(f"{V2}/3_schema_examples_root.json"))[0]["performanceMetrics"][0]
    assert by_marketplace["US"]["document"] == original
    assert acme.read(f"/v1/accounts/{shop}")["amazon_statuses"]["MX"]["status"] == "SUSPENDED"
    assert event["data"]["previous"] is None
    assert event["data"]["current"] in {"AT_RISK", "SUSPENDED"}


def test_return_counts_once_its_order_is_loaded(acme: Client, shop: str) -> None:
    acme.load(shop, sample(f"{RETURNS}/1.tsv"))
    order = build.order_row(
        amazon_order_id="113-6277818-6289068",
        purchase_date="2025-07-10T20:00:00+00:00",
        last_updated_date="2025-07-12T20:00:00Z",
    )
    acme.load(shop, build.orders_file([order]))

    rate = series(acme, shop, "return_rate", channel="mfn", as_of="2025-08-10")
    (listed,) = acme.read(f"/v1/accounts/{shop}/metrics/return_rate/orders", as_of="2025-08-10")["data"]

    assert (rate["numerator"], rate["denominator"], rate["target"], rate["status"]) == (1, 1, None, "healthy")
    assert (listed["counted"], listed["defects"][0]["kind"], listed["defects"][0]["reference"]) == (
        True,
        "return",
        "RMA DfqRyqfBRRMA",
    )
