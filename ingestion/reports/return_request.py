"""A return request of a seller-fulfilled order, as Amazon's flat and XML reports tell of it. Pure.

Whether an A-to-z claim was filed is told only there, and only of orders with a return request; its outcome is not
(https://github.com/amzn/selling-partner-api-models/issues/5247). How the request was handled is not told either.
"""

import re

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import cells
from ingestion.reports.report_type import ParseContext, parse_order_id, quote_value
from metrics.rules import defects
from metrics.rules.facts import DefectFact, DefectKind, Fact, ReturnFact

SOURCE = "https://developer-docs.amazon.com/sp-api/docs/returns-reports-attributes"
REFERENCE = "returns-report"
"""Of the claim: reports name no claim's own. A request's is its RMA id with a word before it, so that what an agency tells of the
request under the bare id stays a statement of its own: reports know nothing of how a request was handled."""

NOT_RETURNED = ("cancel", "declin", "denied", "reject", "closedwithout")
"""What a status says, in whatever spelling, when nothing comes back. Approved, pending, completed, closed and the like do."""


def facts(*, order: str, reference: str, requested: str, status: str, claim: str, parse_context: ParseContext) -> list[Fact]:
    """The return, and the claim where one was filed. Several rows of one request state the same. Raises BadRow."""
    found = parse_order_id(order)
    on = cells.parse_day(requested, parse_context=parse_context)
    is_filed = cells.parse_yes_no(claim or "n")
    if is_filed is None:
        raise InvalidRow(f"A-to-Z Claim {quote_value(claim)} is neither Y nor N.")
    returned = ReturnFact(
        order_id=found,
        reference=cells.build_reference(reference, column="RMA ID", word="RMA "),
        requested_on=on,
        state=cells.normalize_state(status),
        is_return=is_return(status),
        is_dissatisfied=None,
        reason="",
        stated_at=None,
    )
    if not is_filed:
        return [returned]
    filed = DefectFact(
        order_id=found,
        kind=DefectKind.A_TO_Z_CLAIM,
        reference=REFERENCE,
        state=defects.FILED,
        rating=None,
        occurred_on=on,
        stated_at=None,
        funded_by="",
        counts=defects.ruling(kind=DefectKind.A_TO_Z_CLAIM, state=defects.FILED, rating=None).counts,
    )
    return [returned, filed]


def is_return(status: str) -> bool:
    """Whether something comes back, by the request's status."""
    letters = re.sub("[^a-z]", "", status.lower())
    return not any(word in letters for word in NOT_RETURNED)
