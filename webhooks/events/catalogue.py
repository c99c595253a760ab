"""The kinds of events, with a JSON schema and an example of what each carries: ids and figures, never a person's data. Pure."""

from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
RATE: Schema = {"type": ["number", "null"], "description": "For people and charts; the integers beside it are the truth."}
DAY: Schema = {"type": "string", "format": "date"}
MOMENT: Schema = {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class EventType:
    """`schema` is of the event's `data`, and so is `example`."""

    type: str
    description: str
    schema: Schema
    example: dict[str, Any]


def one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def or_null(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}


def thing(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """An object with these properties. More may be added to it some day: a receiver passes over what it does not know."""
    return {"type": "object", "properties": properties, "required": [name for name in properties if name not in optional]}


def public_id(prefix: str) -> Schema:
    return {"type": "string", "pattern": f"^{prefix}_[0-9a-f]{{32}}$"}


SERIES: dict[str, Schema] = {"metric": TEXT, "marketplace": TEXT, "channel": one_of("mfn", "afn", "all")}
FIGURES: dict[str, Schema] = {"as_of": DAY, "numerator": WHOLE, "denominator": WHOLE, "rate": RATE}
TARGET = thing(
    {
        "comparator": one_of("lt", "lte", "gt", "gte", "eq"),
        "value": {"type": "number"},
        "source": one_of("default", "amazon_report", "custom"),
    }
)
WINDOW = thing({"from": DAY, "to": DAY, "days": WHOLE, "offset_days": WHOLE})
BUDGET: Schema = thing({"allowed": WHOLE, "left": WHOLE}) | {"type": ["object", "null"]}
EPISODE: dict[str, Schema] = {
    "breach": public_id("brch"),
    **SERIES,
    "level": one_of("warning", "breach"),
    "status": one_of("open", "resolved"),
    "opened_at": MOMENT,
    **FIGURES,
    "target": TARGET,
    "threshold": or_null(public_id("thr")),
    "window": WINDOW,
    "budget": BUDGET,
}
END: dict[str, Schema] = {"resolved_at": MOMENT, "because": one_of("kept", "line_changed", "line_removed")}
POINT = thing(FIGURES | {"meets_target": {"type": ["boolean", "null"]}})

_DEFAULT: dict[str, Any] = {"comparator": "lt", "value": 0.01, "source": "default"}
_SERIES = {"metric": "order_defect_rate", "marketplace": "DE", "channel": "mfn"}
_EPISODE: dict[str, Any] = {
    "breach": "brch_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    **_SERIES,
    "level": "breach",
    "status": "open",
    "opened_at": "2026-11-22T09:00:00Z",
    "as_of": "2026-11-22",
    "numerator": 7,
    "denominator": 612,
    "rate": 0.011437908496732025,
    "target": _DEFAULT,
    "threshold": None,
    "window": {"from": "2026-09-09", "to": "2026-11-07", "days": 60, "offset_days": 15},
    "budget": {"allowed": 6, "left": -1},
}
_KEPT: dict[str, Any] = {
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
_WARNING: dict[str, Any] = _EPISODE | {
    "level": "warning",
    "numerator": 5,
    "rate": 0.008169934640522876,
    "target": {"comparator": "lt", "value": 0.008, "source": "custom"},
    "threshold": "thr_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "budget": {"allowed": 6, "left": 1},
}
_POINT = {"as_of": "2026-11-21", "numerator": 5, "denominator": 612, "rate": 0.008169934640522876, "meets_target": True}
ROWS = thing(dict.fromkeys(("read", "new", "changed", "unchanged", "rejected"), WHOLE))
REPORT: dict[str, Schema] = {
    "report": public_id("rpt"),
    "report_type": or_null(TEXT),
    "source": one_of("upload", "sp_api", "json"),
}
_REPORT = {
    "report": "rpt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
    "report_type": "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
    "source": "upload",
}

EVENT_TYPES = (
    EventType(
        "breach.opened",
        "A series misses Amazon's limit, and no warning had told of it before. Subscribe to `breach.*`: where a warning was "
        "open, the same is told as `breach.escalated`.",
        thing(EPISODE),
        _EPISODE,
    ),
    EventType(
        "breach.escalated",
        "A series misses Amazon's limit after its warning; `escalated_from` is the warning, which stays open.",
        thing(EPISODE | {"escalated_from": public_id("brch")}),
        _EPISODE | {"escalated_from": "brch_019abc4e5f607a8b9c0d1e2f3a4b5c00"},
    ),
    EventType(
        "breach.resolved",
        "A series keeps Amazon's limit again. The figures are those of the moment; the breach itself keeps those it opened with.",
        thing(EPISODE | END),
        _EPISODE | _KEPT,
    ),
    EventType(
        "metric.at_risk",
        "A series misses its warning line: the agency's own threshold, or the default one. `target` is that line.",
        thing(EPISODE),
        _WARNING,
    ),
    EventType(
        "metric.recovered",
        "A series is clear of its warning line again, or the line was taken away (`because`).",
        thing(EPISODE | END),
        _WARNING | _KEPT | {"numerator": 3, "rate": 0.0046875, "budget": {"allowed": 6, "left": 3}},
    ),
    EventType(
        "metric.restated",
        "What was learned since changed what a series was on past days: a defect was added or taken back, or a verdict turned. "
        "Told for the last 90 days; `before` and `after` are those of the last day that changed.",
        thing(
            SERIES
            | {
                "known_at": MOMENT,
                "from": DAY,
                "to": DAY,
                "days_changed": WHOLE,
                "verdict_changed_on": {"type": "array", "items": DAY},
                "before": POINT,
                "after": POINT,
            }
        ),
        {
            **_SERIES,
            "known_at": "2026-11-22T09:00:00Z",
            "from": "2026-11-14",
            "to": "2026-11-21",
            "days_changed": 8,
            "verdict_changed_on": ["2026-11-20", "2026-11-21"],
            "before": _POINT,
            "after": _POINT | {"numerator": 7, "rate": 0.011437908496732025, "meets_target": False},
        },
    ),
    EventType(
        "report.loaded",
        "A report is in every number. It may have rejected rows.",
        thing(REPORT | {"loaded_at": MOMENT, "rows": ROWS}),
        _REPORT
        | {"loaded_at": "2026-11-22T09:00:00Z", "rows": {"read": 812, "new": 40, "changed": 12, "unchanged": 758, "rejected": 2}},
    ),
    EventType(
        "report.rejected",
        "A document was refused whole and changed nothing. `problem` is the stable type of the reason; the report has the rest.",
        thing(REPORT | {"problem": TEXT, "title": TEXT}),
        _REPORT | {"report_type": None, "problem": "/problems/unknown-document", "title": "The report type is unknown"},
    ),
    EventType(
        "account.status_changed",
        "Amazon's own report gives the account another status in a marketplace. `previous` is null where none was known.",
        thing({"marketplace": TEXT, "previous": or_null(TEXT), "current": TEXT, "reported_at": MOMENT}),
        {"marketplace": "DE", "previous": "NORMAL", "current": "AT_RISK", "reported_at": "2026-11-22T08:12:00Z"},
    ),
    EventType(
        "connection.failed",
        "Reports of an account that is connected to Amazon cannot be pulled any more. `reason` is for people.",
        thing({"failed_at": MOMENT, "reason": TEXT}),
        {"failed_at": "2026-11-22T09:00:00Z", "reason": "The seller withdrew the consent."},
    ),
    EventType(
        "endpoint.disabled",
        "Nothing is sent to an endpoint any more: it answered 410 (`gone`), or failed for five days (`failing`). What it missed "
        "can be recovered.",
        thing(
            {
                "endpoint": public_id("ep"),
                "reason": one_of("gone", "failing"),
                "disabled_at": MOMENT,
                "failing_since": or_null(MOMENT),
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
        "You asked for it, to see whether events arrive.",
        thing({"endpoint": public_id("ep")}),
        {"endpoint": "ep_019abc4e5f607a8b9c0d1e2f3a4b5c6d"},
    ),
)
TYPES = {each.type: each for each in EVENT_TYPES}
NAMES = tuple(TYPES)
PATTERNS = tuple(sorted({pattern for name in TYPES for pattern in ("*", f"{name.partition('.')[0]}.*", name)}))
"""What an endpoint may ask for."""


def patterns_of(type_: str) -> list[str]:
    """What an endpoint asks for that is told of this type: `breach.opened` by its name, by `breach.*` and by `*`."""
    return ["*", f"{type_.partition('.')[0]}.*", type_]


def names_of(pattern: str) -> list[str]:
    """The types that a pattern asks for: all of them, those of one first part, or one."""
    return [name for name in TYPES if pattern in patterns_of(name)]
