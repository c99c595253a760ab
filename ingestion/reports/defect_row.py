"""One defect as our own doors take it: a row of the claims CSV, or an object of `POST …/defects`. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from ingestion.parsing.refusals import BadRow
from ingestion.reports.kind import FIRST_DAY, LAST_DAY, moment, order_id, shown
from metrics.rules import defects
from metrics.rules.facts import DefectFact, DefectKind

FIELDS = ("order_id", "kind", "state", "rating", "occurred_on", "reference", "updated_at", "funded_by")
FUNDERS = ("", "seller", "amazon")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # NUL and halves of characters: JSON can spell them, PostgreSQL has none


def fact(row: Mapping[str, Any], *, latest: datetime) -> DefectFact:
    """The fact that a row states, of which nothing became so after `latest`. Raises BadRow, naming the field."""
    order = order_id(_text(row, "order_id", most=19))
    kind = _one_of(row, "kind", tuple(defects.STATES))
    state = _one_of(row, "state", tuple(defects.STATES[kind]))
    rating = _rating(row, needed=kind == DefectKind.FEEDBACK and state == defects.POSTED)
    return DefectFact(
        order_id=order,
        kind=kind,
        reference=_text(row, "reference", most=64),
        state=state,
        rating=rating,
        occurred_on=_day(row),
        stated_at=_moment(row, latest),
        funded_by=_one_of(row, "funded_by", FUNDERS),
        counts=defects.ruling(kind=kind, state=state, rating=rating).counts,
    )


def _text(row: Mapping[str, Any], field: str, *, most: int) -> str:
    value = row.get(field)
    value = "" if value is None else value
    if not isinstance(value, str) or len(value.strip()) > most or UNSTORABLE.search(value):
        raise BadRow(f"{field} must be a text of at most {most} whole characters.", field=field)
    return value.strip()


def _one_of(row: Mapping[str, Any], field: str, choices: tuple[str, ...]) -> str:
    value = _text(row, field, most=100)
    if value.lower() not in choices:
        raise BadRow(f"{field} {shown(value)} is none of {', '.join(filter(None, choices))}.", field=field)
    return value.lower()


def _rating(row: Mapping[str, Any], *, needed: bool) -> int | None:
    value = row.get("rating")
    if value in (None, "") and not needed:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows one kind of number: 5.0 is a whole one
    if str(value) not in {"1", "2", "3", "4", "5"} or isinstance(value, bool):
        raise BadRow("rating must be a whole number from 1 to 5.", field="rating")
    return int(str(value))


def _day(row: Mapping[str, Any]) -> date:
    value = _text(row, "occurred_on", most=40)
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise BadRow(f"occurred_on {shown(value)} is no day (YYYY-MM-DD).", field="occurred_on") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise BadRow(f"occurred_on {shown(value)} is not between {FIRST_DAY} and {LAST_DAY}.", field="occurred_on")
    return day


def _moment(row: Mapping[str, Any], latest: datetime) -> datetime | None:
    value = _text(row, "updated_at", most=40)
    if not value:
        return None
    try:
        return moment(value, latest=latest, without_offset=UTC)
    except BadRow as bad:
        raise BadRow(f"updated_at {bad.reason}", field="updated_at") from None
