"""Read GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE: one row for each returned item of a seller-fulfilled order.

Columns are found by name. Dates name the month (`10-Jul-2025`); Brazil uses ISO 8601. A date of numbers only
(`10/07/2025`) is ambiguous and rejected.
"""

import re
from collections.abc import Sequence

from ingestion.reports import cells, headers, items, return_request
from ingestion.reports.report_type import Column, ParseContext, ReportType, RowParser
from metrics.rules.facts import DefectFact, Fact, ReturnFact

NAME = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
COLUMNS = (
    Column(name="Order ID", meaning="Amazon's order ID", needed=True),
    Column(
        name="Return request date",
        meaning="the day of the request, such as 10-Jul-2025 or 2025-07-10",
        needed=True,
    ),
    Column(
        name="Return request status",
        meaning="cancelled, declined, denied and rejected requests do not count as returns",
        needed=True,
    ),
    Column(name="Amazon RMA ID", meaning="the request ID; rows with the same ID are items of one request"),
    Column(name="Merchant RMA ID", meaning="the request ID if Amazon RMA ID is empty"),
    Column(name="A-to-Z Claim", meaning="Y if a claim was filed; the report does not give its outcome"),
    # These have a form. A cell too many or too few would move a claim to its neighbour unnoticed.
    Column(
        name="Is prime",
        meaning="Y or N; it only proves that the row is not shifted",
        form=re.compile("(y|n|yes|no|true|false)?", re.IGNORECASE),
        expected="Y or N",
    ),
    Column(
        name="ASIN",
        meaning="the ASIN of the item; it also proves that the row is not shifted",
        form=re.compile(r"(?!(?:y|n|yes|no|true|false)$)[^\s]{0,14}", re.IGNORECASE),
        expected="an ASIN",
    ),
    Column(name="Merchant SKU", meaning="the SKU of the item", decides=False),
    Column(name="Return quantity", meaning="the number of units", decides=False),
    Column(
        name="Return Reason",
        meaning="Amazon's code of the reason, such as CR-DEFECTIVE",
        decides=False,
    ),
)
EXAMPLE = (
    "Order ID\tOrder date\tReturn request date\tReturn request status\tAmazon RMA ID\tMerchant RMA "
    "ID\tA-to-Z Claim\tASIN\n"
    "112-1234567-1234567\t01-Jul-2025\t10-Jul-2025\tApproved\tDx1Yz2Ab3RRMA\t\tN\tB000000001\n"
    "112-7654321-7654321\t03-Jul-2025\t12-Jul-2025\tPending\tDq9Wr8Ty7RRMA\t\tY\tB000000002\n"
)


REASON_NAMES = return_request.Names("Order ID", "Amazon RMA ID", "Return request date", "A-to-Z Claim")


def build_parser(header: Sequence[str], parse_context: ParseContext) -> RowParser:
    read = cells.build_reader(header, COLUMNS, report_type=NAME)

    def parse(row: list[str]) -> list[Fact]:
        texts = read(row)
        return return_request.build_facts(
            order=texts["Order ID"],
            reference=texts.get("Amazon RMA ID") or texts.get("Merchant RMA ID", ""),
            requested=texts["Return request date"],
            status=texts["Return request status"],
            claim=texts.get("A-to-Z Claim", ""),
            returned=[
                items.parse_returned(
                    sku=texts.get("Merchant SKU", ""),
                    asin=texts.get("ASIN", ""),
                    quantity=texts.get("Return quantity", ""),
                    reason=texts.get("Return Reason", ""),
                )
            ],
            parse_context=parse_context,
            names=REASON_NAMES,
        )

    return parse


def matches(header: Sequence[str], _first_row: Sequence[str]) -> bool:
    return headers.has_columns(header, "order-id", "return-request-date", "return-request-status")


REPORT_TYPE = ReportType(
    names=(NAME,),
    title="Seller-fulfilled returns, flat file",
    fact_types=(ReturnFact, DefectFact),
    dialect="tsv_or_csv",
    matches=matches,
    build_parser=build_parser,
    about="Lists the return requests of seller-fulfilled orders, and states whether an A-to-z claim was "
    "filed.",
    columns=COLUMNS,
    example=EXAMPLE,
    source=return_request.SOURCE,
)
