"""What Amazon's reports of account health share: how a figure is told, and the contradictions that are found in it. Pure.

Amazon's figures are kept as they are told; what contradicts itself is said beside them. Both are common: of the official
example (https://github.com/amzn/selling-partner-api-models/blob/main/schemas/reports/accountHealthReport-2020-11-18.json)
half the figures do.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports.defect_row import UNSTORABLE
from ingestion.reports.report_type import ParseContext, RowParser, parse_time, quote_value
from metrics.rules import judgement
from metrics.rules.facts import Fact, ReportedFact
from metrics.rules.judgement import Comparator, Limit

MAX_INTEGER = 2**31 - 1
MAX_STATUS_LENGTH = 20
NO_DATA = "NONE"
ROUNDING = Decimal("0.00005")  # half of a hundredth of a percent, the finest that Amazon shows
NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
MAX_DECIMAL_PLACES = 40
COMPARATORS = {
    "LESS_THAN": Comparator.LT,
    "LESS_THAN_OR_EQUAL": Comparator.LTE,
    "GREATER_THAN": Comparator.GT,
    "GREATER_THAN_OR_EQUAL": Comparator.GTE,
    "EQUALS": Comparator.EQ,
}
MEETS_TARGET_BY_STATUS = {"GOOD": True, "BAD": False}


class Window(NamedTuple):
    """The days that a figure is of, both included; None where the report does not tell."""

    first_on: date | None = None
    last_on: date | None = None
    flags: tuple[str, ...] = ()

    @property
    def days(self) -> int | None:
        return (self.last_on - self.first_on).days + 1 if self.first_on and self.last_on else None


class Target(NamedTuple):
    """What Amazon wants of a figure, or no limit."""

    limit: Limit | None = None
    flags: tuple[str, ...] = ()


NO_WINDOW, NO_TARGET = Window(), Target()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure as a report tells it. Of a counter, which is no share of anything, the denominator is 1."""

    metric: str
    channel: str
    numerator: int | None
    denominator: int | None
    rate: Decimal | None = None
    status: str = ""
    window: Window = NO_WINDOW
    target: Target = NO_TARGET
    flags: tuple[str, ...] = ()
    is_share: bool = True


class Row(NamedTuple):
    """One block of a report, by what it tells of. `state` gives its facts, or raises BadRow."""

    name: str
    state: Callable[[], list[Any]]


def build_parser(_header: Sequence[str], _setting: ParseContext) -> RowParser:
    """The parser of Rows: a reason begins with the name of the block."""

    def parse(row: Row) -> list[Fact]:
        try:
            return row.state()
        except InvalidRow as bad:
            raise InvalidRow(f"{row.name}: {bad.reason}") from None

    return parse


def build_fact(figure: Figure, *, marketplace: str, reported_at: datetime) -> ReportedFact:
    """The figure as a fact, with its contradictions. Of nothing there is no rate, whatever Amazon says (it says 0, GOOD)."""
    is_of_nothing = figure.denominator == 0
    limit = figure.target.limit
    return ReportedFact(
        marketplace=marketplace,
        metric=figure.metric,
        channel=figure.channel,
        first_on=figure.window.first_on,
        last_on=figure.window.last_on,
        numerator=figure.numerator,
        denominator=figure.denominator,
        rate=None if is_of_nothing or figure.rate is None or figure.rate > 1 else figure.rate,
        status=NO_DATA if is_of_nothing else figure.status,
        comparator=limit.comparator.value if limit else "",
        limit_numerator=limit.numerator if limit else None,
        limit_denominator=limit.denominator if limit else None,
        flags=json.dumps([*figure.window.flags, *figure.flags, *figure.target.flags, *find_contradictions(figure)]),
        reported_at=reported_at,
    )


def find_contradictions(figure: Figure) -> Iterator[str]:
    """What a figure says against itself, each as a sentence."""
    if figure.is_share:
        yield from _check_counts(figure)
    yield from _check_target(figure)


def _check_counts(figure: Figure) -> Iterator[str]:
    numerator, denominator, rate = figure.numerator, figure.denominator, figure.rate
    if rate is not None and rate > 1:
        yield f"The rate {rate} is above 100 %, so it is ignored."
    if numerator is None or denominator is None:
        return
    if numerator > denominator:
        yield f"The numerator {numerator} is greater than the denominator {denominator}."
    if rate is not None and denominator and abs(rate - Decimal(numerator) / denominator) > rounding_tolerance(rate):
        yield f"The rate {rate} does not match its counts: {numerator} of {denominator} is {numerator / denominator:.4f}."


def _check_target(figure: Figure) -> Iterator[str]:
    limit, keeps = figure.target.limit, MEETS_TARGET_BY_STATUS.get(figure.status)
    value = _value(figure)
    if limit is None or keeps is None or value is None:
        return
    meets = judgement.meets(*value, limit)
    if meets is not None and meets is not keeps:
        yield f"The status is {figure.status} although the target is {'met' if meets else 'missed'}."


def _value(figure: Figure) -> tuple[int, int] | None:
    """The figure's worth as a fraction: Amazon's rate, or else its counts."""
    if figure.rate is not None and figure.denominator != 0:
        return figure.rate.as_integer_ratio()
    if figure.numerator is None or figure.denominator is None:
        return None
    return figure.numerator, figure.denominator


def rounding_tolerance(rate: Decimal) -> Decimal:
    """How far a rate may be from its counts: half a unit of its last decimal. A bare 0 or 1 is taken as 0.00 or 1.00."""
    places = -int(rate.as_tuple().exponent) if rate not in {0, 1} else 2
    return max(ROUNDING, Decimal(5).scaleb(-places - 1))


def check_parts(whole: int | None, parts: Iterable[int | None]) -> Iterator[str]:
    """What the number of orders with a defect says against those of each kind. An order counts once, whatever it has."""
    told = [part for part in parts if part is not None]
    if whole is None or not told:
        return
    if whole < max(told):
        yield f"The {whole} orders with defects are fewer than the {max(told)} of one kind of defect."
    if len(told) == 3 and whole > sum(told):
        yield f"The {whole} orders with defects are more than the {sum(told)} defects of all kinds."


def parse_window(start: str | None, end: str | None, *, latest: datetime) -> Window:
    """The UTC days from one moment to another. Raises BadRow for what is no moment, or in the future."""
    first, last = (parse_time(text, latest=latest, without_offset=UTC).date() if text else None for text in (start, end))
    if first and last and first > last:
        return Window(flags=(f"The window ends before it begins (from {first} to {last}), so it is ignored.",))
    return Window(first, last)


def infer_reported_at(ends: Iterable[str], parse_context: ParseContext) -> datetime:
    """When a report was made that has no timestamp: at the end of the latest day it tells of, or else when it was received."""
    last = date.min
    for text in ends:
        try:
            last = max(last, parse_time(text, latest=parse_context.latest, without_offset=UTC).date())
        except InvalidRow:
            continue
    if last == date.min or last >= parse_context.received_on:
        return parse_context.received_at
    return datetime.combine(last, time(23, 59, 59), UTC)


def build_target(value: Decimal | None, condition: str) -> Target:
    """The limit that a value and Amazon's word for the comparison make, as whole numbers: 0.025 is 1/40."""
    if value is None and not condition:
        return NO_TARGET
    comparator = COMPARATORS.get(condition)
    if value is None or comparator is None:
        wrong = (
            f"its condition is {quote_value(condition)}"
            if condition and value is not None
            else "its value or condition is missing"
        )
        return Target(flags=(f"The target is ignored: {wrong}.",))
    numerator, denominator = value.as_integer_ratio()
    if value < 0 or max(numerator, denominator) > MAX_INTEGER:
        return Target(flags=(f"The target is ignored: {value} is outside the allowed range.",))
    return Target(Limit(comparator, numerator, denominator))


def normalize_word(value: object, name: str) -> str:
    """A status or condition as it is kept: AT RISK is AT_RISK; "" where none is told. Raises BadRow."""
    if value is None:
        return ""
    if not isinstance(value, str) or UNSTORABLE.search(value):
        raise InvalidRow(f"The {name} is not a string.")
    return "_".join(value.upper().split())


def normalize_status(value: object) -> str:
    """A status as it is kept. Raises BadRow."""
    told = normalize_word(value, "status")
    if len(told) > MAX_STATUS_LENGTH:
        raise InvalidRow(f"The status {quote_value(told)} is longer than {MAX_STATUS_LENGTH} characters.")
    return told


def parse_decimal(text: str, name: str) -> Decimal:
    """The number that a text spells in digits. Raises BadRow for any other, or for more digits than a figure can need."""
    if not NUMBER.fullmatch(text):
        raise InvalidRow(f"The {name} {quote_value(text)} is not a number.")
    number = Decimal(text)
    if not -MAX_DECIMAL_PLACES <= int(number.as_tuple().exponent) <= MAX_DECIMAL_PLACES:
        raise InvalidRow(f"The {name} {quote_value(text)} is not a number in the allowed range.")
    return number


def parse_count(text: str, name: str) -> int:
    """A whole number that a table can keep. Raises BadRow."""
    number = parse_decimal(text, name)
    if not 0 <= number <= MAX_INTEGER or number != int(number):
        raise InvalidRow(f"The {name} {quote_value(text)} is not an integer from 0 to {MAX_INTEGER}.")
    return int(number)
