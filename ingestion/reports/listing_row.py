"""Build the fact of a listing from the texts of a row. Pure.

A listing explains numbers, and decides none. A row is rejected only without a valid SKU. Every other cell that is not
valid is unknown.
"""

import re
from decimal import Decimal

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import cells, items
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import ParseContext
from metrics.rules.facts import ListingFact

MAX_TITLE_LENGTH = 200
# Digits behind the decimal separator are one or two. Three are a group of thousands: `1,980` yen.
PRICE = re.compile(
    r"(?P<whole>[0-9]{1,9}|[1-9][0-9]{0,2}(?:(?:,[0-9]{3}){1,2}(?=\.|$)|(?:\.[0-9]{3}){1,2}(?=,|$)))"
    r"(?:[.,](?P<part>[0-9]{1,2}))?"
)


def build_fact(  # noqa: PLR0913  the texts of a row
    *,
    parse_context: ParseContext,
    source: str,
    sku: tuple[str, str],
    asin: str,
    title: str,
    price: str,
    quantity: str,
    channel: str,
    status: str = "",
) -> ListingFact:
    """Return the fact of these texts. `sku` is the name of the column and the text. Raises InvalidRow."""
    return ListingFact(
        marketplace=parse_context.marketplace,
        sku=_require_sku(*sku),
        source=source,
        channel=channel,
        asin=asin if items.ASIN.fullmatch(asin) else "",
        title=title[:MAX_TITLE_LENGTH].rstrip(),
        quantity=items.parse_quantity(quantity),
        price=parse_price(price),
        status=cells.normalize_state(status),
        # The report does not say when it was true, so the time of receipt decides.
        stated_at=None,
    )


def parse_price(text: str) -> Decimal | None:
    """Return a price with a decimal comma or point, or None if the text is not one."""
    found = PRICE.fullmatch(text)
    if found is None:
        return None
    whole = found["whole"].replace(",", "").replace(".", "")
    return Decimal(f"{whole}.{found['part'] or 0}")


def _require_sku(column: str, text: str) -> str:
    if not text:
        raise InvalidRow(f"`{column}`: the cell is empty; expected a SKU.", field=column)
    if len(text) > items.MAX_SKU_LENGTH:
        raise InvalidRow(
            f"`{column}`: {quote_value(text)} is too long; expected at most {items.MAX_SKU_LENGTH} characters.",
            field=column,
        )
    return text
