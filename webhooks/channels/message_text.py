"""Build the text of an event for e-mail and chat: a title and a few lines. Pure.

The text contains IDs, figures and the agency's own name of the account, and no data of buyers. Each line is
free of line breaks, control characters and links, including text that comes from Amazon's reports. The subject of an
e-mail has no text of the agency at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.mailboxes import caller_text

COMPARATORS = {
    "lt": "under {0}",
    "lte": "at most {0}",
    "gt": "over {0}",
    "gte": "at least {0}",
    "eq": "exactly {0}",
}
TARGET_NAMES = {
    ("breach", "default"): "Amazon's target",
    ("breach", "amazon_report"): "Target in Amazon's report",
    ("warning", "custom"): "Your threshold",
}
ACCOUNT_STATUSES = frozenset({"NORMAL", "AT_RISK", "DEACTIVATED"})
DISABLED_REASONS = {
    "gone": "it returned 410 (gone)",
    "failing": "all deliveries to it have failed for five days",
    "unsubscribed": "its mailbox unsubscribed",
}

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MessageText:
    """Store the subject, the title, which is one line as well, and the lines below it."""

    subject: str
    title: str
    lines: tuple[str, ...]


def build(payload: Data, *, account_name: str = "", translate: Callable[[str], str] = str) -> MessageText:
    """Return the text for a payload (webhooks/events/payload.py), each line of it translated.

    The title of a type without a template is its name.
    """

    type_, data = payload["type"], payload["data"]
    title, *lines = TEMPLATES[type_](data) if type_ in TEMPLATES else (type_,)
    subject = SUBJECTS[type_](data) if type_ in SUBJECTS else title
    test_prefix = f"{translate('[Test]')} " if payload.get("test") else ""
    account_prefix = f"{account_name}: " if account_name else ""
    source = f"{payload['id']}, {payload['timestamp']}"
    lines.append(f"Account {payload['account']}, event {source}" if payload["account"] else f"Event {source}")
    clean = caller_text.without_links
    return MessageText(
        subject=clean(test_prefix + translate(subject)),
        title=clean(test_prefix + account_prefix + translate(title)),
        lines=tuple(clean(translate(line)) for line in lines),
    )


def _opened(data: Data) -> tuple[str, ...]:
    return (f"{_series(data)}: target missed", _value_and_target(data), *_budget(data), _episode(data))


def _escalated(data: Data) -> tuple[str, ...]:
    return (
        f"{_series(data)}: warning became a breach",
        _value_and_target(data),
        *_budget(data),
        _episode(data),
    )


def _resolved(data: Data) -> tuple[str, ...]:
    return (
        f"{_series(data)}: {_resolution(data, 'target met again')}",
        _value_and_target(data),
        _episode(data),
    )


def _at_risk(data: Data) -> tuple[str, ...]:
    return (f"{_series(data)}: at risk", _value_and_target(data), *_budget(data), _episode(data))


def _recovered(data: Data) -> tuple[str, ...]:
    return (
        f"{_series(data)}: {_resolution(data, 'no longer at risk')}",
        _value_and_target(data),
        _episode(data),
    )


def _restated(data: Data) -> tuple[str, ...]:
    days = "the value of 1 day" if data["days_changed"] == 1 else f"the values of {data['days_changed']} days"
    changed_on = data["verdict_changed_on"]
    return (
        f"{_series(data)}: past values changed",
        f"New data changed {days}, from {data['from']} to {data['to']}.",
        f"The value of {data['after']['as_of']} was {_figures(data, data['before'])} and is now "
        f"{_figures(data, data['after'])}.",
        *(
            [
                "The verdict changed on "
                f"{', '.join(changed_on[:5])}{' and more' if len(changed_on) > 5 else ''}."
            ]
            if changed_on
            else []
        ),
    )


def _loaded(data: Data) -> tuple[str, ...]:
    rows = data["rows"]
    counts = ", ".join(f"{rows[name]} {name}" for name in ("new", "changed", "unchanged", "rejected"))
    # Events of the time before multi-channel rows were counted apart do not have the field.
    if rows.get("set_apart"):
        counts += f", {rows['set_apart']} set apart"
    return (
        f"Report loaded: {_report_type(data)}",
        f"{rows['read']} rows: {counts}.",
        f"Report {data['report']}",
    )


def _rejected(data: Data) -> tuple[str, ...]:
    return (
        f"Report rejected: {_report_type(data)}",
        f"{data['title']}. Nothing was loaded. The `problem` of the report says how to correct it.",
        f"Report {data['report']}",
    )


def _status_changed(data: Data) -> tuple[str, ...]:
    before = (
        f"The status was {data['previous']} before." if data["previous"] else "No earlier status is known."
    )
    return (
        f"Amazon's status in {data['marketplace']} is {data['current']}",
        f"{before} Source: Amazon's report of {data['reported_at']}.",
    )


def _status_subject(data: Data) -> str:
    # The file of a report may state any text as the status.
    known = f"Amazon's status in {data['marketplace']} is {data['current']}"
    return (
        known if data["current"] in ACCOUNT_STATUSES else f"Amazon's status in {data['marketplace']} changed"
    )


def _connection_failed(data: Data) -> tuple[str, ...]:
    return (
        "Reports can no longer be requested from Amazon",
        f"The connection failed at {data['failed_at']}: {data['reason']}",
    )


def _disabled(data: Data) -> tuple[str, ...]:
    since = f" (since {data['failing_since']})" if data["failing_since"] else ""
    return (
        f"Endpoint {data['endpoint']} was disabled",
        f"The endpoint was disabled at {data['disabled_at']} because {DISABLED_REASONS[data['reason']]}{since}.",
        "Enable it again and recover the missed events.",
    )


def _endpoint_test(data: Data) -> tuple[str, ...]:
    return (
        "Test notification",
        f"You requested this test. Endpoint {data['endpoint']} delivers its events here.",
    )


# By event type: the title, then the lines.
TEMPLATES: dict[str, Callable[[Data], tuple[str, ...]]] = {
    "breach.opened": _opened,
    "breach.escalated": _escalated,
    "breach.resolved": _resolved,
    "metric.at_risk": _at_risk,
    "metric.recovered": _recovered,
    "metric.restated": _restated,
    "report.loaded": _loaded,
    "report.rejected": _rejected,
    "account.status_changed": _status_changed,
    "connection.failed": _connection_failed,
    "endpoint.disabled": _disabled,
    "endpoint.test": _endpoint_test,
}
# The subjects that are not the title, whose text a caller could choose.
SUBJECTS: dict[str, Callable[[Data], str]] = {"account.status_changed": _status_subject}


def _series(data: Data) -> str:
    """Return the name of a series, such as `Order defect rate, DE, mfn`."""
    channel = [] if data["channel"] == "all" else [data["channel"]]
    return ", ".join([data["metric"].replace("_", " ").capitalize(), data["marketplace"], *channel])


def _resolution(data: Data, default: str) -> str:
    return {"line_removed": "threshold removed", "line_changed": "threshold changed"}.get(
        data["because"], default
    )


def _value_and_target(data: Data) -> str:
    target = data["target"]
    limit = COMPARATORS[target["comparator"]].format(_format_value(data, target["value"]))
    target_name = TARGET_NAMES.get((data["level"], target["source"]), "Warning threshold")
    return f"{_figures(data, data)} as of {data['as_of']}. {target_name}: {limit}."


def _figures(data: Data, values: Data) -> str:
    """Return the integers with the rate, or only the number for a metric that Amazon counts or scores."""
    if _is_number(data, values):
        return str(values["numerator"])
    if values["rate"] is None:
        return "no data"
    return f"{values['numerator']} of {values['denominator']} ({_percent(values['rate'])})"


def _format_value(data: Data, value: float) -> str:
    return f"{value:g}" if _is_number(data, data) else _percent(value)


def _is_number(data: Data, values: Data) -> bool:
    """Return whether the value is one of Amazon's counts and scores: for all channels, with a denominator of
    one."""

    return bool(data["channel"] == "all" and values["denominator"] == 1)


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


def _report_type(data: Data) -> str:
    return data["report_type"] or "unknown type"
