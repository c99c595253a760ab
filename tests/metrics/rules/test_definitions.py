"""Test that the metrics in code, their columns and their rules in the database agree."""

import hashlib
import json
import re
from collections import defaultdict
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.forms.models import model_to_dict

from metrics.api.value_serializers import PartsSerializer
from metrics.drilldown import orders as drilldown
from metrics.models import MetricRule
from metrics.pipeline import statements
from metrics.rules.amazon_rules import RULES
from metrics.rules.catalogue.definitions import CATALOGUE, COUNTED, COUNTS, METRICS, REPORTED_ONLY
from metrics.rules.catalogue.metric import Metric
from metrics.rules.catalogue.reading import AS_KNOWN, NEWEST, Reading
from metrics.rules.catalogue.rows import Orders, OrdersByPackage, Packages, ReasonFields, Rows
from metrics.rules.facts import Channel
from metrics.rules.judgement import Comparator
from tests.clock import NOW, TODAY

RULES_WRITTEN_BY = ("0011_rules_of_november_2026", "9b72a3d4b32d")
"""The newest migration that runs `write_rules`, and the fingerprint of the rules it writes."""
REASON = ReasonFields(kind="'shipment'", state="'late'", counts="is_late")
PARTS = ("negative_feedback_rate", "a_to_z_claim_rate", "chargeback_rate")
INVOICES, BUSINESS_DELIVERIES = "invoice_defect_rate", "business_on_time_delivery_rate"
MARKETPLACES = {INVOICES: {"GB", "DE", "FR", "IT", "ES"}, BUSINESS_DELIVERIES: {"DE"}}
FIRST_DAYS = {BUSINESS_DELIVERIES: date(2026, 9, 30)}
INTEGERS = """
    SELECT column_name FROM information_schema.columns
    WHERE table_name = 'metrics_dailycounts' AND data_type = 'integer' ORDER BY ordinal_position
"""


def named(metrics: tuple[Metric, ...]) -> list[str]:
    return [metric.code for metric in metrics]


def test_metric_codes_are_unique() -> None:
    assert len(CATALOGUE) == len(METRICS)
    assert list(CATALOGUE) == named(METRICS)
    assert named((*COUNTED, *REPORTED_ONLY)) == named(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=named(METRICS))
def test_metric_has_expected_title_and_channels(metric: Metric) -> None:
    assert set(metric.channels) <= set(Channel)
    assert metric.source in {source for source, _ in statements.RECORD.values()} & set(
        settings.SOURCES_MAX_AGE_HOURS
    )
    assert re.fullmatch(r"[a-z][a-z_0-9]{,59}", metric.code)


@pytest.mark.parametrize("metric", COUNTED, ids=named(COUNTED))
def test_counted_metric_divides_two_counts(metric: Metric) -> None:
    for units in (False, True):
        ratio = metric.counts_in(units=units)
        assert ratio.numerator.name != ratio.denominator.name
    assert metric.rows is not None


@pytest.mark.parametrize("metric", REPORTED_ONLY, ids=named(REPORTED_ONLY))
def test_reported_only_metric_has_no_channel_and_no_day(metric: Metric) -> None:
    assert (metric.channels, metric.day, metric.source) == ((Channel.ALL,), "", "reported")
    assert metric.rows is None


def test_counts_are_the_integer_columns_of_daily_counts(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INTEGERS)
        columns = [name for (name,) in cursor.fetchall()]

    assert set(columns) == set(COUNTS), "Run `make migrations ARGS=metrics`."


def test_counts_are_all_used() -> None:
    ratios = [metric.counts_in(units=units) for metric in COUNTED for units in (False, True)]

    assert {count.name for ratio in ratios for count in ratio.counts} == set(COUNTS)


def test_counts_of_a_name_have_one_condition() -> None:
    counts = {count for metric in COUNTED for count in metric.counts}

    assert len({count.name for count in counts}) == len(counts)


def test_counts_belong_to_one_kind_of_rows() -> None:
    rows_of = defaultdict[str, set[Rows | type[Rows] | None]](set)
    for metric in COUNTED:
        for count in metric.counts:
            # All metrics of orders share their rows.
            rows_of[count.name].add(Orders if isinstance(metric.rows, Orders) else metric.rows)

    assert [name for name, rows in rows_of.items() if len(rows) > 1] == [], (
        "Daily counts would add up what each kind of rows counts. Use the same rows, or a count with a name of its own."
    )


@pytest.mark.parametrize("reading", [NEWEST, AS_KNOWN], ids=["newest", "as known"])
@pytest.mark.parametrize(
    "rows",
    [
        Orders(),
        OrdersByPackage(day="ship_by_on", judged="is_late", reason=REASON),
        Packages(day="shipped_on", reason=REASON),
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_rows_need_no_kind_of_defect(db: None, rows: Rows, reading: Reading) -> None:
    days: dict[str, Any] = {
        "days": [TODAY],
        "first": TODAY,
        "last": TODAY,
        "known_at": NOW,
        "data_from": date.min,
    }

    with connection.cursor() as cursor:
        cursor.execute(
            rows.sql(reading), {**days, "agency": uuid4(), "account": uuid4(), "excluded_statuses": []}
        )

        assert cursor.fetchall() == []


def test_reasons_of_a_kind_belong_to_one_definition() -> None:
    reasons = defaultdict[str, list[dict[str, str]]](list)
    for metric in METRICS:
        for kind, states in metric.reasons.items():
            reasons[kind].append(states)

    assert [kind for kind, found in reasons.items() if any(states != found[0] for states in found)] == [], (
        "The sentences of one metric would replace those of the other. Give the reason a kind of its own."
    )


def test_parts_are_metrics_and_part_of_the_answer() -> None:
    parts = dict(CATALOGUE["order_defect_rate"].parts)

    assert set(parts.values()) == {CATALOGUE[code].counts_in(units=False).numerator for code in PARTS}
    assert set(parts) == set(PartsSerializer().fields)


def test_counted_metrics_all_have_drilldown_rows() -> None:
    assert all(drilldown.page_sql(metric) for metric in COUNTED)


@pytest.mark.parametrize("metric", METRICS, ids=named(METRICS))
def test_metrics_all_have_a_rule_for_every_day(db: None, metric: Metric) -> None:
    first = FIRST_DAYS.get(metric.code, date(2000, 1, 1))
    rules = MetricRule.objects.filter(metric=metric.code, effective_from__lte=first)

    assert {rule.marketplace for rule in rules} == MARKETPLACES.get(metric.code, {"*"})
    for rule in rules:
        assert rule.window_days >= 1
        assert rule.name
        assert rule.source_url.startswith("https://") or rule.source_title.startswith("Underone's own")
        assert (rule.limit_numerator is None) is (rule.limit_denominator is None) is (rule.comparator == "")


def test_metrics_without_target_are_listed(db: None) -> None:
    without = set(MetricRule.objects.filter(comparator="").values_list("metric", flat=True))

    assert without == {*PARTS, "return_rate"}


def test_metrics_not_enforced_are_listed(db: None) -> None:
    not_enforced = MetricRule.objects.filter(enforced=False).values_list("metric", "marketplace")

    assert set(not_enforced) == {
        *((part, "*") for part in PARTS),
        ("on_time_delivery_rate", "*"),
        ("on_time_delivery_rate", "GB"),
        (BUSINESS_DELIVERIES, "DE"),
        ("message_response_rate_24h", "*"),
        ("return_dissatisfaction_rate", "*"),
        ("return_rate", "*"),
    }


def test_rules_of_database_are_those_of_the_code(db: None) -> None:
    stored = [model_to_dict(rule, exclude=["id"]) for rule in MetricRule.objects.order_by("pk")]

    assert stored == [rule.to_row() for rule in RULES], (
        "A migration changed rules by itself. Change metrics/rules/amazon_rules.py, and let the migration run `write_rules`."
    )


def test_rules_of_the_code_are_written_by_a_migration() -> None:
    rules = json.dumps([rule.to_row() for rule in RULES], default=str, sort_keys=True)
    name, written = RULES_WRITTEN_BY

    assert "RunPython(write_rules" in (settings.BASE_DIR / f"metrics/migrations/{name}.py").read_text()
    assert hashlib.sha256(rules.encode()).hexdigest()[:12] == written, (
        "The rules changed. Add a migration with `migrations.RunPython(write_rules, migrations.RunPython.noop)`, as in "
        f"{name}, then set RULES_WRITTEN_BY to its name and to the value on the left."
    )


def test_rules_all_belong_to_a_metric(db: None) -> None:
    assert set(MetricRule.objects.values_list("metric", flat=True)) == set(CATALOGUE)


def test_warning_comes_before_the_limit(db: None) -> None:
    """`warning < limit` as fractions, multiplied out; the other way round for a limit from below."""
    lines = MetricRule.objects.exclude(warning_numerator=None).alias(
        warning=F("warning_numerator") * F("limit_denominator"),
        limit=F("limit_numerator") * F("warning_denominator"),
    )
    upper = Q(comparator__in=(Comparator.LT, Comparator.LTE))

    assert lines.exists()
    assert not lines.exclude(
        (upper & Q(warning__lt=F("limit"))) | (~upper & Q(warning__gt=F("limit")))
    ).exists()


def test_order_defect_rate_is_below_one_percent_of_sixty_days_with_offset_fifteen(db: None) -> None:
    rule = MetricRule.objects.get(metric="order_defect_rate")

    assert (rule.window_days, rule.window_offset) == (60, 15)
    assert (rule.comparator, rule.limit_numerator, rule.limit_denominator) == (Comparator.LT, 1, 100)


@pytest.mark.parametrize(
    ("metric", "marketplace", "window", "target"),
    [
        ("late_shipment_rate_10d", "*", (10, 0), ("lt", 4, 100)),
        ("late_shipment_rate_30d", "*", (30, 0), ("lt", 4, 100)),
        ("pre_fulfillment_cancel_rate", "*", (7, 1), ("lt", 25, 1000)),
        ("valid_tracking_rate", "*", (30, 10), ("gte", 95, 100)),
        ("on_time_delivery_rate", "*", (30, 10), ("gt", 97, 100)),
        ("on_time_delivery_rate", "US", (14, 7), ("gte", 90, 100)),
        ("invoice_defect_rate", "FR", (7, 7), ("lt", 5, 100)),
        ("message_response_rate_24h", "*", (30, 0), ("gte", 90, 100)),
        ("return_dissatisfaction_rate", "*", (30, 0), ("lt", 10, 100)),
        ("return_rate", "*", (60, 15), ("", None, None)),
        ("account_health_rating", "*", (181, 0), ("gte", 200, 1)),
        ("document_requests", "*", (180, 0), ("eq", 0, 1)),
    ],
)
def test_windows_and_targets_match_amazons_pages(
    db: None, metric: str, marketplace: str, window: tuple[int, int], target: tuple[str, int, int]
) -> None:
    rule = MetricRule.objects.filter(metric=metric, marketplace=marketplace).latest("effective_from")

    assert (rule.window_days, rule.window_offset) == window
    assert (rule.comparator, rule.limit_numerator, rule.limit_denominator) == target
