"""Count requests in the store that all processes share (Valkey or Redis).

Counts may be lost. If the store does not answer, callers do not wait for it.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from limits import RateLimitItem
from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

# Seconds. A slower answer counts as an outage.
TIMEOUT = 0.25
# Seconds without a call after an outage.
RETRY_AFTER = 5.0
PREFIX = "underone:limits"
Result = TypeVar("Result")
log = logging.getLogger(__name__)


class StoreUnavailable(Exception):
    """Raise when the store does not answer, or did not answer a moment ago."""


class WindowUsage(NamedTuple):
    """Describe a sliding window after an attempt to take a request from it.

    `allowed`: whether there was room for the request's cost. `previous` and `current` count the requests of the two
    fixed windows that a sliding window consists of; each expires in `…_expires_in` seconds.
    """

    allowed: bool
    previous: int
    previous_expires_in: float
    current: int
    current_expires_in: float


class SlidingWindows(RedisStorage):
    """Take requests from several sliding windows in one round trip.

    The public API of limits, `SlidingWindowCounterRateLimiter.hit`, takes one window a round trip. This class
    calls the library's Lua scripts and key names instead, which are private:
    tests/accounts/requests/test_rate_limit_store.py fails if they change.
    """

    def take(self, limits: Sequence[tuple[RateLimitItem, str]], *, cost: int = 1) -> list[WindowUsage]:
        """Take a request of this cost from each window, given as (limit, identifier).

        If one of the windows has no room for it, it is taken from none.
        """
        keys = [self._keys(item, identifier) for item, identifier in limits]
        try:
            usage = list(self._take(limits, keys, cost))
        except NoScriptError:
            # A restarted store has forgotten the scripts, and has counted nothing yet.
            for script in (self.lua_acquire_sliding_window, self.lua_sliding_window):
                self.storage.script_load(script.script)
            usage = list(self._take(limits, keys, cost))
        if all(each.allowed for each in usage):
            return usage
        return [self._refund(*each, cost) for each in zip(limits, keys, usage, strict=True)]

    def _refund(
        self, limit: tuple[RateLimitItem, str], keys: tuple[str, str], usage: WindowUsage, cost: int
    ) -> WindowUsage:
        if not usage.allowed:
            return usage
        # The windows are taken in one round trip before it is known that another has no room.
        taken = cost_in(limit[0], cost)
        self.lua_incr_expire([keys[1]], [limit[0].get_expiry() * 2, -taken])
        return usage._replace(current=usage.current - taken)

    def _keys(self, item: RateLimitItem, identifier: str) -> tuple[str, str]:
        key = item.key_for(identifier)
        return self.prefixed_key(self._previous_window_key(key)), self.prefixed_key(
            self._current_window_key(key)
        )

    def _take(
        self, limits: Sequence[tuple[RateLimitItem, str]], keys: Sequence[tuple[str, str]], cost: int
    ) -> Iterator[WindowUsage]:
        # Not a transaction: the scripts are atomic each, and a cluster may keep the keys on different nodes.
        pipe = self.storage.pipeline(transaction=False)
        for (item, _), pair in zip(limits, keys, strict=True):
            arguments = (item.amount, item.get_expiry(), cost_in(item, cost))
            pipe.evalsha(self.lua_acquire_sliding_window.sha, 2, *pair, *arguments)
            pipe.evalsha(self.lua_sliding_window.sha, 2, *pair, item.get_expiry())
        results = pipe.execute()
        for allowed, (previous, previous_ttl, current, current_ttl) in zip(
            results[::2], results[1::2], strict=True
        ):
            yield WindowUsage(
                allowed=bool(allowed),
                previous=int(previous or 0),
                previous_expires_in=_seconds(previous_ttl),
                current=int(current or 0),
                current_expires_in=_seconds(current_ttl),
            )


def cost_in(limit: RateLimitItem, cost: int) -> int:
    """Return what a request takes from a window: at most all of it, or it would never be allowed."""
    return min(cost, limit.amount)


class Outage:
    """Store until when this process does not call the store, in seconds of `time.monotonic`."""

    until = 0.0


def call(command: Callable[[SlidingWindows], Result]) -> Result:
    """Return the result of a command.

    Raises StoreUnavailable, without a call for RETRY_AFTER seconds after an outage.
    """
    # Without the pause every request would wait for the timeout of a store that is away.
    if not settings.CACHE_URL or time.monotonic() < Outage.until:
        raise StoreUnavailable
    try:
        result = command(_windows(settings.CACHE_URL))
    except RedisError as error:
        # One line for an outage, not one for every request.
        if not Outage.until:
            log.warning(
                "The store at CACHE_URL is unavailable. Rate limits are off until it is back: %s", error
            )
        Outage.until = time.monotonic() + RETRY_AFTER
        raise StoreUnavailable from None
    if Outage.until:
        log.warning("The store at CACHE_URL is available again.")
        Outage.until = 0.0
    return result


@cache
def _windows(url: str) -> SlidingWindows:
    options: dict[str, Any] = {
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), 1),
    }
    return SlidingWindows(url, key_prefix=PREFIX, **options)


def _seconds(milliseconds: int | None) -> float:
    return max(0, milliseconds or 0) / 1000
