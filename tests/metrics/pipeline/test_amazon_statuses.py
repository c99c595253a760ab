"""Test the account status in Amazon's reports: the newest, and an event when it changes."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.client import Client
from tests.metrics.fact_recorder import ELEVEN, NINE, TEN, TWELVE, FactRecorder, order, snapshot
from webhooks.models import Event

CHANGED = "account.status_changed"


def published() -> list[dict[str, Any]]:
    return [event.data for event in Event.objects.filter(type=CHANGED).order_by("occurred_at")]


def record_status(status: str, at: str = "2026-11-22T09:00:00Z") -> dict[str, str]:
    return {"status": status, "reported_at": at}


def change(previous: str | None, current: str, *, at: str, marketplace: str = "US") -> dict[str, Any]:
    return {"marketplace": marketplace, "previous": previous, "current": current, "reported_at": at}


def test_first_amazon_status_is_not_published_if_it_is_normal(recorder: FactRecorder) -> None:
    recorder.load(snapshot(status="NORMAL"))

    assert recorder.account.amazon_statuses == {"US": record_status("NORMAL")}
    assert published() == []


@pytest.mark.parametrize("status", ["AT_RISK", "DEACTIVATED"])
def test_first_amazon_status_is_published_if_it_is_not_normal(recorder: FactRecorder, status: str) -> None:
    recorder.load(snapshot(status=status))

    assert recorder.account.amazon_statuses == {"US": record_status(status)}
    assert published() == [change(None, status, at="2026-11-22T09:00:00Z")]


def test_amazon_status_change_is_published_once_with_the_previous_status(recorder: FactRecorder) -> None:
    for hour, status in enumerate(["NORMAL", "AT_RISK", "AT_RISK", "DEACTIVATED", "NORMAL"]):
        at = NINE + timedelta(hours=hour)
        recorder.load(snapshot(status=status, at=at), at=at)

    assert published() == [
        change("NORMAL", "AT_RISK", at="2026-11-22T10:00:00Z"),
        change("AT_RISK", "DEACTIVATED", at="2026-11-22T12:00:00Z"),
        change("DEACTIVATED", "NORMAL", at="2026-11-22T13:00:00Z"),
    ]
    assert recorder.account.amazon_statuses == {"US": record_status("NORMAL", "2026-11-22T13:00:00Z")}


def test_amazon_status_event_occurred_when_the_report_was_loaded(recorder: FactRecorder) -> None:
    recorder.load(snapshot(status="AT_RISK", at=NINE), at=TWELVE)

    assert Event.objects.get().occurred_at == TWELVE


def test_amazon_status_of_an_older_report_that_comes_late_changes_nothing(recorder: FactRecorder) -> None:
    recorder.load(snapshot(status="NORMAL", at=TEN), at=TEN)

    recorder.load(snapshot(status="DEACTIVATED", at=NINE), at=ELEVEN)

    assert recorder.account.amazon_statuses == {"US": record_status("NORMAL", "2026-11-22T10:00:00Z")}
    assert published() == []


def test_amazon_status_recorded_later_wins_at_the_same_moment(recorder: FactRecorder) -> None:
    recorder.load(snapshot(status="NORMAL", at=NINE), at=NINE)

    recorder.load(snapshot(status="AT_RISK", at=NINE), at=TEN)

    assert published() == [change("NORMAL", "AT_RISK", at="2026-11-22T09:00:00Z")]


def test_amazon_status_missing_from_a_report_is_kept(recorder: FactRecorder) -> None:
    recorder.load(snapshot(status="AT_RISK", at=NINE), at=NINE)

    recorder.load(snapshot(status="", at=TEN), at=TEN)

    assert recorder.account.amazon_statuses == {"US": record_status("AT_RISK")}
    assert len(published()) == 1


def test_amazon_status_is_stored_by_marketplace(recorder: FactRecorder) -> None:
    recorder.load(snapshot(status="NORMAL"), snapshot(marketplace="CA", status="AT_RISK"))
    recorder.load(
        snapshot(status="AT_RISK", at=TEN), snapshot(marketplace="CA", status="AT_RISK", at=TEN), at=TEN
    )

    assert recorder.account.amazon_statuses == {
        "US": record_status("AT_RISK", "2026-11-22T10:00:00Z"),
        "CA": record_status("AT_RISK", "2026-11-22T10:00:00Z"),
    }
    assert published() == [
        change(None, "AT_RISK", at="2026-11-22T09:00:00Z", marketplace="CA"),
        change("NORMAL", "AT_RISK", at="2026-11-22T10:00:00Z"),
    ]


@pytest.mark.parametrize("later", [TEN, TEN + timedelta(days=3)])
def test_amazon_status_is_not_published_again_by_other_reports(
    recorder: FactRecorder, later: datetime
) -> None:
    recorder.load(snapshot(status="AT_RISK"))

    recorder.load(order(), at=later)
    recorder.refresh(at=later + timedelta(hours=1))

    assert len(published()) == 1
    assert recorder.account.amazon_statuses == {"US": record_status("AT_RISK")}


def test_amazon_status_is_in_the_account(acme: Client, shop: str, recorder: FactRecorder) -> None:
    before = acme.read(f"/v1/accounts/{shop}")

    recorder.load(snapshot(status="AT_RISK"))

    account = acme.read(f"/v1/accounts/{shop}")
    assert (account["status"], account["amazon_statuses"]) == ("at_risk", {"US": record_status("AT_RISK")})
    assert before["amazon_statuses"] == {}
    assert acme.read("/v1/accounts")["data"][0]["amazon_statuses"] == account["amazon_statuses"]


def test_amazon_status_belongs_to_one_account(acme: Client, shop: str, recorder: FactRecorder) -> None:
    other = acme.take_on(partner="A2OTHER")

    recorder.load(snapshot(status="AT_RISK"))

    assert acme.read(f"/v1/accounts/{other}")["amazon_statuses"] == {}
