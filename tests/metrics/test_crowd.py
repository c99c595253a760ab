"""Five thousand accounts and two hundred thousand series of one agency, beside two agencies as large: every list is read from an
index, under row-level security, as the application's role."""

import json
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from accounts.agencies import lifecycle as agencies
from accounts.agencies.account_views import ORDERINGS
from accounts.models import SellerAccount
from accounts.tenancy import context
from metrics.models import CurrentValue
from metrics.rules.definitions import CATALOGUE
from tests.client import Client
from tests.conftest import NOON, empty
from tests.metrics import crowd

MANY = 5_000
LARGE = set(crowd.ANALYZED)
INDEX = {
    "id": "an_account_is_addressed_by_its_agency",
    "name": "selleraccount_by_name",
    "created_at": "selleraccount_by_age",
    "status": "selleraccount_by_status",
    "distance": "selleraccount_by_distance",
    "open_breaches": "selleraccount_by_open_breaches",
}
WITH_TIES = {"status", "distance", "open_breaches"}
"""A page of these is entered where the value begins, and may pass by what of it was shown before."""


@pytest.fixture(scope="module")
def acme(django_db_setup: None, django_db_blocker: DjangoDbBlocker, owner_dsn: str) -> Iterator[Client]:
    """Made once, of committed rows that the planner knows."""
    with django_db_blocker.unblock(), psycopg.connect(owner_dsn, autocommit=True) as owner:
        large = [Client(*agencies.create_agency(name=name, now=NOON)) for name in ("Acme", "Rival", "Third")]
        for client in large:
            crowd.fill(client.agency.pk, accounts=MANY, owner_dsn=owner_dsn)
        owner.execute(f"VACUUM ANALYZE {', '.join(crowd.ANALYZED)}")
        yield large[0]
        connections.close_all()
    empty(owner_dsn)


def plan(client: Client, path: str, **asked: Any) -> dict[str, Any]:
    """The plan of the longest statement that answers a path, as it runs for this agency, with what it really did."""
    with CaptureQueriesContext(connection) as captured:
        client.read(path, **asked)
    statement = max((each["sql"] for each in captured), key=len)
    with context.agency(client.agency.pk), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}".replace("%", "%%"), {})
        (told,) = cursor.fetchone()
    return dict((json.loads(told) if isinstance(told, str) else told)[0]["Plan"])


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for each in node.get("Plans", ()):
        yield from nodes(each)


def read_whole(node: dict[str, Any]) -> set[str]:
    return {each["Relation Name"] for each in nodes(node) if each["Node Type"] == "Seq Scan"} & LARGE


def test_there_are_as_many_as_a_large_agency_has(acme: Client) -> None:
    with context.agency(acme.agency.pk):
        assert (SellerAccount.objects.count(), CurrentValue.objects.count()) == (MANY, MANY * 40)


@pytest.mark.parametrize("asked", [{}, {"marketplace": "CA"}, {"limit": 100}], ids=str)
def test_the_portfolio_is_one_indexed_statement(acme: Client, asked: dict[str, Any]) -> None:
    found = plan(acme, "/v1/portfolio", **asked)

    assert read_whole(found) == set()
    assert max(each["Actual Loops"] for each in nodes(found)) <= len(CATALOGUE)


def test_the_portfolio_counts_them_all(acme: Client) -> None:
    answer = acme.read("/v1/portfolio")

    counts = {"breached": 150, "at_risk": 350, "healthy": 4400, "no_data": 100}
    assert answer["accounts"] == counts | {"total": MANY, "stale": 100}
    assert [{status: each[status] for status in counts} for each in answer["metrics"]] == [counts] * len(answer["metrics"])
    assert answer["open_breaches"] == {"breach": 150, "warning": 350, "unacknowledged": 350}
    distances = [each["distance"] for each in answer["worst"]]
    assert distances == sorted(distances)
    assert (len(distances), distances[0] < 0) == (10, True)


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_each_ordering_of_accounts_is_read_from_its_index(acme: Client, ordering: str) -> None:
    page = acme.read("/v1/accounts", ordering=ordering, limit=100)

    for asked in ({}, {"cursor": page["next_cursor"]}):
        found = plan(acme, "/v1/accounts", ordering=ordering, limit=100, **asked)

        used = {each.get("Index Name") for each in nodes(found)} - {None}
        assert used == {INDEX[ordering.removeprefix("-")]}
        assert not any("Sort" in each["Node Type"] for each in nodes(found))
        read = max(each["Actual Rows"] + each.get("Rows Removed by Filter", 0) for each in nodes(found))
        assert read <= (MANY if ordering.removeprefix("-") in WITH_TIES else 102)


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "breached"},
        {"metric": "order_defect_rate", "status": "breached"},
        {"metric": "order_defect_rate", "status": "healthy"},
        {"metric": "order_defect_rate"},
        {"stale": "true"},
        {"stale": "false"},
        {"has_open_breach": "true"},
        {"marketplace": "CA"},
        {"search": "7d65"},
    ],
    ids=str,
)
@pytest.mark.parametrize("ordering", ["-id", "distance"])
def test_no_filter_reads_a_table_whole(acme: Client, asked: dict[str, str], ordering: str) -> None:
    assert read_whole(plan(acme, "/v1/accounts", ordering=ordering, **asked)) == set()


@pytest.mark.parametrize("ordering", ["distance", "-distance", "open_breaches", "-open_breaches", "-name"])
def test_pages_lead_through_all_of_them_once(acme: Client, ordering: str) -> None:
    page = acme.read("/v1/accounts", ordering=ordering, limit=200)
    seen = page["data"]
    while page["next_cursor"]:
        page = acme.read("/v1/accounts", ordering=ordering, limit=200, cursor=page["next_cursor"])
        seen += page["data"]

    assert len({account["id"] for account in seen}) == len(seen) == MANY
    field = ordering.removeprefix("-")
    known = [account[field] for account in seen if account[field] is not None]
    assert known == sorted(known, reverse=ordering.startswith("-"))
    assert [account[field] is None for account in seen] == sorted(
        (account[field] is None for account in seen), reverse=ordering.startswith("-")
    )


def test_how_long_it_takes(acme: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """Told with `-s`, and not judged: machines differ."""
    for path in ("/v1/portfolio", "/v1/accounts?ordering=distance", "/v1/accounts?metric=order_defect_rate&status=breached"):
        began = time.perf_counter()
        acme.read(path)
        with capsys.disabled():
            print(f"\n{path}: {1000 * (time.perf_counter() - began):.0f} ms of {MANY} accounts", end="")  # noqa: T201
