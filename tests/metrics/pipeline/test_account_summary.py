"""Test that an account's summary follows every report, and the time."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AccountStatus
from metrics import refresh
from metrics.models import Breach
from metrics.pipeline import account_summary
from tests.client import Client
from tests.metrics.fact_recorder import (
    A_MOMENT,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    TWELVE,
    FactRecorder,
    counter,
    defect,
    message,
    orders,
)


def summarize(recorder: FactRecorder, at: datetime) -> None:
    """Refresh without new facts at a later time."""
    refresh.refresh(account=recorder.locked(), touched=(), now=at)


def worst(recorder: FactRecorder) -> dict[str, Any]:
    series = recorder.account.worst_series
    assert series is not None
    return dict(series)


def test_summary_of_an_account_without_data(recorder: FactRecorder) -> None:
    summarize(recorder, NINE)

    account = recorder.account
    assert (account.status, account.distance, account.worst_series) == (AccountStatus.NO_DATA, None, None)
    assert (account.open_breaches, account.open_warnings, account.stale_from) == (0, 0, None)


def test_summary_has_the_worst_series(recorder: FactRecorder) -> None:
    recorder.load(*orders(50), *orders(400, first=101, channel="afn"))
    recorder.load(defect(1), defect(101), at=TEN)

    assert (recorder.account.status, recorder.account.distance) == (AccountStatus.BREACHED, -1.0)
    assert worst(recorder) == {
        "metric": "order_defect_rate",
        "name": "Order Defect Rate",
        "marketplace": "US",
        "channel": "mfn",
        "numerator": 1,
        "denominator": 50,
        "rate": 0.02,
        "basis": "own",
        "target": {"comparator": "lt", "value": 0.01, "source": "default"},
        "status": "breached",
        "enforced": True,
    }


def test_summary_improves_with_the_values(recorder: FactRecorder) -> None:
    recorder.load(*orders(50))
    recorder.load(defect(1), at=TEN)
    recorder.load(defect(1, state="denied"), at=ELEVEN)

    assert (recorder.account.status, recorder.account.distance, worst(recorder)["numerator"]) == (
        AccountStatus.HEALTHY,
        1.0,
        0,
    )


def test_worst_series_prefers_enforced_metrics(recorder: FactRecorder) -> None:
    recorder.load(*orders(200), *[message(n, is_answered_in_time=False) for n in (1, 2)])
    recorder.load(defect(1), defect(2), at=TEN)

    assert (worst(recorder)["metric"], worst(recorder)["enforced"], recorder.account.distance) == (
        "order_defect_rate",
        True,
        0.0,
    )


def test_worst_series_is_a_recommended_metric_if_nothing_else_is_as_bad(recorder: FactRecorder) -> None:
    recorder.load(*orders(200), message(1, is_answered_in_time=False, on=TODAY))

    assert (worst(recorder)["metric"], worst(recorder)["enforced"]) == ("message_response_rate_24h", False)
    assert recorder.account.status == worst(recorder)["status"] == "breached"


@pytest.mark.parametrize(("violations", "far"), [(0, 1.0), (1, 0.0), (4, 0.0)])
def test_worst_series_may_be_a_counter_at_its_limit(
    recorder: FactRecorder, violations: int, far: float
) -> None:
    recorder.load_amazon_report(
        counter(count=violations, comparator="eq", limit_numerator=0, limit_denominator=1)
    )

    assert (worst(recorder)["metric"], recorder.account.distance) == ("listing_policy_violations", far)
    assert worst(recorder)["target"]["source"] == "amazon_report"


def test_summary_counts_open_breaches_and_warnings(recorder: FactRecorder) -> None:
    recorder.load(*orders(50), *orders(50, first=101, channel="afn"))
    recorder.load(defect(1), defect(101), at=TEN)
    both = recorder.account.open_breaches

    recorder.load(defect(1, state="denied"), at=ELEVEN)

    assert (both, recorder.account.open_breaches) == (2, 1)
    Breach.objects.filter(status=Breach.State.OPEN).update(level=Breach.Level.WARNING)
    account = recorder.account
    account_summary.save(
        account=account,
        values=recorder.values(since=TODAY, known_at=TWELVE),
        marketplaces=account.marketplaces,
        amazon_statuses=account.amazon_statuses,
        now=TWELVE,
    )
    assert recorder.account.open_warnings == 1


def test_account_in_the_api_has_its_summary(acme: Client, shop: str) -> None:
    recorder = FactRecorder.for_account(acme, shop)
    moment = timezone.now()
    recorder.load(*orders(50, on=moment.date() - timedelta(days=40)), at=moment)
    recorder.load(defect(1), at=moment + A_MOMENT)

    account = acme.read(f"/v1/accounts/{shop}")

    assert (account["status"], account["distance"], account["stale"]) == ("breached", -1.0, False)
    assert (account["open_breaches"], account["open_warnings"]) == (1, 0)
    assert (account["worst_series"]["metric"], account["worst_series"]["rate"]) == ("order_defect_rate", 0.02)
    assert acme.read("/v1/accounts")["data"] == [account]
