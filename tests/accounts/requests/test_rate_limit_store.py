"""Test the shared store of rate limits: one round trip, and no waiting when it is unavailable."""

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits import RateLimitItem, parse
from pytest_django.fixtures import Settings

from accounts.requests import rate_limit_store
from accounts.requests.rate_limit_store import SlidingWindows, WindowUsage
from api import identifiers
from tests import stopwatch

pytestmark = pytest.mark.usefixtures("servers")


@pytest.fixture(autouse=True)
def present() -> Iterator[None]:
    """Reset the state of the store, which other tests make unavailable."""
    rate_limit_store.Outage.until = 0.0
    yield
    rate_limit_store.Outage.until = 0.0


@pytest.fixture
def whom() -> str:
    """Return a new identifier."""
    return identifiers.uuid7().hex


def take(*wanted: tuple[RateLimitItem, str]) -> list[WindowUsage]:
    return rate_limit_store.call(lambda windows: windows.take(wanted))


def test_window_allows_requests_up_to_limit(whom: str) -> None:
    taken = [take((parse("3/minute"), whom))[0] for _ in range(5)]

    assert [each.allowed for each in taken] == [True, True, True, False, False]
    assert [each.current for each in taken] == [1, 2, 3, 3, 3]
    assert all(60 < each.current_expires_in <= 120 for each in taken)


def test_windows_take_from_all_or_none(whom: str) -> None:
    narrow, wide = (parse("1/minute"), whom), (parse("100/minute"), whom)

    first, *refused = [take(narrow, wide) for _ in range(4)]
    last = take(wide)

    assert [each.allowed for each in first] == [True, True]
    assert [[each.allowed for each in taken] for taken in refused] == [[False, True]] * 3
    assert last[0].current == 2


def test_window_counts_concurrent_requests(whom: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: take((parse("50/minute"), whom))[0], range(200)))

    assert sum(each.allowed for each in taken) == 50


def test_store_reloads_lost_scripts(whom: str) -> None:
    take((parse("3/minute"), whom))
    rate_limit_store.call(lambda windows: windows.storage.script_flush())

    (taken,) = take((parse("3/minute"), whom))

    assert taken.current == 2


def test_windows_cost_one_round_trip(whom: str) -> None:
    wanted = [(parse("100/minute"), whom), (parse("200/minute"), whom)]
    take(*wanted)

    def commands(windows: SlidingWindows) -> int:
        return int(windows.storage.info("stats")["total_reads_processed"])

    before = rate_limit_store.call(commands)
    take(*wanted)

    assert rate_limit_store.call(commands) - before == 2  # the counts, and the question how many


def test_store_outage_is_retried_after_some_seconds(
    settings: Settings, caplog: pytest.LogCaptureFixture, whom: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = settings.CACHE_URL
    monkeypatch.setattr(rate_limit_store, "RETRY_AFTER", 0.3)
    with caplog.at_level(logging.WARNING):
        settings.CACHE_URL = "redis://127.0.0.1:1/0"
        for _ in range(5):
            with pytest.raises(rate_limit_store.StoreUnavailable):
                take((parse("3/minute"), whom))
        settings.CACHE_URL = here
        with pytest.raises(rate_limit_store.StoreUnavailable):
            take((parse("3/minute"), whom))
        time.sleep(0.35)
        back = take((parse("3/minute"), whom))

    assert back[0].allowed
    assert [
        record.message.partition(". Rate")[0] for record in caplog.records if "CACHE_URL" in record.message
    ] == [
        "The store at CACHE_URL is unavailable",
        "The store at CACHE_URL is available again.",
    ]


def test_store_timeout_delays_one_request_below_a_second(settings: Settings, whom: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        settings.CACHE_URL = f"redis://127.0.0.1:{hanging.getsockname()[1]}/0"
        spent = []
        for _ in range(20):
            with stopwatch.running() as watch, pytest.raises(rate_limit_store.StoreUnavailable):
                take((parse("3/minute"), whom))
            spent.append(watch.seconds)

    assert spent[0] < 1
    assert max(spent[1:]) < 0.05


def test_store_without_url_is_unavailable(settings: Settings, whom: str) -> None:
    settings.CACHE_URL = ""

    with pytest.raises(rate_limit_store.StoreUnavailable):
        take((parse("3/minute"), whom))
