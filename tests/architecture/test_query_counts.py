"""Test that lists run the number of queries in tests/architecture/query_counts.json, for few and for many rows.

SHOW_QUERY_COUNTS=1 (`make query-counts`) prints the current counts.
"""

import json
import os
import sys
from dataclasses import asdict
from itertools import islice, product
from pathlib import Path
from typing import Any

from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator

from accounts.marketplaces import CODES
from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from tests import build
from tests.architecture.agency_data import AgencyIds, create_agency_data
from tests.architecture.operations import SHARED_PARTS
from tests.architecture.row_copies import add_copies
from tests.client import Client

FULL, FEW = 30, 3
FILE = Path(__file__).with_name("query_counts.json")
QUERY_COUNTS: dict[str, int] = json.loads(FILE.read_text())
COUNTED_READS = ("getPortfolio", "listMetrics")
SHARED_LISTS = ("listReportTypes", "listEventTypes", "listRules")
WITHOUT_LIMIT = (*SHARED_LISTS, "listMetrics")
NOT_COUNTED = ("SAVEPOINT", "RELEASE SAVEPOINT", "SET LOCAL")  # how a test's transaction is nested


def _lists() -> dict[str, str]:
    """Return the path of each operation that returns a list or counts rows, by its operation ID."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    reads = {
        methods["get"]["operationId"]: path for path, methods in document["paths"].items() if "get" in methods
    }
    components = document["components"]["schemas"]

    def is_list(path: str) -> bool:
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        schema = content.get("application/json", {"schema": {}})["schema"]
        schema = components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        return bool({"data", "next_cursor"} <= schema.get("properties", {}).keys())

    return {name: path for name, path in reads.items() if is_list(path) or name in COUNTED_READS}


LISTS = _lists()


def fill_list(client: Client, has: AgencyIds, name: str, path: str) -> None:
    """Create rows until the list fills a page."""
    if name == "listMetricOrders":
        client.load(has.account_id, build.orders_file(build.orders_on(build.days_ago(30), count=FULL + 10)))
    elif name == "listListings":
        orders = build.orders_on(build.days_ago(20), count=FULL)
        for number, row in enumerate(orders):
            row["sku"] = f"SKU-{number}"
        client.load(has.account_id, build.orders_file(orders))
        client.load(has.account_id, build.delivered_packages(orders))
    elif name == "listThresholds":  # of each scope the newest row is one, so that copies are none
        for marketplace, channel in islice(product(CODES, ("mfn", "afn")), FULL):
            scope = {
                "metric": "order_defect_rate",
                "marketplace": marketplace,
                "channel": channel,
                "warn_at": 0.001,
            }
            assert client.put("/v1/thresholds", scope, format="json").status_code == 201
    elif name not in WITHOUT_LIMIT:
        # Some defects have an order, and are not in the list of those without.
        until = FULL + 10 if name == "listUnmatchedDefects" else FULL
        with context.agency(client.agency.pk):
            add_copies(_rows(client, has, path), until=until)


def _rows(client: Client, has: AgencyIds, path: str) -> "models.QuerySet[Any]":
    """Return the rows of a list from the `queryset` of its view and the IDs in its path."""
    view: Any = resolve(build_path(has, path)).func
    queryset = getattr(view.view_class, "queryset", None)
    if queryset is None:
        return SellerAccount.objects.filter(agency=client.agency)
    fields = {field.attname for field in queryset.model._meta.concrete_fields}  # noqa: SLF001  Django's public way to a model's fields
    named = {
        name: identifiers.private(text.partition("_")[0], text)
        for name, text in asdict(has).items()
        if name in path
    }
    related: models.QuerySet[Any] = queryset.model.objects.filter(
        agency_id=client.agency.pk, **{name: key for name, key in named.items() if name in fields}
    )
    return related


def build_path(has: AgencyIds, path: str) -> str:
    return path.format_map(SHARED_PARTS | asdict(has))


def count_queries(client: Client, path: str, **limit: int) -> tuple[int, int]:
    """Return how many queries a page runs, and how many rows it has."""
    with CaptureQueriesContext(connection) as captured:
        body = client.read(path, **limit)
    counted = [each["sql"] for each in captured if not each["sql"].startswith(NOT_COUNTED)]
    return len(counted), len(body.get("data", ()))


def test_query_counts_match_lists() -> None:
    missing, left = sorted(set(LISTS) - set(QUERY_COUNTS)), sorted(set(QUERY_COUNTS) - set(LISTS))

    assert not missing, (
        f"Run `make query-counts` and add the counts of {', '.join(missing)} to "
        "tests/architecture/query_counts.json."
    )
    assert not left, (
        f"Remove {', '.join(left)} from tests/architecture/query_counts.json: these lists no longer exist."
    )


def test_query_count_of_full_page_is_expected_and_equal_for_three_rows(acme: Client) -> None:
    has = create_agency_data(acme, name="acme")
    measured: dict[str, tuple[int, int]] = {}

    for name, path in LISTS.items():
        fill_list(acme, has, name, path)
        acme.read(build_path(has, path))
        few, full = (
            count_queries(acme, build_path(has, path), **({} if name in WITHOUT_LIMIT else {"limit": each}))
            for each in (FEW, FULL)
        )
        assert name in (*SHARED_LISTS, *COUNTED_READS) or (few[1], full[1]) == (FEW, FULL), (
            f"{name} was not filled"
        )
        measured[name] = few[0], full[0]

    if os.environ.get("SHOW_QUERY_COUNTS"):
        sys.stdout.write(
            "\n" + json.dumps({name: full for name, (_, full) in sorted(measured.items())}, indent=2) + "\n"
        )
        return
    growing = {name: queries for name, queries in measured.items() if queries[0] != queries[1]}
    assert not growing, f"These run more queries for {FULL} rows than for {FEW}: {growing}"
    different = {name: full for name, (_, full) in measured.items() if QUERY_COUNTS.get(name) != full}
    assert not different, (
        f"These query counts differ from tests/architecture/query_counts.json. If they must, change it: {different}"
    )
