"""Test a noisy series for sixty days, live and by backtest: its episodes equal a table written by hand.

Four hundred orders of one day are in the window on all sixty days; each day states how many of them are defective.
Four are exactly the one percent of Amazon's target, and three exactly the 0.75 % of the default threshold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from api import identifiers
from metrics import refresh
from metrics.alerts import backtest
from metrics.models import Breach, CurrentValue
from metrics.rules.threshold_rules import ThresholdVersion
from tests.client import Client
from tests.conftest import NOON
from tests.metrics.fact_recorder import A_MOMENT, DAY, FactRecorder, defect, order, orders
from webhooks.events.catalogue import TYPES
from webhooks.models import Event

COUNT = 400
FIRST = DAY + timedelta(days=15)
ASLEEP = {55, 56}
"""Days on which nothing arrived and nobody looked."""
WITHOUT_ORDERS = range(27, 32)
"""Days on which only defects were told.

The orders of day 26 are stale from its hour of day 29 on: on days 30 and 31.
"""
DEFECTIVE = (
    *(0, 1, 0, 1, 0, 3, 3, 2, 4, 3),
    *(4, 5, 0, 2, 2, 2, 1, 0, 0, 0),
    *(2, 0, 2, 2, 3, 2, 3, 4, 4, 0),
    *(0, 0, 0, 1, 0, 1, 1, 2, 1, 2),
    *(4, 3, 4, 3, 2, 2, 1, 0, 0, 0),
    *(0, 5, 0, 5, 5, 5, 0, 3, 3, 3),
)
"""How many are known to be defective on the mornings of days 1 to 60."""

USUAL = (
    (6, "metric.at_risk"),  # three: the usual line is 0.75 %, and waits for nothing
    (8, "metric.recovered"),  # two
    (9, "breach.opened"),  # four, and no warning was open
    (10, "breach.resolved"),  # three keep the target …
    (10, "metric.at_risk"),  # … and still miss the line
    (11, "breach.escalated"),  # four again: the warning was open
    (13, "breach.resolved"),  # none
    (13, "metric.recovered"),
    (25, "metric.at_risk"),  # never more than two in between
    (26, "metric.recovered"),
    (27, "metric.at_risk"),
    (28, "breach.escalated"),
    (32, "breach.resolved"),  # none since day 30, but the orders were stale until today
    (32, "metric.recovered"),
    (41, "breach.opened"),
    (42, "breach.resolved"),  # up and down around the target: each is told, for nobody asked to wait
    (42, "metric.at_risk"),
    (43, "breach.escalated"),
    (44, "breach.resolved"),  # the warning is open already and stays
    (45, "metric.recovered"),
    (52, "breach.opened"),
    (53, "breach.resolved"),
    (54, "breach.opened"),
    (57, "breach.resolved"),  # days 55 and 56 are judged by what was known: five
    (58, "metric.at_risk"),
)
OWN = (
    (8, "metric.at_risk"),  # two or more since day 6, and it waits for two days
    (9, "breach.escalated"),  # Amazon's never waits
    (16, "breach.resolved"),  # below four since day 13: day 10 did not last, and it wants three days
    (28, "breach.escalated"),  # still the same warning: none on days 18 to 20, but not for three days
    (35, "breach.resolved"),  # below four since day 32; days 30 and 31 were stale
    (41, "breach.escalated"),
    (47, "breach.resolved"),  # since day 44: the ups and downs of days 42 and 43 are no episodes
    (51, "metric.recovered"),  # none since day 48
    (52, "breach.opened"),
    (60, "breach.resolved"),  # since day 57: day 53 did not last …
    (60, "metric.at_risk"),  # … and three still miss the line
)
ASKS: dict[str, Any] = {"clear_at": Decimal("0.0025"), "for_days": 2, "keep_days": 3}
"""With a line of 0.5 %: missed by two, kept by one, clear of with none."""


def on(day: int, hour: int = 9) -> datetime:
    return datetime(FIRST.year, FIRST.month, FIRST.day, hour, tzinfo=UTC) + timedelta(days=day - 1)


def live(recorder: FactRecorder) -> list[datetime]:
    """Run sixty days, and return the moments of evaluation."""
    moments = []
    for day, count in enumerate(DEFECTIVE, start=1):
        if day in ASLEEP:
            continue
        news = [] if day in WITHOUT_ORDERS else [order(1)]
        states = [defect(number, state="granted" if number <= count else "denied") for number in range(1, 6)]
        recorder.load(*news, *states, at=on(day))
        moments.append(on(day))
    return moments


def log() -> list[tuple[Any, ...]]:
    """Return the events in order: type, series, day, figures and time."""
    events = Event.objects.exclude(type="metric.restated").order_by("id")
    return [
        (
            event.occurred_at,
            event.type,
            event.series,
            each["as_of"],
            each["numerator"],
            each["denominator"],
            each["rate"],
        )
        for event in events
        for each in [event.data]
    ]


def replayed(recorder: FactRecorder, moments: list[datetime], **params: Any) -> list[tuple[Any, ...]]:
    return [
        (
            each.at,
            each.transition.value,
            ":".join(it.series),
            it.as_of.isoformat(),
            it.numerator,
            it.denominator,
            it.rate,
        )
        for each in backtest.run(account=recorder.account, moments=moments, **params)
        for it in [each.value]
    ]


def expected(table: tuple[tuple[int, str], ...]) -> list[tuple[Any, ...]]:
    return [
        (on(day), what, "order_defect_rate:US:mfn", on(day).date().isoformat(), count, COUNT, count / COUNT)
        for day, what in table
        for count in [DEFECTIVE[day - 1]]
    ]


@dataclass(frozen=True)
class SixtyDays:
    """Hold an account with the sixty days, and the moments of evaluation."""

    recorder: FactRecorder
    moments: list[datetime]


@pytest.fixture(scope="module")
def committed_days(committed_module: None) -> SixtyDays:
    """Run the sixty days under the default thresholds once, committed. The orders are loaded on the day before
    they enter the window."""

    client = Client(*agencies.create_agency(name="Noisy", now=NOON))
    recorder = FactRecorder.for_account(client, client.take_on())
    recorder.load(*orders(COUNT), at=on(0))
    return SixtyDays(recorder, [on(0), *live(recorder)])


@pytest.fixture
def sixty_days(committed_days: SixtyDays, db: None) -> Iterator[SixtyDays]:
    """Return the sixty days, in their tenant context. What a test changes of them is rolled back."""
    with context.agency(committed_days.recorder.agency_id):
        yield committed_days


def test_default_thresholds_open_the_expected_breaches_live_and_in_a_backtest(sixty_days: SixtyDays) -> None:
    recorder, moments = sixty_days.recorder, sixty_days.moments

    assert log() == expected(USUAL)
    assert replayed(recorder, moments) == log()
    assert replayed(recorder, [*reversed(moments), *moments]) == log()
    again = backtest.evaluation_moments(
        account=recorder.account, since=on(0).date(), until=on(60).date(), now=on(60)
    )
    assert [each[1:4] for each in replayed(recorder, again)] == [each[1:4] for each in log()]


def test_patient_threshold_opens_fewer_breaches_live_and_in_a_backtest(recorder: FactRecorder) -> None:
    recorder.load(*orders(COUNT), at=on(0))
    recorder.set_threshold("0.005", at=on(0, 10), **ASKS)

    moments = [on(0), on(0, 10), *live(recorder)]

    assert log() == expected(OWN)
    assert replayed(recorder, moments) == log()


def test_backtest_with_a_threshold_that_was_never_set(sixty_days: SixtyDays) -> None:
    recorder, moments = sixty_days.recorder, sixty_days.moments
    line = ThresholdVersion(
        threshold=None,
        account=None,
        metric="order_defect_rate",
        marketplace="",
        channel="mfn",
        warn=(1, 200),
        clear=(1, 400),
        for_days=2,
        keep_days=3,
        min_denominator=0,
    )

    assert replayed(recorder, moments, versions=[line]) == expected(OWN)
    assert log() == expected(USUAL)
    too_many = [
        ThresholdVersion(
            **{**{name: getattr(line, name) for name in line.__slots__}, "min_denominator": COUNT + 1}
        )
    ]
    levels = {what.partition(".")[0] for _, what, *_ in replayed(recorder, moments, versions=too_many)}
    assert levels == {"breach"}


def test_events_belong_to_one_transition_each_and_match_their_schema(sixty_days: SixtyDays) -> None:
    events = list(Event.objects.exclude(type="metric.restated").order_by("id"))
    episodes = {episode.public_id: episode for episode in Breach.objects.all()}
    keys = [f"{name}:opened" for name in episodes] + [
        f"{name}:resolved" for name, episode in episodes.items() if episode.resolved_at
    ]
    assert sorted(str(event.key) for event in events) == sorted(keys)
    for event in events:
        jsonschema.validate(event.data, TYPES[event.type].schema)
        assert event.data["breach"] in episodes
    for escalated in (event for event in events if event.type == "breach.escalated"):
        assert episodes[escalated.data["escalated_from"]].level == "warning"
    assert [(each.level, each.status) for each in episodes.values() if each.status == "open"] == [
        ("warning", "open")
    ]


def test_evaluation_repeated_or_with_an_earlier_clock_publishes_nothing(sixty_days: SixtyDays) -> None:
    recorder = sixty_days.recorder
    before, stood = log(), streaks()

    for at in (on(60), on(60), on(57), on(3)):
        refresh.refresh(account=recorder.locked(), touched=(), now=at)
        assert (log(), streaks()) == (before, stood)
    refresh.refresh(account=recorder.locked(), touched=(DAY,), now=on(60) + A_MOMENT)
    assert (log(), streaks()) == (before, stood)


def streaks() -> tuple[date | None, ...]:
    value = CurrentValue.objects.get(metric="order_defect_rate", channel="mfn")
    return value.evaluated_until, value.missed_since, value.cleared_since, value.target_met_since


@pytest.mark.parametrize("asleep", [False, True], ids=["awake", "asleep"])
@pytest.mark.parametrize("for_days", [0, 1])
def test_evaluation_after_three_missed_days_opens_the_same_breaches(
    recorder: FactRecorder, asleep: bool, for_days: int
) -> None:
    """All but fifty orders leave the window on day 1, others enter it on day 3; on day 5 the data is stale."""
    leaving, staying, coming = (on(1).date() - timedelta(days=days) for days in (75, 60, 13))
    recorder.set_threshold("0.008", for_days=for_days, at=on(0, 7))
    recorder.load(
        *orders(150, on=leaving),
        *orders(50, first=201, on=staying),
        *orders(70, first=301, on=coming),
        at=on(0),
    )
    recorder.load(defect(201), order(201, on=staying), at=on(0, 10))

    for day in (4,) if asleep else (1, 2, 3, 4):
        recorder.run_daily(at=on(day, 0) + timedelta(minutes=5))

    episodes = Breach.objects.order_by("as_of").values_list(
        "level", "as_of", "numerator", "denominator", "resolved_as_of"
    )
    warning = [("warning", on(3).date(), 1, 120, None)]
    assert list(episodes) == [("breach", on(1).date(), 1, 50, on(3).date()), *warning]
    assert streaks()[0] == on(4).date()


def test_warning_with_for_days_counts_missed_days(recorder: FactRecorder) -> None:
    recorder.set_threshold("0.005", for_days=3, at=on(0, 7))
    recorder.load(*orders(150), at=on(0))
    recorder.load(defect(1), order(1), at=on(1))

    recorder.run_daily(at=on(4, 8))

    (warning,) = Breach.objects.all()
    assert (warning.opened_at, warning.as_of, warning.denominator) == (on(4, 8), on(4).date(), 150)
    assert identifiers.public("brch", warning.pk) == Event.objects.get(type="metric.at_risk").data["breach"]
