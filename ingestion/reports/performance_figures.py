"""Build the figures of Amazon's account health reports and flag their contradictions. Pure.

Figures are stored as received, with a flag for each contradiction. Contradictions are common: half the
figures of the official example have one
(https://github.com/amzn/selling-partner-api-models/blob/main/schemas/reports/accountHealthReport-2020-11-18.json).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports.defect_row import UNSTORABLE
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import ParseContext, RowParser, parse_time
from metrics.rules import judgement
from metrics.rules.facts import Fact, ReportedFact
from metrics.rules.judgement import Comparator, Limit

# The largest value of PostgreSQL's integer columns.
MAX_INTEGER = 2**31 - 1
MAX_STATUS_LENGTH = 20
NO_DATA = "NONE"
# Half of 0.01 %, the finest precision that Amazon shows.
ROUNDING = Decimal("0.00005")
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
    """Store the first and last day of a figure, both included; None if the report does not state them."""

    first_on: date | None = None
    last_on: date | None = None
    flags: tuple[str, ...] = ()

    @property
    def days(self) -> int | None:
        """Return the length in days, or None if it is unknown."""
        return (self.last_on - self.first_on).days + 1 if self.first_on and self.last_on else None


class Target(NamedTuple):
    """Store Amazon's target for a figure. It may have no limit."""

    limit: Limit | None = None
    flags: tuple[str, ...] = ()


NO_WINDOW, NO_TARGET = Window(), Target()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Store one figure as the report states it. A counter is not a rate, so its denominator is 1."""

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
    """Store one block of a report. `build` returns its facts or raises InvalidRow."""

    name: str
    build: Callable[[], list[Any]]


def build_parser(_header: Sequence[str], _setting: ParseContext) -> RowParser:
    """Return the parser of Rows. Reasons begin with the name of the block."""

    def parse(row: Row) -> list[Fact]:
        try:
            return row.build()
        except InvalidRow as error:
            raise InvalidRow(f"{row.name}: {error.reason}") from None

    return parse


def build_fact(figure: Figure, *, marketplace: str, reported_at: datetime) -> ReportedFact:
    """Return the figure as a fact with flags for its contradictions.

    Without a denominator there is no rate and no status, although Amazon states 0 and GOOD.
    """
    has_no_data = figure.denominator == 0
    limit = figure.target.limit
    return ReportedFact(
        marketplace=marketplace,
        metric=figure.metric,
        channel=figure.channel,
        first_on=figure.window.first_on,
        last_on=figure.window.last_on,
        numerator=figure.numerator,
        denominator=figure.denominator,
        rate=None if has_no_data or figure.rate is None or figure.rate > 1 else figure.rate,
        status=NO_DATA if has_no_data else figure.status,
        comparator=limit.comparator.value if limit else "",
        limit_numerator=limit.numerator if limit else None,
        limit_denominator=limit.denominator if limit else None,
        flags=json.dumps(
            [*figure.window.flags, *figure.flags, *figure.target.flags, *find_contradictions(figure)]
        ),
        reported_at=reported_at,
    )


def find_contradictions(figure: Figure) -> Iterator[str]:
    """Yield a sentence for each contradiction within a figure."""
    # A counter has no total, so its denominator of 1 is no contradiction (ADR 6).
    if figure.is_share:
        yield from _check_counts(figure)
    yield from _check_target(figure)


def _check_counts(figure: Figure) -> Iterator[str]:
    numerator, denominator, rate = figure.numerator, figure.denominator, figure.rate
    if rate is not None and rate > 1:
        yield f"The rate {rate} is greater than 1 and was ignored."
    if numerator is None or denominator is None:
        return
    if numerator > denominator:
        yield f"The count {numerator} is greater than the total {denominator}."
    if (
        rate is not None
        and denominator
        and abs(rate - Decimal(numerator) / denominator) > rounding_tolerance(rate)
    ):
        yield f"The rate {rate} does not match its counts: {numerator} of {denominator} is {numerator / denominator:.4f}."


def _check_target(figure: Figure) -> Iterator[str]:
    limit, states_met = figure.target.limit, MEETS_TARGET_BY_STATUS.get(figure.status)
    value = _value(figure)
    if limit is None or states_met is None or value is None:
        return
    # By the same judgement as our own values.
    meets = judgement.meets(*value, limit)
    if meets is not None and meets is not states_met:
        yield f"The status is {figure.status}, but the target is {'met' if meets else 'missed'}."


def _value(figure: Figure) -> tuple[int, int] | None:
    """Return the figure as a fraction: Amazon's rate, or else its counts."""
    if figure.rate is not None and figure.denominator != 0:
        return figure.rate.as_integer_ratio()
    if figure.numerator is None or figure.denominator is None:
        return None
    return figure.numerator, figure.denominator


def rounding_tolerance(rate: Decimal) -> Decimal:
    """Return how far a rate may differ from its counts: half a unit of its last decimal place."""
    # A rate of 0 or 1 is written without decimals in JSON, whatever precision it was rounded to. Taken as a
    # whole number it would tolerate half of everything.
    places = -int(rate.as_tuple().exponent) if rate not in {0, 1} else 2
    return max(ROUNDING, Decimal(5).scaleb(-places - 1))


def unused_warning(names: Sequence[str]) -> str:
    """Return the warning that names the parts of a report that no figure uses."""
    return f"Not used, because no metric reads it: {', '.join(names)}."


def check_parts(whole: int | None, parts: Iterable[int | None]) -> Iterator[str]:
    """Yield a sentence for each contradiction between orders with defects and the defects of each kind."""
    # An order with several defects counts once, so the whole is between the largest part and all together.
    counts = [part for part in parts if part is not None]
    if whole is None or not counts:
        return
    if whole < max(counts):
        yield f"There are {whole} orders with defects, fewer than the {max(counts)} with one kind of defect."
    # Only if all three kinds are stated: a missing one may have the rest.
    if len(counts) == 3 and whole > sum(counts):
        yield f"There are {whole} orders with defects, more than the {sum(counts)} defects of all kinds."


def parse_window(start: str | None, end: str | None, *, latest: datetime) -> Window:
    """Return the UTC days from one moment to another. Raises InvalidRow for an invalid or future moment."""
    first, last = (
        parse_time(text, latest=latest, without_offset=UTC).date() if text else None for text in (start, end)
    )
    if first and last and first > last:
        return Window(flags=(f"The window ends before it starts ({first} to {last}) and was ignored.",))
    return Window(first, last)


def infer_reported_at(ends: Iterable[tuple[str, int]], parse_context: ParseContext) -> datetime:
    """Return when a report without a timestamp was made, but not after it was received.

    `ends` has the last day of each figure, with the number of days by which its window usually ends before the
    report. Figures that end with the report decide; only without them is the usual number of days added.
    """
    days = list[tuple[date, int]]()
    for text, offset in ends:
        try:
            days.append((parse_time(text, latest=parse_context.latest, without_offset=UTC).date(), offset))
        except InvalidRow:
            continue
    ends_with_report = any(not offset for _, offset in days)
    last = max(
        (day if ends_with_report else day + timedelta(days=offset) for day, offset in days), default=date.min
    )
    # The day of the receipt is not over, so its end would be in the future.
    if last == date.min or last >= parse_context.received_on:
        return parse_context.received_at
    return datetime.combine(last, time(23, 59, 59), UTC)


def build_target(value: Decimal | None, condition: str) -> Target:
    """Return the target of a value and Amazon's condition as a limit of whole numbers: 0.025 is 1/40."""
    if value is None and not condition:
        return NO_TARGET
    comparator = COMPARATORS.get(condition)
    if value is None or comparator is None:
        known = condition and value is not None
        reason = (
            f"its condition is {quote_value(condition)}" if known else "its value or condition is missing"
        )
        return Target(flags=(f"The target was ignored: {reason}.",))
    numerator, denominator = value.as_integer_ratio()
    if value < 0 or max(numerator, denominator) > MAX_INTEGER:
        return Target(flags=(f"The target was ignored: {value} is out of range.",))
    return Target(Limit(comparator, numerator, denominator))


def normalize_word(value: object, name: str) -> str:
    """Return a status or condition in one spelling: AT RISK is AT_RISK. None is "". Raises InvalidRow."""
    if value is None:
        return ""
    if not isinstance(value, str) or UNSTORABLE.search(value):
        raise InvalidRow(f"the {name} is not a text.")
    return "_".join(value.upper().split())


def normalize_status(value: object) -> str:
    """Return a status in one spelling. Raises InvalidRow."""
    status = normalize_word(value, "status")
    if len(status) > MAX_STATUS_LENGTH:
        raise InvalidRow(
            f"the status {quote_value(status)} is too long; expected at most {MAX_STATUS_LENGTH} characters."
        )
    return status


def parse_decimal(text: str, name: str) -> Decimal:
    """Return the number of a text. Raises InvalidRow for any other text and for too many digits."""
    if not NUMBER.fullmatch(text):
        raise InvalidRow(f"the {name} {quote_value(text)} is not a number.")
    number = Decimal(text)
    # With an exponent, a few characters make a fraction of thousands of digits.
    if not -MAX_DECIMAL_PLACES <= int(number.as_tuple().exponent) <= MAX_DECIMAL_PLACES:
        raise InvalidRow(f"the {name} {quote_value(text)} is out of range.")
    return number


def parse_count(text: str, name: str) -> int:
    """Return a whole number from 0 to MAX_INTEGER. Raises InvalidRow."""
    number = parse_decimal(text, name)
    if not 0 <= number <= MAX_INTEGER or number != int(number):
        raise InvalidRow(
            f"the {name} {quote_value(text)} is not valid; expected a whole number from 0 to {MAX_INTEGER}."
        )
    return int(number)
