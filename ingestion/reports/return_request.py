"""Build the facts of a return request of a seller-fulfilled order from Amazon's flat and XML reports. Pure.

Only these reports state whether an A-to-z claim was filed, and only for orders with a return request; they do
not state its outcome (https://github.com/amzn/selling-partner-api-models/issues/5247), nor how the request
was handled.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import cells, items
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import ParseContext, parse_order_id
from metrics.rules import defects
from metrics.rules.facts import DefectFact, DefectKind, Fact, ReturnFact

SOURCE = "https://developer-docs.amazon.com/sp-api/docs/returns-reports-attributes"
REFERENCE = "returns-report"
"""The reference of a claim, because the reports have no claim ID.

The reference of a request is its RMA ID with the prefix "RMA ". Rows of our own layout use the bare ID and
stay separate: they state how a request was handled, which Amazon's reports do not.
"""

NOT_RETURNED = ("cancel", "declin", "denied", "reject", "closedwithout")
"""Parts of a status that means no return, in any spelling.

Approved, pending, completed, closed and others are returns.
"""


class Names(NamedTuple):
    """Name the columns or elements of a report, for reasons."""

    order: str
    reference: str
    requested: str
    claim: str


def build_facts(
    *,
    order: str,
    reference: str,
    requested: str,
    status: str,
    claim: str,
    returned: Sequence[items.ReturnedItem],
    parse_context: ParseContext,
    names: Names,
) -> list[Fact]:
    """Return the return request with each of its items, and the claim if one was filed.

    Raises InvalidRow with the name of a column.
    """
    order_id = parse_order_id(order, column=names.order)
    on = _day(requested, parse_context, names.requested)
    is_filed = cells.parse_yes_no(claim or "n")
    if is_filed is None:
        raise InvalidRow(f"`{names.claim}`: {quote_value(claim)} is not valid; expected Y or N.")
    request = ReturnFact(
        order_id=order_id,
        reference=cells.build_reference(reference, column=names.reference, word="RMA "),
        requested_on=on,
        state=cells.normalize_state(status),
        is_return=is_return(status),
        is_dissatisfied=None,
        reason="",
        stated_at=None,
    )
    requests: list[Fact] = [request._replace(**item) for item in returned] or [request]
    return [*requests, _build_claim(order_id, on)] if is_filed else requests


def _build_claim(order_id: str, on: date) -> DefectFact:
    return DefectFact(
        order_id=order_id,
        kind=DefectKind.A_TO_Z_CLAIM,
        reference=REFERENCE,
        state=defects.FILED,
        rating=None,
        occurred_on=on,
        stated_at=None,
        funded_by="",
        counts=defects.ruling(kind=DefectKind.A_TO_Z_CLAIM, state=defects.FILED, rating=None).counts,
    )


def _day(text: str, parse_context: ParseContext, column: str) -> date:
    try:
        return cells.parse_day(text, parse_context=parse_context)
    except InvalidRow as error:
        raise InvalidRow(f"`{column}`: {error.reason}") from None


def is_return(status: str) -> bool:
    """Return whether a request with this status counts as a return."""
    # Amazon does not list the words, and their spelling differs between the reports.
    normalized = re.sub("[^a-z]", "", status.lower())
    return not any(word in normalized for word in NOT_RETURNED)
