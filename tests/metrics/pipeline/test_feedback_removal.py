"""Test removed feedback: it is missing from a report that is complete for its days."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from metrics.models import Defect, FeedbackCoverage, PastDefect
from metrics.pipeline import feedback_removal
from tests.client import Client
from tests.metrics.fact_recorder import (
    A_MOMENT,
    DAY,
    ELEVEN,
    NINE,
    TEN,
    TODAY,
    TWELVE,
    FactRecorder,
    defect,
    order,
    orders,
    posted,
)

NEXT_DAY = DAY + timedelta(days=1)
WEEK = ("US", DAY, DAY + timedelta(days=6))


def states(recorder: FactRecorder) -> dict[int, tuple[str, bool]]:
    """Return the state of each order's feedback, and whether it counts."""
    return {
        int(order_id[-7:]): (state, counts)
        for order_id, state, counts in Defect.objects.filter(kind="feedback").values_list(
            "order_id", "state", "counts"
        )
    }


POSTED, REMOVED = ("posted", True), ("removed", False)


def covered(
    recorder: FactRecorder,
    *numbers: int,
    at: datetime,
    covers: tuple[str, date, date] = ("US", DAY, TODAY),
    **more: Any,
) -> None:
    """Build a complete feedback report with the feedback of these orders."""
    recorder.load(*[posted(number) for number in numbers], at=at, covers=covers, **more)


def test_feedback_missing_from_a_later_report_is_removed(recorder: FactRecorder) -> None:
    recorder.load(*orders(3))
    covered(recorder, 1, 2, at=NINE)

    covered(recorder, 2, at=TEN)

    assert states(recorder) == {1: REMOVED, 2: POSTED}
    assert recorder.odr(known_at=TEN - A_MOMENT) == [(2, 3)]
    assert recorder.odr(known_at=TEN) == [(1, 3)]


def test_removed_feedback_keeps_its_past_state(recorder: FactRecorder) -> None:
    recorder.load(*orders(2))
    covered(recorder, 1, 2, at=NINE)

    covered(recorder, 2, at=TEN)

    row = Defect.objects.get(state="removed")
    past = PastDefect.objects.get()
    assert (row.recorded_at, row.received_at, row.line) == (TEN, TEN, 0)
    assert row.report_id == FeedbackCoverage.objects.get(recorded_at=TEN).report_id
    assert (past.state, past.counts, past.recorded_at, past.superseded_at) == (
        "posted",
        True,
        NINE + A_MOMENT,
        TEN,
    )


def test_removed_feedback_has_a_reason_in_the_drilldown(
    acme: Client, shop: str, recorder: FactRecorder
) -> None:
    recorder.load(*orders(2))
    covered(recorder, 1, 2, at=NINE)
    covered(recorder, 2, at=TEN)

    rows = acme.read(f"/v1/accounts/{shop}/metrics/order_defect_rate/orders", as_of=TODAY.isoformat())["data"]

    reasons_by_order = {row["order_id"][-1]: (row["counted"], row["defects"][0]["reason"]) for row in rows}
    assert reasons_by_order == {
        "1": (False, "Removed or struck-through feedback does not count."),
        "2": (True, "Feedback of 1 or 2 stars is negative."),
    }


@pytest.mark.parametrize(
    ("rating", "state"), [(1, "removed"), (2, "removed"), (3, "removed"), (4, "posted"), (5, "posted")]
)
def test_positive_feedback_is_never_removed(recorder: FactRecorder, rating: int, state: str) -> None:
    recorder.load(*orders(2))
    recorder.load(posted(1, rating=rating), at=NINE)

    covered(recorder, 2, at=TEN)

    assert states(recorder)[1][0] == state


@pytest.mark.parametrize(
    ("fact", "state"),
    [
        (defect(1), "granted"),
        (defect(1, kind="feedback", state="listed"), "listed"),
        (posted(1, reference="F2"), "posted"),
    ],
)
def test_removal_touches_no_other_defects(recorder: FactRecorder, fact: Any, state: str) -> None:
    recorder.load(*orders(2))
    recorder.load(fact, at=NINE)

    covered(recorder, 2, at=TEN)

    assert Defect.objects.get(order_id=fact.order_id).state == state


@pytest.mark.parametrize(
    ("on", "state"),
    [
        (DAY - timedelta(days=1), POSTED),
        (DAY, REMOVED),
        (DAY + timedelta(days=6), REMOVED),
        (DAY + timedelta(days=7), POSTED),
    ],
)
def test_removal_covers_only_days_of_the_report(
    recorder: FactRecorder, on: date, state: tuple[str, bool]
) -> None:
    recorder.load(*orders(2))
    recorder.load(posted(1, on=on), received_at=datetime(2026, 10, 5, tzinfo=UTC), at=NINE)

    covered(recorder, 2, at=TEN, covers=WEEK)

    assert states(recorder)[1] == state


@pytest.mark.parametrize(("marketplace", "state"), [("US", REMOVED), ("CA", POSTED), ("non_amazon", POSTED)])
def test_removal_covers_only_the_marketplace_of_the_order(
    recorder: FactRecorder, marketplace: str, state: tuple[str, bool]
) -> None:
    recorder.load(order(1, marketplace=marketplace), order(2))
    recorder.load(posted(1), at=NINE)

    covered(recorder, 2, at=TEN)

    assert states(recorder)[1] == state


def test_removal_uses_the_moment_of_receipt(recorder: FactRecorder) -> None:
    recorder.load(*orders(2))
    recorder.load(posted(1), at=NINE)

    covered(recorder, 2, at=TEN, covers=WEEK)

    assert states(recorder)[1] == REMOVED


def test_removal_of_two_reports_of_one_moment_uses_the_later_id(recorder: FactRecorder) -> None:
    recorder.load(*orders(2))
    covered(recorder, 1, 2, at=NINE)

    covered(recorder, 2, at=TEN, received_at=NINE)

    assert states(recorder) == {1: REMOVED, 2: POSTED}


def test_removed_feedback_listed_again_is_restored(recorder: FactRecorder) -> None:
    recorder.load(*orders(2))
    covered(recorder, 1, 2, at=NINE)
    covered(recorder, 2, at=TEN)

    covered(recorder, 1, 2, at=ELEVEN)

    assert states(recorder) == {1: POSTED, 2: POSTED}
    assert [recorder.odr(known_at=at) for at in (TEN - A_MOMENT, TEN, ELEVEN)] == [
        [(2, 2)],
        [(1, 2)],
        [(2, 2)],
    ]


def test_removal_by_an_earlier_report_that_arrives_later_changes_nothing(recorder: FactRecorder) -> None:
    recorder.load(*orders(2))
    covered(recorder, 1, 2, at=TEN)

    covered(recorder, 2, at=ELEVEN, received_at=NINE)

    assert states(recorder) == {1: POSTED, 2: POSTED}
    assert not PastDefect.objects.exists()


REPORTS = {NINE: (1, 2, 3), TEN: (2, 3), ELEVEN: (1, 3)}
"""What each report of all feedback names, by the moment of its receipt."""


@pytest.mark.parametrize("arrived", [*permutations(REPORTS)])
def test_removal_is_independent_of_the_order_of_arrival(
    recorder: FactRecorder, arrived: tuple[datetime, ...]
) -> None:
    recorder.load(*orders(3))

    for hour, received_at in enumerate(arrived):
        covered(recorder, *REPORTS[received_at], at=TWELVE + timedelta(hours=hour), received_at=received_at)

    assert states(recorder) == {1: POSTED, 2: REMOVED, 3: POSTED}
    assert recorder.odr(known_at=TWELVE + timedelta(days=1)) == [(2, 3)]


@pytest.mark.parametrize("orders_after", [0, 1, 2, 3])
def test_removal_is_independent_of_the_arrival_of_orders(recorder: FactRecorder, orders_after: int) -> None:
    steps: list[Any] = [lambda at: covered(recorder, 1, 2, at=at), lambda at: covered(recorder, 2, at=at)]
    steps.insert(min(orders_after, 2), lambda at: recorder.load(*orders(2), at=at))

    for step, at in zip(steps, (NINE, TEN, ELEVEN), strict=True):
        step(at)

    assert states(recorder) == {1: REMOVED, 2: POSTED}
    assert recorder.odr() == [(1, 2)]


def test_feedback_without_its_order_is_not_removed(recorder: FactRecorder) -> None:
    recorder.load(order(2))
    covered(recorder, 1, 2, at=NINE)

    covered(recorder, 2, at=TEN)

    assert states(recorder) == {1: POSTED, 2: POSTED}


def test_report_without_rows_covers_nothing(recorder: FactRecorder) -> None:
    recorder.load(*orders(2))
    covered(recorder, 1, at=NINE)

    recorder.load(at=TEN, nothing_of=type(posted()), covers=("US", DAY, TODAY))

    assert states(recorder) == {1: POSTED}
    assert FeedbackCoverage.objects.count() == 1


@pytest.mark.parametrize("on", [DAY - timedelta(days=1), DAY + timedelta(days=7)])
def test_report_with_feedback_of_other_days_covers_nothing(recorder: FactRecorder, on: date) -> None:
    recorder.load(*orders(3))
    recorder.load(posted(1), at=NINE, received_at=datetime(2026, 10, 5, tzinfo=UTC))

    recorder.load(posted(2), posted(3, on=on), at=TEN, covers=WEEK)

    assert states(recorder)[1] == POSTED
    assert not FeedbackCoverage.objects.exists()


def test_coverage_is_stored(recorder: FactRecorder) -> None:
    recorder.load(order(2))

    covered(recorder, 2, at=TEN, received_at=NINE, covers=WEEK)

    row = FeedbackCoverage.objects.get()
    assert (row.marketplace, row.first_on, row.last_on, row.recorded_at) == (*WEEK, TEN)
    assert row.received_at == NINE


def test_removal_returns_the_order_days_to_count_again(recorder: FactRecorder) -> None:
    recorder.load(order(1), order(2), order(3, on=NEXT_DAY))
    recorder.record(posted(1), posted(3), at=NINE)
    recorder.record(posted(2), at=TEN, covers=("US", DAY, TODAY))

    swept = feedback_removal.remove_unlisted(account=recorder.account, recorded_at=TEN)
    again = feedback_removal.remove_unlisted(account=recorder.account, recorded_at=ELEVEN)

    assert (sorted(swept), again) == ([DAY, NEXT_DAY], [])


def test_removal_by_announcement_is_kept(recorder: FactRecorder) -> None:
    recorder.load(*orders(2))
    covered(recorder, 1, 2, at=NINE)
    recorder.load(defect(1, kind="feedback", state="removed"), at=TEN)

    covered(recorder, 2, at=ELEVEN)

    assert states(recorder)[1] == REMOVED
    assert PastDefect.objects.count() == 1


def test_removal_touches_no_other_account(acme: Client, recorder: FactRecorder) -> None:
    other = FactRecorder.for_account(acme, acme.take_on(partner="A2OTHER"))
    other.load(*orders(2))
    other.load(posted(1), at=TEN)
    recorder.load(*orders(2))

    covered(recorder, 2, at=ELEVEN)

    assert Defect.objects.get(account_id=other.account_id).state == "posted"
