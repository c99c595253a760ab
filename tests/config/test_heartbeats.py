"""Test the age of heartbeats."""

import os
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from config.observability import heartbeats

pytestmark = pytest.mark.usefixtures("servers")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Settings) -> Path:
    settings.UNDERONE_HOME = tmp_path
    return tmp_path


def test_age_is_none_before_first_heartbeat() -> None:
    assert heartbeats.ages(now=time.time()) == {}


def test_age_is_zero_after_heartbeat() -> None:
    heartbeats.beat(heartbeats.SCHEDULER)
    heartbeats.beat("queue-celery")

    ages = heartbeats.ages(now=time.time())

    assert set(ages) == {"clock", "queue-celery"}
    assert max(ages.values()) < 5


def test_age_counts_from_last_heartbeat(home: Path) -> None:
    heartbeats.beat(heartbeats.SCHEDULER)
    os.utime(home / "heartbeats" / "clock", (1_000_000, 1_000_000))

    assert heartbeats.ages(now=1_000_060) == {"clock": 60}

    heartbeats.beat(heartbeats.SCHEDULER)
    assert heartbeats.ages(now=time.time())["clock"] < 5


def test_age_is_never_negative() -> None:
    heartbeats.beat(heartbeats.SCHEDULER)

    assert heartbeats.ages(now=0) == {"clock": 0}


@pytest.mark.parametrize("name", ["../clock", "a/b", "", "queue-\n", "x" * 200])
def test_heartbeat_with_invalid_name_writes_no_file(home: Path, name: str) -> None:
    heartbeats.beat(name)

    assert list(home.rglob("*")) == []
