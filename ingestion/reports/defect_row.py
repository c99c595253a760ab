"""Parse one defect: a row of the claims CSV, or an object of `POST /v1/accounts/{account_id}/defects`.

Pure.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import FIRST_DAY, LAST_DAY, parse_order_id, parse_time
from metrics.rules import defects, return_reasons
from metrics.rules.facts import DefectFact, DefectKind

FIELDS = (
    *("order_id", "kind", "state", "rating", "occurred_on", "reference", "updated_at", "funded_by"),
    "reason_code",
)
FUNDERS = ("", "seller", "amazon")
# NUL and lone surrogates: JSON can express them, PostgreSQL cannot store them.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def build_fact(row: Mapping[str, Any], *, latest: datetime) -> DefectFact:
    """Return the fact of a row.

    `latest` is the latest allowed `updated_at`. Raises InvalidRow with the name of the field.
    """
    order = parse_order_id(_text(row, "order_id", max_length=19))
    kind = _choice(row, "kind", tuple(defects.STATES))
    state = _choice(row, "state", tuple(defects.STATES[kind]))
    rating = _rating(row, needed=kind == DefectKind.FEEDBACK and state == defects.POSTED)
    return DefectFact(
        order_id=order,
        kind=kind,
        reference=_text(row, "reference", max_length=64),
        state=state,
        rating=rating,
        occurred_on=_day(row),
        stated_at=_moment(row, latest),
        funded_by=_choice(row, "funded_by", FUNDERS),
        counts=defects.ruling(kind=kind, state=state, rating=rating).counts,
        reason_code=_reason_code(row),
    )


def _text(row: Mapping[str, Any], field: str, *, max_length: int) -> str:
    value = row.get(field)
    value = "" if value is None else value
    if not isinstance(value, str) or len(value.strip()) > max_length or UNSTORABLE.search(value):
        raise InvalidRow(f"`{field}`: expected a text of at most {max_length} characters.", field=field)
    return value.strip()


def _reason_code(row: Mapping[str, Any]) -> str:
    text = _text(row, "reason_code", max_length=100)
    code = return_reasons.parse_code(text)
    # Words may be those of a buyer, so a text that is no code is not stored, and not ignored either.
    if text and not code:
        raise InvalidRow(
            "`reason_code`: expected a code of at most 40 letters, digits, hyphens and underscores, such as NEVER_ARRIVED.",
            field="reason_code",
        )
    return code


def _choice(row: Mapping[str, Any], field: str, choices: tuple[str, ...]) -> str:
    value = _text(row, field, max_length=100)
    if value.lower() not in choices:
        raise InvalidRow(
            f"`{field}`: {quote_value(value, choices)} is not valid; expected one of "
            f"{', '.join(filter(None, choices))}.",
            field=field,
        )
    return value.lower()


def _rating(row: Mapping[str, Any], *, needed: bool) -> int | None:
    value = row.get("rating")
    if value in (None, "") and not needed:
        return None
    if isinstance(value, float) and value.is_integer():
        # JSON has one type of number, so 5.0 is a whole number.
        value = int(value)
    if str(value) not in {"1", "2", "3", "4", "5"} or isinstance(value, bool):
        raise InvalidRow("`rating`: expected a whole number from 1 to 5.", field="rating")
    return int(str(value))


def _day(row: Mapping[str, Any]) -> date:
    value = _text(row, "occurred_on", max_length=40)
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise InvalidRow(
            f"`occurred_on`: {quote_value(value)} is not a valid day; expected YYYY-MM-DD.",
            field="occurred_on",
        ) from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidRow(
            f"`occurred_on`: {quote_value(value)} is out of range; expected {FIRST_DAY} to {LAST_DAY}.",
            field="occurred_on",
        )
    return day


def _moment(row: Mapping[str, Any], latest: datetime) -> datetime | None:
    value = _text(row, "updated_at", max_length=40)
    if not value:
        return None
    try:
        return parse_time(value, latest=latest, without_offset=UTC)
    except InvalidRow as error:
        raise InvalidRow(f"`updated_at`: {error.reason}", field="updated_at") from None
