"""Read a copy of Seller Central's page of A-to-z claims, with the columns Order ID, Claim ID, Claim date and
Claim status.

Amazon documents no such file. The page's words for a claim are those of
https://help.channelbloom.com/en/knowledge/a-to-z-claims and Seller Central help G202041210.
"""

import re
from collections.abc import Sequence

from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import cells, listed_days
from ingestion.reports.quoting import quote_value
from ingestion.reports.report_type import (
    Column,
    ParseContext,
    ReportType,
    RowParser,
    normalize_column,
    parse_order_id,
)
from metrics.rules import defects, return_reasons
from metrics.rules.facts import DefectFact, DefectKind

NAME = "a_to_z_claims_page"
WORDS = {
    "Granted": "granted",
    "Granted - seller funded": "granted",
    "Closed - seller funded": "granted",
    "Closed - in buyer's favor": "granted",
    "Option to appeal": "granted",
    "Appeal denied": "granted",
    "Granted - Amazon funded": "amazon_funded",
    "Closed - Amazon funded": "amazon_funded",
    "Amazon funded": "amazon_funded",
    "Denied": "denied",
    "Closed - denied": "denied",
    "Closed - in seller's favor": "denied",
    "Not granted": "denied",
    "Withdrawn": "withdrawn",
    "Closed - withdrawn": "withdrawn",
    "Refunded": "refunded_by_seller",
    "Closed - refunded": "refunded_by_seller",
    "Refunded by seller": "refunded_by_seller",
    "Order cancelled": "order_cancelled",
    "Appeal granted": "appeal_won",
    "Pending": "pending",
    "Open": "pending",
    "Action required": "pending",
    "Under review": "pending",
    "Awaiting seller response": "pending",
}
"""The state of a claim by the page's word for it."""

COLUMNS = (
    Column(name="Order ID", meaning="Amazon's order ID", needed=True),
    Column(name="Claim status", meaning=f"one of {', '.join(WORDS)}", needed=True),
    Column(name="Claim ID", meaning="distinguishes several claims of one order"),
    Column(name="Claim date", meaning="the day of the claim; a day that reads in two ways is left out"),
    Column(
        name="Claim reason",
        meaning="a code of the reason, such as NEVER_ARRIVED; other words are left out",
        decides=False,
    ),
)
SPELLINGS = {"status": "Claim status", "date": "Claim date", "date-filed": "Claim date"}
EXAMPLE = (
    "Order ID,Claim ID,Claim date,Claim status\n"
    '112-1234567-1234567,A1,"Jul 14, 2025",Granted\n'
    "112-7654321-7654321,A2,2025-07-15,Closed - in seller's favor\n"
)


def find_state(text: str) -> str | None:
    """Return the state of a claim that the page shows with this word, or None for another word."""
    return STATES.get(_letters(text))


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_reader(_standard_names(header), COLUMNS, report_type=NAME)

    def parse(row: list[str]) -> DefectFact:
        texts = read(row)
        order = parse_order_id(texts["Order ID"], column="Order ID")
        state = find_state(texts["Claim status"])
        if state is None:
            raise InvalidRow(
                f"`Claim status`: {quote_value(texts['Claim status'])} is not valid; expected one of "
                "Granted, Denied, Withdrawn, Refunded, Amazon funded, Appeal granted, Pending; for any other word, "
                "use the layout claims_and_chargebacks."
            )
        return DefectFact(
            order_id=order,
            kind=DefectKind.A_TO_Z_CLAIM,
            reference=cells.build_reference(texts.get("Claim ID", ""), column="Claim ID"),
            state=state,
            rating=None,
            occurred_on=listed_days.parse(texts.get("Claim date", ""), parse_context=parse_context),
            stated_at=None,
            funded_by="",
            counts=defects.ruling(kind=DefectKind.A_TO_Z_CLAIM, state=state, rating=None).counts,
            reason_code=return_reasons.parse_code(texts.get("Claim reason", "")),
        )

    return parse


def _standard_names(header: Sequence[str]) -> list[str]:
    """Return the header with known names in their standard spelling, if it does not have them already."""
    present = {normalize_column(cell) for cell in header}
    spellings = {
        spelling: name for spelling, name in SPELLINGS.items() if normalize_column(name) not in present
    }
    return [spellings.get(normalize_column(cell), cell) for cell in header]


def _letters(text: str) -> str:
    return re.sub("[^a-z]", "", text.lower().replace("favour", "favor").replace("canceled", "cancelled"))


STATES = {_letters(word): state for word, state in WORDS.items()}


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    names = {normalize_column(cell) for cell in _standard_names(header)}
    is_of_claims = not {"claim-id", "claim-date", "claim-amount", "claim-reason"}.isdisjoint(
        normalize_column(cell) for cell in header
    )
    return {"order-id", "claim-status"} <= names and (
        is_of_claims or "claim-status" in map(normalize_column, header)
    )


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="A-to-z claims, copied from Seller Central's page",
    fact_types=(DefectFact,),
    dialect="tsv_or_csv",
    matches=matches,
    build_parser=build_parser,
    about="Lists A-to-z claims with the words that Seller Central's page shows for their state. A row with any "
    "other word is rejected.",
    columns=COLUMNS,
    example=EXAMPLE,
    source="Seller Central: Performance, A-to-z Guarantee Claims",
)
