"""Cells by the name of their column, and what they say: days, moments, yes or no. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from ingestion.parsing.refusals import BadRow
from ingestion.reports.kind import FIRST_DAY, Column, Setting, column_name, moment, order_id, positions, shown

LONGEST_REFERENCE = 64
LONGEST_STATE = 20
AHEAD = timedelta(days=366)
"""How far ahead a promise may lie."""

YES, NO = frozenset({"yes", "y", "true", "1"}), frozenset({"no", "n", "false", "0"})
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NAMED_MONTH = re.compile(r"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
WHOLE = re.compile(r"[0-9]{1,9}")

Texts = dict[str, str]
"""The cells of a row by column, stripped; a column that the header does not have is not in it."""


def reader(header: Sequence[str], columns: Sequence[Column], *, report_type: str) -> Callable[[Sequence[str]], Texts]:
    """What turns a row of Amazon's into its texts; it raises BadRow where the row ends before a needed cell.

    Empty cells at the end of a row may have been trimmed. Raises Refused for a column that is missing or there twice.
    """
    pairs = _places(header, columns, report_type=report_type)
    needed = {column.name for column in columns if column.needed}
    width = max(at for name, at in pairs if name in needed) + 1

    def read(row: Sequence[str]) -> Texts:
        if len(row) < width:
            raise BadRow(f"The row has {len(row)} cells; its needed columns reach to cell {width}.")
        return _picked(row, pairs)

    return read


def layout_reader(header: Sequence[str], columns: Sequence[Column], *, report_type: str) -> Callable[[Sequence[str]], Texts]:
    """What turns a row of a layout of our own into its texts; it raises BadRow for a row with more in it than the header names.

    Raises Refused for a column that is missing or there twice.
    """
    pairs = _places(header, columns, report_type=report_type)

    def read(row: Sequence[str]) -> Texts:
        if any(cell.strip() for cell in row[len(header) :]):
            raise BadRow(f"The row has {len(row)} cells, the header {len(header)}. Is a comma not enclosed in quotes?")
        return _picked(row, pairs)

    return read


def _places(header: Sequence[str], columns: Sequence[Column], *, report_type: str) -> list[tuple[str, int]]:
    present = {column_name(cell) for cell in header}
    wanted = [column.name for column in columns if column.needed or column_name(column.name) in present]
    return list(zip(wanted, positions(header, [column_name(name) for name in wanted], report_type=report_type), strict=True))


def _picked(row: Sequence[str], pairs: Sequence[tuple[str, int]]) -> Texts:
    return {name: row[at].strip() if at < len(row) else "" for name, at in pairs}


class When(NamedTuple):
    """A day, and the moment in it where that is told."""

    day: date
    moment: datetime | None

    def is_after(self, other: "When", *, by: timedelta = timedelta(0)) -> bool:
        """Whether this is more than `by` later; where either is a whole day, days are compared."""
        return self.minus(other) > by

    def minus(self, other: "When") -> timedelta:
        if self.moment is not None and other.moment is not None:
            return self.moment - other.moment
        return self.day - other.day


def when(text: str, *, setting: Setting, latest: datetime) -> When:
    """What an ISO day names, or an ISO time with an offset, whose day is the marketplace's. Raises BadRow."""
    if ISO_DAY.fullmatch(text):
        return When(_day_of(text, latest), None)
    return of_moment(moment(text, latest=latest), setting)


def of_moment(at: datetime, setting: Setting) -> When:
    """A moment with its day in the marketplace."""
    return When(max(at.astimezone(setting.zone).date(), FIRST_DAY), at)


def day(text: str, *, setting: Setting) -> date:
    """The day in any form of Amazon's that names one day only: `10-Jul-2025`, `2025-07-10`, or an ISO time. Raises BadRow."""
    named = NAMED_MONTH.fullmatch(text)
    iso = text
    if named is not None and named[2].lower() in MONTHS:
        iso = f"{named[3]}-{MONTHS.index(named[2].lower()) + 1:02d}-{int(named[1]):02d}"
    try:
        if ISO_DAY.fullmatch(iso):
            return _day_of(iso, setting.latest)
        return of_moment(moment(text, latest=setting.latest, without_offset=setting.zone), setting).day
    except BadRow:
        raise BadRow(f"{shown(text)} is no past day like 10-Jul-2025 or 2025-07-10, since {FIRST_DAY}.") from None


def _day_of(text: str, latest: datetime) -> date:
    try:
        named = date.fromisoformat(text)
    except ValueError:
        raise BadRow(f"{shown(text)} is no day of the calendar.") from None
    if not FIRST_DAY <= named < latest.date():
        raise BadRow(f"{shown(text)} is not between {FIRST_DAY} and {latest.date() - timedelta(days=1)}.")
    return named


def is_yes(text: str) -> bool | None:
    """Whether a word says yes or no; None for any other."""
    word = text.lower()
    return True if word in YES else False if word in NO else None


def state_of(text: str) -> str:
    """A status as a fact keeps it."""
    return text.lower()[:LONGEST_STATE]


def reference_of(text: str, *, column: str, word: str = "") -> str:
    """What tells things of one order apart, after a word that says whose it is; or BadRow."""
    most = LONGEST_REFERENCE - len(word)
    if len(text) > most:
        raise BadRow(f"{column} {shown(text)} has more than {most} characters.", field=column)
    return word + text if text else ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a layout of our own. What is not said is empty or None; every method raises BadRow, naming the column."""

    texts: Mapping[str, str]
    setting: Setting

    def has_column(self, *names: str) -> bool:
        """Whether the header has one of these."""
        return any(name in self.texts for name in names)

    def text(self, name: str, *, most: int = LONGEST_REFERENCE) -> str:
        text = self.texts.get(name, "")
        if len(text) > most:
            raise BadRow(f"{name} {shown(text)} has more than {most} characters.", field=name)
        return text

    def order_id(self) -> str:
        return order_id(self.texts["order_id"])

    def is_yes(self, name: str) -> bool:
        """What is not said is no."""
        text = self.texts.get(name, "")
        said = is_yes(text or "no")
        if said is None:
            raise BadRow(f"{name} {shown(text)} is neither yes nor no.", field=name)
        return said

    def one_of(self, name: str, choices: Sequence[str]) -> str:
        text = self.texts.get(name, "")
        if text and text.lower() not in choices:
            raise BadRow(f"{name} {shown(text)} is none of {', '.join(choices)}.", field=name)
        return text.lower()

    def whole(self, name: str, *, most: int) -> int:
        """A whole number from 1; what is not said is 1."""
        text = self.texts.get(name, "") or "1"
        if not WHOLE.fullmatch(text) or not 1 <= int(text) <= most:
            raise BadRow(f"{name} {shown(text)} is no whole number from 1 to {most}.", field=name)
        return int(text)

    def past(self, name: str) -> When | None:
        """A day or moment that was."""
        return self._when(name, self.setting.latest, "not in the future")

    def known_past(self, name: str) -> When:
        """The same of a column that is needed."""
        found = self.past(name)
        if found is None:
            raise BadRow(f"{name} is empty; it must be a day (YYYY-MM-DD) or an ISO 8601 time with an offset.", field=name)
        return found

    def promised(self, name: str) -> When | None:
        """A day or moment that may lie ahead, by a year."""
        return self._when(name, self.setting.latest + AHEAD, "at most a year ahead")

    def moment(self, name: str) -> datetime | None:
        text = self.texts.get(name, "")
        if not text:
            return None
        try:
            return moment(text, latest=self.setting.latest)
        except BadRow:
            raise BadRow(
                f"{name} {shown(text)} is no ISO 8601 time with an offset, since {FIRST_DAY} and not in the future.", field=name
            ) from None

    def stated(self) -> tuple[datetime | None, When]:
        """`updated_at`, and the moment that the row speaks of: that, or else when the document was received."""
        at = self.moment("updated_at")
        return at, of_moment(at or self.setting.received_at.astimezone(UTC), self.setting)

    def _when(self, name: str, latest: datetime, until: str) -> When | None:
        text = self.texts.get(name, "")
        if not text:
            return None
        try:
            return when(text, setting=self.setting, latest=latest)
        except BadRow:
            raise BadRow(
                f"{name} {shown(text)} is no day (YYYY-MM-DD) or ISO 8601 time with an offset, since {FIRST_DAY} and {until}.",
                field=name,
            ) from None


def rows(
    header: Sequence[str], columns: Sequence[Column], setting: Setting, *, report_type: str
) -> Callable[[Sequence[str]], Row]:
    """What turns the cells of a layout of our own into a Row. Raises Refused for a column that is missing or there twice."""
    read = layout_reader(header, columns, report_type=report_type)
    return lambda cells: Row(read(cells), setting)


def forbid_reversed(earlier: tuple[str, When | None], later: tuple[str, When | None]) -> None:
    """Raises BadRow where the later one is a full day or more before the earlier. Clocks and zones explain less than that."""
    if earlier[1] is not None and later[1] is not None and earlier[1].minus(later[1]) >= timedelta(days=1):
        raise BadRow(f"{later[0]} is a day or more before {earlier[0]}.", field=later[0])
