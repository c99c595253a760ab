"""Test pagination: no row is repeated or skipped, and cursors belong to one list."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from accounts.agencies import lifecycle as agencies
from accounts.models import SellerAccount
from accounts.tenancy import context
from api import cursors, identifiers
from api.pagination import QuerysetListing
from tests import build
from tests.client import Client
from tests.conftest import NOON

Take = Callable[..., SellerAccount]


@pytest.fixture
def take(acme: Client) -> Iterator[Take]:
    """Create accounts in the transaction of Acme; their IDs grow whatever the clock does."""

    def take(name: str, *, days: int = 0) -> SellerAccount:
        return agencies.create_account(
            agency=acme.agency,
            name=name,
            selling_partner_id=identifiers.uuid7().hex,
            home_marketplace="US",
            external_id=None,
            now=NOON + timedelta(days=days),
        )

    with context.agency(acme.agency.pk):
        yield take


def listing(ordering: str) -> QuerysetListing:
    return QuerysetListing(SellerAccount.objects.all(), ordering)


def walk(ordering: str, *, limit: int) -> list[SellerAccount]:
    """Return every row, read page by page."""
    rows: list[SellerAccount] = []
    after: list[str] | None = None
    while page := listing(ordering).page(after=after, limit=limit):
        rows += page
        text = cursors.encode(listing(ordering).position(page[-1]))
        after = cursors.decode(text, length=listing(ordering).position_length)
    return rows


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 50])
@pytest.mark.parametrize(
    "ordering", ["name", "-name", "created_at", "-created_at", "status", "-status", "id", "-id"]
)
def test_page_neither_repeats_nor_skips_ties(take: Take, ordering: str, limit: int) -> None:
    made = [
        take(name, days=days)
        for name, days in (("a", 1), ("b", 0), ("a", 1), ("", 0), ("b", 1), ("a", 0), ("Ä", 1))
    ]

    rows = walk(ordering, limit=limit)

    sign, field = (-1, ordering[1:]) if ordering.startswith("-") else (1, ordering)
    wanted = sorted(made, key=lambda account: (getattr(account, field), account.pk))[::sign]
    assert [row.pk for row in rows] == [account.pk for account in wanted]


@pytest.mark.parametrize("ordering", ["name", "-name", "created_at", "-id"])
def test_page_skips_no_row_after_deletion(take: Take, ordering: str) -> None:
    made = {take(name).pk for name in "aabbcc"}
    first = listing(ordering).page(after=None, limit=3)
    seen = [row.pk for row in first]
    after = listing(ordering).position(first[-1])

    first[-1].delete()
    seen += [row.pk for row in listing(ordering).page(after=after, limit=10)]

    assert (len(seen), set(seen)) == (6, made)


@pytest.mark.parametrize(
    ("ordering", "newcomer_is_seen"), [("name", True), ("-name", False), ("id", True), ("-id", False)]
)
def test_page_shows_row_added_after_cursor(take: Take, ordering: str, newcomer_is_seen: bool) -> None:
    for name in "abcd":
        take(name)
    first = listing(ordering).page(after=None, limit=2)

    newcomer = take("z")
    rest = listing(ordering).page(after=listing(ordering).position(first[-1]), limit=10)

    assert (newcomer in rest) is newcomer_is_seen
    assert len(rest) == 2 + newcomer_is_seen


def test_page_repeats_moved_row_and_loses_none(take: Take) -> None:
    first, second, third = take("a"), take("b"), take("c")
    page = listing("name").page(after=None, limit=2)

    SellerAccount.objects.filter(pk=first.pk).update(name="d")
    rest = listing("name").page(after=listing("name").position(page[-1]), limit=10)

    assert [row.pk for row in page] == [first.pk, second.pk]
    assert [row.pk for row in rest] == [third.pk, first.pk]


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize("sign", ["", "-"])
def test_page_orders_rows_without_distance(take: Take, sign: str, limit: int) -> None:
    distances = [None, 1.0, -2.5, None, 0.1, 0.1, 1 / 3, -1e300, None]
    for distance in distances:
        SellerAccount.objects.filter(pk=take("a").pk).update(distance=distance)

    rows = walk(f"{sign}ordered_distance", limit=limit)

    known = sorted(distance for distance in distances if distance is not None)
    assert [row.distance for row in rows] == [*known, None, None, None][:: -1 if sign else 1]
    assert len({row.pk for row in rows}) == len(distances)


@pytest.mark.parametrize(("ordering", "places"), [("id", 1), ("-id", 1), ("name", 2), ("-created_at", 2)])
def test_position_by_primary_key_has_one_text(take: Take, ordering: str, places: int) -> None:
    account = take("a")

    assert listing(ordering).position_length == places == len(listing(ordering).position(account))


SOMEBODY = UUID(int=1)


@pytest.mark.parametrize(
    ("ordering", "position"),
    [
        ("-id", ["a name"]),
        ("-id", [""]),
        ("created_at", ["a name", str(SOMEBODY)]),
        ("created_at", ["2026-11-22", "no id"]),
        ("created_at", ["2026-02-30T00:00:00Z", str(SOMEBODY)]),
        ("name", ["a name", "2026-11-22"]),
        ("ordered_distance", ["a name", str(SOMEBODY)]),
        ("open_breaches", ["a name", str(SOMEBODY)]),
    ],
)
def test_position_of_other_list_is_bad_cursor(take: Take, ordering: str, position: list[str]) -> None:
    with pytest.raises(cursors.BadCursor):
        listing(ordering).page(after=position, limit=10)


def ask(client: Client, path: str) -> Any:
    """Send a request in a savepoint, so that a refusal does not affect the next one."""
    with transaction.atomic():
        return client.get(path)


@pytest.fixture
def lists(acme: Client, shop: str) -> list[str]:
    """Return every list of the API with its parameters."""
    report = acme.load(shop, build.orders_file([build.order_row(), build.order_row(amazon_order_id="no id")]))
    return [
        *(f"/v1/accounts?ordering={ordering}" for ordering in ("id", "-id", "name", "-created_at", "status")),
        *(
            f"/v1/accounts?ordering={ordering}"
            for ordering in ("distance", "-distance", "open_breaches", "-open_breaches")
        ),
        f"/v1/accounts/{shop}/reports?",
        f"/v1/accounts/{shop}/metrics/order_defect_rate/orders?",
        f"/v1/reports/{report['id']}/rejected-rows?",
        "/v1/breaches?",
    ]


HOSTILE: tuple[list[str], ...] = (
    [""],
    ["\0"],
    ["\ud800"],
    ["9" * 30],
    ["-1"],
    ["1e3"],
    ["٣"],
    ["x" * 100_000],
    ["infinity"],
    ["nan", str(SOMEBODY)],
    ["-inf", str(SOMEBODY)],
    ["1e999", str(SOMEBODY)],
    ["9" * 30, str(SOMEBODY)],
    ["-1", str(SOMEBODY)],
    ["\0", str(SOMEBODY)],
    ["\ud800", str(SOMEBODY)],
    ["a\0b", str(SOMEBODY)],
    ["2026-11-22", "\0"],
    ["2026-11-22", "\ud800"],
    ["0001-01-01", "x"],
    ["9999-12-31", "x"],
    ["0001-01-01T00:00:00+23:59", str(SOMEBODY)],
    ["9999-12-31T23:59:59-23:59", str(SOMEBODY)],
    ["infinity", str(SOMEBODY)],
    ["2026-11-22T12:00:00", str(SOMEBODY)],
    ["'; SELECT 1; --", str(SOMEBODY)],
    [str(SOMEBODY), str(SOMEBODY)],
    ["{" + str(SOMEBODY) + "}"],
    ["a", "b", "c"],
    [],
)


def test_cursor_made_up_causes_no_server_error(acme: Client, lists: list[str]) -> None:
    for position, path in product(HOSTILE, lists):
        cursor, case = cursors.encode(position), f"{ascii(position)[:40]} {path}"

        answer = ask(acme, f"{path}&cursor={cursor}")

        assert answer.status_code in ({400} if len(cursor) > cursors.MAX_LENGTH else {200, 404}), case
        if answer.status_code != 200:
            assert [error["pointer"] for error in answer.json()["errors"]] == ["/cursor"], case


def test_cursor_malformed_is_refused_by_each_list(acme: Client, lists: list[str]) -> None:
    malformed = ["x", "%00", "%ff", "eyJ9", "W10", "bnVsbA", "..", "a" * 5000, "%F0%9F%99%82"]

    for cursor, path in product(malformed, lists):
        response = ask(acme, f"{path}&cursor={cursor}")

        assert response.status_code == 400, f"{cursor[:40]} {path}"
        assert response.json()["errors"][0]["pointer"] == "/cursor", f"{cursor[:40]} {path}"


def test_limit_out_of_bounds_is_refused_by_each_list(acme: Client, lists: list[str]) -> None:
    limits = ["0", "-1", "201", "1.5", "x", "", "٣٣٣", "²", "1" * 5000, "1 "]

    for limit, path in product(limits, lists):
        response = ask(acme, f"{path}&limit={limit}")

        assert response.status_code == 400, f"{limit[:40]} {path}"
        assert response.json()["errors"][0]["pointer"] == "/limit", f"{limit[:40]} {path}"


def test_cursor_empty_returns_first_page(acme: Client, lists: list[str]) -> None:
    for path in lists:
        assert acme.read(f"{path}&cursor=") == acme.read(path)


def test_page_of_all_rows_has_no_next_cursor(acme: Client) -> None:
    for number in range(3):
        acme.take_on(partner=f"A{number}")

    pages: dict[int, Any] = {limit: acme.read("/v1/accounts", limit=limit) for limit in (2, 3, 4)}

    assert {limit: (len(page["data"]), bool(page["next_cursor"])) for limit, page in pages.items()} == {
        2: (2, True),
        3: (3, False),
        4: (3, False),
    }


def test_cursor_of_other_agency_shows_nothing(acme: Client, rival: Client) -> None:
    for number in range(3):
        acme.take_on(partner=f"A{number}")
    cursor = acme.read("/v1/accounts", limit=1)["next_cursor"]

    assert rival.read("/v1/accounts", cursor=cursor) == {"data": [], "next_cursor": None}
