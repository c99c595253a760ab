"""Test that every regular expression takes time linear in the length of the text that it meets.

A pattern that is not listed here fails the tests. List what input it meets, or why it meets none.
"""

import math
import re
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from ingestion.parsing.tabular import cell_pattern
from ingestion.redaction import records
from tests.pattern_attacks import METHODS, Attack, TooSlow, attacks, cpu_seconds
from tests.pattern_inventory import foreign, places

SIZES = (1_000, 10_000, 100_000)
# CPU seconds that say nothing: the clock of some kernels ticks a hundred times a second.
NOISE = 0.1
# Ten times the text may take twenty times as long, for the caches of a processor.
GROWTH = 20
LIMIT = 1.0
# Of this length, the square of a text takes a hundred times as long as a text that is looked at once.
TRIED_FIRST = 1_500
TRIED_FOR = 0.1
# How many of the worst attacks are measured.
MEASURED = 3

CELL, HEADER, DOCUMENT, NAME = (
    "a cell",
    "a cell of a header",
    "the beginning of a document",
    "the name of an element",
)
MEETS = {
    "accounts.agencies.account_serializers.PartnerIdField.__init__": "a field of a body",
    "accounts.api_keys.secrets.PREFIX": "the header Authorization",
    "accounts.mailboxes.caller_text.DOMAIN_DOT": "names in messages",
    "accounts.mailboxes.caller_text.PHONE_NUMBER": "names in messages",
    "accounts.mailboxes.caller_text.SCHEME": "names in messages",
    "accounts.mailboxes.caller_text.UNPRINTABLE": "names in messages",
    "accounts.requests.conditional_writes.IDEMPOTENCY_KEY": "the header Idempotency-Key",
    "api.compression.PREFERENCE": "the header Accept-Encoding",
    "api.csv.FORMULA": "names and texts in a list as CSV",
    "api.csv.LINE_BREAKS": "names and texts in a list as CSV",
    "api.cursors.STORABLE": "a cursor, decoded",
    "api.cursors.WELL_FORMED": "a cursor",
    "api.etags.IF_MATCH": "the header If-Match",
    "api.filters.InstantFilter.field_class.to_python": "a parameter of a query",
    "api.identifiers.HEXADECIMAL": "an ID in a path, a query or a body",
    "api.origins.ORIGIN": "the header Origin, and a field of a body",
    "api.pagination.WHOLE_NUMBER": "a parameter of a query",
    "api.problems.ACCEPTED_REQUEST_ID": "the header X-Request-ID",
    "api.strict_fields.Day.to_internal_value": "a field of a body or a query",
    "api.strict_fields.Instant.to_internal_value": "a field of a body or a query",
    "api.translation.catalogue.COLUMN": "a reason that quotes a document",
    "api.translation.catalogue.DIGIT": "a reason that quotes a document",
    "api.translation.catalogue.SENTENCE_END": "a reason that quotes a document",
    "config.observability.log_redaction.CAMEL": "the name of a logged value",
    "config.observability.log_redaction.Redactor.__init__": "logged texts, such as paths",
    "config.observability.log_redaction.SECRET_NAME": "the name of a logged value",
    "config.observability.log_redaction.SHAPES": "logged texts, such as paths",
    "config.observability.request_log.TRACEPARENT": "the header traceparent",
    "config.web.cors.AgencyCorsMiddleware.is_enabled": "the path of a request",
    "ingestion.api.defect_serializers.CreateDefect.order_id": "a field of a body",
    "ingestion.api.defect_serializers.CreateDefect.reason_code": "a field of a body",
    "ingestion.api.fact_fields.DayOrTime.__init__": "a field of a body",
    "ingestion.api.fact_fields.Moment.__init__": "a field of a body",
    "ingestion.api.fact_fields.asin": "a field of a body",
    "ingestion.api.fact_fields.order_id": "a field of a body",
    "ingestion.api.fact_serializers.PostedItem.currency": "a field of a body",
    "ingestion.api.fact_serializers.PostedReturn.reason_code": "a field of a body",
    "ingestion.parsing.encodings.DECLARATION": DOCUMENT,
    "ingestion.parsing.encodings.NEVER_DECLARED": "the encoding that XML declares",
    "ingestion.parsing.encodings.PAIR": "a block of a document",
    "ingestion.parsing.rejections.RUN": "a reason that quotes a document",
    "ingestion.parsing.tabular.QUOTED": CELL,
    "ingestion.parsing.tabular.cell_pattern": "a line",
    "ingestion.redaction.cells.LINE_CHARACTERS": CELL,
    "ingestion.redaction.cells.ORDER_CELL": CELL,
    "ingestion.redaction.cells.QUOTED_CELL": CELL,
    "ingestion.redaction.records.matching_patterns": "a block of a document",
    "ingestion.redaction.records.splitting_patterns": "a block of a document",
    "ingestion.redaction.rows.OWN_ORDER": CELL,
    "ingestion.redaction.xml.TAG": "a block of a document",
    "ingestion.redaction.xml.XmlRedactor._line_ends": "the text of an element",
    "ingestion.reports.a_to_z_claims_page._letters": CELL,
    "ingestion.reports.account_health_list._letters": HEADER,
    "ingestion.reports.all_orders.NO_LETTER": CELL,
    "ingestion.reports.cells.ISO_DAY": CELL,
    "ingestion.reports.cells.NAMED_MONTH": CELL,
    "ingestion.reports.cells.WHOLE": CELL,
    "ingestion.reports.defect_row.UNSTORABLE": "a field of a body, and a text of JSON",
    "ingestion.reports.exact_json.STORABLE": "a number of JSON",
    "ingestion.reports.headers.UNSPOKEN": HEADER,
    "ingestion.reports.known_files.ANY_DELIMITER": "a line",
    "ingestion.reports.known_files.TEXTS": DOCUMENT,
    "ingestion.reports.items.ASIN": CELL,
    "ingestion.reports.items.CURRENCY": CELL,
    "ingestion.reports.items.PRICE": CELL,
    "ingestion.reports.items.QUANTITY": CELL,
    "ingestion.reports.listed_days.DAY_FIRST": CELL,
    "ingestion.reports.listed_days.JUDGED_BY": HEADER,
    "ingestion.reports.listed_days.MONTH_FIRST": CELL,
    "ingestion.reports.listed_days.NUMBERS": CELL,
    "ingestion.reports.listing_row.PRICE": CELL,
    "ingestion.reports.mfn_returns.COLUMNS": CELL,
    "ingestion.reports.multi_channel.INTERNAL_STORE": CELL,
    "ingestion.reports.multi_channel.NOT_OWN_ID": CELL,
    "ingestion.reports.multi_channel.ORDER_ID": CELL,
    "ingestion.reports.multi_channel.OWN_ID": CELL,
    "ingestion.reports.orders_with_defects.AMOUNT": CELL,
    "ingestion.reports.orders_with_defects.COUNT": CELL,
    "ingestion.reports.performance_figures.NUMBER": "a number of JSON or XML",
    "ingestion.reports.performance_v1.METRIC_ELEMENT": "an XML document",
    "ingestion.reports.performance_v1.PERCENT": "the text of an element",
    "ingestion.reports.performance_v1.START_PATTERN": DOCUMENT,
    "ingestion.reports.performance_v2.BLOCK_NAME": "a name of JSON",
    "ingestion.reports.performance_v2.START_PATTERN": DOCUMENT,
    "ingestion.reports.personal_columns.HARMLESS": HEADER,
    "ingestion.reports.personal_columns.HUMP": HEADER,
    "ingestion.reports.personal_columns.MOMENT": CELL,
    "ingestion.reports.personal_columns.NUMBERED": HEADER,
    "ingestion.reports.personal_columns._is_personal": HEADER,
    "ingestion.reports.quoting.QUOTABLE": CELL,
    "ingestion.reports.quoting.SPLIT": CELL,
    "ingestion.reports.report_type.ORDER_ID": "a cell or a line",
    "ingestion.reports.return_request.is_return": CELL,
    "ingestion.reports.seller_feedback.DATE_LIKE": CELL,
    "ingestion.reports.seller_feedback.MAIL": HEADER,
    "ingestion.reports.seller_feedback.SLASHED": CELL,
    "ingestion.reports.table_layout.STATED_DELIMITER": "the first line",
    "ingestion.reports.table_layout._Candidate.has_order_id": "a line",
    "metrics.drilldown.listings.COUNT": "a part of a cursor",
    "metrics.rules.return_reasons.CODE": "a cell, and a field of a body",
    "metrics.rules.return_reasons.GROUP": "a stored code of a reason",
    "webhooks.channels.url_policy.NUMBER": "the host of an endpoint",
    "webhooks.delivery.retries.SECONDS": "the header Retry-After of an endpoint",
    "webhooks.endpoints.addresses.PRINTABLE": "the address of an endpoint",
    "webhooks.endpoints.addresses.PUBLIC_ADDRESS": "the address of an endpoint",
}
OPERATOR, SOURCE = "a variable of the operator", "a text of the source code"
MEETS_NONE = {
    "api.compression.COMPRESSIBLE": "a content type of the product",
    "api.openapi.declared._operation": SOURCE,
    "api.openapi.links.ID": SOURCE,
    "api.openapi.links.NAME": SOURCE,
    "api.translation.catalogue.PLACEHOLDER": SOURCE,
    "config.backups.programs.VERSION": "the output of a program of PostgreSQL",
    "config.document_url.BUCKET": OPERATOR,
    "config.document_url.PARAMETERS": OPERATOR,
    "config.document_url.PREFIX": OPERATOR,
    "config.env.LIMIT": OPERATOR,
    "config.env.contact": OPERATOR,
    "config.observability.heartbeats.VALID_NAME": OPERATOR,
    "config.launcher.embedded.log_files.SECRET_NAME": OPERATOR,
    "config.launcher.embedded.log_files._secrets_of": OPERATOR,
    "config.observability.machines.INVALID": "the name of the machine",
    "config.observability.request_log.PARAMETER": SOURCE,
    "ingestion.reports.headers._BY_SPELLING": SOURCE,
    "ingestion.reports.performance_v2_blocks.VIOLATIONS": SOURCE,
    "ingestion.reports.table_layout.COLUMN_NAMES": SOURCE,
}
PASSED_ON = {
    "config.observability.log_redaction.Redactor.__init__": {"sub"},
    "config.observability.log_redaction.SHAPES": {"sub"},
    "ingestion.parsing.tabular.cell_pattern": {"match", "fullmatch"},
    "ingestion.redaction.records.matching_patterns": {"fullmatch"},
    "ingestion.redaction.records.splitting_patterns": {"findall"},
    "ingestion.reports.known_files.TEXTS": {"match"},
    "ingestion.reports.mfn_returns.COLUMNS": {"fullmatch"},
}
"""How patterns are applied that are passed to others."""
BUILT: "dict[str, list[re.Pattern[str]]]" = {
    "config.observability.log_redaction.Redactor.__init__": [
        re.compile("first\\ secret,\\ longer|first\\ secret"),
    ],
    "ingestion.parsing.tabular.cell_pattern": [cell_pattern(delimiter) for delimiter in ",;\t"],
    "ingestion.redaction.records.matching_patterns": [*records.matching_patterns(",", "\n")],
    "ingestion.redaction.records.splitting_patterns": [*records.splitting_patterns(",", "\n")],
}
"""Patterns that are built from arguments."""


def test_every_pattern_is_listed_with_its_input() -> None:
    assert foreign() == []
    assert {*MEETS, *MEETS_NONE} == {*places()}
    assert MEETS.keys().isdisjoint(MEETS_NONE)


def test_pattern_built_from_arguments_is_tried_with_some() -> None:
    assert {name for name, place in places().items() if place.unknown and name in MEETS} == {*BUILT}


@pytest.mark.parametrize("name", MEETS)
def test_pattern_takes_no_more_time_than_its_text_is_long(name: str) -> None:
    place = places()[name]
    methods = sorted(PASSED_ON.get(name, place.methods) & {*METHODS})
    assert methods, "list in PASSED_ON how it is applied"

    for pattern in (*place.patterns, *BUILT.get(name, ())):
        assert faults(pattern, methods) == []


def test_routes_take_no_more_time_than_the_path_is_long() -> None:
    patterns = {route.regex.pattern: route.regex for route in routes(get_resolver())}
    assert len(patterns) > 50

    assert [fault for regex in patterns.values() for fault in faults(regex, ["search"], most_shapes=20)] == []


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"[^\s@<>][^\s@<>]*@[^\s@<>]*", "sub"),
        (r"\s+$", "search"),
        (r"(a+)+b", "match"),
        (r"(a|aa)*b", "fullmatch"),
        (r"<[a-z]+.*>", "findall"),
        (r"x*y", "search"),
    ],
)
def test_pattern_that_takes_longer_is_found(pattern: str, method: str) -> None:
    assert faults(re.compile(pattern), [method]) != []


def routes(resolver: URLResolver) -> Iterator[Any]:
    for entry in resolver.url_patterns:
        yield entry.pattern
        if isinstance(entry, URLResolver):
            yield from routes(entry)
        else:
            assert isinstance(entry, URLPattern)


def faults(pattern: "re.Pattern[Any]", methods: list[str], *, most_shapes: int | None = None) -> list[str]:
    """Return the first attack of which a pattern takes more time than the text is long, if there is one."""
    tried = []
    for attack in attacks(pattern)[:most_shapes]:
        for method in methods:
            try:
                # By the clock on the wall, which only chooses: the worst of them are measured.
                cost = seconds(pattern, method, attack, TRIED_FIRST, limit=TRIED_FOR, clock=time.perf_counter)
            except TooSlow:
                cost = float("inf")
            tried.append((cost, method, attack))
        # None can be worse than these.
        if sum(math.isinf(cost) for cost, _, _ in tried) >= MEASURED:
            break
    for _, method, attack in sorted(tried, key=lambda each: -each[0])[:MEASURED]:
        # Another process may have slowed one measurement down, and not each of three.
        if not any(is_linear(costs := measure(pattern, method, attack)) for _ in range(3)):
            return [f"{pattern.pattern!r}: {method} of {attack(60)!r} takes {costs}"]
    return []


def measure(pattern: "re.Pattern[Any]", method: str, attack: Attack) -> list[float]:
    """Return the CPU seconds of each size, infinite from the first one on that takes too long."""
    costs: list[float] = []
    for size in SIZES:
        try:
            costs.append(seconds(pattern, method, attack, size, limit=LIMIT, clock=time.process_time))
        except TooSlow:
            return [*costs, float("inf")]
    return costs


def is_linear(costs: list[float]) -> bool:
    return math.isfinite(costs[-1]) and all(
        larger <= max(NOISE, GROWTH * cost) for cost, larger in pairwise(costs)
    )


def seconds(
    pattern: "re.Pattern[Any]",
    method: str,
    attack: Attack,
    size: int,
    *,
    limit: float,
    clock: Callable[[], float],
) -> float:
    text = attack(size)
    return cpu_seconds(lambda: METHODS[method](pattern, text), limit=limit, clock=clock)
