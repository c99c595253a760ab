"""What a kind of document declares. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Literal

from ingestion.parsing.rejections import InvalidRow, RejectedDocument, mask_email_addresses
from metrics.rules.facts import Fact

OWN_LAYOUT = "Underone's own layout"
ORDER_ID = re.compile(r"[0-9]{3}-[0-9]{7}-[0-9]{7}")
FIRST_DAY, LAST_DAY = date(1995, 7, 1), date(2099, 12, 31)  # Amazon opened; a year beyond is a slip
EARLIEST_TIME = datetime.combine(FIRST_DAY, time.min, UTC)
MAX_QUOTED_WORDS = 1  # with letters: a word of a status or a code is one, a name or a street is more
RowParser = Callable[[Any], Fact | list[Fact]]
"""Turns one row into a fact, or a list of them where it states several. Raises BadRow, or Refused where the row shows that the
document is not what it seems.
"""


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What is known about a document before it is read, and the warnings that reading it gives."""

    marketplace: str
    received_at: datetime
    zone: tzinfo = UTC
    """In which the marketplace's days begin and end."""
    warnings: list[str] = field(default_factory=list)
    period: tuple[date, date] | None = None
    """First and last of the days of which its sender says that the document is whole."""

    @property
    def received_on(self) -> date:
        return self.received_at.astimezone(UTC).date()

    @property
    def latest(self) -> datetime:
        """Nothing in the document can have happened later: two days for clocks and zones. A slip of a year would win for ever."""
        return latest_allowed_time(self.received_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as the documentation tells of it."""

    name: str
    meaning: str
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportType:
    """A kind of document: its names, how its header looks, and how a row becomes facts of the types in `facts`.

    A later type is recorded before an earlier one.

    `recognises` gets the cells of the first two lines, or of XML and JSON the beginning. `begin` gets the header's cells and
    returns the parser of rows; it raises Refused when a needed column is missing. A row of XML is one of the `elements`; of
    JSON it is what `rows` makes of the whole document, or Refused. Where a row can only be understood beside the others, or
    in its setting, `statements` makes all (line, row) pairs of the whole document instead, or Refused.

    In a `tsv` no quote is special, a `csv` may have any delimiter; `tsv_or_csv` is for what comes as either.

    `about`, `columns`, `example` and `source` are what people are told of it. `example` is a whole document of this kind.
    """

    names: tuple[str, ...]
    title: str
    fact_types: tuple[type[Fact], ...]
    dialect: Literal["tsv", "csv", "tsv_or_csv", "json", "xml"]
    matches: Callable[[Sequence[str], Sequence[str]], bool]
    build_parser: Callable[[Sequence[str], ParseContext], RowParser]
    elements: tuple[str, ...] = ()
    list_rows: Callable[[bytes], Iterable[Any]] | None = None
    read_rows: Callable[[bytes, ParseContext], Iterable[tuple[int, Any]]] | None = None
    max_bytes: int = 1024**3  # bytes of a document that is read whole
    is_uploaded: bool = True
    uses_period: bool = False  # the days of which a document is whole mean something for it
    about: str = ""
    columns: tuple[Column, ...] = ()
    example: str = ""
    source: str = ""


def normalize_column(cell: str) -> str:
    """A header cell as columns are compared: `Order ID`, `order_id` and `order-id` are one name."""
    return "-".join(cell.strip().strip('"').lower().replace("_", " ").replace("-", " ").split())


def find_columns(header: Sequence[str], required: Sequence[str], *, report_type: str) -> list[int]:
    """Where each required column is. Raises Refused, naming the ones that are missing or there twice."""
    names = [normalize_column(cell) for cell in header]
    missing = [name for name in required if name not in names]
    if missing:
        raise RejectedDocument(
            "columns-missing",
            "Columns are missing",
            f"A {report_type} report needs the columns {', '.join(missing)}, which are missing in the header.",
        )
    repeated = [name for name in required if names.count(name) > 1]
    if repeated:
        raise RejectedDocument(
            "columns-repeated", "Columns are repeated", f"The header has {', '.join(repeated)} more than once. Keep one of each."
        )
    return [names.index(name) for name in required]


def parse_order_id(text: str) -> str:
    """The order id, or BadRow."""
    if not ORDER_ID.fullmatch(text):
        raise InvalidRow(
            f"{quote_value(text)} is not a valid Amazon order ID; expected e.g. 123-1234567-1234567.", field="order_id"
        )
    return text


def latest_allowed_time(received_on: date) -> datetime:
    """The latest moment that a document received on this day can speak of."""
    return datetime.combine(received_on + timedelta(days=3), time.min, UTC)


def parse_time(text: str, *, latest: datetime, without_offset: tzinfo | None = None) -> datetime:
    """The moment that an ISO 8601 text names, or BadRow.

    PostgreSQL takes no offset of 16 hours and more nor one with fractions of a second: any but UTC's is converted.
    """
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRow(f"{quote_value(text)} is not an ISO 8601 time.") from None
    if named.tzinfo is None:
        if without_offset is None:
            raise InvalidRow(f"{quote_value(text)} has no offset from UTC.")
        named = named.replace(tzinfo=without_offset)
    if not EARLIEST_TIME <= named <= latest:
        raise InvalidRow(f"{quote_value(text)} is not between {FIRST_DAY} and the day the report was received.")
    return named if named.tzinfo is UTC else named.astimezone(UTC)


def quote_value(text: str) -> str:
    """A value as a reason may quote it: short, on one line, no name, street or e-mail address that came into the wrong cell."""
    plain = mask_email_addresses(text[:1000])
    words = plain.replace("[e-mail address]", "").split()
    if sum(any(letter.isalpha() for letter in word) for word in words) > MAX_QUOTED_WORDS:
        return "A text of several words"
    return repr(plain if len(plain) <= 40 else plain[:40] + "…")
