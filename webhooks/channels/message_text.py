"""An event in plain words, for people who read it in a mailbox or a chat. Pure.

Ids and figures of the event and the agency's own name of the account: no buyer can be recognised by it. Everything is on one line
and without control characters, also what Amazon's reports say.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

UNREADABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
COMPARED = {"lt": "under", "lte": "at most", "gt": "over", "gte": "at least", "eq": "exactly"}
WHOSE = {
    ("breach", "default"): "Amazon's target",
    ("breach", "amazon_report"): "Target in Amazon's report",
    ("warning", "custom"): "Your threshold",
}
WHY_DISABLED = {"gone": "it returned 410 (gone)", "failing": "deliveries to it have failed for days"}

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """A title of one line, and the lines below it."""

    title: str
    lines: tuple[str, ...]


def of(envelope: Data, *, account_name: str = "") -> Words:
    """The event in an envelope (webhooks/events/payload.py). Of a type that has no words yet, its name."""
    wording = WORDINGS.get(envelope["type"])
    title, *lines = wording(envelope["data"]) if wording else (envelope["type"],)
    mark = "[Test] " if envelope.get("test") else ""
    happened = f"{envelope['id']}, {envelope['timestamp']}"
    lines.append(f"Account {envelope['account']}, event {happened}" if envelope["account"] else f"Event {happened}")
    whose = f"{account_name}: " if account_name else ""
    return Words(readable(mark + whose + title), tuple(readable(line) for line in lines))


def readable(text: str) -> str:
    """The text on one line, without what is not seen or turns the direction of the rest."""
    return UNREADABLE.sub(" ", text).strip()


def _opened(data: Data) -> tuple[str, ...]:
    return (f"{_series(data)}: target missed", _standing(data), *_budget(data), _episode(data))


def _escalated(data: Data) -> tuple[str, ...]:
    return (f"{_series(data)}: warning became a breach", _standing(data), *_budget(data), _episode(data))


def _resolved(data: Data) -> tuple[str, ...]:
    return (f"{_series(data)}: {_end(data, 'target met again')}", _standing(data), _episode(data))


def _at_risk(data: Data) -> tuple[str, ...]:
    return (f"{_series(data)}: at risk", _standing(data), *_budget(data), _episode(data))


def _recovered(data: Data) -> tuple[str, ...]:
    return (f"{_series(data)}: {_end(data, 'no longer at risk')}", _standing(data), _episode(data))


def _restated(data: Data) -> tuple[str, ...]:
    days = "the value of 1 day" if data["days_changed"] == 1 else f"the values of {data['days_changed']} days"
    turned = data["verdict_changed_on"]
    return (
        f"{_series(data)}: past values changed",
        f"New data changed {days}, from {data['from']} to {data['to']}.",
        f"{data['after']['as_of']}: was {_figures(data, data['before'])}, is now {_figures(data, data['after'])}.",
        *([f"The verdict changed on {', '.join(turned[:5])}{' and more' if len(turned) > 5 else ''}."] if turned else []),
    )


def _loaded(data: Data) -> tuple[str, ...]:
    rows = data["rows"]
    counts = ", ".join(f"{rows[name]} {name}" for name in ("new", "changed", "unchanged", "rejected"))
    return (f"Report loaded: {_kind(data)}", f"{rows['read']} rows: {counts}.", f"Report {data['report']}")


def _rejected(data: Data) -> tuple[str, ...]:
    return (
        f"Report refused: {_kind(data)}",
        f"{data['title']}. Nothing was loaded. The report's `problem` says what to do.",
        f"Report {data['report']}",
    )


def _status_changed(data: Data) -> tuple[str, ...]:
    before = f"The status was {data['previous']} before." if data["previous"] else "No earlier status is known."
    return (
        f"Amazon's status in {data['marketplace']} is {data['current']}",
        f"{before} Source: Amazon's report of {data['reported_at']}.",
    )


def _not_connected(data: Data) -> tuple[str, ...]:
    return ("Reports can no longer be pulled from Amazon", f"Since {data['failed_at']}: {data['reason']}")


def _disabled(data: Data) -> tuple[str, ...]:
    since = f" (since {data['failing_since']})" if data["failing_since"] else ""
    return (
        f"Endpoint {data['endpoint']} was disabled",
        f"Disabled at {data['disabled_at']} because {WHY_DISABLED[data['reason']]}{since}.",
        "Enable it again and recover the missed events.",
    )


def _test(data: Data) -> tuple[str, ...]:
    return ("Test notification", f"You requested this test. Endpoint {data['endpoint']} delivers its events here.")


WORDINGS: dict[str, Callable[[Data], tuple[str, ...]]] = {
    "breach.opened": _opened,
    "breach.escalated": _escalated,
    "breach.resolved": _resolved,
    "metric.at_risk": _at_risk,
    "metric.recovered": _recovered,
    "metric.restated": _restated,
    "report.loaded": _loaded,
    "report.rejected": _rejected,
    "account.status_changed": _status_changed,
    "connection.failed": _not_connected,
    "endpoint.disabled": _disabled,
    "endpoint.test": _test,
}
"""By type: the title, then the lines."""


def _series(data: Data) -> str:
    """`Order defect rate, DE, mfn`."""
    channel = [] if data["channel"] == "all" else [data["channel"]]
    return ", ".join([data["metric"].replace("_", " ").capitalize(), data["marketplace"], *channel])


def _end(data: Data, kept: str) -> str:
    return {"line_removed": "threshold removed", "line_changed": "threshold changed"}.get(data["because"], kept)


def _standing(data: Data) -> str:
    target = data["target"]
    line = f"{COMPARED[target['comparator']]} {_value(data, target['value'])}"
    whose = WHOSE.get((data["level"], target["source"]), "Warning threshold")
    return f"{_figures(data, data)} as of {data['as_of']}. {whose}: {line}."


def _figures(data: Data, at: Data) -> str:
    """The integers, which are the truth, and the rate for people; of what is only counted, the count."""
    if _is_counted(data, at):
        return str(at["numerator"])
    if at["rate"] is None:
        return "no data"
    return f"{at['numerator']} of {at['denominator']} ({_percent(at['rate'])})"


def _value(data: Data, value: float) -> str:
    return f"{value:g}" if _is_counted(data, data) else _percent(value)


def _is_counted(data: Data, at: Data) -> bool:
    """Amazon's counters and scores come as a number per one, for all channels."""
    return bool(data["channel"] == "all" and at["denominator"] == 1)


def _percent(rate: float) -> str:
    return f"{100 * rate:.4g} %"


def _budget(data: Data) -> list[str]:
    budget = data["budget"]
    if budget is None:
        return []
    used = budget["allowed"] - budget["left"]
    left = f"{-budget['left']} over" if budget["left"] < 0 else f"{budget['left']} left"
    return [f"Allowed in this window: {budget['allowed']}. Used: {used} ({left})."]


def _episode(data: Data) -> str:
    resolved = f", resolved at {data['resolved_at']}" if data.get("resolved_at") else ""
    return f"{data['level'].capitalize()} {data['breach']}, opened at {data['opened_at']}{resolved}"


def _kind(data: Data) -> str:
    return data["report_type"] or "unknown type"
