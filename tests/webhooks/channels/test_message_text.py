"""Test the texts of events: every type, exact figures, and no line breaks from data."""

import re
from functools import partial
from typing import Any

import pytest

from api import translation
from tests.conftest import NOON
from webhooks.channels import message_text
from webhooks.events import payload
from webhooks.events.catalogue import EVENT_TYPES, TYPES, EventType

ACCOUNT, EVENT = "acct_019abc4e5f607a8b9c0d1e2f3a4b5c6d", "evt_019abc4e5f607a8b9c0d1e2f3a4b5c6d"
LAST = f"Account {ACCOUNT}, event {EVENT}, 2026-11-22T12:00:00Z"
HAN = re.compile("[\u4e00-\u9fff]")
HOSTILE = (
    "\r\nBcc: x@y.example",
    "\n\n",
    "\0",
    "\x1b[31m",
    "\u202egnp",
    "\u2028",
    "\u200b",
    "\x85",
    "\ud800",
    "\t",
    "\ufeff",
)


def render(
    type_: str, *, account: str | None = ACCOUNT, is_test: bool = False, **changes: Any
) -> dict[str, Any]:
    """Build the payload of the catalogue's example, with changed data."""
    data = TYPES[type_].example | changes
    return payload.build(
        event=EVENT, type_=type_, occurred_at=NOON, account=account, data=data, is_test=is_test
    )


def render_lines(type_: str, **changes: Any) -> tuple[str, ...]:
    """Return title and lines, without the last, which names account, event and time."""
    words = message_text.build(render(type_, **changes))
    return (words.title, *words.lines[:-1])


def target(value: float, *, comparator: str = "lt", source: str = "default") -> dict[str, Any]:
    return {"comparator": comparator, "value": value, "source": source}


def test_event_types_have_own_texts() -> None:
    assert message_text.TEMPLATES.keys() == TYPES.keys()


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.type)
def test_examples_have_texts(kind: EventType) -> None:
    words = message_text.build(render(kind.type))

    assert words.title
    assert words.title[0].isupper()
    assert len(words.title) <= 100
    assert 2 <= len(words.lines) <= 5
    assert words.lines[-1] == LAST
    assert not any(
        sign in line for line in (words.title, *words.lines) for sign in ("None", "{", "}", "['", "True")
    )


OPENED_SINCE = "brch_019abc4e5f607a8b9c0d1e2f3a4b5c6d, opened at 2026-11-22T09:00:00Z"


@pytest.mark.parametrize(
    ("type_", "lines"),
    [
        (
            "breach.opened",
            (
                "Order defect rate, DE, mfn: target missed",
                "7 of 612 (1.144 %) as of 2026-11-22. Amazon's target: under 1 %.",
                "Allowed in this window: 6. Used: 7 (1 over).",
                f"Breach {OPENED_SINCE}",
            ),
        ),
        (
            "breach.escalated",
            (
                "Order defect rate, DE, mfn: warning became a breach",
                "7 of 612 (1.144 %) as of 2026-11-22. Amazon's target: under 1 %.",
                "Allowed in this window: 6. Used: 7 (1 over).",
                f"Breach {OPENED_SINCE}",
            ),
        ),
        (
            "breach.resolved",
            (
                "Order defect rate, DE, mfn: target met again",
                "5 of 640 (0.7812 %) as of 2026-12-01. Amazon's target: under 1 %.",
                f"Breach {OPENED_SINCE}, resolved at 2026-12-01T00:10:00Z",
            ),
        ),
        (
            "metric.at_risk",
            (
                "Order defect rate, DE, mfn: at risk",
                "5 of 612 (0.817 %) as of 2026-11-22. Your threshold: under 0.8 %.",
                "Allowed in this window: 6. Used: 5 (1 left).",
                f"Warning {OPENED_SINCE}",
            ),
        ),
        (
            "metric.recovered",
            (
                "Order defect rate, DE, mfn: no longer at risk",
                "3 of 640 (0.4688 %) as of 2026-12-01. Your threshold: under 0.8 %.",
                f"Warning {OPENED_SINCE}, resolved at 2026-12-01T00:10:00Z",
            ),
        ),
        (
            "metric.restated",
            (
                "Order defect rate, DE, mfn: past values changed",
                "New data changed the values of 8 days, from 2026-11-14 to 2026-11-21.",
                "The value of 2026-11-21 was 5 of 612 (0.817 %) and is now 7 of 612 (1.144 %).",
                "The verdict changed on 2026-11-20, 2026-11-21.",
            ),
        ),
        (
            "report.loaded",
            (
                "Report loaded: GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
                "812 rows: 40 new, 12 changed, 755 unchanged, 2 rejected, 3 set apart.",
                "Report rpt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
            ),
        ),
        (
            "report.rejected",
            (
                "Report rejected: unknown type",
                "The report type is unknown. Nothing was loaded. The `problem` of the report says how to "
                "correct it.",
                "Report rpt_019abc4e5f607a8b9c0d1e2f3a4b5c6d",
            ),
        ),
        (
            "account.status_changed",
            (
                "Amazon's status in DE is AT_RISK",
                "The status was NORMAL before. Source: Amazon's report of 2026-11-22T08:12:00Z.",
            ),
        ),
        (
            "endpoint.disabled",
            (
                "Endpoint ep_019abc4e5f607a8b9c0d1e2f3a4b5c6d was disabled",
                "The endpoint was disabled at 2026-11-27T09:00:00Z because all deliveries to it have "
                "failed for five days (since 2026-11-22T09:00:00Z).",
                "Enable it again and recover the missed events.",
            ),
        ),
        (
            "endpoint.test",
            (
                "Test notification",
                "You requested this test. Endpoint ep_019abc4e5f607a8b9c0d1e2f3a4b5c6d delivers its events "
                "here.",
            ),
        ),
    ],
)
def test_texts_of_each_event_type(type_: str, lines: tuple[str, ...]) -> None:
    assert render_lines(type_) == lines


COUNTER: dict[str, Any] = {
    "metric": "listing_policy_violations",
    "channel": "all",
    "denominator": 1,
    "budget": None,
}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"target": target(0.01, source="amazon_report")},
            "7 of 612 (1.144 %) as of 2026-11-22. Target in Amazon's report: under 1 %.",
        ),
        (
            {"target": target(0.025, comparator="lte")},
            "7 of 612 (1.144 %) as of 2026-11-22. Amazon's target: at most 2.5 %.",
        ),
        (
            {"target": target(0.97, comparator="gt")},
            "7 of 612 (1.144 %) as of 2026-11-22. Amazon's target: over 97 %.",
        ),
        (
            {"target": target(0.95, comparator="gte")},
            "7 of 612 (1.144 %) as of 2026-11-22. Amazon's target: at least 95 %.",
        ),
        # a line of nobody's is not said to be Amazon's
        (
            {"level": "warning", "target": target(0.0075)},
            "7 of 612 (1.144 %) as of 2026-11-22. Warning threshold: under 0.75 %.",
        ),
        # what is only counted has no per cent
        (
            {**COUNTER, "numerator": 3, "rate": 3.0, "target": target(0, comparator="eq")},
            "3 as of 2026-11-22. Amazon's target: exactly 0.",
        ),
        (
            {**COUNTER, "numerator": 180, "rate": 180.0, "target": target(200, comparator="gte")},
            "180 as of 2026-11-22. Amazon's target: at least 200.",
        ),
        # one order, and none
        (
            {"numerator": 1, "denominator": 1, "rate": 1.0},
            "1 of 1 (100 %) as of 2026-11-22. Amazon's target: under 1 %.",
        ),
        (
            {"numerator": 0, "denominator": 0, "rate": None},
            "no data as of 2026-11-22. Amazon's target: under 1 %.",
        ),
        # no rounding makes a miss look like a hit
        (
            {"numerator": 1, "denominator": 100, "rate": 0.01},
            "1 of 100 (1 %) as of 2026-11-22. Amazon's target: under 1 %.",
        ),
        (
            {"numerator": 9999, "denominator": 10**6, "rate": 0.009999},
            "9999 of 1000000 (0.9999 %) as of 2026-11-22. Amazon's target: under 1 %.",
        ),
    ],
)
def test_figures_are_shown_unrounded(changes: dict[str, Any], line: str) -> None:
    assert render_lines("breach.opened", **changes)[1] == line


@pytest.mark.parametrize(
    ("budget", "line"),
    [({"allowed": 6, "left": 0}, "Allowed in this window: 6. Used: 6 (0 left)."), (None, None)],
)
def test_budget_is_shown_if_present(budget: dict[str, int] | None, line: str | None) -> None:
    assert (line in render_lines("breach.opened", budget=budget)) is (line is not None)
    assert len(render_lines("breach.opened", budget=budget)) == (4 if budget else 3)


@pytest.mark.parametrize("type_", ["breach.resolved", "metric.recovered"])
def test_deleted_threshold_is_not_called_met(type_: str) -> None:
    assert render_lines(type_, because="line_removed")[0] == "Order defect rate, DE, mfn: threshold removed"


def test_metric_without_channel_is_shown_without_channel() -> None:
    assert (
        render_lines("metric.at_risk", metric="message_response_rate_24h", channel="all")[0]
        == "Message response rate 24h, DE: at risk"
    )


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"days_changed": 1}, ["New data changed the value of 1 day, from 2026-11-14 to 2026-11-21."]),
        ({"verdict_changed_on": []}, []),
        ({"verdict_changed_on": ["2026-11-20"]}, ["The verdict changed on 2026-11-20."]),
        (
            {"verdict_changed_on": [f"2026-11-0{n}" for n in range(1, 8)]},
            ["The verdict changed on 2026-11-01, 2026-11-02, 2026-11-03, 2026-11-04, 2026-11-05 and more."],
        ),
    ],
)
def test_restatement_shows_the_changed_verdict(changes: dict[str, Any], lines: list[str]) -> None:
    told_of = render_lines("metric.restated", **changes)

    assert [line for line in lines if line in told_of] == lines
    assert any("verdict" in line for line in told_of) is (changes.get("verdict_changed_on") != [])


def test_gone_endpoint_has_no_failing_time() -> None:
    lines = render_lines("endpoint.disabled", reason="gone", failing_since=None)

    assert lines[1] == "The endpoint was disabled at 2026-11-27T09:00:00Z because it returned 410 (gone)."


def test_first_status_has_no_previous_status() -> None:
    assert render_lines("account.status_changed", previous=None)[1].startswith("No earlier status is known.")


def test_event_without_account_names_no_account() -> None:
    assert (
        message_text.build(render("endpoint.disabled", account=None)).lines[-1]
        == f"Event {EVENT}, 2026-11-22T12:00:00Z"
    )


def test_event_is_marked_as_test() -> None:
    assert message_text.build(render("breach.opened", is_test=True)).title.startswith(
        "[Test] Order defect rate"
    )


def test_unknown_type_is_shown_by_name() -> None:
    unknown = render("endpoint.test") | {"type": "shop.moved", "data": {"more": ["\n"]}}

    assert message_text.build(unknown) == message_text.MessageText("shop[.]moved", "shop[.]moved", (LAST,))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_texts_have_no_line_breaks_from_data(text: str) -> None:
    words = message_text.build(
        render("account.status_changed", current=f"BAD{text}END", previous=text, marketplace=f"D{text}E")
    )

    for line in (words.title, *words.lines):
        assert line.isprintable()
    assert "BAD" in words.title
    assert "END" in words.title


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.type)
def test_texts_are_chinese_for_an_agency_that_reads_chinese(kind: EventType) -> None:
    in_chinese = partial(translation.translate, language="zh-hans")
    built = payload.build(
        event=EVENT, type_=kind.type, occurred_at=NOON, account=ACCOUNT, data=kind.example, is_test=True
    )

    text = message_text.build(built, account_name="Nordwind", translate=in_chinese)

    assert text.title.startswith("[测试] Nordwind: ")
    for line in (text.title.removeprefix("[测试] Nordwind: "), *text.lines):
        assert HAN.search(line), line
        # IDs, report types, channels and stores stay as they are; words of a sentence do not.
        assert not re.search(r"(?<![\w`.])[A-Za-z]?[a-z]{2,} [a-z]{2,}", line), line
