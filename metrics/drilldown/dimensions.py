"""Build the SELECTs of what orders, packages and requests have in common: carriers, items, reasons, days, kinds. Pure.

Each returns order_id, reference, key and label of the rows of a CTE. A row with several carriers has several keys, and
one without any has none.
"""

from collections.abc import Callable

from metrics.rules.catalogue.metric import Metric
from metrics.rules.catalogue.reading import AS_KNOWN
from metrics.rules.catalogue.rows import Packages, Requests, is_one_of
from metrics.rules.facts import DefectKind

SKU, ASIN, CARRIER, REASON, KIND, FULFILMENT_DAY = (
    "sku",
    "asin",
    "carrier",
    "reason",
    "kind",
    "fulfilment_day",
)
DIMENSIONS = (KIND, SKU, ASIN, CARRIER, REASON, FULFILMENT_DAY)
RETURN_REASON = "return_reason"
"""The reasons of returns alone. Unlike the reason of a claim, they do not say that the order is defective."""
FILTERS = (SKU, ASIN, CARRIER, REASON)
"""The dimensions by which the orders behind a number are filtered."""
COMPARED = (SKU, ASIN, CARRIER, FULFILMENT_DAY)
"""The dimensions whose groups are compared with the other orders. Kinds and reasons belong to defects: most orders of
a group are defective because they are in it."""
UPPER_CASE = (ASIN, CARRIER, REASON)
"""The dimensions whose keys are in upper case."""


def keys_sql(by: str, metric: Metric, *, of: str, only: bool = False) -> str:
    """Return the SELECT of the keys of the rows of the CTE `of`, which has reasons if they are grouped by kind.

    `only` selects the key in the parameter of the dimension's name.
    """
    if by == KIND:
        return _kinds(metric, of)
    key = f"upper(%({by})s)" if by in UPPER_CASE else f"%({by})s"
    # Facts have a column `reference` as well.
    rows = f"(SELECT order_id, reference AS place FROM {of}) AS places"
    return f"""SELECT order_id, place AS reference, key, max(label) AS label
    FROM ({BUILDERS[by](metric, rows, key if only else "")}) AS keys GROUP BY order_id, place, key"""


def _facts(
    name: str, column: str, rows: str, key: str, *, where: str = "true", ignores_case: bool = False
) -> str:
    """Return the SELECT of order_id, place, key and label of facts of the rows whose column is filled."""
    expression = f"upper({column})" if ignores_case else column
    only = f" AND {expression} = {key}" if key else f" AND {column} <> ''"
    facts = AS_KNOWN.facts(name, where=where + only, of=rows, columns=f"order_id, place, {column}")
    return f"SELECT order_id, place, {expression} AS key, {column} AS label FROM {facts} AS facts"


def _carriers(metric: Metric, rows: str, key: str) -> str:
    return _facts("shipment", "carrier", rows, key, where=_own_package(metric), ignores_case=True)


def _own_package(metric: Metric) -> str:
    """Return the condition of the packages of a row: a package itself, or all packages of an order."""
    return "package = place" if isinstance(metric.rows, Packages) else "true"


def _days(metric: Metric, rows: str, key: str) -> str:
    where = f"{_own_package(metric)} AND shipped_on IS NOT NULL"
    facts = AS_KNOWN.facts("shipment", where=where, of=rows, columns="order_id, place, shipped_on")
    return f"SELECT order_id, place, shipped_on::text AS key, shipped_on::text AS label FROM {facts} AS facts"


def _reasons(metric: Metric, rows: str, key: str) -> str:
    """Return the reasons of the returns of an order, or of one request, and of the metric's defects that count."""
    stated = [_return_reasons(metric, rows, key)]
    if kinds := metric.own_kinds or getattr(metric.rows, "kinds", ()):
        counted = f"{is_one_of('kind', kinds)} AND counts"
        stated.append(_facts("defect", "reason_code", rows, key, where=counted))
    return " UNION ALL ".join(stated)


def _return_reasons(metric: Metric, rows: str, key: str) -> str:
    own_request = "reference = place" if isinstance(metric.rows, Requests) else "true"
    return _facts("returnitem", "reason_code", rows, key, where=own_request)


def _kinds(metric: Metric, of: str) -> str:
    """Return the SELECT of the kinds of what makes an order defective."""
    # Where a metric counts what is good, a package or message that counts is good, and a listed defect is not.
    counts = "reason ->> 'counts' = 'true'"
    if metric.counts_good:
        is_listed = is_one_of("reason ->> 'kind'", tuple(DefectKind))
        counts = f"({counts}) = ({is_listed})"
    if metric.own_kinds:
        counts += " AND " + is_one_of("reason ->> 'kind'", metric.own_kinds)
    return f"""SELECT DISTINCT order_id, reference, reason ->> 'kind' AS key, reason ->> 'kind' AS label
    FROM {of} CROSS JOIN LATERAL jsonb_array_elements(reasons) AS reason
    WHERE is_defective AND {counts}"""


Builder = Callable[[Metric, str, str], str]
BUILDERS: dict[str, Builder] = {
    SKU: lambda _metric, rows, key: _facts("orderitem", "sku", rows, key),
    ASIN: lambda _metric, rows, key: _facts("orderitem", "asin", rows, key),
    CARRIER: _carriers,
    REASON: _reasons,
    RETURN_REASON: _return_reasons,
    FULFILMENT_DAY: _days,
}
