"""Declare what a report type is, and parse the values that several report types share. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Literal

from ingestion.parsing.rejections import InvalidRow
from ingestion.parsing.tabular import clean_cell
from ingestion.reports import multi_channel
from ingestion.reports.quoting import quote_value
from metrics.rules.facts import Fact

OWN_LAYOUT = "Underone's own layout"
ORDER_ID = re.compile(r"[0-9]{3}-[0-9]{7}-[0-9]{7}")
ORDER_ID_LENGTH = 19
# Amazon opened in July 1995. A year after 2099 is a typing error.
FIRST_DAY, LAST_DAY = date(1995, 7, 1), date(2099, 12, 31)
EARLIEST_TIME = datetime.combine(FIRST_DAY, time.min, UTC)
RowParser = Callable[[Any], Fact | list[Fact]]
"""Turn one row into a fact, or a list of facts. Raises InvalidRow, or RejectedDocument if the row proves that
the document cannot be used.
"""


@dataclass(frozen=True, slots=True)
class ParseContext:
    """Store the known facts about a document before it is parsed, and collect the warnings of parsing it."""

    marketplace: str
    received_at: datetime
    zone: tzinfo = UTC
    """The time zone of the marketplace's days."""
    warnings: list[str] = field(default_factory=list)
    is_marketplace_stated: bool = True
    """Whether the sender stated the marketplace. Otherwise it is the account's home marketplace."""
    period: tuple[date, date] | None = None
    """First and last day for which the report is complete, as stated by its sender."""

    @property
    def received_on(self) -> date:
        return self.received_at.astimezone(UTC).date()

    @property
    def latest(self) -> datetime:
        """Return the latest moment that the document may state."""
        # A later one is a typing error. The latest statement wins, so it would win for years (ADR 3).
        return latest_allowed_time(self.received_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Declare a column, element or field that is read.

    In a table it is found by `name`, and a report without it is rejected if it is `needed`. `meaning` is for
    the documentation. A column that no number depends on has `decides=False`: it is not read if it is repeated,
    and a repeated column of any other kind rejects the report.
    """

    name: str
    meaning: str
    needed: bool = False
    decides: bool = True
    form: re.Pattern[str] | None = None
    """The form of every cell, empty or not, by which a shifted row shows. `expected` says it in words."""
    expected: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportType:
    """Declare a report type: its names, how to detect it, and how to turn its rows into facts.

    - `fact_types`: the types of facts it yields. A later type is recorded before an earlier one.
    - `dialect`: a table is separated by tabs, commas or semicolons, whatever its type. With tabs, `tsv_or_csv` has
      no special quotes, as Amazon writes them, and `csv` has.
    - `matches`: gets the cells of the first two lines, or the beginning of XML or JSON, and returns whether
      they are of this type.
    - `build_parser`: gets the cells of the header and returns the parser of rows. Raises RejectedDocument if
      a column is missing.
    - `elements`: the names of the XML elements that are rows. `items`: those of which a row may have several.
    - `list_rows`: returns the rows of a JSON document. Raises RejectedDocument.
    - `read_rows`: returns (line, row) pairs of a whole document whose rows depend on each other. Raises
      RejectedDocument.
    - `max_bytes`: the size limit of a document that is read as a whole.
    - `tell_apart`: by type of fact, the reason that rejects a row which has the same incomplete key as an earlier
      row and states something else. Of a type without a reason, the last row wins.
    - `has_all_types`: whether a document without facts of a type states that there are none. Otherwise, their source
      counts as loaded only by a document that has facts of the type.
    - `uses_period`: whether the days for which a report is complete have a meaning.
    - `about`, `columns`, `example`, `source`: the documentation. `example` is a complete document.
    """

    names: tuple[str, ...]
    title: str
    fact_types: tuple[type[Fact], ...]
    dialect: Literal["csv", "tsv_or_csv", "json", "xml"]
    matches: Callable[[Sequence[str], Sequence[str]], bool]
    build_parser: Callable[[Sequence[str], ParseContext], RowParser]
    elements: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    list_rows: Callable[[bytes], Iterable[Any]] | None = None
    read_rows: Callable[[bytes, ParseContext], Iterable[tuple[int, Any]]] | None = None
    max_bytes: int = 1024**3
    is_uploaded: bool = True
    tell_apart: Mapping[type[Fact], str] = field(default_factory=dict, hash=False)
    has_all_types: bool = True
    uses_period: bool = False
    about: str = ""
    columns: tuple[Column, ...] = ()
    example: str = ""
    source: str = ""


def normalize_column(cell: str) -> str:
    """Return a header cell in the form in which columns are compared:

    `Order ID`, `order_id` and `order-id` are equal.
    """
    return "-".join(clean_cell(cell).lower().replace("_", " ").replace("-", " ").split())


def _parse_utc(text: str) -> datetime:
    """Return the moment of an ISO 8601 text that names its zone in a word. Raises InvalidRow."""
    moment, blank, zone = text.rpartition(" ")
    try:
        if blank and zone.upper() in {"UTC", "GMT", "Z"}:
            return datetime.fromisoformat(moment.rstrip() + "+00:00")
    except ValueError:
        pass
    raise InvalidRow(
        f"{quote_value(text)} is not a valid ISO 8601 time; expected e.g. 2025-07-01T09:15:00+00:00."
    )


def parse_order_id(text: str, *, column: str = "order_id") -> str:
    """Return the order ID of the cell in `column`.

    Raises SetApart for a multi-channel order, otherwise InvalidRow if it is not valid.
    """
    if not ORDER_ID.fullmatch(text):
        if multi_channel.is_order_id(text):
            raise multi_channel.SetApart(text)
        raise InvalidRow(f"`{column}`: {invalid_order_id(text)}", field="order_id")
    return text


def invalid_order_id(text: str) -> str:
    """Return the reason that rejects an order ID."""
    return f"{quote_value(text)} is not a valid Amazon order ID; expected e.g. 123-1234567-1234567."


def latest_allowed_time(received_on: date) -> datetime:
    """Return the latest moment that a document received on this day may state: the end of two days after."""
    # The days of some marketplaces begin before those of UTC, and clocks run ahead.
    return datetime.combine(received_on + timedelta(days=3), time.min, UTC)


def parse_time(text: str, *, latest: datetime, without_offset: tzinfo | None = None) -> datetime:
    """Return the moment of an ISO 8601 text, in UTC. Raises InvalidRow.

    `without_offset` is the time zone of a text without an offset; if it is None, an offset is required.
    """
    try:
        time_ = datetime.fromisoformat(text)
    except ValueError:
        time_ = _parse_utc(text)
    if time_.tzinfo is None:
        if without_offset is None:
            raise InvalidRow(
                f"{quote_value(text)} has no UTC offset; expected e.g. 2025-07-01T09:15:00+00:00."
            )
        time_ = time_.replace(tzinfo=without_offset)
    if not EARLIEST_TIME <= time_ <= latest:
        raise InvalidRow(
            f"{quote_value(text)} is out of range; expected {FIRST_DAY} to the day the document was received."
        )
    # In UTC, because PostgreSQL rejects offsets of 16 hours or more and offsets with fractions of
    # a second, which Python accepts.
    return time_ if time_.tzinfo is UTC else time_.astimezone(UTC)
