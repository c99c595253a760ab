"""Recognize files that people have at hand and send, but that are not read, and say what to send instead. Pure.

`find` searches two registers: tables by the columns of a header in their first lines, and texts by how they
begin. A file of a supported report type is never looked up here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingestion.parsing.rejections import RejectedDocument
from ingestion.reports.report_type import normalize_column

TITLE = "This kind of file is not read"
# Payments reports begin with eight lines of explanations.
HEADER_LINES = 12
ANY_DELIMITER = re.compile("[\t,;]")
ALL_ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
ORDERS_INSTEAD = f"Send the all-orders report (`{ALL_ORDERS}`) instead."
CLAIMS_INSTEAD = "Send the claims with the layout `claims_and_chargebacks` (columns order_id, kind, state, occurred_on) instead."
MONEY = f"It lists money; whether a claim counts is a separate decision of Amazon. {CLAIMS_INSTEAD}"
AGAIN = "Download the report again and send that file."


@dataclass(frozen=True, slots=True)
class KnownTable:
    """Describe a table that is not read.

    `headers` are sets of columns as `normalize_column` returns them; a header with all of one set is of this
    kind.
    """

    name: str
    headers: tuple[frozenset[str], ...]
    advice: str


@dataclass(frozen=True, slots=True)
class KnownText:
    """Describe a text that is not a report. `begins` is searched for in the first characters."""

    name: str
    begins: "re.Pattern[str]"
    advice: str


def _headers(*texts: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(text.split()) for text in texts)


TABLES = (
    KnownTable(
        "the unshipped-orders report",
        _headers("order-id days-past-promise", "order-id promise-date quantity-to-ship"),
        f"It lists only orders that are still to be shipped. {ORDERS_INSTEAD}",
    ),
    KnownTable(
        "the new-orders report",
        _headers("order-id order-item-id purchase-date quantity-purchased"),
        f"It has neither the status nor the store of an order. {ORDERS_INSTEAD}",
    ),
    KnownTable(
        "a settlement report",
        _headers("settlement-id settlement-start-date", "settlement-id amount-type amount-description"),
        MONEY,
    ),
    KnownTable(
        "a payments report",
        _headers("date/time settlement-id type", "date transaction-type order-id product-details"),
        MONEY,
    ),
    KnownTable(
        "a business report",
        _headers(
            "(parent)-asin (child)-asin",
            "sessions-total page-views-total",
            "units-ordered ordered-product-sales",
            "parent-asin child-asin sessions",
        ),
        f"It counts visits and sales by product or day, not orders. {ORDERS_INSTEAD}",
    ),
    KnownTable(
        "an open-listings report",
        _headers("sku asin price quantity"),
        f"It has neither the titles nor the channels of listings. Send the listings report (`{LISTINGS}`) instead.",
    ),
    KnownTable(
        "a removals report",
        _headers(
            "order-id requested-quantity disposed-quantity",
            "removal-date order-id disposition",
            "request-date order-id removal-order-type",
            "request-date order-id order-type disposition",
        ),
        "It lists stock that left Amazon's warehouses, not orders of buyers. No report replaces it.",
    ),
    KnownTable(
        "a reimbursements report",
        _headers("approval-date reimbursement-id", "reimbursement-id case-id amazon-order-id"),
        MONEY,
    ),
    KnownTable(
        "an inventory report",
        _headers("fnsku ending-warehouse-balance"),
        f"It lists stock, not orders. {ORDERS_INSTEAD}",
    ),
    KnownTable(
        "a copy of the chargebacks page",
        _headers(
            *("order-id chargeback-date", "order-id chargeback-status", "order-id chargeback-amount"),
            *("order-id chargeback-reason", "order-id chargeback-id", "order-number chargeback-date"),
        ),
        "Only service chargebacks count, and the page does not say which are. "
        f"{CLAIMS_INSTEAD} Its `kind` is chargeback, and its `state` one of service, fraud, reversed.",
    ),
    KnownTable(
        "a copy of the A-to-z claims page",
        _headers(
            "order-id claim-id", "order-id claim-date", "order-id claim-amount", "order-id claim-reason"
        ),
        f"It has no column `Claim status`. {CLAIMS_INSTEAD} Its `kind` is a_to_z_claim, and its `state` one of "
        "pending, granted, refunded_by_seller, order_cancelled, denied, withdrawn, amazon_funded, appeal_won.",
    ),
)
TEXTS = (
    KnownText(
        "Seller Central's sign-in page, a web page and not a report",
        re.compile(
            r"<(?:!doctype html|html)\b.*(?:sign[ -]?in|log[ -]?in|ap_email|anmelden)",
            re.IGNORECASE | re.DOTALL,
        ),
        f"The download had asked for a password. Sign in to Seller Central. {AGAIN}",
    ),
    KnownText("a web page, not a report", re.compile(r"<(?:!doctype html|html)\b", re.IGNORECASE), AGAIN),
    KnownText(
        "the answer to an expired download link",
        re.compile(
            r"(?:<\?xml[^>]*>\s*)?<Error>.*(?:expired|ExpiredToken|X-Amz-Expires)", re.IGNORECASE | re.DOTALL
        ),
        "The link of a report document is valid for five minutes, and the download link had expired: download the "
        "report again.",
    ),
    KnownText(
        "an error of the file storage, not a report",
        re.compile(r"(?:<\?xml[^>]*>\s*)?<Error>\s*<Code>"),
        AGAIN,
    ),
    KnownText(
        "an error of Amazon's Selling Partner API",
        re.compile(r"\{\s*\"errors\"\s*:\s*\["),
        "The request for the report was refused. Repeat the request, and send the document that it returns.",
    ),
    KnownText(
        "the answer that names a report document, not the document itself",
        re.compile(r"\{[^{}]*\"(?:reportDocumentId|processingStatus)\"\s*:"),
        "Download the address under `url`, and send what it returns.",
    ),
    KnownText(
        "an answer as Python prints it, not a report",
        re.compile(r"<Response \[[0-9]{3}\]>|ApiResponse\(|<class '|<[\w.]+ object at 0x|\{'|\[\{'|b['\"]"),
        "Write the downloaded bytes to a file, not the printed object, and send that file.",
    ),
    KnownText(
        "Amazon's message that the date range was too long",
        re.compile(r"\W*Date range exceeded", re.IGNORECASE),
        "Request the report for at most 30 days at a time.",
    ),
    KnownText(
        "a formatted text document",
        re.compile(r"\{\\rtf"),
        "Save the report as plain text or CSV, and send that.",
    ),
)


def find(beginning: str) -> RejectedDocument | None:
    """Return the error for a document that begins like this, or None if it is not in a register."""
    text = beginning.lstrip("\ufeff \t\r\n")
    for known_text in TEXTS:
        if known_text.begins.match(text):
            return _error(known_text.name, known_text.advice)
    for line in text.split("\n", HEADER_LINES)[:HEADER_LINES]:
        names = column_names(line)
        for table in TABLES:
            if any(header <= names for header in table.headers):
                return _error(table.name, table.advice)
    return None


def column_names(line: str) -> frozenset[str]:
    """Return the cells of a header line as columns are compared."""
    return frozenset(
        normalize_column(cell) for cell in ANY_DELIMITER.split(line[:20_000].strip("\ufeff\r\n"))
    )


def describe_header(line: str, *, known: Iterable[str]) -> str:
    """Return a sentence about the first line of a document, which quotes nothing but known column names.

    The first line of a document without a header is a row, and may have the name and street of a buyer.
    """
    columns = {*known} | {name for table in TABLES for header in table.headers for name in header}
    cells = [cell.strip(' "\ufeff\r\n') for cell in ANY_DELIMITER.split(line[:20_000])]
    named = [cell for cell in cells if normalize_column(cell) in columns]
    if not named:
        return "Its first line has no column of a supported report."
    others = len(cells) - len(named)
    return f"Its first line has the columns {_listed(named[:10])}" + (
        f" and {others} that are not known." if others else "."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _error(name: str, advice: str) -> RejectedDocument:
    return RejectedDocument("unknown-document", TITLE, f"It is {name}. {advice}")
