"""The store that all processes share: what is counted for a while and may be lost. Where it is away, nothing waits for it."""

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

PATIENCE = 0.25  # seconds until the store counts as away
ASKED_AGAIN_AFTER = 5.0  # seconds that an absent store is left alone
PREFIX = "underone:limits"
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class Away(Exception):
    """The store does not answer, or did not a moment ago."""


class Taken(NamedTuple):
    """Whether there was room for one more in a sliding window; how many were in the window before and are in the current one;
    and in how many seconds each of the two is forgotten."""

    had_room: bool
    before: int
    before_for: float
    current: int
    current_for: float


class Windows(RedisStorage):
    """The counts of `limits`, several of them asked in one round trip."""

    def take(self, wanted: Sequence[tuple[RateLimitItem, str]]) -> list[Taken]:
        """One of each. Where one has no room, none is taken."""
        names = [self._names(item, identifier) for item, identifier in wanted]
        try:
            taken = list(self._take(wanted, names))
        except NoScriptError:  # a store that was started anew knows no scripts, and has counted nothing
            for script in (self.lua_acquire_sliding_window, self.lua_sliding_window):
                self.storage.script_load(script.script)
            taken = list(self._take(wanted, names))
        if all(each.had_room for each in taken):
            return taken
        return [self._given_back(*each) for each in zip(wanted, names, taken, strict=True)]

    def _given_back(self, wanted: tuple[RateLimitItem, str], names: tuple[str, str], taken: Taken) -> Taken:
        if not taken.had_room:
            return taken
        self.lua_incr_expire([names[1]], [wanted[0].get_expiry() * 2, -1])
        return taken._replace(current=taken.current - 1)

    def _names(self, item: RateLimitItem, identifier: str) -> tuple[str, str]:
        key = item.key_for(identifier)
        return self.prefixed_key(self._previous_window_key(key)), self.prefixed_key(self._current_window_key(key))

    def _take(self, wanted: Sequence[tuple[RateLimitItem, str]], names: Sequence[tuple[str, str]]) -> Iterator[Taken]:
        pipe = self.storage.pipeline(transaction=False)
        for (item, _), pair in zip(wanted, names, strict=True):
            pipe.evalsha(self.lua_acquire_sliding_window.sha, 2, *pair, item.amount, item.get_expiry(), 1)
            pipe.evalsha(self.lua_sliding_window.sha, 2, *pair, item.get_expiry())
        answers = pipe.execute()
        for had_room, (before, before_for, current, current_for) in zip(answers[::2], answers[1::2], strict=True):
            yield Taken(bool(had_room), int(before or 0), _seconds(before_for), int(current or 0), _seconds(current_for))


class Absence:
    """Since when the store is left alone, in this process."""

    until = 0.0


def ask(question: Callable[[Windows], Answer]) -> Answer:
    """What the store answers. Raises Away, at once for some seconds after it did not answer."""
    if not settings.CACHE_URL or time.monotonic() < Absence.until:
        raise Away
    try:
        answer = question(_windows(settings.CACHE_URL))
    except RedisError as error:
        if not Absence.until:
            log.warning("The store of CACHE_URL is away, and nothing is limited meanwhile: %s", error)
        Absence.until = time.monotonic() + ASKED_AGAIN_AFTER
        raise Away from None
    if Absence.until:
        log.warning("The store of CACHE_URL is back.")
        Absence.until = 0.0
    return answer


@cache
def _windows(url: str) -> Windows:
    options: dict[str, Any] = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, "retry": Retry(NoBackoff(), 1)}
    return Windows(url, key_prefix=PREFIX, **options)


def _seconds(milliseconds: int | None) -> float:
    return max(0, milliseconds or 0) / 1000
