"""When a delivery that failed is tried again, and when it is tried no more. Pure."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import Random

RETRY_AFTER = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Seconds between one try and the next: ten tries in a little more than three days."""
JITTER = 0.1
"""Each wait is longer by up to this part of it, so that what failed together does not come back together."""
ASKS_TO_WAIT = frozenset({429, 503})
LONGEST_WAIT = timedelta(hours=24)
FAILING_TOO_LONG = timedelta(days=5)
LONGEST_SILENCE = timedelta(hours=48)
"""Between two tries of an endpoint that fails for days; after a longer one its five days begin anew."""

SECONDS = re.compile(r"\s*([0-9]{1,9})\s*")


def next_attempt(*, tries: int, now: datetime, chance: Random, asked: timedelta | None = None) -> datetime | None:
    """When to try again after `tries` failures; None when that was the last one.

    What the receiver asked for is heeded where it is later than our own schedule, up to a day.
    """
    if tries > len(RETRY_AFTER):
        return None
    ours = timedelta(seconds=RETRY_AFTER[tries - 1] * (1 + JITTER * chance.random()))
    return now + max(ours, min(asked or ours, LONGEST_WAIT))


def asked_to_wait(*, status: int | None, retry_after: str, now: datetime) -> timedelta | None:
    """The wait that an answer asks for in `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3)."""
    if status not in ASKS_TO_WAIT:
        return None
    if seconds := SECONDS.fullmatch(retry_after):
        return timedelta(seconds=int(seconds[1]))
    try:
        until = parsedate_to_datetime(retry_after)
        return until.replace(tzinfo=until.tzinfo or UTC) - now
    except (ValueError, OverflowError):
        return None


def has_failed_too_long(*, failing_since: datetime | None, now: datetime) -> bool:
    """Whether an endpoint that fails at this moment has done nothing else for five days."""
    return failing_since is not None and now - failing_since >= FAILING_TOO_LONG
