"""The catalogue, the columns it names and the rows that rule it say the same."""

import re

import pytest
from django.db import connection
from django.db.models import F, Q

from metrics import drilldown, recording, rollups
from metrics.definitions import CATALOGUE, COUNTS, METRICS, Metric
from metrics.facts import Channel
from metrics.judgement import Comparator
from metrics.models import MetricRule
from metrics.questions import EARLIEST
from metrics.serializers import PartsSerializer

INTEGERS = """
    SELECT column_name FROM information_schema.columns
    WHERE table_name = 'metrics_dailycounts' AND data_type = 'integer' ORDER BY ordinal_position
"""


def named(metrics: tuple[Metric, ...]) -> list[str]:
    return [metric.code for metric in metrics]


def test_codes_and_titles_are_unique() -> None:
    titles = [metric.title for metric in METRICS]

    assert len(CATALOGUE) == len(METRICS) == len(set(titles))
    assert list(CATALOGUE) == named(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=named(METRICS))
def test_a_metric_is_a_rate_of_two_counts_of_orders(metric: Metric) -> None:
    assert {metric.numerator, metric.denominator, *(column for _, column in metric.parts)} <= set(COUNTS)
    assert metric.numerator != metric.denominator
    assert set(metric.channels) <= set(Channel)
    assert metric.source in {source for source, _ in recording.RECORD.values()}
    assert re.fullmatch(r"[a-z][a-z_0-9]{,39}", metric.code)


def test_counts_are_the_integer_columns_of_a_day(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INTEGERS)
        columns = [name for (name,) in cursor.fetchall()]

    assert tuple(columns) == COUNTS == tuple(rollups.COUNTED)


def test_every_count_is_used() -> None:
    used = {column for metric in METRICS for column in (metric.numerator, metric.denominator)}

    assert used == set(COUNTS)


def test_every_part_is_a_rate_of_its_own_and_is_answered() -> None:
    parts = dict(CATALOGUE["order_defect_rate"].parts)

    assert set(parts.values()) == {metric.numerator for metric in METRICS if not metric.enforced}
    assert set(parts) == set(PartsSerializer().fields)


def test_every_metric_says_whose_defects_put_an_order_into_it() -> None:
    assert list(drilldown.COUNTS_INTO) == named(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=named(METRICS))
def test_a_metric_has_a_rule_everywhere_for_every_day_that_can_be_asked_for(db: None, metric: Metric) -> None:
    rule = MetricRule.objects.get(metric=metric.code, marketplace="*", effective_from__lte=EARLIEST)

    assert rule.window_days >= 1
    assert rule.source.startswith("https://")
    assert (rule.comparator != "") is metric.enforced
    assert (rule.limit_numerator is None) is (rule.limit_denominator is None) is (rule.comparator == "")


def test_there_is_no_rule_without_a_metric(db: None) -> None:
    assert set(MetricRule.objects.values_list("metric", flat=True)) == set(CATALOGUE)


def test_a_warning_comes_before_the_limit(db: None) -> None:
    """`warning < limit` as fractions, multiplied out; the other way round for a limit from below."""
    lines = MetricRule.objects.exclude(comparator="").alias(
        warning=F("warning_numerator") * F("limit_denominator"), limit=F("limit_numerator") * F("warning_denominator")
    )
    upper = Q(comparator__in=(Comparator.LT, Comparator.LTE))

    assert lines.exists()
    assert not lines.exclude((upper & Q(warning__lt=F("limit"))) | (~upper & Q(warning__gt=F("limit")))).exists()


def test_the_order_defect_rate_is_under_one_percent_of_sixty_days_that_ended_fifteen_days_ago(db: None) -> None:
    rule = MetricRule.objects.get(metric="order_defect_rate")

    assert (rule.window_days, rule.window_offset) == (60, 15)
    assert (rule.comparator, rule.limit_numerator, rule.limit_denominator) == (Comparator.LT, 1, 100)
