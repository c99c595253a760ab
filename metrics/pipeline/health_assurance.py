"""Decide whether an account meets the rating part of Amazon's Account Health Assurance.

Amazon does not deactivate an account with a rating of at least 250 for six months, with at most 10 days below,
and an emergency contact, without first giving it 72 hours to act (https://www.hopted.com, copy of Amazon's
help). The emergency contact is in no report.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from accounts.models import SellerAccount
from metrics.models import ReportedFigure
from metrics.pipeline import staleness
from metrics.rules.catalogue.definitions import RATING

DAYS = 183
MIN_RATING = 250
MAX_DAYS_BELOW = 10
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Assurance:
    """Count the days of the last six months by rating. `known` are those with a report that was not stale."""

    first: date
    last: date
    known: int
    below: int

    @property
    def is_eligible(self) -> bool | None:
        """Return whether the rating suffices. None if the unknown days could change the answer."""
        if self.below > MAX_DAYS_BELOW:
            return False
        return True if self.below + DAYS - self.known <= MAX_DAYS_BELOW else None

    def to_json(self) -> dict[str, Any]:
        return {
            "eligible": self.is_eligible,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "days": DAYS,
            "days_known": self.known,
            "days_below": self.below,
        }


def query(*, account: SellerAccount, today: date) -> dict[str, dict[str, Any]]:
    """Return the JSON of each marketplace whose rating was reported in the last six months."""
    first = today - timedelta(days=DAYS - 1)
    max_age = staleness.max_age("reported")
    rows = ReportedFigure.objects.filter(
        agency_id=account.agency_id,
        account_id=account.pk,
        metric=RATING,
        numerator__isnull=False,
        reported_at__gte=datetime.combine(first, time(), UTC) - max_age,
    )
    scores: defaultdict[str, list[tuple[datetime, int]]] = defaultdict(list)
    ordered = rows.order_by("reported_at", "recorded_at")
    for marketplace, reported_at, score in ordered.values_list("marketplace", "reported_at", "numerator"):
        scores[marketplace].append((reported_at, score or 0))
    return {
        marketplace: assess(scores=each, first=first, last=today, max_age=max_age).to_json()
        for marketplace, each in scores.items()
    }


def assess(
    *, scores: Iterable[tuple[datetime, int]], first: date, last: date, max_age: timedelta
) -> Assurance:
    """Count the days from `first` to `last`. A day has the newest score at its end that is not older than
    `max_age`. `scores` are in the order of their moments."""
    waiting = list(scores)
    at, known, below = 0, 0, 0
    for day in (first + n * A_DAY for n in range((last - first).days + 1)):
        end = datetime.combine(day + A_DAY, time(), UTC)
        while at < len(waiting) and waiting[at][0] < end:
            at += 1
        if at and end - waiting[at - 1][0] <= max_age + A_DAY:
            known += 1
            below += waiting[at - 1][1] < MIN_RATING
    return Assurance(first, last, known, below)
