"""The clock of the tests: every test begins at the same moment, whatever the day is and however long the run
has taken.

The product asks `django.utils.timezone.now` alone, and only in views, tasks and commands. While a test runs,
that function counts on from NOW. TESTS_BEGIN_AT=2028-02-29T23:59:00Z begins every test at another moment.
Tests with processes of their own use the fixture `real_clock`: other processes read the machine's clock.
"""

import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

USUAL = "2026-11-27T12:00:00Z"
NOW = datetime.fromisoformat(os.environ.get("TESTS_BEGIN_AT", USUAL))
"""The moment at which every test begins."""
TODAY = NOW.date()
NOON = NOW.replace(hour=12, minute=0, second=0, microsecond=0)
LONGEST = 20
"""Seconds that a test with the machine's clock may take between two questions for the day."""

machine_now = timezone.now


class Clock:
    """Counts on from NOW since the test began, or follows the machine."""

    def __init__(self) -> None:
        self.follows_machine = False
        self.began = time.monotonic()

    def begin(self) -> None:
        """Set the clock to NOW."""
        self.follows_machine = False
        self.began = time.monotonic()

    def follow_machine(self) -> None:
        """Tell the machine's time until the test is over. Near midnight, wait until the new day has begun."""
        moment = machine_now()
        midnight = (moment + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        if midnight - moment < timedelta(seconds=LONGEST):
            time.sleep((midnight - moment).total_seconds() + 0.01)
        self.follows_machine = True

    def advance(self, by: timedelta) -> None:
        """Let time pass, until the test is over."""
        self.began -= by.total_seconds()

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        if self.follows_machine:
            return machine_now()
        return NOW + timedelta(seconds=time.monotonic() - self.began)


clock = Clock()


def pytest_sessionstart() -> None:
    """Replace Django's clock for the whole run, fixtures of modules and sessions included."""
    timezone.now = clock.now


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Set the clock before the first fixture of a test is made."""
    clock.begin()


@pytest.fixture
def real_clock() -> Iterator[None]:
    """Let the product ask the machine's clock, as the processes do that this test starts."""
    clock.follow_machine()
    yield
    clock.begin()
