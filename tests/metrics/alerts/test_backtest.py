"""Test with random accounts that transitions alternate, no event is published twice, and a backtest repeats them.

REPLAY_EXAMPLES=300 tries that many random accounts; the default is the same few each time.
"""

import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.agencies import lifecycle as agencies
from accounts.tenancy import context
from api import identifiers
from metrics import refresh
from metrics.models import Breach, Threshold
from tests.client import Client
from tests.conftest import NOON
from tests.metrics.alerts.test_sixty_noisy_days import log, replayed
from tests.metrics.fact_recorder import NINE, FactRecorder, defect, order, orders

COUNT = 400  # three of them miss the usual line, and four Amazon's
EXAMPLES = int(os.environ.get("REPLAY_EXAMPLES", "0"))
ALTERNATING = {
    "metric.at_risk": ("warning", True),
    "metric.recovered": ("warning", False),
    "breach.opened": ("breach", True),
    "breach.escalated": ("breach", True),
    "breach.resolved": ("breach", False),
}


@dataclass(frozen=True)
class Step:
    """Describe what happens after some days: new defects, a changed threshold, or an evaluation only."""

    days: int
    what: str
    defective: int
    for_days: int
    keep_days: int

    def take(self, recorder: FactRecorder, at: datetime) -> None:
        if self.what == "draw":
            recorder.set_threshold(
                "0.005", clear_at=Decimal("0.0025"), for_days=self.for_days, keep_days=self.keep_days, at=at
            )
        elif self.what == "take away" and (threshold := Threshold.objects.filter(is_removed=False).last()):
            recorder.delete_threshold(threshold, at=at)
        elif self.what == "look":
            recorder.run_daily(at=at)
        else:
            news = [order(1)] if self.what == "load" else []
            states = ["granted" if number <= self.defective else "denied" for number in range(1, 6)]
            recorder.load(
                *news, *[defect(number, state=state) for number, state in enumerate(states, start=1)], at=at
            )


steps = st.lists(
    st.builds(
        Step,
        days=st.sampled_from((0, 1, 1, 2, 4)),
        what=st.sampled_from(("load", "load", "load", "defects alone", "look", "draw", "take away")),
        defective=st.integers(0, 5),
        for_days=st.integers(0, 2),
        keep_days=st.integers(0, 2),
    ),
    min_size=4,
    max_size=14,
)


def is_open_after(events: list[tuple[Any, ...]]) -> dict[str, bool]:
    """Return which level is open after these events of one series, which alternate."""
    is_open: defaultdict[str, bool] = defaultdict(bool)
    for _, type_, series, *_ in events:
        level, opens = ALTERNATING[type_]
        assert series == "order_defect_rate:US:mfn"
        assert is_open[level] is not opens
        assert type_ != "breach.escalated" or is_open["warning"]
        assert type_ != "breach.opened" or not is_open["warning"]
        assert type_ != "metric.at_risk" or not is_open["breach"]
        is_open[level] = opens
    return is_open


@settings(
    max_examples=EXAMPLES or 12,
    derandomize=not EXAMPLES,
    phases=tuple(Phase) if EXAMPLES else (Phase.explicit, Phase.generate),
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(plan=steps)
def test_backtest_repeats_the_published_transitions_of_any_history(db: None, plan: list[Step]) -> None:
    with transaction.atomic():
        acme = Client(*agencies.create_agency(name="Acme", now=NOON))
        recorder = FactRecorder(acme.agency.pk, identifiers.private("acct", acme.take_on()))
        with context.agency(acme.agency.pk):
            _live_and_again(recorder, plan)
        transaction.set_rollback(True)


def _live_and_again(recorder: FactRecorder, plan: list[Step]) -> None:
    at = NINE
    recorder.load(*orders(COUNT), at=at)
    moments = [recorder.account.last_recorded_at or at]
    for step in plan:
        at += timedelta(days=step.days, hours=1)
        step.take(recorder, at)
        moments.append(recorder.account.last_recorded_at or at)
        refresh.refresh(account=recorder.locked(), touched=(), now=moments[-1])

    events = log()
    still_open = {level for level, is_open in is_open_after(events).items() if is_open}
    assert replayed(recorder, moments) == events
    assert sorted(Breach.objects.filter(status="open").values_list("level", flat=True)) == sorted(still_open)
    assert Breach.objects.count() == sum(ALTERNATING[type_][1] for _, type_, *_ in events)
