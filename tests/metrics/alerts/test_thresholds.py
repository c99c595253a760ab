"""Test thresholds: valid settings, when they apply, what was known of them, and their effects."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from api import identifiers
from metrics.alerts import thresholds
from metrics.alerts.thresholds import InvalidThreshold, Scope, ThresholdSettings
from metrics.models import Breach, Threshold
from metrics.rules.judgement import Comparator, Limit, Status
from metrics.rules.yardstick import WarningThreshold
from tests.client import Client
from tests.conftest import NOON
from tests.metrics.fact_recorder import (
    A_MOMENT,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    TWELVE,
    FactRecorder,
    defect,
    orders,
)

ODR = "order_defect_rate"
A_DAY = timedelta(days=1)
HALF = Limit(Comparator.LT, 1, 200)


@pytest.fixture
def sold(recorder: FactRecorder) -> FactRecorder:
    """Record three defects in five hundred merchant orders: 0.6 %, which is healthy by default."""
    recorder.load(*orders(500), at=NINE)
    recorder.load(*[defect(number) for number in (1, 2, 3)], at=NINE)
    return recorder


def line(recorder: FactRecorder, **at: Any) -> WarningThreshold:
    warning = recorder.value(ODR, **at).warning
    assert warning is not None
    return warning


def threshold_settings(**fields: Any) -> ThresholdSettings:
    return ThresholdSettings(**{"warn_at": Decimal("0.005")} | fields)


def put(
    recorder: FactRecorder, scope: Scope, settings: ThresholdSettings, at: datetime = TEN
) -> tuple[Threshold, bool]:
    return thresholds.set_threshold(agency=recorder.account.agency, scope=scope, settings=settings, now=at)


def test_threshold_default_applies_without_a_threshold(sold: FactRecorder) -> None:
    value = sold.value(ODR)

    assert value.warning == WarningThreshold(
        limit=Limit(Comparator.LT, 3, 400), clear=Limit(Comparator.LT, 3, 400), source="default"
    )
    assert value.status == Status.HEALTHY


def test_threshold_replaces_the_default_and_names_itself(sold: FactRecorder) -> None:
    threshold = sold.set_threshold(
        "0.005", clear_at=Decimal("0.0025"), for_days=1, keep_days=2, min_denominator=100, at=TEN
    )

    value = sold.value(ODR)
    assert value.warning == WarningThreshold(
        limit=HALF,
        clear=Limit(Comparator.LT, 1, 400),
        source="custom",
        threshold=threshold.threshold_id,
        for_days=1,
        keep_days=2,
        min_denominator=100,
    )
    assert (value.status, value.limit, value.limit_source) == (
        Status.AT_RISK,
        Limit(Comparator.LT, 1, 100),
        "default",
    )


def test_threshold_does_not_judge_a_small_denominator_and_the_target_does(sold: FactRecorder) -> None:
    sold.set_threshold("0.005", min_denominator=501, at=TEN)
    few = sold.value(ODR)
    sold.load(defect(4), defect(5), at=ELEVEN)

    assert (few.meets_warning_limit, few.meets_clear_limit, few.status) == (None, None, Status.HEALTHY)
    assert sold.value(ODR).status == Status.BREACHED


def test_threshold_is_unknown_before_it_was_set(sold: FactRecorder) -> None:
    known_before = sold.account.last_recorded_at
    assert known_before is not None
    sold.set_threshold("0.005", at=TEN)
    known_with_it = sold.account.last_recorded_at
    assert known_with_it is not None
    sold.set_threshold("0.002", at=ELEVEN)

    limits = [line(sold, known_at=moment).limit for moment in (known_before, known_with_it, TWELVE)]
    assert limits == [Limit(Comparator.LT, 3, 400), HALF, Limit(Comparator.LT, 1, 500)]


def test_threshold_is_known_to_an_account_once_it_is_applied(sold: FactRecorder) -> None:
    put(sold, Scope(metric=ODR), threshold_settings(), at=TEN)
    sources = [line(sold, known_at=moment).source for moment in (TEN, TWELVE)]
    sold.run_daily(at=ELEVEN)

    assert sources == ["default", "default"]
    assert [line(sold, known_at=moment).source for moment in (TEN, ELEVEN - A_MOMENT, ELEVEN)] == [
        "default",
        "default",
        "custom",
    ]


def test_threshold_of_a_past_day_judges_that_day(sold: FactRecorder) -> None:
    sold.set_threshold("0.005", at=TEN)
    sold.set_threshold("0.002", at=TEN + A_DAY)

    values = sold.values(
        metrics=[ODR],
        marketplaces=["US"],
        channel="mfn",
        since=TODAY - A_DAY,
        until=TODAY + 2 * A_DAY,
        known_at=TEN + 3 * A_DAY,
    )
    assert [value.warning_limit and value.warning_limit.value for value in values] == [
        0.0075,
        0.005,
        0.002,
        0.002,
    ]


def test_threshold_opens_a_warning_that_its_deletion_ends(sold: FactRecorder) -> None:
    threshold = sold.set_threshold("0.005", at=TEN)
    (opened,) = Breach.objects.all()
    sold.delete_threshold(threshold, at=ELEVEN)

    (resolved,) = Breach.objects.all()
    assert (opened.level, opened.status, opened.limit, opened.limit_source) == (
        "warning",
        "open",
        HALF,
        "custom",
    )
    assert opened.threshold_id == threshold.threshold_id
    assert (resolved.status, resolved.resolved_at, resolved.resolved_because) == (
        "resolved",
        ELEVEN,
        "line_changed",
    )
    assert line(sold).source == "default"


def test_warning_without_another_threshold_ends_with_reason_line_removed(sold: FactRecorder) -> None:
    threshold = sold.set_threshold("0.005", metric="a_to_z_claim_rate", at=TEN)
    sold.delete_threshold(threshold, at=ELEVEN)

    breach = Breach.objects.values_list("metric", "level", "status", "comparator", "resolved_because").get()
    assert breach == ("a_to_z_claim_rate", "warning", "resolved", "lt", "line_removed")


def test_threshold_of_an_account_beats_a_stricter_one_of_all_accounts(sold: FactRecorder) -> None:
    sold.set_threshold("0.005", at=TEN)
    sold.set_threshold("0.009", account_id=sold.account_id, at=ELEVEN)

    assert line(sold).limit.value == 0.009
    assert [(each.level, each.status) for each in Breach.objects.all()] == [("warning", "resolved")]


def test_threshold_of_another_account_changes_nothing(sold: FactRecorder, acme: Client) -> None:
    other = FactRecorder(acme.agency.pk, identifiers.private("acct", acme.take_on(partner="A2")))

    sold.set_threshold("0.005", account_id=other.account_id, at=TEN)

    assert line(sold).source == "default"


def test_threshold_set_again_with_identical_settings_creates_no_version(sold: FactRecorder) -> None:
    scope = Scope(metric=ODR, marketplace="US")

    first, is_new = put(sold, scope, threshold_settings())
    same, is_new_again = put(sold, scope, threshold_settings(warn_at=Decimal("0.0050")), at=ELEVEN)
    other, is_new_at_last = put(sold, scope, threshold_settings(keep_days=1), at=ELEVEN)

    assert (is_new, is_new_again, is_new_at_last) == (True, False, False)
    assert (same, other.threshold_id, other.recorded_at) == (first, first.threshold_id, ELEVEN)
    assert list(thresholds.query_current(agency=sold.account.agency)) == [other]


def test_threshold_versions_of_an_agency_have_increasing_moments(sold: FactRecorder) -> None:
    first, _ = put(sold, Scope(metric=ODR), threshold_settings(), at=TEN)
    second, _ = put(sold, Scope(metric="return_rate"), threshold_settings(), at=NINE)

    assert (first.recorded_at, second.recorded_at) == (TEN, TEN + A_MOMENT)


def test_threshold_is_deleted_once_and_the_next_one_is_another(sold: FactRecorder) -> None:
    first, _ = put(sold, Scope(metric=ODR), threshold_settings())
    for at in (ELEVEN, TWELVE):
        thresholds.delete(threshold=first, now=at)
    remaining = list(thresholds.query_current(agency=sold.account.agency))
    second, is_new = put(sold, Scope(metric=ODR), threshold_settings(), at=TWELVE)

    assert (remaining, is_new, Threshold.objects.count()) == ([], True, 3)
    assert second.threshold_id != first.threshold_id


def test_threshold_of_a_deleted_account_is_not_listed(sold: FactRecorder) -> None:
    put(sold, Scope(metric=ODR, account_id=sold.account_id), threshold_settings())

    agencies.delete_account(account=sold.account, now=ELEVEN)

    assert not thresholds.query_current(agency=sold.account.agency).exists()


@pytest.mark.parametrize(
    ("scope", "settings", "field"),
    [
        ({}, {"warn_at": "0.0100001"}, "warn_at"),
        ({}, {"warn_at": "0"}, "warn_at"),
        ({}, {"warn_at": "0.005", "clear_at": "0.006"}, "clear_at"),
        ({}, {"warn_at": "0.005", "clear_at": "0"}, "clear_at"),
        ({"channel": "all"}, {}, "channel"),
        ({"metric": "late_shipment_rate_30d", "channel": "afn"}, {}, "channel"),
        ({"metric": "invoice_defect_rate", "marketplace": "US"}, {}, "marketplace"),
        ({"metric": "valid_tracking_rate"}, {"warn_at": "0.9499"}, "warn_at"),
        ({"metric": "valid_tracking_rate"}, {"warn_at": "1.01"}, "warn_at"),
        ({"metric": "valid_tracking_rate"}, {"warn_at": "0.97", "clear_at": "0.96"}, "clear_at"),
        ({"metric": "on_time_delivery_rate"}, {"warn_at": "0.95"}, "warn_at"),
        ({"metric": "on_time_delivery_rate"}, {"warn_at": "1"}, "warn_at"),
        ({"metric": "return_rate"}, {"warn_at": "1.5"}, "warn_at"),
        ({"metric": "listing_policy_violations"}, {"warn_at": "1"}, "warn_at"),
        ({"metric": "account_health_rating"}, {"warn_at": "150"}, "warn_at"),
    ],
)
def test_threshold_that_is_invalid_is_refused(
    sold: FactRecorder, scope: dict[str, Any], settings: dict[str, str], field: str
) -> None:
    fields = {name: Decimal(text) for name, text in settings.items()}

    with pytest.raises(InvalidThreshold) as refused:
        put(sold, Scope(**{"metric": ODR} | scope), threshold_settings(**fields))

    assert refused.value.field == field
    assert refused.value.reason.endswith(".")
    assert not Threshold.objects.exists()


@pytest.mark.parametrize(
    ("scope", "settings"),
    [
        ({}, {"warn_at": "0.01"}),
        ({"marketplace": "US", "channel": "afn"}, {"clear_at": "0.005"}),
        ({"metric": "valid_tracking_rate"}, {"warn_at": "0.95", "clear_at": "1"}),
        ({"metric": "on_time_delivery_rate", "marketplace": "US"}, {"warn_at": "0.9"}),
        ({"metric": "on_time_delivery_rate"}, {"warn_at": "0.98"}),
        ({"metric": "invoice_defect_rate", "marketplace": "DE"}, {"warn_at": "0.05"}),
        ({"metric": "return_rate"}, {"warn_at": "0.3"}),
        ({"metric": "account_health_rating", "channel": "all"}, {"warn_at": "250", "clear_at": "300"}),
        ({"metric": "listing_policy_violations"}, {"warn_at": "0"}),
    ],
)
def test_threshold_as_strict_as_the_target_is_accepted(
    sold: FactRecorder, scope: dict[str, Any], settings: dict[str, str]
) -> None:
    fields = {name: Decimal(text) for name, text in settings.items()}

    threshold, is_new = put(sold, Scope(**{"metric": ODR} | scope), threshold_settings(**fields))

    assert is_new
    assert (threshold.warn_at, threshold.clear_at) == (
        float(fields.get("warn_at", Decimal("0.005"))),
        float(fields.get("clear_at", fields.get("warn_at", Decimal("0.005")))),
    )


def test_threshold_set_by_two_concurrent_requests_is_one(committed_db: None) -> None:
    acme = Client(*agencies.create_agency(name="Acme", now=NOON))
    together = Barrier(2)

    def draw(percent: str) -> bool:
        try:
            with context.agency(acme.agency.pk):
                together.wait(timeout=10)
                settings = ThresholdSettings(warn_at=Decimal(percent))
                return thresholds.set_threshold(
                    agency=acme.agency, scope=Scope(metric=ODR), settings=settings, now=timezone.now()
                )[1]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        new = list(pool.map(draw, ["0.005", "0.006"]))

    with context.agency(acme.agency.pk):
        assert sorted(new) == [False, True]
        assert thresholds.query_current(agency=acme.agency).count() == 1
        assert Threshold.objects.values("threshold_id").distinct().count() == 1
