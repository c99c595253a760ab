"""Define and validate the request body of posted facts.

The serializers check what the OpenAPI document can state. What remains, such as a delivery before its shipment, is
checked by the parsers of ingestion/reports/posted_facts.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.marketplaces import CODES
from api.problems import MAX_ERRORS
from api.strict_fields import Choice, Contradiction
from ingestion.api import fact_fields
from ingestion.parsing.rejections import InvalidRow
from ingestion.reports import items, posted_facts, shipments_csv
from ingestion.reports.report_type import ParseContext

ROWS_AT_ONCE = 200
MAX_ITEMS = 100
MAX_QUANTITY = 999_999
EXAMPLE: dict[str, Any] = {
    "orders": [
        {
            "order_id": "302-1234567-1234567",
            "marketplace": "DE",
            "channel": "mfn",
            "status": "shipped",
            "ordered_at": "2026-10-20T09:15:00Z",
            "updated_at": "2026-10-21T15:10:00Z",
            "items": [
                {
                    "sku": "CUP-BLUE",
                    "asin": "B07K1FNN7M",
                    "quantity": 2,
                    "status": "shipped",
                    "price": "19.80",
                    "currency": "EUR",
                }
            ],
        }
    ],
    "shipments": [
        {
            "order_id": "302-1234567-1234567",
            "package": "1",
            "tracking_number": "00340434161094042557",
            "carrier": "DHL",
            "carrier_service": "Paket",
            "units": 2,
            "ship_by": "2026-10-21",
            "shipped_at": "2026-10-21T15:10:00+02:00",
            "first_scan_at": "2026-10-21T19:44:00+02:00",
            "deliver_by": "2026-10-24",
            "delivered_at": None,
            "updated_at": "2026-10-22T08:00:00Z",
        }
    ],
    "messages": [
        {
            "message_id": "M-1001",
            "received_at": "2026-10-22T18:20:00+02:00",
            "answered_at": "2026-10-23T09:05:00+02:00",
            "order_id": "302-1234567-1234567",
        }
    ],
    "returns": [
        {
            "order_id": "302-1234567-1234567",
            "requested_at": "2026-10-26",
            "reference": "Dx1Yz2Ab3RRMA",
            "state": "approved",
            "answered_at": "2026-10-27",
            "sku": "CUP-BLUE",
            "quantity": 1,
            "reason_code": "DEFECTIVE",
        }
    ],
}


ITEMS, ORDERS = posted_facts.ITEMS, posted_facts.ORDERS
SHIPMENTS, MESSAGES, RETURNS = posted_facts.SHIPMENTS, posted_facts.MESSAGES, posted_facts.RETURNS
STATUSES = tuple(posted_facts.STATUSES)


class PostedItem(fact_fields.FactBody):
    """An item of an order."""

    sku = fact_fields.text(ITEMS["sku"], items.MAX_SKU_LENGTH)
    asin = fact_fields.asin(ITEMS["asin"])
    quantity = fact_fields.whole_number(ITEMS["quantity"], 0, MAX_QUANTITY)
    status = Choice(choices=STATUSES, **fact_fields.describe(ITEMS["status"]))
    price = fact_fields.Price(**fact_fields.describe(ITEMS["price"]))
    currency = serializers.RegexField(
        f"^{items.CURRENCY.pattern}$",
        error_messages={"invalid": "Enter three capital letters, e.g. EUR."},
        **fact_fields.describe(ITEMS["currency"]),
    )


class PostedOrder(fact_fields.FactBody):
    """The state of one order at `updated_at`."""

    order_id = fact_fields.order_id(ORDERS["order_id"])
    marketplace = Choice(choices=CODES, **fact_fields.describe(ORDERS["marketplace"]))
    channel = Choice(choices=posted_facts.CHANNELS, **fact_fields.describe(ORDERS["channel"]))
    status = Choice(choices=STATUSES, **fact_fields.describe(ORDERS["status"]))
    ordered_at = fact_fields.Moment(**fact_fields.describe(ORDERS["ordered_at"]))
    updated_at = fact_fields.Moment(**fact_fields.describe(ORDERS["updated_at"]))
    items = serializers.ListField(
        child=PostedItem(), max_length=MAX_ITEMS, **fact_fields.describe(ORDERS["items"])
    )


class PostedShipment(fact_fields.FactBody):
    """One package of an order. It replaces what was stated about the package before.

    A field that is left out is unknown. `null` says that it has not happened.
    """

    order_id = fact_fields.order_id(SHIPMENTS["order_id"])
    package = fact_fields.text(SHIPMENTS["package"])
    tracking_number = fact_fields.text(SHIPMENTS["tracking_number"])
    carrier = fact_fields.text(SHIPMENTS["carrier"], shipments_csv.MAX_CARRIER_LENGTH)
    carrier_service = fact_fields.text(SHIPMENTS["carrier_service"], shipments_csv.MAX_CARRIER_LENGTH)
    units = fact_fields.whole_number(SHIPMENTS["units"], 1, shipments_csv.MAX_UNITS)
    ship_by = fact_fields.DayOrTime(**fact_fields.describe(SHIPMENTS["ship_by"]))
    shipped_at = fact_fields.DayOrTime(**fact_fields.describe(SHIPMENTS["shipped_at"]))
    first_scan_at = fact_fields.DayOrTime(**fact_fields.describe(SHIPMENTS["first_scan_at"]))
    deliver_by = fact_fields.DayOrTime(**fact_fields.describe(SHIPMENTS["deliver_by"]))
    delivered_at = fact_fields.DayOrTime(**fact_fields.describe(SHIPMENTS["delivered_at"]))
    business_order = serializers.BooleanField(**fact_fields.describe(SHIPMENTS["business_order"]))
    invoiced_at = fact_fields.DayOrTime(**fact_fields.describe(SHIPMENTS["invoiced_at"]))
    cancelled_by = Choice(choices=shipments_csv.CANCELLERS, **fact_fields.describe(SHIPMENTS["cancelled_by"]))
    updated_at = fact_fields.Moment(**fact_fields.describe(SHIPMENTS["updated_at"]))


class PostedMessage(fact_fields.FactBody):
    """One buyer message. It replaces what was stated about the message before."""

    message_id = fact_fields.text(MESSAGES["message_id"])
    received_at = fact_fields.Moment(**fact_fields.describe(MESSAGES["received_at"]))
    answered_at = fact_fields.Moment(**fact_fields.describe(MESSAGES["answered_at"]))
    no_response_needed = serializers.BooleanField(**fact_fields.describe(MESSAGES["no_response_needed"]))
    order_id = fact_fields.order_id(MESSAGES["order_id"])
    marketplace = Choice(choices=CODES, **fact_fields.describe(MESSAGES["marketplace"]))
    updated_at = fact_fields.Moment(**fact_fields.describe(MESSAGES["updated_at"]))


class PostedReturn(fact_fields.FactBody):
    """One return request. It replaces what was stated about the request before.

    A field that is left out is unknown. `null` says that it has not happened.
    """

    order_id = fact_fields.order_id(RETURNS["order_id"])
    requested_at = fact_fields.DayOrTime(**fact_fields.describe(RETURNS["requested_at"]))
    reference = fact_fields.text(RETURNS["reference"])
    state = fact_fields.text(RETURNS["state"])
    answered_at = fact_fields.DayOrTime(**fact_fields.describe(RETURNS["answered_at"]))
    negative_feedback = serializers.BooleanField(**fact_fields.describe(RETURNS["negative_feedback"]))
    wrongly_rejected = serializers.BooleanField(**fact_fields.describe(RETURNS["wrongly_rejected"]))
    sku = fact_fields.text(RETURNS["sku"], items.MAX_SKU_LENGTH)
    asin = fact_fields.asin(RETURNS["asin"])
    quantity = fact_fields.whole_number(RETURNS["quantity"], 0, MAX_QUANTITY)
    reason_code = serializers.RegexField(
        fact_fields.REASON_CODE,
        max_length=40,
        error_messages={
            "invalid": "Enter a code of at most 40 letters, digits, hyphens and underscores, such as NEVER_ARRIVED."
        },
        **fact_fields.describe(RETURNS["reason_code"]),
    )
    updated_at = fact_fields.Moment(**fact_fields.describe(RETURNS["updated_at"]))


def _list(child: fact_fields.FactBody, what: str) -> serializers.ListField:
    return serializers.ListField(
        child=child, required=False, max_length=settings.FACTS_MAX_ROWS, help_text=what
    )


@extend_schema_serializer(examples=[OpenApiExample("One of each", value=EXAMPLE, request_only=True)])
class CreateFacts(fact_fields.FactBody):
    """Facts to create or update. At least one list has a row.

    All lists together have at most 10,000 rows. An order with several items counts as one row for each of them.
    """

    orders = _list(PostedOrder(), "Orders. Of several rows of an order, the newest `updated_at` wins.")
    shipments = _list(PostedShipment(), "Packages of seller-fulfilled orders, and who cancelled an order.")
    messages = _list(PostedMessage(), "Buyer messages. Send no texts of messages.")
    returns = _list(PostedReturn(), "Return requests.")


class FactBodyExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Add to the schemas that no other field is accepted, and that one of the lists has a row."""

    target_class = "ingestion.api.fact_fields.FactBody"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        # `bypass_extensions`: or drf-spectacular would call this method again, without end.
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001
        schema["additionalProperties"] = False
        if isinstance(self.target, CreateFacts):
            kinds = [
                {"properties": {kind: {"minItems": 1}}, "required": [kind]} for kind in posted_facts.KINDS
            ]
            schema["allOf"] = [{"anyOf": kinds}]
        return schema


def check_facts(body: Any, *, max_rows: int, parse_context: ParseContext) -> None:
    """Raise ValidationError unless every row is valid.

    Raises Contradiction if every row has the documented form: then the errors are about the order of its days, or
    about days in the future (ADR 12).
    """
    lists = {name: rows for name, rows in _lists(body) if isinstance(rows, list)}
    _check_length(lists, max_rows)
    # The body without its rows, which are checked in parts.
    shape = {**body, **{name: [] for name in lists}} if isinstance(body, dict) else body
    CreateFacts(data=shape).is_valid(raise_exception=True)
    if not any(lists.values()):
        expected = ", ".join(f"`{kind}`" for kind in posted_facts.KINDS)
        raise serializers.ValidationError(f"Send at least one row in one of {expected}.")
    _check_fields(lists)
    errors: dict[str, dict[str, Any]] = {}
    for kind, rows in lists.items():
        for index, row in enumerate(rows):
            if error := _error(kind, row, parse_context):
                errors.setdefault(kind, {})[str(index)] = error
    if errors:
        raise Contradiction(errors)


def _lists(body: Any) -> Iterator[tuple[str, Any]]:
    return ((kind, body[kind]) for kind in posted_facts.KINDS if isinstance(body, dict) and kind in body)


def _check_length(lists: Mapping[str, list[Any]], max_rows: int) -> None:
    """Raise ValidationError if a list has too many rows. Call it before they are validated.

    Raises Contradiction if all lists have too many rows and items together, which the OpenAPI document cannot state.
    """
    message = (
        f"Send at most {max_rows} rows in one request. An order counts as one row for each of its items."
    )
    for kind, rows in lists.items():
        if len(rows) > max_rows:
            raise serializers.ValidationError({kind: message})
    if sum(_weight(row) for rows in lists.values() for row in rows) > max_rows:
        raise Contradiction(message)


def _weight(row: Any) -> int:
    """Return how many rows a row counts as."""
    entries = row.get("items") if isinstance(row, dict) else None
    return max(1, len(entries)) if isinstance(entries, list) else 1


def _check_fields(lists: Mapping[str, list[Any]]) -> None:
    """Raise ValidationError for rows whose fields are invalid. If there are many, not all of them are looked at."""
    errors: dict[str, dict[str, Any]] = {}
    found = 0
    for kind, start, part in _parts(lists):
        checked = CreateFacts(data={kind: part})
        if not checked.is_valid():
            wrong = {str(start + int(index)): error for index, error in checked.errors[kind].items()}
            errors.setdefault(kind, {}).update(wrong)
            found += len(wrong)
        if found > MAX_ERRORS:
            break
    if errors:
        raise serializers.ValidationError(errors)


def _parts(lists: Mapping[str, list[Any]]) -> Iterator[tuple[str, int, list[Any]]]:
    """Yield the rows in parts of ROWS_AT_ONCE or a little more, each with its list and the index of its first."""
    # An empty object takes as long to validate as a whole row, and ten thousand of them take seconds.
    for kind, rows in lists.items():
        start = weight = 0
        for index, row in enumerate(rows, start=1):
            weight += _weight(row)
            if weight >= ROWS_AT_ONCE or index == len(rows):
                yield kind, start, rows[start:index]
                start, weight = index, 0


def _error(kind: str, row: Mapping[str, Any], parse_context: ParseContext) -> dict[str, str]:
    """Return the error of the row by field, or an empty dict."""
    try:
        posted_facts.build_facts(kind, row, parse_context)
    except InvalidRow as error:
        return {error.field or "non_field_errors": error.reason}
    return {}
