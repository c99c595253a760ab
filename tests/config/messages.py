"""Find the texts of the product that customers read: problems, reasons, warnings, descriptions, notices and mails.

A text is found by its place in the source, so that a new one is in the catalogue or fails the test.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

PACKAGES = ("api", "accounts", "metrics", "ingestion", "webhooks")
# What is read by developers, by operators or by nobody: the OpenAPI document, SQL, commands, and what is
# found by value in other tests of the catalogue.
DEVELOPERS = re.compile(
    r"/(migrations|management|openapi|erasure|models)/|openapi\.py|filters\.py|sql\.py|examples\.py|apps\.py|admin\.py"
    r"|row_level_security|at_rest|encryption|inventory\.py|archive\.py|daily_counts|recording|statements\.py"
    r"|pipeline/values|data_retention/|unmatched\.py|drilldown|redelivery\.py|/erasure|parsing/headers|reports/headers|events/catalogue"
    r"|personal_columns|amazon_rules|rules/catalogue|rules/defects|field_selection_parameters"
)
# Calls whose texts customers do not read.
NOT_SHOWN = frozenset(
    """
    extend_schema extend_schema_view extend_schema_field inline_serializer OpenApiParameter OpenApiExample
    OpenApiResponse CommandError error_responses add_argument compile
    RuntimeError ValueError LookupError ImproperlyConfigured TypeError AssertionError TextChoices RunSQL
    link operation field_list
    """.split()  # noqa: SIM905  many words read better as text
)
LOG_METHODS = frozenset({"debug", "info", "warning", "error", "exception"})
NOT_SHOWN_KEYWORDS = frozenset({"help_text", "summary", "verbose_name", "help", "example", "sample"})
# Calls all of whose texts are shown, however short.
SHOWN = frozenset(
    {"ProblemType", "RejectedDocument", "InvalidRow", "ValidationError", "Contradiction", "NotFound"}
)
SENTENCE = re.compile(r"[A-Z`{][^\n]*[.:?]")
SQL = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|WITH|DELETE|CREATE|DROP|ALTER|COPY|FROM|SET|CASE)\b|%\(|::|\\x|\bAND\b"
)
# Expressions, lists of columns, markup, and examples.
NOT_TEXT = re.compile(r"[\n\t\\^<>\[\]]|^ {4,}\S| AS |^[A-Z_]+$|^[^ ]*$|\w,\w|[a-z]_[a-z_]+, [a-z]")

PARTS = frozenset(
    [
        "Account {0}, event {1}, {2}",
        "Amazon's target",
        "Breach {0}, opened at {1}",
        "Breach {0}, opened at {1}, resolved at {2}",
        "Did you mean `{0}`? Expected one of {1}.",
        "Event {0}, {1}",
        "Report {0}",
        "Test notification",
        "The endpoint was disabled at {0} because {1}.",
        "The seller revoked the authorization.",
        "Warning threshold",
        "Warning {0}, opened at {1}",
        "Warning {0}, opened at {1}, resolved at {2}",
        "Your threshold",
        "[Test]",
        "exactly {0}",
        "no data",
        "no longer at risk",
        "over {0}",
        "target met again",
        "threshold changed",
        "threshold removed",
        "under {0}",
        "unknown type",
        "{0} (since {1})",
        "{0} and more",
        "{0} left",
        "{0} of {1}",
        "{0} over",
        "{0} rows: {1} new, {2} changed, {3} unchanged, {4} rejected, {5} set apart.",
        "{0} rows: {1} new, {2} changed, {3} unchanged, {4} rejected.",
        "The window is taken from the US and GB. {0}",
        "No API key has this ID.",
        "No breach has this ID.",
        "No export has this ID.",
        "No report has this ID.",
        "No member has this ID.",
        "No event has this ID.",
        "a parameter of this endpoint",
        "JSON parse error - {0}",
        "Expecting property name enclosed in double quotes: line {0} column {1} (char {2})",
        "Expecting value: line {0} column {1} (char {2})",
        "Expecting ',' delimiter: line {0} column {1} (char {2})",
        "Expecting ':' delimiter: line {0} column {1} (char {2})",
        "Unterminated string starting at: line {0} column {1} (char {2})",
        "Invalid control character at: line {0} column {1} (char {2})",
        "Extra data: line {0} column {1} (char {2})",
        "Helps agencies keep the order defect rate of Amazon seller accounts under one percent.",
        "an ASIN",
        "FBA shipments",
        "Shipments, CSV",
        "Seller feedback",
        "not stored",
        "{0} notifications",
        "Unsubscribe: {0}",
        "The agency “{0}” wants to send notifications about Amazon seller accounts to {1}.",
        "Receive notifications",
        "The mailbox is confirmed",
        "The agency “{0}” can now send notifications to {1}.",
        "Unsubscribe from notifications",
        "The agency “{0}” will send no more notifications to {1}.",
        "Unsubscribe",
        "You are unsubscribed",
        "The agency “{0}” sends no more notifications to {1}.",
        "This link is no longer valid",
        "It was used, replaced or has expired, or the agency has deleted it. Ask the agency to send a new e-mail.",
    ]
)
"""Texts of one or two words, and lines that are built of parts, which the source does not show as texts."""
UNTRANSLATED = frozenset(
    [
        "A-to-z Guarantee claim",
        "Acme Marketplace Partners",
        "Actual Delivery Date",
        "Amazon RMA ID",
        "Awaiting seller response",
        "Clock Stop Date",
        "Closed - Amazon funded",
        "Closed - denied",
        "Closed - in buyer's favor",
        "Closed - in seller's favor",
        "Closed - refunded",
        "Closed - seller funded",
        "Closed - withdrawn",
        "Delivered After Promised Date Without Extension",
        "EMAIL_URL is not set.",
        "Expected Ship Date",
        "Granted - Amazon funded",
        "Granted - seller funded",
        "Merchant RMA ID",
        "No Valid Tracking",
        "Option to appeal",
        "Pending, Unshipped, Shipping, Shipped, Complete, Cancelled",
        "Promised Delivery Date (with promise extension)",
        "Promised Delivery Date (without promise extension)",
        "Promised Delivery Date",
        "Refunded by seller",
        "Return request date",
        "Return request status",
        "Ship Confirmation Date",
        "Ship Date UTC",
        "date transaction-type order-id product-details",
        "date/time settlement-id type",
        "download of an export",
        "integer string conversion",
        "key_019abc4e5f607a8b9c0d1e2f3a4b5c6d first key",
        "mem_019abc4e5f607a8b9c0d1e2f3a4b5c6d Mei Lin",
        "order-id order-item-id purchase-date quantity-purchased",
        "order-id promise-date quantity-to-ship",
        "order-id requested-quantity disposed-quantity",
        "parent-asin child-asin sessions",
        "reimbursement-id case-id amazon-order-id",
        "removal-date order-id disposition",
        "request-date order-id order-type disposition",
        "request-date order-id removal-order-type",
        "settlement-id amount-type amount-description",
        "sku asin price quantity",
    ]
)
"""Samples, and words of Amazon's English files, which stay as they are in every language."""


def templates() -> dict[str, str]:
    """Return each text with its placeholders numbered, and the place where it is."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for path in sorted((Path(settings.BASE_DIR) / package).rglob("*.py")):
            place = str(path.relative_to(settings.BASE_DIR))
            if not DEVELOPERS.search(f"/{place}"):
                for line, text in _texts(ast.parse(path.read_text()), is_shown=False):
                    found.setdefault(text, f"{place}:{line}")
    return found


def _texts(node: ast.AST, *, is_shown: bool) -> Iterator[tuple[int, str]]:
    if (text := _template(node)) is not None:
        # A text that begins with a line break is a statement or a list of words.
        for line in [] if text.startswith("\n") else text.split("\n"):
            if _is_message(line, is_shown=is_shown):
                yield node.lineno, _number(line)  # type: ignore[attr-defined]
        return
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in NOT_SHOWN or (name in LOG_METHODS and isinstance(node.func, ast.Attribute)):
            return
        is_shown = name in SHOWN
        keywords = [each.value for each in node.keywords if each.arg not in NOT_SHOWN_KEYWORDS]
        children: list[ast.AST] = [node.func, *node.args, *keywords]
    else:
        children = list(ast.iter_child_nodes(node))
    for child in children:
        # A docstring, or a text below a constant that describes it.
        if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield from _texts(child, is_shown=is_shown)


def _template(node: ast.AST) -> str | None:
    """Return a text with its placeholders, or None for another node."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        # In an f-string, two braces stand for the braces of a text that is filled in later.
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)
    return None


def _number(text: str) -> str:
    """Return a text with its placeholders numbered."""
    numbers = iter(range(100))
    return re.sub(r"\{\w*(?::[^}]*)?\}", lambda _: f"{{{next(numbers)}}}", text)


def _is_message(text: str, *, is_shown: bool) -> bool:
    words = re.sub(r"`[^`]*`", "", text).split()
    if SQL.search(text) or NOT_TEXT.search(text) or not any(word[0].isalpha() for word in words):
        return False
    return (is_shown and text[0].isupper()) or len(words) >= (2 if SENTENCE.fullmatch(text) else 3)
