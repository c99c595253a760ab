"""Define the event types, each with a JSON Schema and an example of its `data`.

Events contain IDs and figures, never personal data. Pure.
"""

from dataclasses import dataclass
from typing import Any

from webhooks.events.schemas import (
    DATE,
    DATE_TIME,
    INTEGER,
    STRING,
    Schema,
    described,
    enum,
    json_object,
    nullable,
    public_id,
)


@dataclass(frozen=True, slots=True)
class EventType:
    """Describe an event type. `schema` and `example` are those of the event's `data`."""

    type: str
    description: str
    schema: Schema
    example: dict[str, Any]


SERIES: dict[str, Schema] = {
    "metric": described(STRING, "The code of the metric, such as `order_defect_rate`."),
    "marketplace": described(STRING, "The country code of the marketplace, such as `DE`."),
    "channel": enum(
        "mfn",
        "afn",
        "all",
        description="The fulfillment channel. `mfn`: the merchant ships. `afn`: "
        "Amazon ships. `all`: Amazon does not separate the channels.",
    ),
}
BASIS = enum(
    "own",
    "amazon_report",
    "none",
    description="Whose figure missed or met the limit. `own`: the counts of the loaded reports. "
    "`amazon_report`: Amazon's own figure in its account health report.",
)
FIGURES: dict[str, Schema] = {
    "as_of": described(DATE, "The day for which the value is calculated."),
    "numerator": described(INTEGER, "The numerator of the value, such as the number of defective orders."),
    "denominator": described(INTEGER, "The denominator of the value, such as the number of orders."),
    "rate": {
        "type": ["number", "null"],
        "description": "The numerator divided by the denominator, for display. Compare the two integers "
        "instead. Null without "
        "a denominator.",
    },
}
TARGET = json_object(
    {
        "comparator": enum(
            "lt",
            "lte",
            "gt",
            "gte",
            "eq",
            description="How the rate must compare with `value` to meet the target.",
        ),
        "value": {"type": "number", "description": "The limit."},
        "source": enum(
            "default",
            "amazon_report",
            "custom",
            description=(
                "Where the limit comes from. `default`: Amazon's rules. `amazon_report`: Amazon's "
                "report about this series. `custom`: a threshold of the agency."
            ),
        ),
    }
) | {"description": "The limit that was missed or met."}
WINDOW = json_object(
    {
        "from": described(DATE, "The first day."),
        "to": described(DATE, "The last day."),
        "days": described(INTEGER, "The number of days."),
        "offset_days": described(INTEGER, "The number of days between the last day and `as_of`."),
    }
) | {"description": "The days over which the value is calculated."}
BUDGET: Schema = json_object(
    {
        "allowed": described(INTEGER, "How many defects the target allows in this window."),
        "left": described(
            INTEGER, "How many more defects the target allows. Negative if the target is missed."
        ),
    }
) | {
    "type": ["object", "null"],
    "description": "How many defects the target allows. Null for metrics without a budget.",
}
BREACH: dict[str, Schema] = {
    "breach": public_id("brch", "The ID of the breach."),
    **SERIES,
    "level": enum(
        "warning",
        "breach",
        description="Which limit is missed: a warning threshold (`warning`) or Amazon's target (`breach`).",
    ),
    "status": enum("open", "resolved", description="Whether the breach is open or resolved."),
    "opened_at": described(DATE_TIME, "When the breach opened."),
    "basis": BASIS,
    **FIGURES,
    "target": TARGET,
    "threshold": nullable(
        public_id(
            "thr", "The ID of the agency's threshold. Null if `target` is not a threshold of the agency."
        )
    ),
    "window": WINDOW,
    "budget": BUDGET,
}
RESOLUTION: dict[str, Schema] = {
    "resolved_at": described(DATE_TIME, "When the breach was resolved."),
    "because": enum(
        "kept",
        "line_changed",
        "line_removed",
        description="Why the breach was resolved. `kept`: the limit is met again. `line_changed`: "
        "another limit applies. `line_removed`: the threshold was deleted.",
    ),
}
DAY_VALUE = json_object(
    FIGURES
    | {
        "meets_target": {
            "type": ["boolean", "null"],
            "description": "Whether the value meets the target. Null without a target or without data.",
        }
    }
)

_DEFAULT: dict[str, Any] = {"comparator": "lt", "value": 0.01, "source": "default"}
_SERIES = {"metric": "order_defect_rate", "marketplace": "DE", "channel": "mfn"}
_BREACH: dict[str, Any] = {
    "breach": "brch_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    **_SERIES,
    "level": "breach",
    "status": "open",
    "opened_at": "2026-11-22T09:00:00Z",
    "as_of": "2026-11-22",
    "basis": "own",
    "numerator": 7,
    "denominator": 612,
    "rate": 0.011437908496732025,
    "target": _DEFAULT,
    "threshold": None,
    "window": {"from": "2026-09-09", "to": "2026-11-07", "days": 60, "offset_days": 15},
    "budget": {"allowed": 6, "left": -1},
}
_RESOLVED: dict[str, Any] = {
    "status": "resolved",
    "resolved_at": "2026-12-01T00:10:00Z",
    "because": "kept",
    "as_of": "2026-12-01",
} | {
    "numerator": 5,
    "denominator": 640,
    "rate": 0.0078125,
    "window": {"from": "2026-09-18", "to": "2026-11-16", "days": 60, "offset_days": 15},
    "budget": {"allowed": 6, "left": 1},
}
_WARNING: dict[str, Any] = _BREACH | {
    "level": "warning",
    "numerator": 5,
    "rate": 0.008169934640522876,
    "target": {"comparator": "lt", "value": 0.008, "source": "custom"},
    "threshold": "thr_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "budget": {"allowed": 6, "left": 1},
}
_DAY_VALUE = {
    "as_of": "2026-11-21",
    "numerator": 5,
    "denominator": 612,
    "rate": 0.008169934640522876,
    "meets_target": True,
}
ROWS = json_object(
    {
        "read": described(INTEGER, "Rows read."),
        "new": described(INTEGER, "Rows that added new facts."),
        "changed": described(INTEGER, "Rows that changed existing facts."),
        "unchanged": described(INTEGER, "Rows that changed nothing."),
        "rejected": described(INTEGER, "Rows that could not be used."),
        "set_apart": described(INTEGER, "Rows of multi-channel orders, which count in no metric."),
    }
) | {"description": "The number of rows by outcome."}
REPORT: dict[str, Schema] = {
    "report": public_id("rpt", "The ID of the report."),
    "report_type": nullable(described(STRING, "The type of the report. Null if it was not recognized.")),
    "source": enum("upload", "sp_api", "json", description="How the report was received."),
}
_REPORT = {
    "report": "rpt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "report_type": "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
    "source": "upload",
}

EVENT_TYPES = (
    EventType(
        "breach.opened",
        "A series misses Amazon's target, and no warning was open for it. If a warning was open, "
        "`breach.escalated` is sent "
        "instead: subscribe to `breach.*` to receive both.",
        json_object(BREACH),
        _BREACH,
    ),
    EventType(
        "breach.escalated",
        "A series misses Amazon's target after a warning. `escalated_from` is the warning, which stays open.",
        json_object(BREACH | {"escalated_from": public_id("brch", "The ID of the warning.")}),
        _BREACH | {"escalated_from": "brch_019abc4e5f607a8b9c0d1e2f3a4b5c00"},
    ),
    EventType(
        "breach.resolved",
        "A series meets Amazon's target again. The figures are current; the breach keeps the figures with "
        "which it opened.",
        json_object(BREACH | RESOLUTION),
        _BREACH | _RESOLVED,
    ),
    EventType(
        "metric.at_risk",
        "A series misses its warning threshold: the agency's own, or the default one. `target` is the "
        "threshold.",
        json_object(BREACH),
        _WARNING,
    ),
    EventType(
        "metric.recovered",
        "A series meets its warning threshold again, or the threshold was changed or deleted; `because` says "
        "which.",
        json_object(BREACH | RESOLUTION),
        _WARNING | _RESOLVED | {"numerator": 3, "rate": 0.0046875, "budget": {"allowed": 6, "left": 3}},
    ),
    EventType(
        "metric.restated",
        "New data changed past values of a series: defects were added or removed, or a verdict changed. "
        "The event covers the last 90 days. `before` and `after` are the values of the last day that "
        "changed.",
        json_object(
            SERIES
            | {
                "known_at": described(DATE_TIME, "When the new data was loaded."),
                "from": described(DATE, "The first day that changed."),
                "to": described(DATE, "The last day that changed."),
                "days_changed": described(INTEGER, "How many days changed."),
                "verdict_changed_on": {
                    "type": "array",
                    "items": DATE,
                    "description": (
                        "The days on which the target was met before and is missed now, or the reverse."
                    ),
                },
                "before": DAY_VALUE | {"description": "The value of the last day before the change."},
                "after": DAY_VALUE | {"description": "The value of the last day after the change."},
            }
        ),
        {
            **_SERIES,
            "known_at": "2026-11-22T09:00:00Z",
            "from": "2026-11-14",
            "to": "2026-11-21",
            "days_changed": 8,
            "verdict_changed_on": ["2026-11-20", "2026-11-21"],
            "before": _DAY_VALUE,
            "after": _DAY_VALUE | {"numerator": 7, "rate": 0.011437908496732025, "meets_target": False},
        },
    ),
    EventType(
        "report.loaded",
        "A report was loaded and is included in every value. Some of its rows may have been rejected.",
        json_object(
            REPORT | {"loaded_at": described(DATE_TIME, "When the report was loaded."), "rows": ROWS}
        ),
        _REPORT
        | {
            "loaded_at": "2026-11-22T09:00:00Z",
            "rows": {"read": 812, "new": 40, "changed": 12, "unchanged": 755, "rejected": 2, "set_apart": 3},
        },
    ),
    EventType(
        "report.rejected",
        "A report was rejected as a whole and changed nothing. Get the report for the details.",
        json_object(
            REPORT
            | {
                "problem": described(STRING, "The `type` of the problem."),
                "title": described(STRING, "The title of the problem."),
            }
        ),
        _REPORT
        | {
            "report_type": None,
            "problem": "/problems/unknown-document",
            "title": "The report type is unknown",
        },
    ),
    EventType(
        "account.status_changed",
        "Amazon's report states a new status of the account in a marketplace.",
        json_object(
            {
                "marketplace": SERIES["marketplace"],
                "previous": nullable(described(STRING, "The status before. Null if none was known.")),
                "current": described(STRING, "The status now."),
                "reported_at": described(DATE_TIME, "When Amazon created the report."),
            }
        ),
        {
            "marketplace": "DE",
            "previous": "NORMAL",
            "current": "AT_RISK",
            "reported_at": "2026-11-22T08:12:00Z",
        },
    ),
    EventType(
        "connection.failed",
        "Reports can no longer be requested from Amazon for a connected account.",
        json_object(
            {
                "failed_at": described(DATE_TIME, "When the connection failed."),
                "reason": described(STRING, "A sentence for people. Do not parse it."),
            }
        ),
        {"failed_at": "2026-11-22T09:00:00Z", "reason": "The seller revoked the authorization."},
    ),
    EventType(
        "endpoint.disabled",
        "An endpoint was disabled because it responded 410 (`gone`), failed for five days (`failing`), or its "
        "mailbox unsubscribed (`unsubscribed`). Enable it and recover the missed events.",
        json_object(
            {
                "endpoint": public_id("ep", "The ID of the endpoint."),
                "reason": enum(
                    "gone", "failing", "unsubscribed", description="Why the endpoint was disabled."
                ),
                "disabled_at": described(DATE_TIME, "When the endpoint was disabled."),
                "failing_since": nullable(
                    described(
                        DATE_TIME, "When the first of the failures occurred. Null if it did not fail before."
                    )
                ),
            }
        ),
        {
            "endpoint": "ep_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
            "reason": "failing",
            "disabled_at": "2026-11-27T09:00:00Z",
            "failing_since": "2026-11-22T09:00:00Z",
        },
    ),
    EventType(
        "endpoint.test",
        "A test event. It is sent only when you request it.",
        json_object({"endpoint": public_id("ep", "The ID of the endpoint.")}),
        {"endpoint": "ep_019abc4e5f607a8b9c0d1e2f3a4b5c6d"},
    ),
)
TYPES = {each.type: each for each in EVENT_TYPES}
NAMES = tuple(TYPES)
# What an endpoint can subscribe to: a type, `<first part>.*`, or `*`.
PATTERNS = tuple(
    sorted({pattern for name in TYPES for pattern in ("*", f"{name.partition('.')[0]}.*", name)})
)


def patterns_of(type_: str) -> list[str]:
    """Return the patterns that match this type: for `breach.opened` its name, `breach.*` and `*`."""
    return ["*", f"{type_.partition('.')[0]}.*", type_]


def names_of(pattern: str) -> list[str]:
    """Return the event types that a pattern matches."""
    return [name for name in TYPES if pattern in patterns_of(name)]
