"""Test the schedule of retries: ten attempts in three days."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.delivery import retries

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WAITS = [
    timedelta(seconds=5),
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    DAY,
]


class Certain(Random):
    """Return the same random number every time."""

    def __init__(self, word: float) -> None:
        super().__init__()
        self.word = word

    def random(self) -> float:
        return self.word


def wait(tries: int, *, chance: float = 0.0, retry_after: timedelta | None = None) -> timedelta | None:
    again = retries.next_attempt_at(tries=tries, now=NOW, random=Certain(chance), retry_after=retry_after)
    return again - NOW if again else None


def test_delays_are_those_of_the_specification() -> None:
    assert [wait(tries) for tries in range(1, 10)] == WAITS


def test_tenth_failure_is_the_last() -> None:
    assert [wait(tries) for tries in (10, 11, 100)] == [None, None, None]


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_delays_are_spread_by_jitter(tries: int, chance: float) -> None:
    waited = wait(tries, chance=chance)

    assert waited is not None
    assert WAITS[tries - 1] <= waited <= WAITS[tries - 1] * 1.1


@pytest.mark.parametrize(
    ("tries", "retry_after", "waited"),
    [
        (1, HOUR, HOUR),
        (1, timedelta(seconds=1), WAITS[0]),
        (1, timedelta(), WAITS[0]),
        (1, -DAY, WAITS[0]),
        (1, 365 * DAY, DAY),
        (5, HOUR, WAITS[4]),
        (9, 3 * DAY, DAY),
        (10, HOUR, None),
    ],
)
def test_retry_after_extends_delay_up_to_a_day(
    tries: int, retry_after: timedelta, waited: timedelta | None
) -> None:
    assert wait(tries, retry_after=retry_after) == waited


@pytest.mark.parametrize(
    ("status", "header", "expected"),
    [
        (429, "120", timedelta(seconds=120)),
        (503, " 7 ", timedelta(seconds=7)),
        (429, format_datetime(NOW + HOUR, usegmt=True), HOUR),
        (503, format_datetime(NOW - HOUR, usegmt=True), -HOUR),
        (429, "Sun, 22 Nov 2026 13:00:00 -0000", HOUR),
        (500, "120", None),
        (None, "120", None),
        (429, "", None),
        (429, "soon", None),
        (429, "-5", None),
        (429, "1.5", None),
        (429, "9" * 400, None),
        (429, "Sun, 99 Nov 2026 13:00:00 GMT", None),
        (429, "Sun, 22 Nov 99999999999 13:00:00 GMT", None),
        (429, "\u0661\u0662", None),
    ],
)
def test_retry_after_is_read_for_429_and_503_only(
    status: int | None, header: str, expected: timedelta | None
) -> None:
    assert retries.parse_retry_after(status=status, retry_after=header, now=NOW) == expected


@pytest.mark.parametrize(
    ("since", "too_long"),
    [(None, False), (NOW, False), (NOW - 5 * DAY + MINUTE, False), (NOW - 5 * DAY, True)],
)
def test_failing_time_limit_is_five_days(since: datetime | None, too_long: bool) -> None:
    assert retries.has_failed_too_long(failing_since=since, now=NOW) is too_long
