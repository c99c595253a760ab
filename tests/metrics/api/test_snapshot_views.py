"""Test Amazon's reports over HTTP: complete, newest first, and stored permanently."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from accounts.models import SellerAccount
from accounts.tenancy import context
from api import identifiers
from metrics.models import Snapshot
from metrics.pipeline import amazon_reported
from tests.client import Client
from tests.metrics.fact_recorder import NINE, TEN, FactRecorder, counter, reported, snapshot


@pytest.fixture
def with_reports(recorder: FactRecorder) -> FactRecorder:
    """Load three reports, of which the oldest arrives last and one has two marketplaces."""
    recorder.load(snapshot(at=NINE, status="AT_RISK", extra=[1, None]), reported(), report_id=UUID(int=1))
    recorder.load(
        snapshot(at=TEN),
        snapshot(marketplace="CA", at=TEN, status=""),
        reported(reported_at=TEN),
        counter(marketplace="CA", count=2, reported_at=TEN),
        at=TEN,
        report_id=UUID(int=2),
    )
    recorder.load(snapshot(at=NINE - timedelta(days=9)), at=TEN + timedelta(hours=2), report_id=UUID(int=3))
    return recorder


def test_snapshot_has_the_documented_shape(acme: Client, shop: str, recorder: FactRecorder) -> None:
    figure = reported(
        rate=Decimal("0.0123"),
        comparator="lt",
        limit_numerator=1,
        limit_denominator=100,
        flags='["The rate is not its counts."]',
    )
    recorder.load(
        snapshot(status="AT_RISK", orderDefectRate={"mfn": {"rate": 0.0123, "new": "?"}}),
        figure,
        report_id=UUID(int=7),
    )

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


def test_snapshots_are_listed_newest_report_first(
    acme: Client, shop: str, with_reports: FactRecorder
) -> None:
    rows = acme.read(f"/v1/accounts/{shop}/snapshots")["data"]

    moments = [row["reported_at"] for row in rows]
    assert moments == ["2026-11-22T10:00:00Z"] * 2 + ["2026-11-22T09:00:00Z", "2026-11-13T09:00:00Z"]
    assert {row["marketplace"] for row in rows[:2]} == {"US", "CA"}


def test_snapshot_has_only_its_own_figures(acme: Client, shop: str, with_reports: FactRecorder) -> None:
    rows = acme.read(f"/v1/accounts/{shop}/snapshots")["data"]

    figures = {
        (row["marketplace"], row["reported_at"][8:13]): [each["metric"] for each in row["figures"]]
        for row in rows
    }
    assert figures == {
        ("US", "22T10"): ["order_defect_rate"],
        ("CA", "22T10"): ["listing_policy_violations"],
        ("US", "22T09"): ["order_defect_rate"],
        ("US", "13T09"): [],
    }


def test_snapshot_figure_fields_not_reported_are_null(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(
        snapshot(status=""),
        reported(numerator=None, denominator=None, first_on=None, last_on=None, status=""),
    )

    (row,) = acme.read(f"/v1/accounts/{shop}/snapshots")["data"]

    (figure,) = row["figures"]
    assert (row["account_status"], figure["status"]) == (None, None)
    assert [figure[name] for name in ("from", "to", "numerator", "denominator", "rate", "target")] == [
        None
    ] * 6


@pytest.mark.parametrize(("marketplace", "count"), [("US", 3), ("CA", 1), ("DE", 0)])
def test_snapshots_are_filtered_by_marketplace(
    acme: Client, shop: str, with_reports: FactRecorder, marketplace: str, count: int
) -> None:
    rows = acme.read(f"/v1/accounts/{shop}/snapshots", marketplace=marketplace)["data"]

    assert [row["marketplace"] for row in rows] == [marketplace] * count


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_snapshot_pages_neither_skip_nor_repeat(
    acme: Client, shop: str, with_reports: FactRecorder, limit: int
) -> None:
    whole = acme.read(f"/v1/accounts/{shop}/snapshots")
    page = acme.read(f"/v1/accounts/{shop}/snapshots", limit=limit)
    listed = page["data"]

    while page["next_cursor"]:
        page = acme.read(f"/v1/accounts/{shop}/snapshots", limit=limit, cursor=page["next_cursor"])
        listed += page["data"]

    assert listed == whole["data"]
    assert whole["next_cursor"] is None


def test_snapshots_of_another_agency_are_not_found(
    rival: Client, shop: str, with_reports: FactRecorder
) -> None:
    assert rival.get(f"/v1/accounts/{shop}/snapshots").status_code == 404


@pytest.mark.parametrize("parameters", [{"marketplace": "UK"}, {"cursor": "nonsense"}, {"limit": "0"}])
def test_snapshots_with_a_wrong_parameter_are_refused(
    acme: Client, shop: str, parameters: dict[str, str]
) -> None:
    response = acme.get(f"/v1/accounts/{shop}/snapshots", parameters)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [f"/{next(iter(parameters))}"]


def test_snapshots_of_another_account_are_separate(
    acme: Client, shop: str, with_reports: FactRecorder
) -> None:
    other = acme.take_on(partner="A2OTHER")

    assert acme.read(f"/v1/accounts/{other}/snapshots")["data"] == []
    with context.agency(acme.agency.pk):
        account = SellerAccount.objects.get(pk=identifiers.private("acct", other))
        everything = list(Snapshot.objects.all())
        assert amazon_reported.apply(account=account, now=TEN).marketplaces == frozenset()
        assert not any(amazon_reported.query_snapshot_figures(account=account, snapshots=everything).values())
