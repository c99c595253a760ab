"""The kinds of events, with an example of what each carries. Pure. Ids and figures only: never a person's data."""

from dataclasses import dataclass
from typing import Any

POINT = {"as_of": "2026-11-21", "numerator": 5, "denominator": 612, "rate": 0.008169934640522876, "meets_target": True}


@dataclass(frozen=True, slots=True)
class EventType:
    type: str
    description: str
    example: dict[str, Any]


EVENT_TYPES = (
    EventType(
        "metric.restated",
        "What was learned since changed what a series was on past days: a defect was added or taken back, or a verdict turned. "
        "Told for the last 90 days; `before` and `after` are those of the last day that changed.",
        {
            "metric": "order_defect_rate",
            "marketplace": "DE",
            "channel": "mfn",
            "known_at": "2026-11-22T09:00:00Z",
            "from": "2026-11-14",
            "to": "2026-11-21",
            "days_changed": 8,
            "verdict_changed_on": ["2026-11-20", "2026-11-21"],
            "before": POINT,
            "after": POINT | {"numerator": 7, "rate": 0.011437908496732025, "meets_target": False},
        },
    ),
    EventType(
        "account.status_changed",
        "Amazon's own report gives the account another status in a marketplace. `previous` is null where none was known.",
        {"marketplace": "DE", "previous": "NORMAL", "current": "AT_RISK", "reported_at": "2026-11-22T08:12:00Z"},
    ),
)
TYPES = {each.type: each for each in EVENT_TYPES}
