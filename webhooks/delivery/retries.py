"""Decide when a failed delivery is retried, and after which attempt it has failed. Pure."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import Random

# Seconds between one attempt and the next: ten attempts in a little more than three days.
RETRY_DELAYS = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
# Each delay is longer by a random share of up to this, so that deliveries that failed together are not
# retried together.
JITTER = 0.1
# The statuses for which RFC 6585 and RFC 9110 give `Retry-After` this meaning;
# with a redirect it has another.
RETRY_AFTER_STATUSES = frozenset({429, 503})
MAX_RETRY_AFTER = timedelta(hours=24)
# An endpoint that fails for this long is disabled.
MAX_FAILING_TIME = timedelta(days=5)
# Attempts further apart than this do not show that the endpoint failed in between: MAX_FAILING_TIME starts
# again.
MAX_ATTEMPT_GAP = timedelta(hours=48)

SECONDS = re.compile(r"\s*([0-9]{1,9})\s*")


def next_attempt_at(
    *, tries: int, now: datetime, random: Random, retry_after: timedelta | None = None
) -> datetime | None:
    """Return when to retry a delivery that has failed `tries` times, or None to give up.

    The receiver's `retry_after` applies if it is longer than the delay of the schedule, up to a day.
    """
    if tries > len(RETRY_DELAYS):
        return None
    delay = timedelta(seconds=RETRY_DELAYS[tries - 1] * (1 + JITTER * random.random()))
    return now + max(delay, min(retry_after or delay, MAX_RETRY_AFTER))


def parse_retry_after(*, status: int | None, retry_after: str, now: datetime) -> timedelta | None:
    """Return the wait that a response requests in `Retry-After`: seconds or a date (RFC 9110, section
    10.2.3)."""

    if status not in RETRY_AFTER_STATUSES:
        return None
    if seconds := SECONDS.fullmatch(retry_after):
        return timedelta(seconds=int(seconds[1]))
    try:
        until = parsedate_to_datetime(retry_after)
        # parsedate_to_datetime returns a date without a time zone if the header
        # says -0000; HTTP dates are in UTC.
        return until.replace(tzinfo=until.tzinfo or UTC) - now
    except (ValueError, OverflowError):
        return None


def has_failed_too_long(*, failing_since: datetime | None, now: datetime) -> bool:
    """Return whether an endpoint whose last attempt failed has failed for MAX_FAILING_TIME."""
    return failing_since is not None and now - failing_since >= MAX_FAILING_TIME
