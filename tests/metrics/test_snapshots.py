"""Amazon's own reports over HTTP: whole, newest first, kept for ever."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from metrics.models import Snapshot
from metrics.pipeline import snapshots
from tests.client import Client
from tests.metrics.books import NINE, TEN, Books, counter, reported, snapshot


@pytest.fixture
def told(books: Books) -> Books:
    """Three reports, of which the last to arrive is the oldest; one speaks of two stores."""
    books.load(snapshot(at=NINE, status="AT_RISK", extra=[1, None]), reported(), report_id=UUID(int=1))
    books.load(
        snapshot(at=TEN),
        snapshot(marketplace="CA", at=TEN, status=""),
        reported(reported_at=TEN),
        counter(marketplace="CA", count=2, reported_at=TEN),
        at=TEN,
        report_id=UUID(int=2),
    )
    books.load(snapshot(at=NINE - timedelta(days=9)), at=TEN + timedelta(hours=2), report_id=UUID(int=3))
    return books


def test_a_snapshot_has_the_shape_of_the_contract(acme: Client, shop: str, books: Books) -> None:
    figure = reported(
        rate=Decimal("0.0123"), comparator="lt", limit_numerator=1, limit_denominator=100, flags='["The rate is not its counts."]'
    )
    books.load(snapshot(status="AT_RISK", orderDefectRate={"mfn": {"rate": 0.0123, "new": "?"}}), figure, report_id=UUID(int=7))

    (row,) = acme.read(f"/v1/accounts/{shop}/snapshots")["data"]

    assert row == {
        "id": row["id"],
        "account": shop,
        "report": identifiers.public("rpt", UUID(int=7)),
        "marketplace": "US",
        "account_status": "AT_RISK",
        "reported_at": "2026-11-22T09:00:00Z",
        "recorded_at": "2026-11-22T09:00:00Z",
        "figures": [
            {
                "metric": "order_defect_rate",
                "channel": "mfn",
                "from": "2026-09-09",
                "to": "2026-11-07",
                "numerator": 1,
                "denominator": 100,
                "rate": 0.0123,
                "status": "GOOD",
                "target": {"comparator": "lt", "value": 0.01},
                "flags": ["The rate is not its counts."],
            }
        ],
        "document": {"orderDefectRate": {"mfn": {"rate": 0.0123, "new": "?"}}},
    }
    assert row["id"].startswith("snap_")


def test_the_newest_report_comes_first_whatever_arrived_first(acme: Client, shop: str, told: Books) -> None:
    rows = acme.read(f"/v1/accounts/{shop}/snapshots")["data"]

    moments = [row["reported_at"] for row in rows]
    assert moments == ["2026-11-22T10:00:00Z"] * 2 + ["2026-11-22T09:00:00Z", "2026-11-13T09:00:00Z"]
    assert {row["marketplace"] for row in rows[:2]} == {"US", "CA"}


def test_a_snapshot_has_its_own_figures_only(acme: Client, shop: str, told: Books) -> None:
    rows = acme.read(f"/v1/accounts/{shop}/snapshots")["data"]

    figures = {(row["marketplace"], row["reported_at"][8:13]): [each["metric"] for each in row["figures"]] for row in rows}
    assert figures == {
        ("US", "22T10"): ["order_defect_rate"],
        ("CA", "22T10"): ["listing_policy_violations"],
        ("US", "22T09"): ["order_defect_rate"],
        ("US", "13T09"): [],
    }


def test_what_a_figure_does_not_tell_is_null(acme: Client, shop: str, books: Books) -> None:
    books.load(snapshot(status=""), reported(numerator=None, denominator=None, first_on=None, last_on=None, status=""))

    (row,) = acme.read(f"/v1/accounts/{shop}/snapshots")["data"]

    (figure,) = row["figures"]
    assert (row["account_status"], figure["status"]) == (None, None)
    assert [figure[name] for name in ("from", "to", "numerator", "denominator", "rate", "target")] == [None] * 6


@pytest.mark.parametrize(("marketplace", "count"), [("US", 3), ("CA", 1), ("DE", 0)])
def test_snapshots_are_narrowed_to_a_store(acme: Client, shop: str, told: Books, marketplace: str, count: int) -> None:
    rows = acme.read(f"/v1/accounts/{shop}/snapshots", marketplace=marketplace)["data"]

    assert [row["marketplace"] for row in rows] == [marketplace] * count


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_neither_skip_nor_repeat(acme: Client, shop: str, told: Books, limit: int) -> None:
    whole = acme.read(f"/v1/accounts/{shop}/snapshots")
    page = acme.read(f"/v1/accounts/{shop}/snapshots", limit=limit)
    seen = page["data"]

    while page["next_cursor"]:
        page = acme.read(f"/v1/accounts/{shop}/snapshots", limit=limit, cursor=page["next_cursor"])
        seen += page["data"]

    assert seen == whole["data"]
    assert whole["next_cursor"] is None


def test_a_stranger_is_told_of_no_account(rival: Client, shop: str, told: Books) -> None:
    assert rival.get(f"/v1/accounts/{shop}/snapshots").status_code == 404


@pytest.mark.parametrize("parameters", [{"marketplace": "UK"}, {"cursor": "nonsense"}, {"limit": "0"}])
def test_a_wrong_question_is_pointed_at(acme: Client, shop: str, parameters: dict[str, str]) -> None:
    response = acme.get(f"/v1/accounts/{shop}/snapshots", parameters)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [f"/{next(iter(parameters))}"]


def test_another_account_s_snapshots_are_not_ours(acme: Client, shop: str, told: Books) -> None:
    other = acme.take_on(partner="A2OTHER")

    assert acme.read(f"/v1/accounts/{other}/snapshots")["data"] == []
    with context.agency(acme.agency.pk):
        account = SellerAccount.objects.get(pk=identifiers.private("acct", other))
        everything = list(Snapshot.objects.all())
        assert snapshots.marketplaces(account=account) == []
        assert not any(snapshots.figures(account=account, snapshots=everything).values())
