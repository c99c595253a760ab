"""Each list takes the number of queries in tests/architecture/query_counts.json, and no more for a full page than
for three rows.

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
from tests.architecture.crowding import crowd
from tests.architecture.furnishing import Furnished, furnish
from tests.architecture.operations import FREE
from tests.client import Client

FULL, FEW = 30, 3
FILE = Path(__file__).with_name("query_counts.json")
QUERY_COUNTS: dict[str, int] = json.loads(FILE.read_text())
BESIDE_LISTS = ("getPortfolio", "listMetrics")
OF_NOBODY = ("listReportTypes", "listEventTypes")
NOT_COUNTED = ("SAVEPOINT", "RELEASE SAVEPOINT", "SET LOCAL")  # how a test's transaction is nested


def _lists() -> dict[str, str]:
    """The path of each operation that answers a list, or counts over lists, by its name."""
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

    return {name: path for name, path in reads.items() if is_list(path) or name in BESIDE_LISTS}


LISTS = _lists()


def fill(client: Client, has: Furnished, name: str, path: str) -> None:
    """Let the list have a full page."""
    if name == "listMetricOrders":
        client.load(has.account_id, build.orders_file(build.orders_on(build.days_ago(30), count=FULL + 10)))
    elif name == "listThresholds":  # of each scope the newest row is one, so that copies are none
        for marketplace, channel in islice(product(CODES, ("mfn", "afn")), FULL):
            scope = {
                "metric": "order_defect_rate",
                "marketplace": marketplace,
                "channel": channel,
                "warn_at": 0.001,
            }
            assert client.put("/v1/thresholds", scope, format="json").status_code == 201
    elif name not in (*OF_NOBODY, "listMetrics"):
        with context.agency(client.agency.pk):
            crowd(_rows(client, has, path), until=FULL)


def _rows(client: Client, has: Furnished, path: str) -> "models.QuerySet[Any]":
    """The rows that the view of a list reads, as its `queryset` says, of what the path names."""
    view: Any = resolve(place(has, path)).func
    queryset = getattr(view.view_class, "queryset", None)
    if queryset is None:
        return SellerAccount.objects.filter(agency=client.agency)
    fields = {field.attname for field in queryset.model._meta.concrete_fields}  # noqa: SLF001  Django's public door
    named = {
        name: identifiers.private(text.partition("_")[0], text)
        for name, text in asdict(has).items()
        if name in path
    }
    related: models.QuerySet[Any] = queryset.model.objects.filter(
        agency_id=client.agency.pk, **{name: key for name, key in named.items() if name in fields}
    )
    return related


def place(has: Furnished, path: str) -> str:
    return path.format_map(FREE | asdict(has))


def cost(client: Client, path: str, *, limit: int) -> tuple[int, int]:
    """How many queries a page takes, and how many rows it has."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.read(path, limit=limit)
    counted = [each["sql"] for each in captured if not each["sql"].startswith(NOT_COUNTED)]
    return len(counted), len(answer.get("data", ()))


def test_every_list_has_a_budget_and_every_budget_a_list() -> None:
    missing, left = sorted(set(LISTS) - set(QUERY_COUNTS)), sorted(set(QUERY_COUNTS) - set(LISTS))

    assert not missing, (
        f"Run `make query-counts` and add the counts of {', '.join(missing)} to "
        "tests/architecture/query_counts.json."
    )
    assert not left, (
        f"Remove {', '.join(left)} from tests/architecture/query_counts.json: these lists no longer exist."
    )


def test_a_full_page_costs_what_its_budget_says_and_three_rows_no_less(acme: Client) -> None:
    has = furnish(acme, name="acme")
    measured: dict[str, tuple[int, int]] = {}

    for name, path in LISTS.items():
        fill(acme, has, name, path)
        acme.read(place(has, path))
        few, full = cost(acme, place(has, path), limit=FEW), cost(acme, place(has, path), limit=FULL)
        assert name in (*OF_NOBODY, *BESIDE_LISTS) or (few[1], full[1]) == (FEW, FULL), (
            f"{name} was not filled"
        )
        measured[name] = few[0], full[0]

    if os.environ.get("SHOW_QUERY_COUNTS"):
        sys.stdout.write(
            "\n" + json.dumps({name: full for name, (_, full) in sorted(measured.items())}, indent=2) + "\n"
        )
        return
    grown = {name: queries for name, queries in measured.items() if queries[0] != queries[1]}
    assert not grown, f"These ask more queries for {FULL} rows than for {FEW}: {grown}"
    off = {name: full for name, (_, full) in measured.items() if QUERY_COUNTS.get(name) != full}
    assert not off, (
        f"These cost other than tests/architecture/query_counts.json says. If they have to, say so there: {off}"
    )
