"""Find cells by the name of their column, and parse them: days, times, yes or no, numbers. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ingestion.parsing.rejections import InvalidRow
from ingestion.parsing.tabular import clean_cell
from ingestion.reports import headers
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import (
    FIRST_DAY,
    Column,
    ParseContext,
    parse_order_id,
    parse_time,
)
from metrics.rules.day_or_time import DayOrTime

MAX_REFERENCE_LENGTH = 64
MAX_STATE_LENGTH = 20
MAX_DAYS_AHEAD = timedelta(days=366)
"""How far in the future a deadline may be."""

# In the languages in which Seller Central is.
YES = frozenset(
    [
        "yes",
        "y",
        "true",
        "1",
        "ja",
        "j",
        "oui",
        "si",
        "sì",
        "sí",
        "sim",
        "s",
        "はい",
        "是",
        "tak",
        "evet",
        "نعم",
    ]
)
NO = frozenset(
    ["no", "n", "false", "0", "nein", "nee", "non", "não", "nej", "いいえ", "否", "nie", "hayır", "لا"]
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NAMED_MONTH = re.compile(r"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
WHOLE = re.compile(r"[0-9]{1,9}")

Texts = dict[str, str]
"""Map columns to the stripped cells of a row, without columns that are not in the header."""


def build_reader(
    header: Sequence[str], columns: Sequence[Column], *, report_type: str
) -> Callable[[Sequence[str]], Texts]:
    """Return a function that turns a row into texts by column.

    It raises InvalidRow if the row ends before a required cell, or if the form of a cell shows that the row is
    shifted. Raises RejectedDocument for a missing or repeated column.
    """
    names = [column.name for column in columns if _is_read(column, header)]
    pairs = list(zip(names, headers.find_columns(header, names, report_type=report_type), strict=True))
    needed = {column.name for column in columns if column.needed}
    forms = [
        (column.name, column.form, column.expected)
        for column in columns
        if column.form and column.name in names
    ]
    # Cells after the last required one may be missing, because spreadsheets trim
    # empty cells at the end of a row.
    width = max((at for name, at in pairs if name in needed), default=0) + 1

    def read(row: Sequence[str]) -> Texts:
        if len(row) < width:
            raise row_is_short(row, header)
        texts = {name: clean_cell(row[at]) if at < len(row) else "" for name, at in pairs}
        for name, form, expected in forms:
            if not form.fullmatch(texts[name]):
                raise InvalidRow(
                    f"`{name}`: {quote_value(texts[name])} is not valid; expected {expected}.", field=name
                )
        return texts

    return read


def _is_read(column: Column, header: Sequence[str]) -> bool:
    if not column.decides:
        return headers.find_single(header, column.name) is not None
    return column.needed or headers.has_columns(header, column.name)


def row_is_short(row: Sequence[str], header: Sequence[str]) -> InvalidRow:
    """Return the error for a row whose required cells are missing."""
    return InvalidRow(f"The row has {len(row)} cells; the header has {len(header)}.")


def name_column(column: str, parse: Callable[[str], object], text: str) -> None:
    """Parse a text again to raise its InvalidRow with the name of the column."""
    try:
        parse(text)
    except InvalidRow as error:
        raise InvalidRow(f"`{column}`: {error.reason}", field=column) from None


def parse_day_or_time(text: str, *, parse_context: ParseContext, latest: datetime) -> DayOrTime:
    """Parse an ISO 8601 day, or a time with an offset. Raises InvalidRow."""
    if ISO_DAY.fullmatch(text):
        return DayOrTime(_parse_iso_day(text, latest), None)
    return from_time(parse_time(text, latest=latest), parse_context)


def from_time(at: datetime, parse_context: ParseContext) -> DayOrTime:
    """Return a moment with its day in the marketplace."""
    # The earliest moment is one of UTC, and in America its day is the one before.
    return DayOrTime(max(at.astimezone(parse_context.zone).date(), FIRST_DAY), at)


def parse_day(text: str, *, parse_context: ParseContext) -> date:
    """Parse a day in one of Amazon's unambiguous forms:

    `10-Jul-2025`, `2025-07-10`, or an ISO 8601 time. Raises InvalidRow.
    """
    # By a table instead of `strptime`, which expects the names of months in the language of the server.
    by_month = NAMED_MONTH.fullmatch(text)
    iso = text
    if by_month is not None and by_month[2].lower() in MONTHS:
        iso = f"{by_month[3]}-{MONTHS.index(by_month[2].lower()) + 1:02d}-{int(by_month[1]):02d}"
    try:
        if ISO_DAY.fullmatch(iso):
            return _parse_iso_day(iso, parse_context.latest)
        return from_time(
            parse_time(text, latest=parse_context.latest, without_offset=parse_context.zone), parse_context
        ).day
    except InvalidRow:
        raise InvalidRow(
            f"{quote_value(text)} is not a valid past day; expected e.g. 10-Jul-2025 or 2025-07-10, from "
            f"{FIRST_DAY}."
        ) from None


def _parse_iso_day(text: str, latest: datetime) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidRow(f"{quote_value(text)} is not a valid day; expected YYYY-MM-DD.") from None
    if not FIRST_DAY <= day < latest.date():
        raise InvalidRow(
            f"{quote_value(text)} is out of range; expected {FIRST_DAY} to "
            f"{latest.date() - timedelta(days=1)}."
        )
    return day


def parse_yes_no(text: str) -> bool | None:
    """Return True or False for a word that means yes or no, or None for any other."""
    word = text.lower()
    return True if word in YES else False if word in NO else None


def normalize_state(text: str) -> str:
    """Return a status as facts store it: in lower case, at most MAX_STATE_LENGTH characters."""
    # Cut instead of rejected, because it is only shown: whether a row counts is decided from the whole text.
    return text.lower()[:MAX_STATE_LENGTH]


def build_reference(text: str, *, column: str, word: str = "") -> str:
    """Return the reference that distinguishes things of one order, with `word` as prefix.

    Raises InvalidRow if it is too long.
    """
    max_length = MAX_REFERENCE_LENGTH - len(word)
    if len(text) > max_length:
        raise InvalidRow(
            f"`{column}`: {quote_value(text)} is too long; expected at most {max_length} characters.",
            field=column,
        )
    return word + text if text else ""


@dataclass(frozen=True, slots=True)
class Row:
    """Read the cells of a row of one of our own layouts.

    A missing or empty cell is "" or None. Every method raises InvalidRow with the name of the column.
    """

    texts: Mapping[str, str]
    parse_context: ParseContext

    def has_any_column(self, *names: str) -> bool:
        """Return whether the header has one of these columns."""
        return any(name in self.texts for name in names)

    def text(self, name: str, *, max_length: int = MAX_REFERENCE_LENGTH) -> str:
        text = self.texts.get(name, "")
        if len(text) > max_length:
            raise InvalidRow(
                f"`{name}`: {quote_value(text)} is too long; expected at most {max_length} characters.",
                field=name,
            )
        return text

    def order_id(self) -> str:
        return parse_order_id(self.texts["order_id"])

    def flag(self, name: str) -> bool:
        """Return whether the cell says yes. An empty cell means no."""
        text = self.texts.get(name, "")
        answer = parse_yes_no(text or "no")
        if answer is None:
            raise InvalidRow(f"`{name}`: {quote_value(text)} is not valid; expected yes or no.", field=name)
        return answer

    def choice(self, name: str, choices: Sequence[str]) -> str:
        text = self.texts.get(name, "")
        if text and text.lower() not in choices:
            raise InvalidRow(
                f"`{name}`: {quote_value(text, choices)} is not valid; expected one of {', '.join(choices)}.",
                field=name,
            )
        return text.lower()

    def whole_number(self, name: str, *, max_value: int) -> int:
        """Return a whole number from 1 to `max_value`. An empty cell means 1."""
        text = self.texts.get(name, "") or "1"
        if not WHOLE.fullmatch(text) or not 1 <= int(text) <= max_value:
            raise InvalidRow(
                f"`{name}`: {quote_value(text)} is not valid; expected a whole number from 1 to {max_value}.",
                field=name,
            )
        return int(text)

    def past(self, name: str) -> DayOrTime | None:
        """Return a day or time in the past."""
        return self._day_or_time(name, self.parse_context.latest, "not in the future")

    def required_past(self, name: str) -> DayOrTime:
        """Return a day or time in the past from a required column."""
        value = self.past(name)
        if value is None:
            raise InvalidRow(
                f"`{name}`: the cell is empty; expected a day (YYYY-MM-DD) or an ISO 8601 time with a UTC "
                "offset.",
                field=name,
            )
        return value

    def deadline(self, name: str) -> DayOrTime | None:
        """Return a day or time up to a year ahead."""
        return self._day_or_time(name, self.parse_context.latest + MAX_DAYS_AHEAD, "at most a year ahead")

    def moment(self, name: str) -> datetime | None:
        """Return an ISO 8601 time with an offset, in the past."""
        return self.required_moment(name) if self.texts.get(name) else None

    def required_moment(self, name: str) -> datetime:
        """Return an ISO 8601 time with an offset, in the past, from a required column."""
        text = self.texts.get(name, "")
        try:
            return parse_time(text, latest=self.parse_context.latest)
        except InvalidRow:
            raise InvalidRow(
                f"`{name}`: {quote_value(text)} is not valid; expected an ISO 8601 time with a UTC offset, "
                f"from {FIRST_DAY} and "
                "not in the future.",
                field=name,
            ) from None

    def statement_time(self) -> tuple[datetime | None, DayOrTime]:
        """Return `updated_at`, and the moment that the row describes:

        `updated_at`, or else when the document was received.
        """
        at = self.moment("updated_at")
        # Not the time of loading: a report that waited must give the same facts (ADR 3).
        return at, from_time(at or self.parse_context.received_at.astimezone(UTC), self.parse_context)

    def _day_or_time(self, name: str, latest: datetime, until: str) -> DayOrTime | None:
        text = self.texts.get(name, "")
        if not text:
            return None
        try:
            return parse_day_or_time(text, parse_context=self.parse_context, latest=latest)
        except InvalidRow:
            raise InvalidRow(
                f"`{name}`: {quote_value(text)} is not valid; expected a day (YYYY-MM-DD) or an ISO 8601 "
                "time with a UTC offset, "
                f"from {FIRST_DAY} and {until}.",
                field=name,
            ) from None


def build_row_reader(
    header: Sequence[str], columns: Sequence[Column], parse_context: ParseContext, *, report_type: str
) -> Callable[[Sequence[str]], Row]:
    """Return a function that turns the cells of a row of one of our own layouts into a Row.

    Raises RejectedDocument for a missing or repeated column.
    """
    read = build_reader(header, columns, report_type=report_type)
    return lambda cells: Row(read(cells), parse_context)


def require_order(earlier: tuple[str, DayOrTime | None], later: tuple[str, DayOrTime | None]) -> None:
    """Raise InvalidRow if the later one is a day or more before the earlier."""
    # Clocks and time zones of carriers explain smaller differences.
    if earlier[1] is not None and later[1] is not None and earlier[1].minus(later[1]) >= timedelta(days=1):
        raise InvalidRow(f"`{later[0]}` is a day or more before `{earlier[0]}`.", field=later[0])
